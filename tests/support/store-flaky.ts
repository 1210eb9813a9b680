/** A store that fails when told to, around another one. */
import { TroupeError } from '../../src/errors.ts';
import type { Commit, CommitResult, Store } from '../../src/store/store.ts';

/** What the next batches meet. */
export interface FlakyStore extends Store {
  /** Each entry fails one batch: not saved, saved but unknown, or unknown and not saved. */
  readonly failures: ('not-saved' | 'unknown-saved' | 'unknown-not-saved')[];
  /** Batches as they were handed over, failed ones included. */
  readonly batches: (readonly Commit[])[];
  idleCalls: number;
}

/** Wraps a store. */
export function createFlakyStore(store: Store): FlakyStore {
  const flaky: FlakyStore = Object.assign(Object.create(store) as Store, {
    failures: [],
    batches: [],
    idleCalls: 0,
    commit: async (batch: readonly Commit[]): Promise<readonly CommitResult[]> => {
      flaky.batches.push(batch);
      const failure = flaky.failures.shift();
      if (failure === undefined) return store.commit(batch);
      if (failure === 'unknown-saved') await store.commit(batch);
      throw new TroupeError('ERR_STORE_UNAVAILABLE', "Store 'flaky' could not save", {
        details: { isOutcomeUnknown: failure !== 'not-saved' },
      });
    },
    idle: async () => {
      flaky.idleCalls++;
    },
  });
  // Private members do not go through a prototype: every other method is bound to the store it belongs to.
  for (const name of METHODS) Object.assign(flaky, { [name]: (store[name] as () => unknown).bind(store) });
  return flaky;
}

const METHODS = [
  'load',
  'inbox',
  'fence',
  'idempotency',
  'sweepIdempotency',
  'log',
  'list',
  'recoverable',
  'outbox',
  'settleOutbox',
  'dropReplies',
  'deadLetters',
  'deleteDeadLetter',
  'due',
  'scheduled',
  'busEvents',
  'lastBusPos',
  'scanBus',
  'sweepBus',
  'busCounts',
  'countBus',
  'cursor',
  'cursors',
  'setCursor',
  'deleteCursor',
  'rise',
  'markAlive',
  'kvGet',
  'kvSet',
  'kvDelete',
  'stats',
  'close',
] as const satisfies readonly (keyof Store)[];
