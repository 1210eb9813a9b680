/**
 * When the bus is too slow: decided by windows of ten seconds, each with the latencies of the events that were handled in it. Pure.
 *
 * Invariants: A1 a window whose p95 is over the limit is a violation, told once; A2 an episode runs from its first violation to the first
 * window that is well again, over windows without events; A3 it is critical once, when it has lasted for `criticalAfterMs`: then every window
 * with events in that time, and so all of it together, was over the limit; A4 a window in which the clock was set says nothing.
 */
import type { LatencySummary } from '../observe/histogram.ts';

/** Length of a window, in milliseconds. */
export const WINDOW_MS = 10_000;

/** Clocks that differ by less may have been read with a pause between them: a machine that is busy must not silence the alarm. */
const CLOCK_SET_MS = 1000;

/** When the bus counts as slow. */
export interface AlarmSettings {
  /** The p95 from publication to handled that is still well, in milliseconds. */
  readonly slowMs: number;
  /** How long it may be over that before it is critical, in milliseconds. */
  readonly criticalAfterMs: number;
}

/** What was seen in one window. Times are of a clock that is never set. */
export interface AlarmWindow {
  readonly summary: LatencySummary;
  readonly fromMs: number;
  readonly untilMs: number;
  /** The wall clock, by which events are timed, went otherwise than that by so much, in milliseconds. */
  readonly clockErrorMs: number;
}

/** A time in which the bus is slow. */
export interface Episode {
  readonly fromMs: number;
  /** End of its latest window with events. */
  readonly seenMs: number;
  readonly isCritical: boolean;
}

/** What a window led to. `critical` is a violation too. */
export type AlarmVerdict = 'nothing' | 'slow' | 'critical' | 'recovered';

/** Judges a window after those before it. */
export function judgeWindow(
  before: Episode | undefined,
  window: AlarmWindow,
  settings: AlarmSettings,
): { readonly verdict: AlarmVerdict; readonly episode: Episode | undefined } {
  const { summary, untilMs } = window;
  if (summary.count === 0 || isClockSet(window)) return { verdict: 'nothing', episode: before };
  if (summary.p95Ms <= settings.slowMs) return { verdict: before ? 'recovered' : 'nothing', episode: undefined };
  const episode = { ...goOn(before, window, settings), seenMs: untilMs };
  const isCritical = untilMs - episode.fromMs >= settings.criticalAfterMs;
  const verdict = isCritical && !episode.isCritical ? 'critical' : 'slow';
  return { verdict, episode: { ...episode, isCritical: episode.isCritical || isCritical } };
}

/** One slow event now and another after a long silence are no episode; one that is critical ends when the bus is seen to be well. */
function goOn(before: Episode | undefined, { fromMs }: AlarmWindow, { criticalAfterMs }: AlarmSettings): Episode {
  if (before && (before.isCritical || fromMs - before.seenMs < criticalAfterMs)) return before;
  return { fromMs, seenMs: fromMs, isCritical: false };
}

function isClockSet({ clockErrorMs }: AlarmWindow): boolean {
  return Math.abs(clockErrorMs) > CLOCK_SET_MS;
}
