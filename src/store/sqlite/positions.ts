/**
 * Positions of inbox, outbox and dead-letter rows: one counter over the life of the store, never given twice, also not
 * after a rollback or a crash. Blocks are reserved in `meta`, so that a position costs no write of its own.
 */
import type { Database, Statement } from 'better-sqlite3';

const BLOCK = 1_048_576;

/** Gives out positions of one connection's store. */
export class Positions {
  readonly #reserve: Statement<[number]>;
  #next: number;
  #reserved: number;

  /** `from` carries the counter over from a connection that was given up. */
  constructor(db: Database, from: number | undefined) {
    const stored = db.prepare<[], number>("SELECT value FROM meta WHERE key = 'positions'").pluck().get() ?? 1;
    this.#reserve = db.prepare(
      "INSERT INTO meta (key, value) VALUES ('positions', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    this.#next = Math.max(stored, from ?? 1);
    this.#reserved = this.#next;
  }

  /** The position the next `take` gives. */
  get next(): number {
    return this.#next;
  }

  /** Call only inside a transaction that also writes the row. */
  take(): number {
    if (this.#next === this.#reserved) {
      this.#reserve.run(this.#next + BLOCK);
      this.#reserved = this.#next + BLOCK;
    }
    return this.#next++;
  }

  /** A reservation may have been rolled back with the transaction: the next position reserves again. */
  rolledBack(): void {
    this.#reserved = this.#next;
  }
}
