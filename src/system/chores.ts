/** What main does now and then, each at its own pace: the sign of life, and sweeps of what is past its time. */
import { sweepAll } from '../store/bus-log.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { BusSweep } from '../store/topics.ts';
import type { Definitions } from '../actor/definitions.ts';
import type { Logger } from '../observe/logger.ts';
import type { SystemParts } from './core.ts';
import { packingChores } from './packing.ts';
import type { Chore } from './recovery.ts';

const MINUTE_MS = 60_000;

/** The chores of a system. */
export function createChores(
  store: StoreClient,
  { options, definitions, pool, log }: Pick<SystemParts, 'options' | 'definitions' | 'pool' | 'log'>,
  sweepSessions: () => Promise<unknown>,
): readonly Chore[] {
  const { idRetentionMs, recoverEveryMs, topicRetentionMs, sessionSweepEveryMs } = options;
  return [
    { everyMs: recoverEveryMs, run: (now) => store.call('markAlive', now) },
    { everyMs: MINUTE_MS, run: (now) => store.call('sweepIdempotency', now - idRetentionMs) },
    { everyMs: MINUTE_MS, run: (now) => store.call('sweepKv', now) },
    { everyMs: 60 * MINUTE_MS, run: (now) => sweepTopics(store, { before: now - topicRetentionMs }, log) },
    { everyMs: sessionSweepEveryMs, run: sweepSessions },
    ...packingChores(store, pool),
    ...historyChores(store, definitions),
  ];
}

/** Says who lost events by it: a named subscription that stays away longer than events are kept has not had them all. */
async function sweepTopics(store: StoreClient, sweep: BusSweep, log: Logger): Promise<void> {
  const { missed } = await sweepAll((piece) => store.call('sweepBus', piece), sweep);
  for (const { name, count } of missed)
    log.warn('events were past their time before a named subscription came to them', {
      subscription: name,
      events: count,
    });
}

const HOUR_MS = 3_600_000;

/** Events go by themselves while their actor is at work; those of one at rest, and what has ended, are swept. */
function historyChores(store: StoreClient, definitions: Definitions): readonly Chore[] {
  return definitions.all.flatMap(({ type, policy: { history } }) => {
    if (!history || history.keepMs === Infinity) return [];
    const everyMs = Math.min(HOUR_MS, Math.max(MINUTE_MS, history.keepMs));
    return [{ everyMs, run: (now: number) => store.call('sweepHistory', type, now - history.keepMs) }];
  });
}
