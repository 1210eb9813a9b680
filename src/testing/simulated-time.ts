/**
 * Two clocks that stand still until they are moved: timeouts go by the one that never jumps, alarms by the wall clock. Holds
 * what is set on them, and gives it out in order of time; runs nothing itself.
 */
import { assertAlarmTime } from '../alarms.ts';
import type { TimerHandle } from '../env.ts';
import { TimeHeap } from '../time-heap.ts';
import type { Timed } from '../time-heap.ts';
import { checkClockTime } from './checks.ts';

/** A timer that has not fired. */
export interface PendingTimer {
  /** By the wall clock, in milliseconds since the epoch. */
  readonly dueAt: number;
  readonly kind: 'timeout' | 'alarm';
}

interface Timer extends Timed {
  readonly callback: () => void;
}

export class SimulatedTime {
  /** Due by elapsed time. */
  readonly #timeouts = new TimeHeap<Timer>();
  /** Due by the wall clock. */
  readonly #alarms = new TimeHeap<Timer>();
  #elapsedMs = 0;
  /** What the wall clock shows beyond whole milliseconds elapsed; a whole number. */
  #offsetMs: number;
  #order = 0;

  constructor(startAt: number) {
    this.#offsetMs = Math.floor(startAt);
  }

  /** The wall clock, in whole milliseconds as Node's. */
  now(): number {
    return this.#offsetMs + Math.floor(this.#elapsedMs);
  }

  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Lets the wall clock jump; no time passes. */
  setClock(now: number): void {
    checkClockTime('The clock was to be set to', now);
    this.#offsetMs = Math.floor(now) - Math.floor(this.#elapsedMs);
  }

  /** Lets time pass on both clocks. */
  moveTo(elapsedMs: number): void {
    this.#elapsedMs = Math.max(this.#elapsedMs, elapsedMs);
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const dueAt = this.#elapsedMs + (delayMs > 0 ? delayMs : 0);
    return this.#set(this.#timeouts, dueAt, callback);
  }

  setAlarm(dueAt: number, callback: () => void): TimerHandle {
    assertAlarmTime(dueAt);
    return this.#set(this.#alarms, dueAt, callback);
  }

  clear(handle: TimerHandle): void {
    const timer = handle as Timer;
    if (!this.#timeouts.remove(timer)) this.#alarms.remove(timer);
  }

  /** Forgets every timer. */
  clearAll(): void {
    for (const timers of [this.#timeouts, this.#alarms]) while (timers.first()) timers.shift();
  }

  /** True when a timer is due now. */
  get isDue(): boolean {
    return this.#nextAtMs <= this.#elapsedMs;
  }

  /** Takes out the next timer that is due by `elapsedMs`, moves on to its time, and returns what it runs. */
  take(elapsedMs: number): (() => void) | undefined {
    const atMs = this.#nextAtMs;
    if (atMs > elapsedMs || atMs === Infinity) return undefined;
    this.moveTo(atMs);
    return (this.#isAlarmNext() ? this.#alarms : this.#timeouts).shift()?.callback;
  }

  /** What has not fired, in order of time. */
  get pending(): readonly PendingTimer[] {
    const toWall = (elapsedMs: number): number => this.#offsetMs + elapsedMs;
    const timeouts = this.#timeouts
      .toSorted()
      .map((timer) => ({ ...timer, kind: 'timeout', dueAt: toWall(timer.dueAt) }));
    const alarms = this.#alarms.toSorted().map((timer) => ({ ...timer, kind: 'alarm' }));
    return [...timeouts, ...alarms]
      .toSorted((a, b) => a.dueAt - b.dueAt || a.order - b.order)
      .map(({ dueAt, kind }) => ({ dueAt, kind }) as PendingTimer);
  }

  #set(timers: TimeHeap<Timer>, dueAt: number, callback: () => void): Timer {
    const timer: Timer = { dueAt, order: this.#order++, callback };
    timers.push(timer);
    return timer;
  }

  /** When the next timer fires, in elapsed time; Infinity when there is none. */
  get #nextAtMs(): number {
    return Math.min(this.#timeouts.first()?.dueAt ?? Infinity, this.#alarmAtMs);
  }

  /** The wall clock shows whole milliseconds: an alarm in between waits for the next one. */
  get #alarmAtMs(): number {
    const alarm = this.#alarms.first();
    return alarm ? Math.ceil(alarm.dueAt) - this.#offsetMs : Infinity;
  }

  #isAlarmNext(): boolean {
    const [timeout, alarm] = [this.#timeouts.first(), this.#alarms.first()];
    if (!timeout || !alarm) return alarm !== undefined;
    const aheadMs = timeout.dueAt - this.#alarmAtMs;
    return aheadMs > 0 || (aheadMs === 0 && alarm.order < timeout.order);
  }
}
