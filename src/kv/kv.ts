/** Keys and values of users beside their actors: small things that several may read and that may expire. */
import { describeValue } from '../describe.ts';
import type { Env } from '../env.ts';
import { TroupeError } from '../errors.ts';
import { encodeJson } from '../state/json.ts';
import type { Json } from '../state/json.ts';
import { LIMITS } from '../store/queries.ts';
import type { StoreClient } from '../store/store-client.ts';

/** How to set a key. */
export interface SetOptions {
  /** Time after which it is gone, in milliseconds. 1 to 315,360,000,000 (ten years). @default never */
  readonly ttlMs?: number;
}

/** Which keys to list. */
export interface KeysQuery {
  /** What they begin with. @default every key */
  readonly prefix?: string;
  /** The last key of the page before. */
  readonly after?: string;
  /** 1 to 10,000. @default 1000 */
  readonly limit?: number;
}

/** What keys of users begin with in the store, so that those of the runtime are never among them. */
const USER_PREFIX = 'user/';
const MAX_KEY_CHARS = 512;
const MAX_VALUE_CHARS = 1_000_000;
const MAX_TTL_MS = 315_360_000_000;

/** Control characters, halves of characters, and what is no character. */
const UNUSABLE = /[\p{Cc}\p{Cs}\p{Cn}]/u;

/** Keys and values. Each call is one of the store: what has resolved is durable, and of two writes to a key the later one counts. */
export class Kv {
  readonly #store: StoreClient;
  readonly #env: Env;

  constructor(store: StoreClient, env: Env) {
    this.#store = store;
    this.#env = env;
  }

  /** The value of a key; undefined when there is none, or it has expired. @throws {TroupeError} ERR_OPTIONS_INVALID */
  async get(key: string): Promise<Json | undefined> {
    const text = await this.#store.call('kvGet', toStored('get', key), this.#env.now());
    return text === undefined ? undefined : (JSON.parse(text) as Json);
  }

  /**
   * Sets a key to a JSON value; one that exists takes the new value and the new time to live.
   * @param key 1 to 512 characters
   * @param value at most 1,000,000 characters as JSON
   * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_NOT_JSON, ERR_STORE_UNAVAILABLE.
   */
  async set(key: string, value: Json, options: SetOptions = {}): Promise<void> {
    const stored = toStored('set', key);
    const ttlMs = checkSet(options);
    const text = encodeJson(value, `The value of key '${key}'`, '');
    if (text.length > MAX_VALUE_CHARS) throw tooLarge(key, text.length);
    const expiresAt = ttlMs === undefined ? undefined : this.#env.now() + ttlMs;
    await this.#store.call('kvSet', stored, text, expiresAt);
  }

  /** @throws {TroupeError} ERR_OPTIONS_INVALID */
  async has(key: string): Promise<boolean> {
    return (await this.#store.call('kvGet', toStored('has', key), this.#env.now())) !== undefined;
  }

  /** Removes a key. False when there was none. @throws {TroupeError} ERR_OPTIONS_INVALID */
  async delete(key: string): Promise<boolean> {
    return this.#store.call('kvDelete', toStored('delete', key), this.#env.now());
  }

  /** Removes every key that begins with `prefix`; all of them, without one. Returns how many. @throws {TroupeError} ERR_OPTIONS_INVALID */
  async clear(prefix = ''): Promise<number> {
    return this.#store.call('kvClear', toStoredPrefix('clear', prefix), this.#env.now());
  }

  /** Keys in order, by pages. @throws {TroupeError} ERR_OPTIONS_INVALID */
  async keys(query: KeysQuery = {}): Promise<readonly string[]> {
    assertKnown('keys', query, ['prefix', 'after', 'limit'], "{ prefix: 'cache:' }");
    const { prefix = '', after, limit } = query;
    const bounds = {
      prefix: toStoredPrefix('keys', prefix),
      now: this.#env.now(),
      ...(after !== undefined && { after: toStored('keys', after) }),
      ...(limit !== undefined && { limit: checkNumber('keys', 'limit', limit, LIMITS.kv.most) }),
    };
    const keys = await this.#store.call('kvKeys', bounds);
    return keys.map((key) => key.slice(USER_PREFIX.length));
  }
}

function toStored(call: string, key: unknown): string {
  if (key === '') throw wrongKey(call, key);
  return toStoredPrefix(call, key);
}

function toStoredPrefix(call: string, key: unknown): string {
  if (typeof key !== 'string' || key.length > MAX_KEY_CHARS || UNUSABLE.test(key)) throw wrongKey(call, key);
  return `${USER_PREFIX}${key}`;
}

function checkSet(options: SetOptions): number | undefined {
  assertKnown('set', options, ['ttlMs'], '{ ttlMs: 60000 }');
  return options.ttlMs === undefined ? undefined : checkNumber('set', 'ttlMs', options.ttlMs, MAX_TTL_MS);
}

function checkNumber(call: string, option: string, value: unknown, most: number): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number;
  throw invalid(
    option,
    `Option '${option}' of kv.${call}() is ${describeValue(value)}. Use a whole number from 1 to ${most}.`,
  );
}

function assertKnown(call: string, options: unknown, known: readonly string[], example: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalid(
      'options',
      `The options of kv.${call}() are ${describeValue(options)}. Pass ${example}, or leave them out.`,
    );
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw invalid(unknown, `Option '${unknown}' of kv.${call}() is unknown. Known options: ${known.join(', ')}.`);
}

function wrongKey(call: string, key: unknown): TroupeError {
  const message = `The key given to kv.${call}() is ${describeValue(key)}. Use a string of 1 to ${MAX_KEY_CHARS} characters without control characters.`;
  return invalid('key', message);
}

function tooLarge(key: string, chars: number): TroupeError {
  return invalid(
    'value',
    `The value of key '${key}' has ${chars} characters as JSON, more than ${MAX_VALUE_CHARS}. Split it, or keep it in an actor.`,
  );
}

function invalid(option: string, message: string): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', message, { details: { option } });
}
