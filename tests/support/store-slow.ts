/** A store in memory whose commits take as long as the test says, in simulated time. It stays when a system stops. */
import type { Env } from '../../src/env.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';

/** The hand on a slow store. */
export interface SlowStore {
  /** How long each commit takes from now on, in milliseconds. */
  commitMs: number;
  readonly openStore: () => Promise<Store>;
  /** Whose time it takes; before that nothing takes any. */
  env: Env | undefined;
}

/** Makes one, for `openStore`. */
export function createSlowStore(): SlowStore {
  const store = createMemoryStore({ maxFanOut: 1000 });
  const slow: SlowStore = { commitMs: 0, env: undefined, openStore: async () => slowed };
  const commit: Store['commit'] = async (batch) => {
    const { env, commitMs } = slow;
    if (env && commitMs > 0) await new Promise<void>((resolve) => env.setTimeout(resolve, commitMs));
    return store.commit(batch);
  };
  const own: Partial<Store> = { commit, close: async () => {} };
  const slowed = new Proxy(store, {
    get: (target, key) => {
      const found: unknown = own[key as keyof Store] ?? target[key as keyof Store];
      return typeof found === 'function' ? (found as (...args: unknown[]) => unknown).bind(target) : found;
    },
  });
  return slow;
}
