/** Puts together what a bus says of itself. */
import type { StoreClient } from '../store/store-client.ts';
import type { Counted } from './tally.ts';
import type { SubscriberStats } from './bus-stats.ts';

const MINUTE_MS = 60_000;

/** Counts of a subscription of which only the place is there. */
export async function awayStats(
  { name, pattern, pos }: { readonly name: string; readonly pattern: string; readonly pos: number },
  { handled, failed, redelivered, missed }: Counted,
  eventsAfter: EventsAfter,
): Promise<SubscriberStats> {
  const behind = await eventsAfter(pos);
  return { name, pattern, members: 0, behind, handled, failed, redelivered, missed, isStalled: false };
}

/** Events of the log after a position. Positions have gaps, so that they are counted; those of one question once each. */
export type EventsAfter = (pos: number) => Promise<number>;

/** Counts for one question. */
export function createEventsAfter(store: StoreClient): EventsAfter {
  const known = new Map<number, Promise<number>>();
  return (pos) => {
    const count = known.get(pos) ?? store.call('countBus', { afterPos: pos });
    known.set(pos, count);
    return count;
  };
}

/** Events that came in the last minute, per second. @param now milliseconds since the epoch */
export async function ratePerSecond(store: StoreClient, now: number): Promise<number> {
  return (await store.call('countBus', { sinceAt: now - MINUTE_MS })) / (MINUTE_MS / 1000);
}
