/** Puts together what a bus says of itself. */
import type { StoreClient } from '../store/store-client.ts';
import type { Counted } from './tally.ts';
import type { SubscriberStats } from './bus-stats.ts';

const MINUTE_MS = 60_000;

/** Counts of a subscription of which only the place is there. */
export function awayStats(
  { name, pattern, pos }: { readonly name: string; readonly pattern: string; readonly pos: number },
  { handled, failed, redelivered, missed }: Counted,
  lastPos: number,
): SubscriberStats {
  const behind = Math.max(0, lastPos - pos);
  return { name, pattern, members: 0, behind, handled, failed, redelivered, missed, isStalled: false };
}

/**
 * Events of the last minute, per second, found in the log by halving: about twenty reads of one row, and nothing kept meanwhile.
 * @param now milliseconds since the epoch
 */
export async function ratePerSecond(store: StoreClient, now: number, lastPos: number): Promise<number> {
  const since = now - MINUTE_MS;
  let [before, first] = [0, lastPos + 1];
  // All up to `before` are older; from `first` on none is.
  while (first - before > 1) {
    const middle = Math.floor((before + first) / 2);
    const page = await store.call('scanBus', { afterPos: middle - 1, limit: 1 });
    const [event] = page.events;
    if (event && event.at < since) before = event.pos;
    else first = middle;
  }
  return (lastPos + 1 - first) / (MINUTE_MS / 1000);
}
