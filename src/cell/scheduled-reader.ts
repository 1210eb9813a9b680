/**
 * Reads the scheduled events of a cell that are due. Each is handed over once while the cell lives; its row goes in the commit
 * of its consequence. At most one read is under way; rows over a page wait on disk.
 */
import type { Address } from '../actor/address.ts';
import type { FiredKey, ScheduledRow } from '../store/store.ts';
import type { ScheduledItem } from './items.ts';
import type { CellServices } from './services.ts';

/** Rows read at a time. */
const PAGE = 256;

export class ScheduledReader {
  readonly #address: Address;
  readonly #services: CellServices;
  readonly #take: (items: readonly ScheduledItem[]) => void;
  /** Positions handed over whose commit is not durable yet. */
  #taken: Set<number> | undefined;
  #life = 0;
  #isReading = false;
  #isWanted = false;

  constructor(address: Address, services: CellServices, take: (items: readonly ScheduledItem[]) => void) {
    this.#address = address;
    this.#services = services;
    this.#take = take;
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
    this.#taken = undefined;
  }

  async #readDue(life: number): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        const query = { until: this.#services.env.now(), limit: PAGE };
        const rows = await this.#services.store.call('scheduled', this.#address, query);
        if (life !== this.#life) return;
        // A full page may hide more; those are read when these have gone.
        this.#isWanted ||= rows.length === PAGE && this.#hasFresh(rows);
        this.#handOver(rows);
      }
    } catch {
      // Main's look for what is due asks again; a row stays until its consequence is committed.
    } finally {
      if (life === this.#life) this.#isReading = false;
    }
  }

  #hasFresh(rows: readonly ScheduledRow[]): boolean {
    return rows.some(({ pos }) => this.#taken?.has(pos) !== true);
  }

  #handOver(rows: readonly ScheduledRow[]): void {
    const taken = (this.#taken ??= new Set());
    const fresh = rows.filter(({ pos }) => !taken.has(pos));
    for (const { pos } of fresh) taken.add(pos);
    if (fresh.length > 0) this.#take(fresh.map((row) => ({ kind: 'scheduled', row })));
  }
}
