/** Of the port, what is about the log of published events: how it is paged through, swept and counted. */
import type { Priority } from '../bus/topic-event.ts';
import type { BusEventRow, Cursor } from './store.ts';

/** How far a reader of published events has come, under its name. Names of the runtime's own readers begin with `#`. */
export interface NamedCursor extends Cursor {
  readonly name: string;
}

/** Which published events to page through, in order of position. What is absent does not narrow it down. */
export interface BusScan {
  /** Only events after this position: `reachedPos` of the page before. @default 0 */
  readonly afterPos?: number;
  /** Only events up to this position. */
  readonly untilPos?: number;
  /** Only events that came at this time or later, in milliseconds since the epoch. */
  readonly sinceAt?: number;
  /** Only events that came at this time or before. */
  readonly untilAt?: number;
  /** Only events whose topic fits one of these patterns, normalized. */
  readonly patterns?: readonly string[];
  readonly priorities?: readonly Priority[];
  /** Only events that were published here, and did not come from elsewhere. @default false */
  readonly isOwn?: boolean;
  /** 1 to 10,000. A page ends earlier when it is large, or when much was looked at. @default 1000 */
  readonly limit?: number;
}

/** One page. It may be empty although there is more. */
export interface BusPage {
  readonly events: readonly BusEventRow[];
  /** Everything up to here was looked at. */
  readonly reachedPos: number;
  /** There is nothing further. */
  readonly isEnd: boolean;
}

/** Which published events go. What is absent does not narrow it down. */
export interface BusSweep {
  /** Only events that came before this time, in milliseconds since the epoch. */
  readonly before?: number;
  /** Only events whose topic fits one of these patterns, normalized. */
  readonly patterns?: readonly string[];
  /** Events published here after this position stay: they are still to be sent. */
  readonly unsentAfter?: number;
  /** Only events after this position: `reachedPos` of the answer before. @default 0 */
  readonly afterPos?: number;
  /** So many are looked at or removed at once, so that the store is not held up: 1 to 10,000. @default 2000 */
  readonly limit?: number;
}

/** What a sweep did. */
export interface SweptBus {
  readonly removed: number;
  /** Everything up to here was looked at. */
  readonly reachedPos: number;
  /** There is nothing further. */
  readonly isEnd: boolean;
  /** Named readers that had not come to what was removed although their patterns fit it, and how much that was. */
  readonly missed: readonly MissedEvents[];
}

/** A named reader that lost events. */
export interface MissedEvents {
  readonly name: string;
  readonly count: number;
}

/** Which published events to count. What is absent does not narrow it down. */
export interface BusCount {
  /** Only events after this position. */
  readonly afterPos?: number;
  /** Only events that came at this time or later, in milliseconds since the epoch. */
  readonly sinceAt?: number;
  /** Only events that were published here, and did not come from elsewhere. @default false */
  readonly isOwn?: boolean;
}

/** What is kept of published events. */
export interface BusCounts {
  readonly events: number;
  /** Length of their data, in Unicode characters. */
  readonly chars: number;
  /** When the first came, in milliseconds since the epoch; null when there are none. */
  readonly oldestAt: number | null;
  readonly newestAt: number | null;
  /** Of the latest event that was ever kept, 0 when there was none. */
  readonly lastPos: number;
}
