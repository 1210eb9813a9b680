/** What main does now and then, each at its own pace: the sign of life, and sweeps of what is past its time. */
import type { StoreClient } from '../store/store-client.ts';
import type { ResolvedOptions } from './options.ts';
import type { Chore } from './recovery.ts';

const MINUTE_MS = 60_000;

/** The chores of a system. */
export function createChores(
  store: StoreClient,
  options: ResolvedOptions,
  sweepSessions: () => Promise<unknown>,
): readonly Chore[] {
  const { idRetentionMs, recoverEveryMs, topicRetentionMs, sessionSweepEveryMs } = options;
  return [
    { everyMs: recoverEveryMs, run: (now) => store.call('markAlive', now) },
    { everyMs: MINUTE_MS, run: (now) => store.call('sweepIdempotency', now - idRetentionMs) },
    { everyMs: 60 * MINUTE_MS, run: (now) => store.call('sweepBus', now - topicRetentionMs) },
    { everyMs: sessionSweepEveryMs, run: sweepSessions },
  ];
}
