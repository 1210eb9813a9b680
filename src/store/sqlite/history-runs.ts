/**
 * From rows to segments: finds runs of events that are worth packing, and puts the packed form in their place. Only what lies before the
 * former snapshot is taken: the chain a state is loaded from, and the one it is repaired from, stay rows.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Address } from '../../actor/address.ts';
import type { LooseHistory, LooseHistoryQuery } from '../queries.ts';
import type { HistoryRun, HistoryRunKey } from '../store.ts';
import { MAX_SEGMENT_BYTES, MAX_SEGMENT_EVENTS, sumOfSegment, toSegmentText, unpackSegment } from './segment-text.ts';
import type { SegmentEvent, Stretch } from './segment-text.ts';

/** Actors of one look. */
const MAX_LOOKED = 256;
/** Rows of an actor that are looked through for a run, oldest first. What is left alone is few unless a definition keeps a history on and off. */
const MAX_ROWS = 2_048;

/** What is known of a row before its text is read. */
export interface RowHead {
  readonly seq: number;
  readonly at: number;
  readonly bytes: number;
}

interface Run {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly bytes: number;
}

/** Reads loose rows of histories and packs them. */
export class HistoryRuns {
  readonly #next: Statement<[string], Address | null>;
  readonly #former: Statement<[{ address: string }], number | null>;
  readonly #heads: Statement<[string, number, number], RowHead>;
  readonly #events: Statement<[string, number, number], SegmentEvent>;
  readonly #insert: Statement<[object]>;
  readonly #removals: readonly Statement<[string, number, number]>[];

  constructor(db: Database) {
    this.#next = db.prepare<[string], Address | null>('SELECT min(address) FROM history WHERE address > ?').pluck();
    this.#former = db
      .prepare<[{ address: string }], number | null>(
        `SELECT max(seq) FROM snapshots WHERE address = @address AND seq < (SELECT snapshot_seq FROM actors WHERE address = @address)`,
      )
      .pluck();
    this.#heads = db.prepare(
      `SELECT seq, at, octet_length(text) + coalesce(
         (SELECT octet_length(text) FROM deltas WHERE deltas.address = history.address AND deltas.seq = history.seq), 0) AS bytes
       FROM history WHERE address = ? AND seq < ? ORDER BY seq LIMIT ?`,
    );
    this.#events = db.prepare(
      `SELECT history.seq AS seq, pos, at, prev, history.checksum AS checksum, history.text AS text,
         deltas.text AS delta, deltas.checksum AS deltaChecksum
       FROM history LEFT JOIN deltas ON deltas.address = history.address AND deltas.seq = history.seq
       WHERE history.address = ? AND history.seq BETWEEN ? AND ? ORDER BY history.seq`,
    );
    this.#insert = db.prepare(
      `INSERT INTO segments (address, first_seq, last_seq, events_from, deltas_from, first_pos, min_at, max_at, checksum, packed)
       VALUES (@address, @firstSeq, @lastSeq, @firstSeq, @firstSeq, @firstPos, @minAt, @maxAt, @checksum, @packed)`,
    );
    this.#removals = ['history', 'deltas'].map((table) =>
      db.prepare(`DELETE FROM ${table} WHERE address = ? AND seq BETWEEN ? AND ?`),
    );
  }

  /** The next run, in order of addresses. */
  find({ after, minEvents, before }: LooseHistoryQuery): LooseHistory {
    let passed = after;
    for (let looked = 0; looked < MAX_LOOKED; looked++) {
      const address = this.#next.get(passed ?? '') ?? undefined;
      if (address === undefined) return {};
      const rows = this.#heads.all(address, this.#formerOf(address), MAX_ROWS);
      const found = findRun(rows, minEvents, before);
      if (found) return toAnswer(passed, this.#read({ address, ...found }));
      passed = address;
    }
    return toAnswer(passed);
  }

  /** Call in a transaction. False when the rows are no longer those, or the packed form is not of them. */
  pack(address: Address, key: HistoryRunKey, packed: Uint8Array): boolean {
    const { firstSeq, lastSeq } = key;
    if (lastSeq >= this.#formerOf(address)) return false;
    const events = this.#events.all(address, firstSeq, lastSeq);
    const [first] = events;
    const text = toSegmentText(events);
    const checksum = sumOfSegment({ address, firstSeq, lastSeq }, text);
    if (!first || events.length !== key.events) return false;
    // Rows go only once it is certain that they can be had again; and these, not others of the same numbers.
    if (!isPackedForm(packed, text)) return false;
    const times = events.map(({ at }) => at);
    const [minAt, maxAt] = [Math.min(...times), Math.max(...times)];
    this.#insert.run({ address, firstSeq, lastSeq, firstPos: first.pos, minAt, maxAt, checksum, packed });
    for (const removal of this.#removals) removal.run(address, firstSeq, lastSeq);
    return true;
  }

  #formerOf(address: Address): number {
    return this.#former.get({ address }) ?? 0;
  }

  #read(stretch: Stretch): HistoryRun {
    const { address, firstSeq, lastSeq } = stretch;
    const events = this.#events.all(address, firstSeq, lastSeq);
    return { address, firstSeq, lastSeq, events: events.length, text: toSegmentText(events) };
  }
}

function toAnswer(after: Address | undefined, run?: HistoryRun): LooseHistory {
  return { ...(run && { run }), ...(after !== undefined && { after }) };
}

/**
 * The first run worth packing among rows in their order: numbers without a gap, all from before a time, as many as one segment takes. Worth it are
 * so many events, or half of the bytes a segment may have. A row larger than that stays alone.
 */
export function findRun(rows: readonly RowHead[], minEvents: number, before: number): Omit<Run, 'bytes'> | undefined {
  let run: Run | undefined;
  for (const row of rows) {
    if (row.at >= before) break;
    if (run && canTake(run, row)) {
      run = { ...run, lastSeq: row.seq, bytes: run.bytes + row.bytes };
      continue;
    }
    if (isWorth(run, minEvents)) break;
    run = row.bytes > MAX_SEGMENT_BYTES ? undefined : { firstSeq: row.seq, lastSeq: row.seq, bytes: row.bytes };
  }
  return run && isWorth(run, minEvents) ? { firstSeq: run.firstSeq, lastSeq: run.lastSeq } : undefined;
}

function canTake(run: Run, row: RowHead): boolean {
  const isNext = row.seq === run.lastSeq + 1 && row.seq - run.firstSeq < MAX_SEGMENT_EVENTS;
  return isNext && run.bytes + row.bytes <= MAX_SEGMENT_BYTES;
}

function isWorth(run: Run | undefined, minEvents: number): boolean {
  if (!run) return false;
  return run.lastSeq - run.firstSeq + 1 >= minEvents || run.bytes >= MAX_SEGMENT_BYTES / 2;
}

function isPackedForm(packed: Uint8Array, text: string): boolean {
  try {
    return unpackSegment(packed) === text;
  } catch {
    return false;
  }
}
