/** What happens later, in memory: scheduled events, and when the first timer of each machine is due. Mirrors `sqlite/scheduled-rows.ts`. */
import type { Address } from '../../actor/address.ts';
import { limitOf } from '../queries.ts';
import type { DueQuery, DueRow } from '../queries.ts';
import type { Commit, ScheduledRow } from '../store.ts';

/** All of a timetable, as data. */
export interface TimetableImage {
  readonly scheduled: readonly { readonly address: Address; readonly row: ScheduledRow }[];
  readonly nextDue: readonly (readonly [Address, number])[];
}

/** Scheduled events by actor and key, and due times of timers. */
export class Timetable {
  readonly #takePos: () => number;
  readonly #scheduled = new Map<Address, Map<string, ScheduledRow>>();
  readonly #nextDue = new Map<Address, number>();

  constructor(takePos: () => number) {
    this.#takePos = takePos;
  }

  /** Everything there is, by actor. */
  get image(): TimetableImage {
    const scheduled = [...this.#scheduled].flatMap(([address, rows]) =>
      [...rows.values()].map((row) => ({ address, row })),
    );
    return { scheduled, nextDue: [...this.#nextDue] };
  }

  restore({ scheduled, nextDue }: TimetableImage): void {
    for (const { address, row } of scheduled) {
      const rows = this.#scheduled.get(address) ?? new Map<string, ScheduledRow>();
      this.#scheduled.set(address, rows.set(row.key, row));
    }
    for (const [address, dueAt] of nextDue) this.#nextDue.set(address, dueAt);
  }

  get size(): number {
    return [...this.#scheduled.values()].reduce((sum, rows) => sum + rows.size, 0);
  }

  /** Rule 9: is every scheduled event it consumes there, each named once? */
  canFire({ address, fired = [] }: Commit): boolean {
    const rows = this.#scheduled.get(address);
    const isThere = fired.every(({ key, pos }) => rows?.get(key)?.pos === pos);
    return isThere && new Set(fired.map(({ key }) => key)).size === fired.length;
  }

  write({ address, timers, nextDue, fired = [], unschedule = [], schedule = [] }: Commit): void {
    if (timers !== undefined) this.#setNextDue(address, nextDue ?? null);
    const rows = this.#scheduled.get(address) ?? new Map<string, ScheduledRow>();
    for (const { key } of fired) rows.delete(key);
    for (const key of unschedule) rows.delete(key);
    for (const { key, dueAt, text } of schedule) rows.set(key, { key, dueAt, text, pos: this.#takePos() });
    if (rows.size > 0) this.#scheduled.set(address, rows);
    else this.#scheduled.delete(address);
  }

  removeAll(address: Address): void {
    this.#scheduled.delete(address);
    this.#nextDue.delete(address);
  }

  due({ until, after, limit }: DueQuery, isActive: (address: Address) => boolean): readonly DueRow[] {
    const first = new Map(this.#nextDue);
    for (const [address, rows] of this.#scheduled)
      for (const { dueAt } of rows.values()) first.set(address, Math.min(dueAt, first.get(address) ?? Infinity));
    return [...first]
      .map(([address, dueAt]) => ({ address, dueAt }))
      .filter((row) => row.dueAt <= until && isActive(row.address) && (!after || compareDue(row, after) > 0))
      .sort(compareDue)
      .slice(0, limitOf('due', limit));
  }

  list(
    address: Address,
    { until = Infinity, limit }: { readonly until?: number; readonly limit?: number },
  ): readonly ScheduledRow[] {
    const rows = [...(this.#scheduled.get(address)?.values() ?? [])].filter(({ dueAt }) => dueAt <= until);
    return rows.sort((a, b) => a.dueAt - b.dueAt || a.pos - b.pos).slice(0, limitOf('scheduled', limit));
  }

  #setNextDue(address: Address, nextDue: number | null): void {
    if (nextDue === null) this.#nextDue.delete(address);
    else this.#nextDue.set(address, nextDue);
  }
}

function compareDue(a: DueRow, b: DueRow): number {
  return a.dueAt - b.dueAt || (a.address < b.address ? -1 : Number(a.address > b.address));
}
