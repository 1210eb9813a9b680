/** From a URL to a store. Adapters are loaded when they are asked for: a memory store needs no native addon. */
import { TroupeError } from '../errors.ts';
import type { StoreOptions } from './protocol.ts';
import type { Store } from './store.ts';

/**
 * Opens the store its URL names.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when no adapter serves the URL; otherwise what the adapter throws.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { url, synchronous, maxFanOut } = options;
  const limits = { ...(maxFanOut !== undefined && { maxFanOut }) };
  if (url === 'memory:') {
    const { createMemoryStore } = await import('./memory/memory-store.ts');
    return createMemoryStore(limits);
  }
  if (url.startsWith('sqlite:') && url.length > 'sqlite:'.length) {
    const { openSqliteStore } = await import('./sqlite/sqlite-store.ts');
    return openSqliteStore({ file: url.slice('sqlite:'.length), synchronous, ...limits });
  }
  const guess = guessUrl(url);
  const hint = guess === undefined ? '.' : `; did you mean '${guess}'?`;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option 'store' is '${url}', which no store serves. Use 'memory:' or 'sqlite:FILE'${hint}`,
    { details: { option: 'store', value: url } },
  );
}

/** What a text without a scheme was meant to be. One letter before a colon is a drive of Windows. */
function guessUrl(text: string): string | undefined {
  if (text === 'memory') return 'memory:';
  return text === '' || text === 'sqlite' || /^[a-z][a-z\d+.-]+:/i.test(text) ? undefined : `sqlite:${text}`;
}
