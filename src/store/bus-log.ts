/** The log of published events: what every adapter does alike when it pages through it and sweeps it. Pure but for `sweepAll`. */
import { matchesPattern } from '../bus/subjects.ts';
import { limitOf } from './queries.ts';
import type { BusEventRow } from './store.ts';
import type { BusPage, BusScan, BusSweep, MissedEvents, NamedCursor, SweptBus } from './topics.ts';

/** Rows looked at for one page. */
export const MOST_LOOKED_AT = 10_000;

/** Characters of data after which a page is not added to. */
const PAGE_CHARS = 4_000_000;

/** Begins names of readers that are not the user's. */
const RUNTIME_MARK = '#';

/** What tells where an event stands and what it is about. */
export interface Located {
  readonly pos: number;
  readonly topic: string;
}

/** A stretch of time, both ends in it. */
export interface TimeRange {
  readonly sinceAt: number;
  readonly untilAt: number;
}

/** The time of a scan; undefined when it is not bounded. */
export function timeOfScan({ sinceAt, untilAt }: BusScan): TimeRange | undefined {
  if (sinceAt === undefined && untilAt === undefined) return undefined;
  return { sinceAt: sinceAt ?? -Number.MAX_SAFE_INTEGER, untilAt: untilAt ?? Number.MAX_SAFE_INTEGER };
}

/** The time of a sweep; undefined when it is not bounded. Times of events are whole numbers. */
export function timeOfSweep({ before }: BusSweep): TimeRange | undefined {
  return timeOfScan(before === undefined ? {} : { untilAt: Math.ceil(before) - 1 });
}

/** True for a time within. */
export function isInTime(at: number, { sinceAt, untilAt }: TimeRange): boolean {
  return at >= sinceAt && at <= untilAt;
}

/** True when there are no patterns, or one fits. */
export function fitsOne(patterns: readonly string[] | undefined, topic: string): boolean {
  return patterns === undefined || patterns.some((pattern) => matchesPattern(pattern, topic));
}

/** The stretch of the log that is looked at, and where the log ends. */
export interface Stretch {
  /** Asked for only when the page does not get full before. */
  readonly boundPos: number;
  readonly endPos: number;
}

/** Loads what fits, until the page is full. The candidates are in order of position. */
export function fillPage<T extends Located>(
  candidates: Iterable<T>,
  { patterns, limit }: BusScan,
  stretch: Stretch,
  load: (candidate: T) => BusEventRow | undefined,
): BusPage {
  const most = limitOf('scanBus', limit);
  const { endPos } = stretch;
  const events: BusEventRow[] = [];
  let chars = 0;
  for (const candidate of candidates) {
    const event = fitsOne(patterns, candidate.topic) ? load(candidate) : undefined;
    if (!event) continue;
    events.push(event);
    chars += event.text.length;
    if (events.length === most || chars >= PAGE_CHARS)
      return { events, reachedPos: event.pos, isEnd: event.pos >= endPos };
  }
  const { boundPos } = stretch;
  return { events, reachedPos: boundPos, isEnd: boundPos >= endPos };
}

/** Who had not come to what was removed, and how much of it they wanted. */
export function countMissed(places: readonly NamedCursor[], removed: readonly Located[]): readonly MissedEvents[] {
  const last = removed.at(-1)?.pos ?? 0;
  return places.flatMap(({ name, pattern, pos: placePos }) => {
    if (name.startsWith(RUNTIME_MARK) || placePos >= last) return [];
    const count = removed.filter(({ pos, topic }) => pos > placePos && matchesPattern(pattern, topic)).length;
    return count > 0 ? [{ name, count }] : [];
  });
}

/** The first half of a character that has two. */
const HIGH = /[\uD800-\uDBFF]/;

/** Length of a text in Unicode characters, as SQLite counts them. Most texts are only looked through; nothing is made of the others. */
export function charsOf(text: string): number {
  if (!HIGH.test(text)) return text.length;
  let pairs = 0;
  for (let i = 1; i < text.length; i++)
    if ((text.charCodeAt(i - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(i) & 0xfc00) === 0xdc00) pairs++;
  return text.length - pairs;
}

/** The same sweep in numbers that JSON has, and with its limit: done again it is to take the same. */
export function toWritableSweep(sweep: BusSweep): BusSweep {
  const numbers = (['before', 'unsentAfter', 'afterPos'] as const).flatMap((name) => {
    const value = sweep[name];
    return value === undefined ? [] : [[name, toFinite(value)] as const];
  });
  return { ...sweep, ...Object.fromEntries(numbers), limit: limitOf('sweepBus', sweep.limit) };
}

function toFinite(value: number): number {
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
}

/** Sweeps to the end, a bounded piece at a time, so that others of the store get their turn in between. */
export async function sweepAll(
  sweepBus: (sweep: BusSweep) => Promise<SweptBus>,
  sweep: BusSweep,
): Promise<Pick<SweptBus, 'removed' | 'missed'>> {
  const missed = new Map<string, number>();
  let removed = 0;
  let { afterPos = 0 } = sweep;
  for (;;) {
    const swept = await sweepBus({ ...sweep, afterPos });
    removed += swept.removed;
    afterPos = swept.reachedPos;
    for (const { name, count } of swept.missed) missed.set(name, (missed.get(name) ?? 0) + count);
    if (swept.isEnd) return { removed, missed: [...missed].map(([name, count]) => ({ name, count })) };
  }
}
