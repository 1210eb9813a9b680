/**
 * The store of a simulated story: a store in memory that outlives every process, with an eye on what is applied, a gap between
 * a transaction and its answer, and failures on order.
 */
import { TroupeError } from '../../src/index.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Commit, CommitResult, Store } from '../../src/store/store.ts';
import type { ChaosRandom } from './chaos-random.ts';
import { theWorld } from './sim-world.ts';

/** How a batch fails: before anything of it is written, or after all of it is. */
export type StoreFailure = 'unwritten' | 'unanswered';

/** Share of transactions whose answer takes a while. */
const SLOW_ANSWERS = 0.25;

export interface SimStore {
  readonly store: Store;
  /** Lets the actors whose commits come next lose them, so many: another owner was faster. */
  fenceNext(count: number): void;
  /** Lets the next batches fail, in this order. */
  failNext(failures: readonly StoreFailure[]): void;
  readonly willFail: boolean;
  /** Nothing fails any more. */
  mend(): void;
}

/** Makes an empty store; `applied` sees every commit that changes something, in their order. */
export function createSimStore(random: ChaosRandom, applied: (commit: Commit) => void): SimStore {
  const store = createMemoryStore();
  const apply = store.commit.bind(store);
  const failures: StoreFailure[] = [];
  let fences = 0;
  const commit = async (batch: readonly Commit[]): Promise<readonly CommitResult[]> => {
    const failure = failures.shift();
    if (failure === 'unwritten') throw unavailable(false);
    for (const { address } of batch.slice(0, fences)) await store.fence(address);
    fences = Math.max(0, fences - batch.length);
    const results = await apply(batch);
    results.forEach(({ outcome }, i) => outcome === 'done' && applied(batch[i] as Commit));
    if (failure === 'unanswered') throw unavailable(true);
    if (random.chance(SLOW_ANSWERS)) await new Promise<void>((resolve) => theWorld().env.defer(resolve));
    return results;
  };
  return {
    // A process that ends closes its handle; the store stays.
    store: Object.assign(store, { commit, close: async () => {} }),
    fenceNext: (count) => void (fences += count),
    failNext: (wanted) => void failures.push(...wanted),
    mend: () => void failures.splice(0),
    get willFail() {
      return failures.length > 0;
    },
  };
}

function unavailable(isOutcomeUnknown: boolean): TroupeError {
  return new TroupeError('ERR_STORE_UNAVAILABLE', 'The store cannot save, on purpose.', {
    details: { isOutcomeUnknown },
  });
}
