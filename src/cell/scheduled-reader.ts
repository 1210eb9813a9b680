/**
 * Reads the scheduled events of a cell that are due. Each is handed over once while the cell lives; its row goes in the commit
 * of its consequence. At most one read is under way; rows over a page wait on disk. Main knows only the first time of each
 * actor, so that every read tells it the next.
 */
import type { Address } from '../actor/address.ts';
import type { FiredKey, ScheduledRow } from '../store/store.ts';
import type { ScheduledItem } from './items.ts';
import type { CellServices } from './services.ts';

/** Rows read at a time. */
const PAGE = 256;

/** Whose scheduled events they are. */
export interface ScheduledHooks {
  readonly address: Address;
  readonly services: CellServices;
  takeRows(items: readonly ScheduledItem[]): void;
}

/** How far a read looks ahead for the next: main looks for itself at least twice in this time. */
const AHEAD_MS = 1_200_000;

export class ScheduledReader {
  readonly #cell: ScheduledHooks;
  /** Positions handed over whose commit is not durable yet. */
  #taken: Set<number> | undefined;
  #life = 0;
  #isReading = false;
  #isWanted = false;
  /** The last page was full, and all of it had been handed over. */
  #isBehind = false;

  constructor(cell: ScheduledHooks) {
    this.#cell = cell;
  }

  /** True while nothing is handed over, read or waits to be read. */
  get isQuiet(): boolean {
    return !this.#isReading && !this.#isWanted && (this.#taken?.size ?? 0) === 0;
  }

  /** Reads what is due by now. */
  read(): void {
    this.#isWanted = true;
    if (!this.#isReading) void this.#readDue(this.#life);
  }

  /** Reads later, when the cell is live: `catchUp`. */
  want(): void {
    this.#isWanted = true;
  }

  catchUp(): void {
    if (this.#isWanted) this.read();
  }

  /** Their commit is durable. */
  settle(fired: readonly FiredKey[]): void {
    for (const { pos } of fired) this.#taken?.delete(pos);
    if (this.#isBehind && this.#taken?.size === 0) this.read();
  }

  /** They were taken back before their turn came. */
  forget(items: readonly ScheduledItem[]): void {
    for (const { row } of items) this.#taken?.delete(row.pos);
  }

  /** The cell starts anew: what was handed over is read again. */
  reset(): void {
    this.#life++;
    this.#isWanted ||= this.#isReading || (this.#taken?.size ?? 0) > 0;
    this.#isReading = false;
    this.#isBehind = false;
    this.#taken = undefined;
  }

  async #readDue(life: number): Promise<void> {
    const { env, store } = this.#cell.services;
    this.#isReading = true;
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        const query = { until: env.now() + AHEAD_MS, limit: PAGE };
        const rows = await store.call('scheduled', this.#cell.address, query);
        if (life !== this.#life) return;
        const due = rows.filter(({ dueAt }) => dueAt <= env.now());
        const next = rows[due.length];
        if (next) this.#cell.services.dueLater(this.#cell.address, next.dueAt);
        this.#handOver(due);
      }
    } catch {
      // Main's look for what is due asks again; a row stays until its consequence is committed.
    } finally {
      if (life === this.#life) this.#isReading = false;
    }
  }

  /** A full page may hide more: those are read at once while pages bring something new, else when these have gone. */
  #handOver(rows: readonly ScheduledRow[]): void {
    const taken = (this.#taken ??= new Set());
    const fresh = rows.filter(({ pos }) => !taken.has(pos));
    for (const { pos } of fresh) taken.add(pos);
    const isFull = rows.length === PAGE;
    this.#isWanted ||= isFull && fresh.length > 0;
    this.#isBehind = isFull && fresh.length === 0;
    if (fresh.length > 0) this.#cell.takeRows(fresh.map((row) => ({ kind: 'scheduled', row })));
  }
}
