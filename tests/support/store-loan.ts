/** A store in memory that outlives the systems it is lent to, as a file would. */
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';

export class MemoryStoreOnLoan {
  readonly #store = createMemoryStore();

  /** The store, with an end that leaves it as it is. */
  lend(): Store {
    const close = async (): Promise<void> => undefined;
    return new Proxy(this.#store, {
      get: (target, key) => {
        if (key === 'close') return close;
        const found: unknown = target[key as keyof Store];
        return typeof found === 'function' ? (found as (...args: unknown[]) => unknown).bind(target) : found;
      },
    });
  }
}
