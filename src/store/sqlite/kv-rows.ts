/** Keys and values, some of which expire. What has expired is not there, swept or not. */
import type { Database, Statement } from 'better-sqlite3';
import { TroupeError } from '../../errors.ts';
import { limitOf } from '../queries.ts';
import type { KeyQuery } from '../queries.ts';
import { sealOf } from './seal.ts';
import type { Sealed } from './seal.ts';

const ALIVE = '(expires_at IS NULL OR expires_at > @now)';
const BEGINS = 'key >= @prefix AND key < @end';

const LAST = 0x10ffff;

/** Comes after every text: SQLite orders bytes behind texts. */
const AFTER_ALL = Buffer.alloc(0);

type KvRow = Sealed & { readonly value: string; readonly expiresAt: number | null };

type Range = { readonly prefix: string; readonly end: string | Buffer };

/** Reads and writes of `kv`. Writes are called in a transaction. */
export class KvRows {
  readonly #get: Statement<[{ key: string; now: number }], KvRow>;
  readonly #set: Statement<[string, string, number | null, number]>;
  readonly #delete: Statement<[string]>;
  readonly #keys: Statement<[Range & { now: number; after: string; limit: number }], string>;
  readonly #count: Statement<[Range & { now: number }], number>;
  readonly #clear: Statement<[Range]>;
  readonly #sweep: Statement<[number]>;

  constructor(db: Database) {
    this.#get = db.prepare(`SELECT value, expires_at AS expiresAt, sum FROM kv WHERE key = @key AND ${ALIVE}`);
    this.#set = db.prepare(
      `INSERT INTO kv (key, value, expires_at, sum) VALUES (?, ?, ?, ?) ON CONFLICT (key)
         DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at, sum = excluded.sum`,
    );
    this.#delete = db.prepare('DELETE FROM kv WHERE key = ?');
    this.#keys = db
      .prepare<[object], string>(
        `SELECT key FROM kv WHERE ${BEGINS} AND key > @after AND ${ALIVE} ORDER BY key LIMIT @limit`,
      )
      .pluck();
    this.#count = db.prepare<[object], number>(`SELECT count(*) FROM kv WHERE ${BEGINS} AND ${ALIVE}`).pluck();
    this.#clear = db.prepare(`DELETE FROM kv WHERE ${BEGINS}`);
    this.#sweep = db.prepare('DELETE FROM kv WHERE expires_at <= ?');
  }

  get(key: string, now: number): string | undefined {
    const row = this.#get.get({ key, now });
    if (!row) return undefined;
    const { value, expiresAt, sum } = row;
    if (sum === null || sum === sealOf(key, expiresAt, value)) return value;
    throw damaged(key);
  }

  set(key: string, value: string, expiresAt: number | undefined): void {
    this.#set.run(key, value, expiresAt ?? null, sealOf(key, expiresAt ?? null, value));
  }

  delete(key: string, now: number): boolean {
    const isThere = this.#get.get({ key, now }) !== undefined;
    this.#delete.run(key);
    return isThere;
  }

  keys({ prefix, now, after = '', limit }: KeyQuery): readonly string[] {
    return this.#keys.all({ ...toRange(prefix), now, after, limit: limitOf('kv', limit) });
  }

  clear(prefix: string, now: number): number {
    const range = toRange(prefix);
    const count = this.#count.get({ ...range, now }) ?? 0;
    this.#clear.run(range);
    return count;
  }

  sweep(now: number): number {
    return this.#sweep.run(now).changes;
  }
}

function damaged(key: string): TroupeError {
  return new TroupeError(
    'ERR_STATE_CORRUPT',
    `The stored value of key '${key}' does not match its checksum. Its row is untouched; restore it from a backup, set the key anew, or delete it.`,
    { details: { key } },
  );
}

function toRange(prefix: string): Range {
  return { prefix, end: endOf(prefix) };
}

/** The first text after all that begin with a prefix: its last character that has a next one, raised by one. */
function endOf(prefix: string): string | Buffer {
  const points = [...prefix].map((character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === LAST) points.pop();
  const last = points.pop();
  if (last === undefined) return AFTER_ALL;
  // Surrogates are no characters of their own.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}
