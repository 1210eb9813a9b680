/**
 * Segments: old events of an actor, with the deltas that belong to them, compressed as one. What is read of them is what the rows said.
 *
 * Invariants: S1 an event stands in its row or in one segment, never in both, and its delta beside it; S2 the numbers of a segment have no gap;
 * S3 a segment is written once and only its bounds move: events before `events_from` and deltas before `deltas_from` are gone, and the chain of
 * events begins with `begins`, if that is among them.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Address } from '../../actor/address.ts';
import { isTroupeError } from '../../errors.ts';
import type { HistoryRow } from '../queries.ts';
import type { StateRow } from '../store.ts';
import type { Linked } from './seal.ts';
import { MAX_SEGMENT_EVENTS, readSegment } from './segment-text.ts';
import type { SegmentEvent, Stretch } from './segment-text.ts';

/** An event, and the one before it. */
export type EventRow = HistoryRow & Linked;

/** Everything of a segment but its events. */
interface SegmentHead extends Stretch {
  readonly minAt: number;
  readonly maxAt: number;
  readonly checksum: number;
  readonly eventsFrom: number;
  readonly deltasFrom: number;
  readonly begins: number;
}

/** A stretch of a history, with every bound told. */
export interface HistoryBounds {
  readonly address: Address;
  readonly after: number;
  readonly before: number;
  readonly beforePos: number;
  readonly limit: number;
}

const HEAD = `SELECT address, first_seq AS firstSeq, last_seq AS lastSeq, min_at AS minAt, max_at AS maxAt, checksum,
  events_from AS eventsFrom, deltas_from AS deltasFrom, begins FROM segments`;

/** Reads of segments, and the moves of their bounds. */
export class Segments {
  readonly #forward: Statement<[HistoryBounds], SegmentHead>;
  readonly #backward: Statement<[HistoryBounds], SegmentHead>;
  readonly #withDeltas: Statement<[{ address: string; after: number; until: number }], SegmentHead>;
  readonly #since: Statement<[string, number], SegmentHead>;
  readonly #old: Statement<[string, string, number], SegmentHead>;
  readonly #packed: Statement<[string, number], Uint8Array>;
  readonly #countBefore: Statement<[{ address: string; from: number }], number>;
  readonly #moveEvents: Statement<[{ address: string; from: number }]>;
  readonly #moveDeltas: Statement<[{ address: string; from: number }]>;
  readonly #dropEmpty: Statement<[string]>;
  readonly #begin: Statement<[{ address: string }]>;

  constructor(db: Database) {
    this.#forward = db.prepare(toHeadsSql('ASC'));
    this.#backward = db.prepare(toHeadsSql('DESC'));
    this.#withDeltas = db.prepare(
      `${HEAD} WHERE address = @address AND first_seq > @after - ${MAX_SEGMENT_EVENTS} AND first_seq <= @until
         AND last_seq > @after AND deltas_from <= last_seq AND deltas_from <= @until ORDER BY first_seq`,
    );
    this.#since = db.prepare(
      `${HEAD} WHERE address = ? AND max_at >= ? AND events_from <= last_seq ORDER BY first_seq`,
    );
    this.#old = db.prepare(`${HEAD} WHERE address > ? AND address < ? AND min_at < ? AND events_from <= last_seq`);
    this.#packed = db
      .prepare<[string, number], Uint8Array>('SELECT packed FROM segments WHERE address = ? AND first_seq = ?')
      .pluck();
    this.#countBefore = db
      .prepare<[{ address: string; from: number }], number>(
        `SELECT coalesce(sum(min(last_seq + 1, @from) - events_from), 0) FROM segments
           WHERE address = @address AND events_from < @from AND events_from <= last_seq`,
      )
      .pluck();
    this.#moveEvents = db.prepare(
      'UPDATE segments SET events_from = min(last_seq + 1, @from) WHERE address = @address AND events_from < @from',
    );
    this.#moveDeltas = db.prepare(
      'UPDATE segments SET deltas_from = min(last_seq + 1, @from) WHERE address = @address AND deltas_from < @from',
    );
    this.#begin = db.prepare(
      `UPDATE segments SET begins = events_from WHERE address = @address
         AND first_seq = (SELECT min(first_seq) FROM segments WHERE address = @address AND events_from <= last_seq)
         AND first_seq < coalesce((SELECT min(seq) FROM history WHERE address = @address), ${Number.MAX_SAFE_INTEGER})`,
    );
    this.#dropEmpty = db.prepare(
      'DELETE FROM segments WHERE address = ? AND events_from > last_seq AND deltas_from > last_seq',
    );
  }

  /**
   * A page of rows with the packed events of its stretch among them, in the direction of the page. No more is unpacked than it takes.
   * @throws {TroupeError} ERR_STATE_CORRUPT when one of them is damaged.
   */
  fill(loose: readonly EventRow[], bounds: HistoryBounds, isBackward: boolean): readonly EventRow[] {
    const heads = isBackward ? this.#backward.all(bounds) : this.#forward.all(bounds);
    if (heads.length === 0) return loose;
    const page: EventRow[] = [];
    let taken = 0;
    for (const head of heads) {
      const isFirst = ({ seq }: EventRow): boolean => (isBackward ? seq > head.lastSeq : seq < head.firstSeq);
      for (let row = loose[taken]; row && isFirst(row); row = loose[++taken]) page.push(row);
      if (page.length >= bounds.limit) break;
      const rows = this.#rows(head, bounds);
      page.push(...(isBackward ? rows.reverse() : rows));
    }
    return [...page, ...loose.slice(taken)].slice(0, bounds.limit);
  }

  #rows(head: SegmentHead, { after, before, beforePos }: HistoryBounds): EventRow[] {
    return this.#events(head)
      .filter(({ seq, pos }) => seq > after && seq < before && pos < beforePos)
      .map(({ deltaChecksum: _sum, ...row }) => (row.seq === head.begins ? { ...row, prev: 0 } : row));
  }

  /** The events of a segment that are still there, oldest first. */
  #events(head: SegmentHead): SegmentEvent[] {
    const { eventsFrom, deltasFrom } = head;
    const events = this.#unpack(head).filter(({ seq }) => seq >= eventsFrom);
    return events.map((event) => (event.seq < deltasFrom ? { ...event, delta: null, deltaChecksum: null } : event));
  }

  /**
   * Deltas after a commit, until another, oldest first.
   * @throws {TroupeError} ERR_STATE_CORRUPT when they are damaged.
   */
  deltas(address: Address, after: number, until: number): StateRow[] {
    return this.#withDeltas.all({ address, after, until }).flatMap((head) => {
      const from = Math.max(after + 1, head.deltasFrom);
      return this.#unpack(head).flatMap(({ seq, delta, deltaChecksum }) =>
        seq >= from && seq <= until && delta !== null ? [{ seq, checksum: deltaChecksum ?? 0, text: delta }] : [],
      );
    });
  }

  /** The first event that is there and was at a time or after it. */
  firstSince(address: Address, at: number): number | undefined {
    for (const head of this.#since.all(address, at)) {
      const first = head.minAt >= at ? head.eventsFrom : this.#find(head, (event) => event.at >= at, head.eventsFrom);
      if (first !== undefined) return first;
    }
    return undefined;
  }

  /** Actors between two addresses with an event from before a time. */
  old(from: string, to: string, before: number): readonly Address[] {
    const heads = this.#old.all(from, to, before).filter((head) => {
      // The oldest time may be that of an event that is gone.
      const isWhole = head.eventsFrom === head.firstSeq || head.maxAt < before;
      return isWhole || this.#find(head, ({ at }) => at < before) !== undefined;
    });
    return heads.map(({ address }) => address);
  }

  /** Events before a commit go, and segments that hold nothing any more. Returns how many. */
  dropEvents(address: Address, from: number): number {
    const count = this.#countBefore.get({ address, from }) ?? 0;
    if (count === 0) return 0;
    this.#moveEvents.run({ address, from });
    this.#dropEmpty.run(address);
    return count;
  }

  /** The chain of events begins with the first of them, where that is packed. False when it is not. */
  begin(address: Address): boolean {
    return this.#begin.run({ address }).changes > 0;
  }

  /** Deltas until a commit go, and segments that hold nothing any more. */
  dropDeltas(address: Address, until: number): void {
    this.#moveDeltas.run({ address, from: until + 1 });
    this.#dropEmpty.run(address);
  }

  /** The number of the first event that is there and fits; of one that cannot be read, `otherwise`: a trim must not fail for it. */
  #find(head: SegmentHead, fits: (event: SegmentEvent) => boolean, otherwise?: number): number | undefined {
    try {
      return this.#events(head).find(fits)?.seq;
    } catch (error) {
      if (isTroupeError(error, 'ERR_STATE_CORRUPT')) return otherwise;
      throw error;
    }
  }

  #unpack(head: SegmentHead): SegmentEvent[] {
    return readSegment(head, this.#packed.get(head.address, head.firstSeq), head.checksum);
  }
}

/** Each holds an event of the stretch, but for one that ends at a position: one more than events are wanted is enough. */
function toHeadsSql(direction: 'ASC' | 'DESC'): string {
  return `${HEAD} WHERE address = @address AND first_seq > @after - ${MAX_SEGMENT_EVENTS} AND first_seq < @before AND last_seq > @after
    AND events_from <= last_seq AND events_from < @before AND first_pos < @beforePos
    ORDER BY first_seq ${direction} LIMIT @limit + 1`;
}
