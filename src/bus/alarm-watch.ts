/**
 * Watches how long published events take to be handled, wherever that is, and says when it is too long. Reads shared memory, and asks nobody.
 * Its timer runs from the first event until a while after the last: five minutes, or until what it has said is over.
 */
import type { Env, TimerHandle } from '../env.ts';
import { NO_COUNTS, countsBetween, sumOfCounts, summarize } from '../observe/histogram.ts';
import type { Counts, Histogram, LatencySummary } from '../observe/histogram.ts';
import type { Logger } from '../observe/logger.ts';
import type { BusEventRow } from '../store/store.ts';
import type { Announce, BusSlowness } from '../supervision/events.ts';
import { WINDOW_MS, judgeWindow } from './alarm.ts';
import type { AlarmSettings, Episode } from './alarm.ts';
import type { BusLatency } from './bus-stats.ts';
import type { BusMeter } from './meter.ts';
import { isOfRuntime } from './subjects.ts';

/** Windows that make up five minutes, and a minute. */
const KEPT_WINDOWS = 30;
const MINUTE_WINDOWS = 6;

/** How often main looks whether it is late itself, in milliseconds, in windows with events. */
const BEAT_MS = 250;

export interface AlarmWatchOptions extends AlarmSettings {
  readonly env: Env;
  readonly log: Logger;
  readonly announce: Announce;
  /** What every thread counts into. */
  readonly histogram: Histogram;
}

export class AlarmWatch implements BusMeter {
  readonly #options: AlarmWatchOptions;
  readonly #log: Logger;
  /** The latest windows that are over, oldest first. */
  #windows: Counts[] = [];
  /** All windows that are over. */
  #total = NO_COUNTS;
  /** What the histogram held when the window began. */
  #base: Counts;
  #baseTotal: number;
  #fromMs = 0;
  #fromAt = 0;
  #mainDelayMs = 0;
  #quietWindows = 0;
  #episode: Episode | undefined;
  #timer: TimerHandle | undefined;
  #isStopped = false;

  constructor(options: AlarmWatchOptions) {
    this.#options = options;
    this.#log = options.log.with({ component: 'bus' });
    this.#baseTotal = options.histogram.total;
    this.#base = options.histogram.read();
  }

  /** Counts an event that code handled. What the runtime says of itself does not count: to say that it took long would lead to more of it. */
  handled({ topic, at }: Pick<BusEventRow, 'topic' | 'at'>): void {
    if (isOfRuntime(topic)) return;
    this.#options.histogram.count(this.#options.env.now() - at);
    this.#begin();
  }

  /** Looks whether events were handled elsewhere. Called now and then while the watch rests; costs nothing while it does not. */
  look(): void {
    if (this.#timer === undefined && this.#options.histogram.total !== this.#baseTotal) this.#begin();
  }

  get summary(): BusLatency {
    const open = this.#open();
    const last = (windows: number): LatencySummary => summarize(sumOfCounts([...this.#windows.slice(-windows), open]));
    return {
      ...summarize(sumOfCounts([this.#total, open])),
      lastMinute: last(MINUTE_WINDOWS),
      lastFiveMinutes: last(KEPT_WINDOWS),
    };
  }

  stop(): void {
    this.#isStopped = true;
    this.#options.env.clearTimeout(this.#timer);
  }

  #open(): Counts {
    return countsBetween(this.#base, this.#options.histogram.read());
  }

  #begin(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    this.#quietWindows = 0;
    this.#openWindow();
    this.#schedule(BEAT_MS);
  }

  #openWindow(): void {
    const { env } = this.#options;
    this.#fromMs = env.monotonicMs();
    this.#fromAt = env.now();
    this.#mainDelayMs = 0;
  }

  #schedule(delayMs: number): void {
    const { env } = this.#options;
    const dueMs = env.monotonicMs() + delayMs;
    this.#timer = env.setTimeout(() => this.#beat(dueMs, delayMs), delayMs);
  }

  #beat(dueMs: number, delayMs: number): void {
    const nowMs = this.#options.env.monotonicMs();
    this.#mainDelayMs = Math.max(this.#mainDelayMs, nowMs - dueMs);
    if (nowMs - this.#fromMs < WINDOW_MS) return this.#schedule(delayMs);
    this.#closeWindow(nowMs);
    if (this.#quietWindows < KEPT_WINDOWS) return this.#schedule(this.#quietWindows === 0 ? BEAT_MS : WINDOW_MS);
    this.#timer = undefined;
    this.#windows = [];
  }

  #closeWindow(nowMs: number): void {
    const { env, histogram } = this.#options;
    // Before the reading: what comes in between is looked at again.
    this.#baseTotal = histogram.total;
    const now = histogram.read();
    const counts = countsBetween(this.#base, now);
    const summary = summarize(counts);
    this.#base = now;
    this.#total = sumOfCounts([this.#total, counts]);
    this.#windows = [...this.#windows, counts].slice(-KEPT_WINDOWS);
    this.#quietWindows = summary.count === 0 ? this.#quietWindows + 1 : 0;
    const clockErrorMs = env.now() - this.#fromAt - (nowMs - this.#fromMs);
    this.#judge({ summary, fromMs: this.#fromMs, untilMs: nowMs, clockErrorMs });
    this.#openWindow();
  }

  #judge(window: Parameters<typeof judgeWindow>[1]): void {
    const before = this.#episode;
    const { verdict, episode } = judgeWindow(before, window, this.#options);
    this.#episode = episode;
    if (verdict === 'nothing') return;
    const { fromMs, untilMs, summary } = window;
    const slowness = this.#toSlowness(summary, untilMs - fromMs);
    const slowForMs = Math.round(untilMs - ((episode ?? before)?.fromMs ?? untilMs));
    if (verdict === 'recovered') return this.#recovered(slowness, slowForMs, before?.isCritical === true);
    this.#slow(slowness);
    if (verdict === 'critical') this.#critical(slowForMs);
  }

  #slow(slowness: BusSlowness): void {
    this.#log.warn(slowness.isMainLate ? SLOW_AND_LATE : SLOW, { ...slowness });
    this.#options.announce('system.bus.slow', slowness);
  }

  /** The times are those of the last five minutes. */
  #critical(slowForMs: number): void {
    const counts = sumOfCounts(this.#windows);
    const withinMs = Math.min(slowForMs, this.#windows.length * WINDOW_MS);
    const critical = { ...this.#toSlowness(summarize(counts), withinMs), slowForMs };
    this.#log.fatal(CRITICAL, { ...critical });
    this.#options.announce('system.bus.critical', critical);
  }

  #recovered(slowness: BusSlowness, slowForMs: number, wasCritical: boolean): void {
    const recovered = { ...slowness, slowForMs, wasCritical };
    this.#log.info('published events are handled in time again', recovered);
    this.#options.announce('system.bus.recovered', recovered);
  }

  #toSlowness(summary: LatencySummary, withinMs: number): BusSlowness {
    const limitMs = this.#options.slowMs;
    const mainDelayMs = Math.round(this.#mainDelayMs);
    return { ...summary, limitMs, withinMs: Math.round(withinMs), mainDelayMs, isMainLate: mainDelayMs > limitMs };
  }
}

const SLOW = 'published events were handled too late';
const SLOW_AND_LATE =
  'published events were handled too late, and the main thread was late itself: look at what blocks it first';
const CRITICAL =
  'published events have been handled too late for a long time; look at what system.bus.stats() says of subscribers, at the disk, and at what blocks threads';
