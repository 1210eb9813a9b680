/** Keys and values in memory. Mirrors `sqlite/kv-rows.ts`. */
import { limitOf } from '../queries.ts';
import type { KeyQuery } from '../queries.ts';

/** A key, its value, and when it expires. */
export type KvRow = readonly [string, string, number | null];

type Entry = { readonly value: string; readonly expiresAt: number };

/** Keys and values, some of which expire. */
export class MemoryKv {
  readonly #entries = new Map<string, Entry>();

  /** Every entry there is; a time of null is none. */
  get rows(): readonly KvRow[] {
    return [...this.#entries].map(([key, { value, expiresAt }]) => [
      key,
      value,
      expiresAt === Infinity ? null : expiresAt,
    ]);
  }

  restore(rows: readonly KvRow[]): void {
    for (const [key, value, expiresAt] of rows) this.set(key, value, expiresAt ?? Infinity);
  }

  get(key: string, now: number): string | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.expiresAt > now ? entry.value : undefined;
  }

  set(key: string, value: string, expiresAt = Infinity): void {
    this.#entries.set(key, { value, expiresAt });
  }

  delete(key: string, now: number): boolean {
    const isThere = this.get(key, now) !== undefined;
    this.#entries.delete(key);
    return isThere;
  }

  keys({ prefix, now, after = '', limit }: KeyQuery): readonly string[] {
    const keys = [...this.#entries.keys()].filter((key) => key.startsWith(prefix) && this.get(key, now) !== undefined);
    const found = keys.filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
    return found.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).slice(0, limitOf('kv', limit));
  }

  clear(prefix: string, now: number): number {
    let count = 0;
    for (const key of this.#entries.keys()) if (key.startsWith(prefix) && this.delete(key, now)) count++;
    return count;
  }

  sweep(now: number): number {
    let count = 0;
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now && this.#entries.delete(key)) count++;
    return count;
  }
}
