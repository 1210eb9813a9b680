/**
 * Alarms: callbacks at a time of the wall clock, any number of them over one timer. The clock may jump, and a timer knows
 * nothing of that; so it never sleeps longer than a slice, and looks at the clock again.
 *
 * Invariants: L1 nothing fires before `now()` has reached its time; L2 what is due fires in order of time, then in the order
 * it was set; L3 with no alarm set no timer is; L4 a callback that throws stops none of the others.
 */
import type { TimerHandle } from './env.ts';
import { TroupeError } from './errors.ts';
import { TimeHeap } from './time-heap.ts';
import type { Timed } from './time-heap.ts';

/** What a queue of alarms reads and sleeps by. */
export interface AlarmClock {
  /** Milliseconds since the epoch; may jump. */
  now(): number;
  setTimeout(callback: () => void, delayMs: number): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
}

/** One alarm, to take it back by. */
export interface Alarm extends Timed {
  readonly callback: () => void;
}

/** Longest sleep: so soon does a clock that was set forward show. */
export const ALARM_SLICE_MS = 1000;

/** The last moment a Date can hold, in milliseconds since the epoch. */
export const MAX_TIME_MS = 8_640_000_000_000_000;

export class AlarmQueue {
  readonly #clock: AlarmClock;
  readonly #alarms = new TimeHeap<Alarm>();
  #order = 0;
  #sleep: { readonly handle: TimerHandle } | undefined;

  constructor(clock: AlarmClock) {
    this.#clock = clock;
  }

  /** Alarms that have neither fired nor been taken back. */
  get size(): number {
    return this.#alarms.size;
  }

  /**
   * Sets an alarm. One whose time has passed fires soon, not within this call.
   * @throws {TroupeError} ERR_SCHEDULE_INVALID when `dueAt` is no time.
   */
  set(dueAt: number, callback: () => void): Alarm {
    assertAlarmTime(dueAt);
    const alarm: Alarm = { dueAt, order: this.#order++, callback };
    this.#alarms.push(alarm);
    if (this.#alarms.first() === alarm) this.#arm();
    return alarm;
  }

  /** Takes an alarm back. One that has fired, or has been taken back, is left alone. */
  clear(alarm: Alarm): void {
    if (this.#alarms.remove(alarm) && this.#alarms.size === 0) this.#disarm();
  }

  /** Sleeps until the first alarm is due, a slice at most. A sleep under way is no longer than that. */
  #arm(): void {
    const first = this.#alarms.first();
    if (!first) return;
    const sleepMs = Math.ceil(first.dueAt - this.#clock.now());
    if (this.#sleep && sleepMs >= ALARM_SLICE_MS) return;
    this.#disarm();
    const delayMs = Math.min(Math.max(0, sleepMs), ALARM_SLICE_MS);
    this.#sleep = { handle: this.#clock.setTimeout(() => this.#wake(), delayMs) };
  }

  #disarm(): void {
    if (this.#sleep) this.#clock.clearTimeout(this.#sleep.handle);
    this.#sleep = undefined;
  }

  /** What callbacks set for the past waits for the next wake, or they could keep the thread here for ever. */
  #wake(): void {
    this.#sleep = undefined;
    const now = this.#clock.now();
    const firstNew = this.#order;
    try {
      for (let next = this.#alarms.first(); next; next = this.#alarms.first()) {
        if (next.dueAt > now || next.order >= firstNew) break;
        this.#alarms.shift();
        next.callback();
      }
    } finally {
      this.#disarm();
      this.#arm();
    }
  }
}

/**
 * Checks the time of an alarm.
 * @throws {TroupeError} ERR_SCHEDULE_INVALID when it is not a number, or beyond what a Date can hold.
 */
export function assertAlarmTime(dueAt: number): void {
  if (typeof dueAt === 'number' && Math.abs(dueAt) <= MAX_TIME_MS) return;
  throw new TroupeError(
    'ERR_SCHEDULE_INVALID',
    `An alarm was set for ${String(dueAt)}. Use milliseconds since the epoch, at most ${MAX_TIME_MS}.`,
    { details: { dueAt: String(dueAt) } },
  );
}
