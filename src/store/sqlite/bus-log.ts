/**
 * The log of published events: read, swept and counted. No call looks at more rows than it says, however long the log is; only
 * the jump over what is of another time asks the index of times for more.
 *
 * Invariant: what is in `meta` of the counts is about the events up to a position, and was written with the last sweep. Those
 * after it are counted once for a connection: at once when they are few, else when somebody asks.
 */
import type { Database, Statement } from 'better-sqlite3';
import {
  MOST_LOOKED_AT,
  charsOf,
  countMissed,
  fillPage,
  fitsOne,
  isInTime,
  timeOfScan,
  timeOfSweep,
} from '../bus-log.ts';
import type { Located, TimeRange } from '../bus-log.ts';
import { limitOf } from '../queries.ts';
import type { BusQuery } from '../queries.ts';
import type { BusEventRow } from '../store.ts';
import type { BusCount, BusCounts, BusPage, BusScan, BusSweep, NamedCursor, SweptBus } from '../topics.ts';

const COLUMNS = 'pos, id, topic, source, at, coalesce(time, at) AS time, priority, text, attributes, origin';

/** Rows after one position up to another, by position whatever the conditions. */
const STRETCH =
  'FROM bus_events NOT INDEXED WHERE pos > @startPos AND pos <= @boundPos AND at >= @sinceAt AND at <= @untilAt';

/** What a page is filled from, row by row: a page that is full early has looked at no more. */
export const WANTED = `SELECT pos, topic FROM (SELECT pos, topic, at, origin, priority FROM bus_events NOT INDEXED
    WHERE pos > @startPos AND pos <= @endPos ORDER BY pos LIMIT ${MOST_LOOKED_AT})
  WHERE at >= @sinceAt AND at <= @untilAt AND (@isOwn = 0 OR origin IS NULL)
    AND (@priorities IS NULL OR priority IN (SELECT value FROM json_each(@priorities))) ORDER BY pos`;

/** What a sweep may take. */
export const REMOVABLE = `SELECT pos, topic ${STRETCH} AND (pos <= @unsentAfter OR origin IS NOT NULL) ORDER BY pos`;

/** The next event of a time: walks the times, not the events. */
export const NEXT_IN_TIME =
  'SELECT min(pos) FROM bus_events INDEXED BY bus_events_by_age WHERE at >= ? AND at <= ? AND pos > ?';

const EVER: TimeRange = { sinceAt: -Number.MAX_SAFE_INTEGER, untilAt: Number.MAX_SAFE_INTEGER };

interface Totals {
  readonly events: number;
  readonly chars: number;
}

/** The log of one connection's store. */
export class BusLog {
  readonly #db: Database;
  readonly #events: Statement<[number, number], BusEventRow>;
  readonly #event: Statement<[number], BusEventRow>;
  readonly #lastPos: Statement<[], number>;
  readonly #next: Statement<[number], { readonly at: number }>;
  readonly #nextInTime: Statement<[number, number, number], number | null>;
  readonly #nth: Statement<[number, number], number>;
  readonly #wanted: Statement<[object], Located>;
  readonly #removable: Statement<[object], Located>;
  readonly #remove: Statement<[number], number>;
  /** Of everything there is, once it was counted. */
  #totals: Totals | undefined;
  /** The same without what the transaction under way has done. */
  #savedTotals: Totals | undefined;

  constructor(db: Database) {
    this.#db = db;
    this.#events = db.prepare(`SELECT ${COLUMNS} FROM bus_events WHERE pos > ? ORDER BY pos LIMIT ?`);
    this.#event = db.prepare(`SELECT ${COLUMNS} FROM bus_events WHERE pos = ?`);
    this.#lastPos = db
      .prepare<[], number>(
        `SELECT max(coalesce((SELECT max(pos) FROM bus_events), 0),
           coalesce((SELECT value FROM meta WHERE key = 'last_bus_pos'), 0))`,
      )
      .pluck();
    this.#next = db.prepare('SELECT at FROM bus_events WHERE pos > ? ORDER BY pos LIMIT 1');
    this.#nextInTime = db.prepare<[number, number, number], number | null>(NEXT_IN_TIME).pluck();
    this.#nth = db
      .prepare<[number, number], number>('SELECT pos FROM bus_events WHERE pos > ? ORDER BY pos LIMIT 1 OFFSET ? - 1')
      .pluck();
    this.#wanted = db.prepare(WANTED);
    this.#removable = db.prepare(REMOVABLE);
    this.#remove = db.prepare<[number], number>('DELETE FROM bus_events WHERE pos = ? RETURNING length(text)').pluck();
    const isQuick = this.#nth.get(this.#readMeta('bus_counted_pos'), MOST_LOOKED_AT) === undefined;
    if (isQuick) this.#savedTotals = this.#totals = this.#count();
  }

  events({ afterPos = 0, limit }: BusQuery = {}): readonly BusEventRow[] {
    return this.#events.all(afterPos, limitOf('busEvents', limit));
  }

  lastPos(): number {
    return this.#lastPos.get() ?? 0;
  }

  scan(query: BusScan = {}): BusPage {
    const { afterPos = 0, untilPos = Infinity, priorities, isOwn } = query;
    // Checked before the rows are open: what fails in between would leave them so.
    const limit = limitOf('scanBus', query.limit);
    const endPos = Math.max(afterPos, Math.min(untilPos, this.lastPos()));
    const time = timeOfScan(query);
    const startPos = this.#skip(afterPos, endPos, time);
    const candidates = this.#wanted.iterate({
      ...(time ?? EVER),
      startPos,
      endPos,
      priorities: priorities ? JSON.stringify(priorities) : null,
      isOwn: isOwn === true ? 1 : 0,
    });
    const boundOf = (): number => this.#boundOf(startPos, endPos, MOST_LOOKED_AT);
    const stretch = {
      endPos,
      get boundPos() {
        return boundOf();
      },
    };
    return fillPage(candidates, { ...query, limit }, stretch, ({ pos }) => this.#event.get(pos));
  }

  /** Call in a transaction. What was the last position stays known. */
  sweep(sweep: BusSweep, places: () => readonly NamedCursor[]): SweptBus {
    const { afterPos = 0, patterns, unsentAfter = Number.MAX_SAFE_INTEGER } = sweep;
    const lastPos = this.lastPos();
    const endPos = Math.max(afterPos, lastPos);
    const time = timeOfSweep(sweep);
    const startPos = this.#skip(afterPos, endPos, time);
    const boundPos = this.#boundOf(startPos, endPos, limitOf('sweepBus', sweep.limit));
    const candidates = this.#removable.all({ ...(time ?? EVER), startPos, boundPos, unsentAfter });
    const removed = candidates.filter(({ topic }) => fitsOne(patterns, topic));
    this.#removeAll(removed, lastPos);
    const missed = removed.length > 0 ? countMissed(places(), removed) : [];
    return { removed: removed.length, reachedPos: boundPos, isEnd: boundPos >= endPos, missed };
  }

  count({ afterPos = 0, sinceAt, isOwn = false }: BusCount): number {
    const { sql, values } = toCount(afterPos, sinceAt);
    const own = isOwn ? ' AND origin IS NULL' : '';
    return (
      this.#db
        .prepare<number[], number>(`SELECT count(*) FROM bus_events WHERE ${sql}${own}`)
        .pluck()
        .get(...values) ?? 0
    );
  }

  counts(): BusCounts {
    this.#totals ??= this.#count();
    this.#savedTotals = this.#totals;
    const { events, chars } = this.#totals;
    const times = this.#db
      .prepare<[], Pick<BusCounts, 'oldestAt' | 'newestAt'>>(
        'SELECT (SELECT min(at) FROM bus_events) AS oldestAt, (SELECT max(at) FROM bus_events) AS newestAt',
      )
      .get();
    return {
      events,
      chars,
      oldestAt: times?.oldestAt ?? null,
      newestAt: times?.newestAt ?? null,
      lastPos: this.lastPos(),
    };
  }

  /** An event was written, with this data. */
  wrote(text: string): void {
    if (!this.#totals) return;
    const { events, chars } = this.#totals;
    this.#totals = { events: events + 1, chars: chars + charsOf(text) };
  }

  /** The transaction is durable. */
  saved(): void {
    this.#savedTotals = this.#totals;
  }

  rolledBack(): void {
    this.#totals = this.#savedTotals;
  }

  /** The position before the next event of a time, or where the log ends when there is none. */
  #skip(afterPos: number, endPos: number, time: TimeRange | undefined): number {
    if (!time) return afterPos;
    const next = this.#next.get(afterPos);
    if (!next) return endPos;
    if (isInTime(next.at, time)) return afterPos;
    const pos = this.#nextInTime.get(time.sinceAt, time.untilAt, afterPos) ?? null;
    return pos === null ? endPos : pos - 1;
  }

  #boundOf(startPos: number, endPos: number, rows: number): number {
    return Math.min(this.#nth.get(startPos, rows) ?? endPos, endPos);
  }

  #removeAll(removed: readonly Located[], lastPos: number): void {
    let { events, chars } = this.#totals ?? this.#count();
    for (const { pos } of removed) {
      chars -= this.#remove.get(pos) ?? 0;
      events--;
    }
    this.#totals = { events, chars };
    if (removed.length > 0) this.#writeMeta('last_bus_pos', lastPos);
    this.#writeMeta('bus_counted_pos', lastPos);
    this.#writeMeta('bus_events', events);
    this.#writeMeta('bus_chars', chars);
  }

  #count(): Totals {
    const after = this.#db
      .prepare<[number], Totals>(
        'SELECT count(*) AS events, coalesce(sum(length(text)), 0) AS chars FROM bus_events WHERE pos > ?',
      )
      .get(this.#readMeta('bus_counted_pos'));
    return {
      events: this.#readMeta('bus_events') + (after?.events ?? 0),
      chars: this.#readMeta('bus_chars') + (after?.chars ?? 0),
    };
  }

  #readMeta(key: string): number {
    return this.#db.prepare<[string], number>('SELECT value FROM meta WHERE key = ?').pluck().get(key) ?? 0;
  }

  #writeMeta(key: string, value: number): void {
    this.#db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)').run(key, value);
  }
}

/** A time is looked up by its index, a position by the key: what is near the end is counted in no time. */
function toCount(afterPos: number, sinceAt: number | undefined): { readonly sql: string; readonly values: number[] } {
  if (sinceAt === undefined) return { sql: 'pos > ?', values: [afterPos] };
  return { sql: 'at >= ? AND pos > ?', values: [sinceAt, afterPos] };
}
