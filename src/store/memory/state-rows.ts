/** Rows of state and of history of one actor, in memory. Mirrors `sqlite/history-rows.ts`, with the same invariants. */
import { limitOf } from '../queries.ts';
import type { HistoryQuery, HistoryRow, StateRows, StatesQuery } from '../queries.ts';
import type { Commit, HistoryTrim, StateRow } from '../store.ts';

/** A snapshot, and when it was written. */
export interface DatedRow extends StateRow {
  readonly at: number;
}

type Event = Omit<HistoryRow, 'delta'>;

/** All rows of one actor's state and history, as data. */
export interface StateRowsImage {
  readonly snapshots: readonly DatedRow[];
  readonly deltas: readonly StateRow[];
  readonly events: readonly Event[];
}

/** What tells how one actor came to be what it is. Each list is in order of commits. */
export class MemoryStateRows {
  snapshots: DatedRow[] = [];
  #deltas: StateRow[] = [];
  #events: Event[] = [];

  get image(): StateRowsImage {
    return { snapshots: this.snapshots, deltas: this.#deltas, events: this.#events };
  }

  restore({ snapshots, deltas, events }: StateRowsImage): void {
    this.snapshots = [...snapshots];
    this.#deltas = [...deltas];
    this.#events = [...events];
  }

  get events(): number {
    return this.#events.length;
  }

  hasEventBefore(at: number): boolean {
    return this.#events.some((event) => event.at < at);
  }

  /** What the actor is now. */
  get current(): StateRows {
    const snapshot = this.snapshots.at(-1) ?? { seq: 0, text: '', checksum: 0, at: 0 };
    return { snapshot: bare(snapshot), deltas: this.#deltas.filter(({ seq }) => seq > snapshot.seq) };
  }

  write(commit: Commit, takePos: () => number): void {
    const { seq, at, state, step, history, trimHistory } = commit;
    if (state?.kind === 'snapshot')
      this.#writeSnapshot(commit, { seq, at, text: state.text, checksum: state.checksum });
    const delta = state?.kind === 'delta' ? state : step;
    if (delta) this.#deltas.push({ seq, text: delta.text, checksum: delta.checksum });
    if (history) this.#events.push({ seq, pos: takePos(), at, text: history.text, checksum: history.checksum });
    if (trimHistory) this.trim(seq + 1, trimHistory);
  }

  #writeSnapshot({ step, history }: Commit, row: DatedRow): void {
    const former = this.snapshots.at(-1);
    if (history === undefined) {
      const from = step === undefined ? Infinity : (former?.seq ?? 0);
      this.snapshots = this.snapshots.filter(({ seq }) => seq >= from);
      this.#deltas = this.#deltas.filter(({ seq }) => seq > from);
      // From when a history was kept: an event goes with the rows that tell it.
      this.#events = this.#events.filter(({ seq }) => seq > from);
    }
    this.snapshots.push(row);
  }

  /** @param end events from this commit on are not there yet. Returns how many events went. */
  trim(end: number, { beforeSeq = 0, beforeAt }: HistoryTrim): number {
    const since = beforeAt === undefined ? 0 : (this.#events.find(({ at }) => at >= beforeAt)?.seq ?? end);
    const from = Math.max(beforeSeq, since);
    const before = this.#events.length;
    this.#events = this.#events.filter(({ seq }) => seq >= from);
    const base = this.snapshots.slice(0, -1).findLast(({ seq }) => seq <= from)?.seq ?? 0;
    this.snapshots = this.snapshots.filter(({ seq }) => seq >= base);
    this.#deltas = this.#deltas.filter(({ seq }) => base === 0 || seq > Math.min(base, from - 1));
    return before - this.#events.length;
  }

  list(query: HistoryQuery = {}): readonly HistoryRow[] {
    const { after = 0, before = Infinity, beforePos = Infinity, direction } = query;
    const limit = limitOf('history', query.limit);
    const found = this.#events.filter(({ seq, pos }) => seq > after && seq < before && pos < beforePos);
    const page = direction === 'backward' ? found.slice(-limit) : found.slice(0, limit);
    return page.map((row) => ({ ...row, delta: this.#deltaOf(row.seq) }));
  }

  states({ until, before = Infinity }: StatesQuery): StateRows | undefined {
    const snapshot = this.snapshots.findLast(({ seq }) => seq <= until && seq < before);
    if (!snapshot) return undefined;
    const deltas = this.#deltas.filter(({ seq }) => seq > snapshot.seq && seq <= until);
    return { snapshot: bare(snapshot), deltas };
  }

  /** False when there is none, or it is packed. */
  pack(seq: number, packed: Uint8Array): boolean {
    const index = this.snapshots.findIndex((row) => row.seq === seq && typeof row.text === 'string');
    const row = this.snapshots[index];
    if (row) this.snapshots[index] = { ...row, text: packed };
    return row !== undefined;
  }

  #deltaOf(seq: number): string | null {
    const text = this.#deltas.find((row) => row.seq === seq)?.text;
    return typeof text === 'string' ? text : null;
  }
}

function bare({ seq, text, checksum }: StateRow): StateRow {
  return { seq, text, checksum };
}
