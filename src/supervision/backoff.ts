/** Pauses between restarts: growing, capped, and scattered so that many do not come back at once. Pure. */
import type { Backoff } from './spec.ts';

/** Failures in a row for which no event is to blame. */
export interface Streak {
  readonly count: number;
  /** When the actor is made anew after the last of them, in milliseconds since the epoch: quiet time counts from here. */
  readonly until: number;
}

/**
 * Time before an attempt, in milliseconds. The first restart comes at once.
 * @param attempt 1 for the first
 * @param random uniform in [0, 1): how much of the jitter is taken off
 */
export function pauseBefore(attempt: number, { minMs, maxMs, factor, jitter }: Backoff, random: number): number {
  if (attempt <= 1 || minMs === 0) return 0;
  const fullMs = Math.min(maxMs, minMs * factor ** (attempt - 2));
  return Math.round(fullMs * (1 - jitter * random));
}

/** Number of the attempt after a failure: one more than the last, or 1 after more than `maxMs` of quiet. */
export function nextAttempt(streak: Streak | undefined, now: number, { maxMs }: Backoff): number {
  return streak === undefined || now - streak.until > maxMs ? 1 : streak.count + 1;
}
