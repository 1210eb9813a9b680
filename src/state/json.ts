/**
 * Plain JSON: the only data that survives a save. What is checked here comes back from the store as it went in.
 *
 * The checks run on every event and every turn, so the fast pass answers yes or no and keeps no path; only when it says
 * no does `json-fault.ts` look again for the value to name. Freezing takes the previous value as its guide: what is the
 * same object in the same place was checked before. (A WeakSet of all checked objects costs 0.3 to 0.8 us for each new
 * object; looking at a small object again costs a tenth of that.)
 */
import { createNotJsonError } from './json-fault.ts';
import {
  isChildRef,
  isJsonLeaf,
  isPlainArray,
  isPlainObject,
  isReservedKey,
  MAX_JSON_DEPTH,
  toQuickArray,
  type RefScope,
} from './json-shape.ts';

/** A value that JSON keeps as it is. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What guides `freezeJson`. */
export interface FreezeOptions {
  /** The value that stood here before, already frozen: parts that are the same objects are skipped. */
  readonly previous?: unknown;
  /** Allows references to the children of one actor; they are neither frozen nor entered. */
  readonly refs?: RefScope;
}

/**
 * Checks that a value is plain JSON. `owner` begins the message, `rootPath` the path in it.
 * @throws {TroupeError} ERR_NOT_JSON that names the first value JSON would lose.
 */
export function checkJson(value: unknown, owner: string, rootPath: string): asserts value is Json {
  if (!isJson(value, 1)) throw createNotJsonError(value, owner, rootPath);
}

/**
 * Checks a value and writes it as JSON text.
 * @throws {TroupeError} ERR_NOT_JSON that names the first value JSON would lose.
 */
export function encodeJson(value: unknown, owner: string, rootPath: string): string {
  checkJson(value, owner, rootPath);
  return JSON.stringify(value);
}

/**
 * Checks a value and freezes it to its last leaf, in one pass.
 * @throws {TroupeError} ERR_NOT_JSON that names the first value JSON would lose.
 */
export function freezeJson(value: unknown, owner: string, rootPath: string, options: FreezeOptions = {}): Json {
  const { previous, refs } = options;
  if (!freezeValue(value, previous, 1, refs)) throw createNotJsonError(value, owner, rootPath, refs);
  return value as Json;
}

function isJson(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return isJsonLeaf(value);
  if (depth > MAX_JSON_DEPTH) return false;
  if (Array.isArray(value)) return isJsonArray(value, depth);
  if (!isPlainObject(value) || Object.getOwnPropertySymbols(value).length > 0) return false;
  for (const key of Object.keys(value)) {
    if (isReservedKey(key) || !isJson(value[key], depth + 1)) return false;
  }
  return true;
}

function isJsonArray(array: readonly unknown[], depth: number): boolean {
  if (!isPlainArray(array)) return false;
  for (let i = 0; i < array.length; i++) if (!isJson(array[i], depth + 1)) return false;
  return true;
}

/** False when anything in the value is not JSON; parts of it may be frozen by then, which harms nobody. */
function freezeValue(value: unknown, previous: unknown, depth: number, refs: RefScope | undefined): boolean {
  if (typeof value !== 'object' || value === null) return isJsonLeaf(value);
  if (value === previous) return true;
  if (depth > MAX_JSON_DEPTH) return false;
  if (Array.isArray(value)) return freezeArray(value, previous, depth, refs);
  if (isPlainObject(value)) return freezeObject(value, previous, depth, refs);
  return meetRef(value, refs);
}

function freezeObject(
  value: Record<string, unknown>,
  previous: unknown,
  depth: number,
  refs: RefScope | undefined,
): boolean {
  if (Object.getOwnPropertySymbols(value).length > 0) return false;
  const before = (typeof previous === 'object' ? previous : undefined) as Record<string, unknown> | undefined | null;
  for (const key of Object.keys(value)) {
    if (isReservedKey(key) || !freezeValue(value[key], before?.[key], depth + 1, refs)) return false;
  }
  Object.freeze(value);
  return true;
}

/** Searches for the place an item moved from: enough for a window that slides, or for an item that was taken out. */
const MAX_SEARCHES = 8;

function freezeArray(array: unknown[], previous: unknown, depth: number, refs: RefScope | undefined): boolean {
  if (!isPlainArray(array)) return false;
  const before: readonly unknown[] = Array.isArray(previous) ? toQuickArray(previous) : [];
  const items: readonly unknown[] = toQuickArray(array);
  let shift = 0;
  let searches = 0;
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (item === before[i + shift] && item !== undefined) continue;
    if (typeof item === 'object' && searches < MAX_SEARCHES) {
      searches += 1;
      const found = before.indexOf(item);
      if (found >= 0) shift = found - i;
    }
    if (!freezeValue(item, before[i + shift], depth + 1, refs)) return false;
  }
  Object.freeze(array);
  return true;
}

function meetRef(value: object, refs: RefScope | undefined): boolean {
  if (refs === undefined || !isChildRef(value, refs)) return false;
  refs.hasRefs = true;
  return true;
}
