/** The log of published events in memory. Mirrors `sqlite/bus-log.ts`. */
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
import type { TimeRange } from '../bus-log.ts';
import { limitOf } from '../queries.ts';
import type { BusQuery } from '../queries.ts';
import type { BusEventRow } from '../store.ts';
import type { BusCount, BusCounts, BusPage, BusScan, BusSweep, NamedCursor, SweptBus } from '../topics.ts';

/** Published events, in order of position. */
export class MemoryBusLog {
  readonly #ids = new Set<string>();
  #events: BusEventRow[] = [];
  #chars = 0;
  #lastPos = 0;

  get size(): number {
    return this.#events.length;
  }

  /** Of the latest event that was ever kept. */
  get lastPos(): number {
    return this.#lastPos;
  }

  /** Every event there is. */
  get rows(): readonly BusEventRow[] {
    return this.#events;
  }

  restore(rows: readonly BusEventRow[], lastPos: number): void {
    for (const row of rows) this.add(row);
    this.#lastPos = lastPos;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(row: BusEventRow): void {
    this.#events.push(row);
    this.#ids.add(row.id);
    this.#chars += charsOf(row.text);
    this.#lastPos = row.pos;
  }

  events({ afterPos = 0, limit }: BusQuery): readonly BusEventRow[] {
    const start = this.#indexAfter(afterPos);
    return this.#events.slice(start, start + limitOf('busEvents', limit));
  }

  scan(query: BusScan): BusPage {
    const { afterPos = 0, untilPos = Infinity, priorities, isOwn } = query;
    const endPos = Math.max(afterPos, Math.min(untilPos, this.#lastPos));
    const time = timeOfScan(query);
    const { rows, boundPos } = this.#stretch(afterPos, endPos, { time, most: MOST_LOOKED_AT });
    const candidates = rows.filter(
      ({ at, priority, origin }) =>
        (!time || isInTime(at, time)) &&
        (priorities === undefined || priorities.includes(priority)) &&
        (isOwn !== true || origin === null),
    );
    return fillPage(candidates, query, { boundPos, endPos }, (row) => row);
  }

  sweep(sweep: BusSweep, places: () => readonly NamedCursor[]): SweptBus {
    const { afterPos = 0, patterns, unsentAfter = Infinity } = sweep;
    const endPos = Math.max(afterPos, this.#lastPos);
    const time = timeOfSweep(sweep);
    const { rows, boundPos } = this.#stretch(afterPos, endPos, { time, most: limitOf('sweepBus', sweep.limit) });
    const removed = rows.filter(
      ({ pos, at, topic, origin }) =>
        (!time || isInTime(at, time)) && (pos <= unsentAfter || origin !== null) && fitsOne(patterns, topic),
    );
    this.#remove(removed);
    const missed = countMissed(places(), removed);
    return { removed: removed.length, reachedPos: boundPos, isEnd: boundPos >= endPos, missed };
  }

  count({ afterPos = 0, sinceAt = -Infinity, isOwn = false }: BusCount): number {
    return this.#events.filter(({ pos, at, origin }) => pos > afterPos && at >= sinceAt && (!isOwn || origin === null))
      .length;
  }

  get counts(): BusCounts {
    let [oldestAt, newestAt] = [Infinity, -Infinity];
    for (const { at } of this.#events) {
      oldestAt = Math.min(oldestAt, at);
      newestAt = Math.max(newestAt, at);
    }
    const times = this.size === 0 ? { oldestAt: null, newestAt: null } : { oldestAt, newestAt };
    return { events: this.size, chars: this.#chars, ...times, lastPos: this.#lastPos };
  }

  #remove(rows: readonly BusEventRow[]): void {
    for (const { id, text } of rows) {
      this.#ids.delete(id);
      this.#chars -= charsOf(text);
    }
    const gone = new Set(rows);
    if (gone.size > 0) this.#events = this.#events.filter((row) => !gone.has(row));
  }

  /** So many rows after a position, those of another time before the first of this one left out. */
  #stretch(
    afterPos: number,
    endPos: number,
    { time, most }: { readonly time: TimeRange | undefined; readonly most: number },
  ) {
    let start = this.#indexAfter(afterPos);
    while (time && start < this.size && !isInTime(this.#events[start]?.at ?? 0, time)) start++;
    const last = this.#events[start + most - 1]?.pos ?? endPos;
    const boundPos = Math.min(last, endPos);
    const rows = this.#events.slice(start, start + most).filter(({ pos }) => pos <= endPos);
    return { rows, boundPos };
  }

  /** Of the first event after a position. */
  #indexAfter(pos: number): number {
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.pos ?? 0) <= pos) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
