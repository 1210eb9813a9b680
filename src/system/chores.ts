/** What main does now and then, each at its own pace: the sign of life, and sweeps of what is past its time. */
import type { StoreClient } from '../store/store-client.ts';
import type { Definitions } from '../actor/definitions.ts';
import type { SystemParts } from './core.ts';
import { packingChores } from './packing.ts';
import type { Chore } from './recovery.ts';

const MINUTE_MS = 60_000;

/** How late the bus begins to watch how long events take that are handled in threads. */
const LATENCIES_MS = 10_000;

/** Sweeps and looks that are others' affair. */
export interface Sweeps {
  readonly latencies: () => void;
  readonly sessions: () => Promise<unknown>;
  /** @param before milliseconds since the epoch */
  readonly topics: (before: number) => Promise<unknown>;
}

/** The chores of a system. */
export function createChores(
  store: StoreClient,
  { options, definitions, pool }: Pick<SystemParts, 'options' | 'definitions' | 'pool'>,
  sweeps: Sweeps,
): readonly Chore[] {
  const { idRetentionMs, recoverEveryMs, topicRetentionMs, sessionSweepEveryMs } = options;
  return [
    { everyMs: recoverEveryMs, run: (now) => store.call('markAlive', now) },
    { everyMs: LATENCIES_MS, run: async () => sweeps.latencies() },
    { everyMs: MINUTE_MS, run: (now) => store.call('sweepIdempotency', now - idRetentionMs) },
    { everyMs: MINUTE_MS, run: (now) => store.call('sweepKv', now) },
    { everyMs: 60 * MINUTE_MS, run: (now) => sweeps.topics(now - topicRetentionMs) },
    { everyMs: sessionSweepEveryMs, run: sweeps.sessions },
    ...packingChores(store, pool),
    ...historyChores(store, definitions),
  ];
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
