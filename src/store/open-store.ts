/** From a URL to a store. Adapters are loaded when they are asked for: only the SQLite store needs the native addon. */
import { TroupeError } from '../errors.ts';
import type { StoreOptions } from './protocol.ts';
import type { Store } from './store.ts';

/** What a store's URL may be. */
export const STORE_URLS = "'sqlite:FILE', 'file:FOLDER' or 'memory:'";

/** A store as its URL names it. */
export type StoreLocation = { readonly kind: 'memory' } | { readonly kind: 'sqlite' | 'file'; readonly path: string };

/**
 * Opens the store its URL names.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when no adapter serves the URL; otherwise what the adapter throws.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { url, synchronous, maxFanOut } = options;
  const location = parseStoreUrl(url);
  const limits = { ...(maxFanOut !== undefined && { maxFanOut }) };
  if (location.kind === 'memory') {
    const { createMemoryStore } = await import('./memory/memory-store.ts');
    return createMemoryStore(limits);
  }
  if (location.kind === 'file') {
    const { openFileStore } = await import('./file/file-store.ts');
    return openFileStore({ folder: location.path, synchronous, ...limits });
  }
  const { openSqliteStore } = await import('./sqlite/sqlite-store.ts');
  return openSqliteStore({ file: location.path, synchronous, ...limits });
}

/**
 * Reads a store's URL.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when no adapter serves it, with what it may have been meant to be.
 */
export function parseStoreUrl(url: string): StoreLocation {
  if (url === 'memory:') return { kind: 'memory' };
  const [, kind, path] = /^(sqlite|file):(?!\/\/)(.+)$/s.exec(url) ?? [];
  if (path !== undefined) return { kind: kind === 'file' ? 'file' : 'sqlite', path };
  const guess = guessUrl(url);
  const hint = guess === undefined ? '.' : `; did you mean '${guess}'?`;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option 'store' is '${url}', which no store serves. Use ${STORE_URLS}${hint}`,
    { details: { option: 'store', value: url } },
  );
}

/** What was meant. A text without a scheme is a file, or a folder when it ends like one; one letter before a colon is a drive of Windows. */
function guessUrl(text: string): string | undefined {
  if (/^mem(ory)?\b/i.test(text)) return 'memory:';
  const [, scheme = '', path = ''] = /^([a-z][a-z\d+.-]+):(?:\/\/)?(.*)$/is.exec(text) ?? [];
  if (scheme !== '') {
    const kind = kindOf(scheme.toLowerCase());
    return kind === undefined || path === '' ? undefined : `${kind}:${path}`;
  }
  if (text === '' || text === 'sqlite' || text === 'file') return undefined;
  return /[\\/]$/.test(text) ? `file:${text}` : `sqlite:${text}`;
}

function kindOf(scheme: string): 'sqlite' | 'file' | undefined {
  if (/^(sqlite\d?|sql|db)$/.test(scheme)) return 'sqlite';
  return /^(files?|fs|folder|dir)$/.test(scheme) ? 'file' : undefined;
}
