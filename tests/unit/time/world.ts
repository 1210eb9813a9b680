/** A system on a store that outlives it: it can crash, as a whole or in parts, and rise again with another clock. */
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { testSystem } from '../../../src/testing.ts';
import type { TestSystem, TestSystemOptions } from '../../../src/testing.ts';
import { probe } from '../../support/actors-timers.ts';

/** Where the clock of every world starts. */
export const START = 1_700_000_000_000;

export const SECOND_MS = 1000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const YEAR_MS = 365 * DAY_MS;

/** A system, its store, and the verbs of tests about time. */
export interface World extends AsyncDisposable {
  readonly now: TestSystem;
  readonly store: Store;
  /** The process dies: nothing more of it is written. Another one opens the store, `laterMs` later by the wall clock. */
  crash(laterMs?: number, changes?: Partial<TestSystemOptions>): Promise<TestSystem>;
  /** The system stops as it should, and another one opens the store. */
  restart(laterMs?: number, changes?: Partial<TestSystemOptions>): Promise<TestSystem>;
}

export async function createWorld(options: TestSystemOptions): Promise<World> {
  const store = keepOpen(createMemoryStore());
  let now: TestSystem;
  let seed = options.seed ?? 1;
  const rise = async (startAt: number, changes: Partial<TestSystemOptions> = {}): Promise<TestSystem> => {
    // A seed of its own for each: boots of the same id would take the messages of one another for repeats.
    seed = Math.imul(seed, 0x9e3779b1) >>> 0;
    const openStore = async (): Promise<Store> => store;
    // What is due takes its turn as the system starts.
    probe.now = () => startAt;
    now = await testSystem({ recoverEveryMs: SECOND_MS, ...options, ...changes, seed, startAt, openStore });
    probe.now = () => now.env.now();
    return now;
  };
  await rise(options.startAt ?? START);
  return {
    get now() {
      return now;
    },
    store,
    crash: async (laterMs = 0, changes) => {
      const { env, system } = now;
      const ended = system.threads.terminate();
      await env.settle();
      await ended;
      return rise(env.now() + laterMs, changes);
    },
    restart: async (laterMs = 0, changes) => {
      await now.stop();
      return rise(now.env.now() + laterMs, changes);
    },
    [Symbol.asyncDispose]: () => now.stop(),
  };
}

/** A system that stops closes its store; this one stays open for the next. */
function keepOpen(store: Store): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name === 'close') return async () => {};
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
