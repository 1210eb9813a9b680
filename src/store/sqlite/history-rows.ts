/**
 * Rows of state and of history: snapshots apart from their actor's row, deltas, and what led to each commit.
 *
 * Invariants: H1 the current snapshot and the deltas after it never go but with their actor; H2 while events are kept, so is every row
 * that tells the state at each of them; H3 the last snapshot before the current one stays, with the deltas that lead from it to that.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Address } from '../../actor/address.ts';
import { limitOf } from '../queries.ts';
import type { HistoryQuery, HistoryRow, LooseQuery, StateRows, StatesQuery } from '../queries.ts';
import type { Commit, HistoryTrim, LooseSnapshot, StateRow } from '../store.ts';
import { keepsFormer } from './actor-row.ts';
import type { ActorHead } from './actor-row.ts';
import type { Positions } from './positions.ts';
import { EXTRA_FORMER, EXTRA_SNAPSHOT, EXTRA_STATE } from './schema.ts';
import { BROKEN_SEAL, markGaps } from './seal.ts';

import { Segments } from './segments.ts';
import type { EventRow, HistoryBounds } from './segments.ts';

const IN_ROW =
  'SELECT snapshot_seq AS seq, checksum, snapshot AS text FROM actors WHERE address = @address AND snapshot IS NOT NULL';

/** Reads and writes of everything that tells how an actor came to be what it is. */
export class HistoryRows {
  readonly #positions: Positions;
  readonly #segments: Segments;
  readonly #moveIn: Statement<[string]>;
  readonly #dropSnapshots: Statement<[string, number]>;
  readonly #dropDeltas: Statement<[string, number]>;
  readonly #snapshot: Statement<unknown[]>;
  readonly #delta: Statement<unknown[]>;
  readonly #record: Statement<unknown[]>;
  readonly #dropEvents: Statement<[string, number]>;
  readonly #begin: Statement<[string, string]>;
  readonly #forget: Statement<[string]>;
  readonly #last: Statement<[string], number>;
  readonly #firstSince: Statement<[string, number], number | null>;
  readonly #base: Statement<[{ address: string; from: number }], number | null>;
  readonly #forward: Statement<[HistoryBounds], EventRow>;
  readonly #backward: Statement<[HistoryBounds], EventRow>;
  readonly #snapshotUntil: Statement<[{ address: string; until: number }], StateRow>;
  readonly #deltas: Statement<[string, number, number], StateRow>;
  readonly #old: Statement<[string, string, number], Address>;
  readonly #loose: Statement<[number, number, number], LooseSnapshot>;
  readonly #pack: Statement<[Uint8Array, string, number]>;

  constructor(db: Database, positions: Positions) {
    this.#positions = positions;
    this.#segments = new Segments(db);
    this.#moveIn = db.prepare(
      `INSERT OR IGNORE INTO snapshots (address, seq, at, checksum, text)
         SELECT address, snapshot_seq, updated_at, checksum, snapshot FROM actors WHERE address = ? AND snapshot IS NOT NULL`,
    );
    this.#dropSnapshots = db.prepare('DELETE FROM snapshots WHERE address = ? AND seq < ?');
    this.#dropDeltas = db.prepare('DELETE FROM deltas WHERE address = ? AND seq <= ?');
    this.#snapshot = db.prepare('INSERT INTO snapshots (address, seq, at, checksum, text) VALUES (?, ?, ?, ?, ?)');
    this.#delta = db.prepare('INSERT INTO deltas (address, seq, checksum, text) VALUES (?, ?, ?, ?)');
    this.#record = db.prepare(
      `INSERT INTO history (address, seq, pos, at, checksum, text, prev) VALUES (?, ?, ?, ?, ?, ?,
         (SELECT history_prev FROM actors WHERE address = ?))`,
    );
    this.#dropEvents = db.prepare('DELETE FROM history WHERE address = ? AND seq < ?');
    this.#begin = db.prepare(
      'UPDATE history SET prev = 0 WHERE address = ? AND seq = (SELECT min(seq) FROM history WHERE address = ?)',
    );
    this.#forget = db.prepare('UPDATE actors SET history_seq = 0 WHERE address = ?');
    this.#last = db.prepare<[string], number>('SELECT history_seq FROM actors WHERE address = ?').pluck();
    this.#firstSince = db
      .prepare<[string, number], number | null>('SELECT min(seq) FROM history WHERE address = ? AND at >= ?')
      .pluck();
    this.#base = db
      .prepare<[{ address: string; from: number }], number | null>(
        `SELECT max(seq) FROM snapshots WHERE address = @address AND seq <= @from
           AND seq < (SELECT snapshot_seq FROM actors WHERE address = @address)`,
      )
      .pluck();
    this.#forward = db.prepare(toHistorySql('ASC'));
    this.#backward = db.prepare(toHistorySql('DESC'));
    this.#snapshotUntil = db.prepare(
      `SELECT seq, checksum, text FROM (
         SELECT seq, checksum, text FROM snapshots WHERE address = @address UNION ALL ${IN_ROW}
       ) WHERE seq <= @until ORDER BY seq DESC LIMIT 1`,
    );
    this.#deltas = db.prepare(
      'SELECT seq, checksum, text FROM deltas WHERE address = ? AND seq > ? AND seq <= ? ORDER BY seq',
    );
    this.#old = db
      .prepare<[string, string, number], Address>(
        'SELECT DISTINCT address FROM history WHERE address > ? AND address < ? AND at < ?',
      )
      .pluck();
    this.#loose = db.prepare(
      `SELECT address, seq, text FROM snapshots WHERE typeof(text) = 'text' AND at < ? AND length(text) >= ?
         ORDER BY at, address, seq LIMIT ?`,
    );
    this.#pack = db.prepare("UPDATE snapshots SET text = ? WHERE address = ? AND seq = ? AND typeof(text) = 'text'");
  }

  /** Before the actor's row gets another snapshot: what is not kept goes, and what is kept leaves the row. */
  makeWay(commit: Commit, head: ActorHead): void {
    const { address, history } = commit;
    const isApart = (head.extra & EXTRA_SNAPSHOT) !== 0;
    if (keepsFormer(commit) && !isApart) this.#moveIn.run(address);
    if (history !== undefined || (head.extra & EXTRA_STATE) === 0) return;
    const keepsOne = keepsFormer(commit);
    // The snapshot before this one stays where it can be made again from; without that, nothing does.
    if ((head.extra & EXTRA_FORMER) !== 0 || !keepsOne) {
      const until = keepsOne ? head.snapshot_seq : Number.MAX_SAFE_INTEGER - 1;
      this.#dropSnapshots.run(address, until);
      this.#dropStates(address, until);
      // From when a history was kept: an event goes with the rows that tell it.
      this.#dropBefore(address, until + 1);
    }
  }

  #dropStates(address: Address, until: number): void {
    this.#dropDeltas.run(address, until);
    this.#segments.dropDeltas(address, until);
  }

  /** The chain of events begins with the first that is left. */
  #dropBefore(address: Address, seq: number): number {
    const count = this.#dropEvents.run(address, seq).changes + this.#segments.dropEvents(address, seq);
    if (count === 0 || this.#segments.begin(address)) return count;
    if (this.#begin.run(address, address).changes === 0) this.#forget.run(address);
    return count;
  }

  writeSnapshot({ address, seq, at, state }: Commit): void {
    if (state) this.#snapshot.run(address, seq, at, state.checksum, state.text);
  }

  /** Everything but the snapshot. */
  write(commit: Commit): void {
    const { address, seq, at, state, history, trimHistory } = commit;
    const delta = state?.kind === 'delta' ? state : commit.step;
    if (delta) this.#delta.run(address, seq, delta.checksum, delta.text);
    if (history) this.#record.run(address, seq, this.#positions.take(), at, history.checksum, history.text, address);
    if (trimHistory) this.trim(address, seq + 1, trimHistory);
  }

  /** @param end events from this commit on are not there yet. Returns how many events went. */
  trim(address: Address, end: number, { beforeSeq = 0, beforeAt }: HistoryTrim): number {
    const since = beforeAt === undefined ? 0 : this.#since(address, beforeAt, end);
    const from = Math.max(beforeSeq, since);
    const changes = this.#dropBefore(address, from);
    const base = this.#base.get({ address, from }) ?? 0;
    if (base > 0) {
      this.#dropSnapshots.run(address, base);
      // The delta that leads to the base is one of an event that may be kept.
      this.#dropStates(address, Math.min(base, from - 1));
    }
    return changes;
  }

  #since(address: Address, at: number, end: number): number {
    const loose = this.#firstSince.get(address, at) ?? end;
    return Math.min(loose, this.#segments.firstSince(address, at) ?? end);
  }

  /** Call in a transaction. */
  sweep(type: string, before: number): number {
    // '0' follows '/' in the order of texts: what lies between are the addresses of the type.
    const [from, to] = [`${type}/`, `${type}0`];
    const addresses = new Set([...this.#old.all(from, to, before), ...this.#segments.old(from, to, before)]);
    let count = 0;
    for (const address of addresses) count += this.trim(address, Number.MAX_SAFE_INTEGER, { beforeAt: before });
    return count;
  }

  list(address: Address, query: HistoryQuery = {}): readonly HistoryRow[] {
    const { after = 0, before = Number.MAX_SAFE_INTEGER, beforePos = Number.MAX_SAFE_INTEGER } = query;
    const bounds = { address, after, before, beforePos, limit: limitOf('history', query.limit) };
    const isBackward = query.direction === 'backward';
    const loose = isBackward ? this.#backward.all(bounds) : this.#forward.all(bounds);
    const page = this.#segments.fill(loose, bounds, isBackward);
    const rows = isBackward ? page.toReversed() : page;
    const [first] = rows;
    // Where a page begins in the middle, what is before it was not asked for.
    const from = isBackward || beforePos < Number.MAX_SAFE_INTEGER ? (first?.seq ?? 0) : after;
    const marked = markGaps(rows, ({ seq }) => seq, { after: from, toMark: missingEvent });
    const isCut = before < Number.MAX_SAFE_INTEGER || beforePos < Number.MAX_SAFE_INTEGER;
    const isAtEnd = !isCut && (isBackward || rows.length < bounds.limit);
    const last = Math.max(after, rows.at(-1)?.seq ?? 0);
    const end = isAtEnd ? (this.#last.get(address) ?? 0) : 0;
    const whole = end > last ? [...marked, missingEvent(end)] : marked;
    return whole.map(({ prev: _prev, ...row }) => row);
  }

  states(address: Address, { until, before = Number.MAX_SAFE_INTEGER }: StatesQuery): StateRows | undefined {
    const snapshot = this.#snapshotUntil.get({ address, until: Math.min(until, before - 1) });
    if (!snapshot) return undefined;
    const loose = this.#deltas.all(address, snapshot.seq, until);
    const packed = this.#segments.deltas(address, snapshot.seq, until);
    if (packed.length === 0) return { snapshot, deltas: loose };
    return { snapshot, deltas: [...packed, ...loose].toSorted((a, b) => a.seq - b.seq) };
  }

  loose({ before, minChars, limit }: LooseQuery): readonly LooseSnapshot[] {
    return this.#loose.all(before, minChars, limitOf('snapshots', limit));
  }

  pack(address: Address, seq: number, packed: Uint8Array): boolean {
    return this.#pack.run(packed, address, seq).changes === 1;
  }
}

/** Stands for an event that is gone: no checksum matches it. */
function missingEvent(seq: number): EventRow {
  return { seq, pos: 0, at: 0, text: '', checksum: BROKEN_SEAL, delta: null, prev: null };
}

function toHistorySql(direction: 'ASC' | 'DESC'): string {
  return `SELECT history.seq AS seq, pos, at, history.checksum AS checksum, history.text AS text, deltas.text AS delta, prev
    FROM history LEFT JOIN deltas ON deltas.address = history.address AND deltas.seq = history.seq
    WHERE history.address = @address AND history.seq > @after AND history.seq < @before AND pos < @beforePos
    ORDER BY history.seq ${direction} LIMIT @limit`;
}
