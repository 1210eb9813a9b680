/** From a URL to a store. Adapters are loaded when they are asked for: a memory store needs no native addon. */
import type { Env } from '../env.ts';
import { TroupeError } from '../errors.ts';
import type { StoreOptions } from './protocol.ts';
import type { Store } from './store.ts';

/**
 * Opens the store its URL names.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when no adapter serves the URL; otherwise what the adapter throws.
 */
export async function openStore(options: StoreOptions, _env: Env): Promise<Store> {
  const { url, synchronous } = options;
  if (url === 'memory:') {
    const { createMemoryStore } = await import('./memory/memory-store.ts');
    return createMemoryStore();
  }
  if (url.startsWith('sqlite:') && url.length > 'sqlite:'.length) {
    const { openSqliteStore } = await import('./sqlite/sqlite-store.ts');
    return openSqliteStore({ file: url.slice('sqlite:'.length), synchronous });
  }
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option 'store.url' is '${url}', which no store serves. Use 'memory:' or 'sqlite:FILE'.`,
    {
      details: { option: 'store.url', value: url },
    },
  );
}
