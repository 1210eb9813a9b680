/** Scheduled events, and what is due: the table `scheduled`, and the due times that machines' timers have in `actors`. */
import type { Database, Statement } from 'better-sqlite3';
import type { Address } from '../../actor/address.ts';
import { limitOf } from '../queries.ts';
import type { DueQuery, DueRow } from '../queries.ts';
import type { Commit, ScheduledRow } from '../store.ts';
import type { Positions } from './positions.ts';
import { sealOf, unseal } from './seal.ts';
import type { Sealed } from './seal.ts';

/**
 * Both halves walk an index from the cursor on, as far as the limit. An actor comes up at its first time only: whatever
 * has something earlier is left out, so that an actor of the page before does not come again.
 */
export const DUE = `
  SELECT address, dueAt FROM (
    SELECT address, next_due AS dueAt FROM actors AS actor
      WHERE next_due IS NOT NULL AND status = 'active' AND next_due <= @until AND (next_due, address) > (@dueAt, @address)
        AND NOT EXISTS (SELECT 1 FROM scheduled WHERE scheduled.address = actor.address AND due_at < next_due)
      ORDER BY next_due, address LIMIT @limit)
  UNION ALL
  SELECT address, dueAt FROM (
    SELECT address, due_at AS dueAt FROM scheduled AS event
      WHERE due_at <= @until AND (due_at, address) > (@dueAt, @address)
        AND EXISTS (SELECT 1 FROM actors WHERE actors.address = event.address AND status = 'active'
          AND (next_due IS NULL OR next_due > event.due_at))
        AND NOT EXISTS (SELECT 1 FROM scheduled AS earlier
          WHERE earlier.address = event.address AND (earlier.due_at, earlier.key) < (event.due_at, event.key))
      ORDER BY due_at, address LIMIT @limit)
  ORDER BY dueAt, address LIMIT @limit`;

/** Reads and writes of scheduled events. */
export class ScheduledRows {
  readonly #positions: Positions;
  readonly #waits: Statement<[string, string, number], number>;
  readonly #drop: Statement<[string, string]>;
  readonly #put: Statement<unknown[]>;
  readonly #dropAll: Statement<[string]>;
  readonly #due: Statement<[object], DueRow>;
  readonly #list: Statement<[string, number, number], ScheduledRow & Sealed>;

  constructor(db: Database, positions: Positions) {
    this.#positions = positions;
    this.#waits = db
      .prepare<[string, string, number], number>('SELECT 1 FROM scheduled WHERE address = ? AND key = ? AND pos = ?')
      .pluck();
    this.#drop = db.prepare('DELETE FROM scheduled WHERE address = ? AND key = ?');
    this.#put = db.prepare(
      `INSERT INTO scheduled (address, key, pos, due_at, text, sum) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (address, key)
         DO UPDATE SET pos = excluded.pos, due_at = excluded.due_at, text = excluded.text, sum = excluded.sum`,
    );
    this.#dropAll = db.prepare('DELETE FROM scheduled WHERE address = ?');
    this.#due = db.prepare(DUE);
    this.#list = db.prepare(
      'SELECT key, pos, due_at AS dueAt, text, sum FROM scheduled WHERE address = ? AND due_at <= ? ORDER BY due_at, pos LIMIT ?',
    );
  }

  /** Rule 9, asked before anything of the commit is written: is every event it consumes there, each named once? */
  canFire({ address, fired }: Commit): boolean {
    if (!fired || fired.length === 0) return true;
    if (fired.length > 1 && new Set(fired.map(({ key }) => key)).size < fired.length) return false;
    return fired.every(({ key, pos }) => this.#waits.get(address, key, pos) !== undefined);
  }

  write({ address, fired, unschedule, schedule }: Commit): void {
    if (fired) for (const { key } of fired) this.#drop.run(address, key);
    if (unschedule) for (const key of unschedule) this.#drop.run(address, key);
    if (schedule)
      for (const { key, dueAt, text } of schedule) {
        const pos = this.#positions.take();
        this.#put.run(address, key, pos, dueAt, text, sealOf(address, key, pos, dueAt, text));
      }
  }

  removeAll(address: Address): void {
    this.#dropAll.run(address);
  }

  due({ until, after, limit }: DueQuery): readonly DueRow[] {
    const { dueAt, address } = after ?? { dueAt: Number.MIN_SAFE_INTEGER, address: '' };
    return this.#due.all({ until, dueAt, address, limit: limitOf('due', limit) });
  }

  list(
    address: Address,
    { until = Number.MAX_SAFE_INTEGER, limit }: { readonly until?: number; readonly limit?: number } = {},
  ): readonly ScheduledRow[] {
    const rows = this.#list.all(address, until, limitOf('scheduled', limit));
    return rows.map((row) => unseal(row, sealOf(address, row.key, row.pos, row.dueAt, row.text)));
  }
}
