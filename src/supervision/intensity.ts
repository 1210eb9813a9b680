/** The budget of restarts: a sliding window, as in OTP's `supervisor` (`add_restart`). Pure. */

/** How many restarts are allowed in which time. */
export interface RestartBudget {
  readonly maxRestarts: number;
  /** In milliseconds. */
  readonly withinMs: number;
}

/** The window after a restart was counted. */
export interface Counted {
  /** Times of the restarts in the window, the new one last, in milliseconds since the epoch. */
  readonly restarts: readonly number[];
  /** The new one is one too many. */
  readonly isSpent: boolean;
}

/** Restarts that still count: those younger than the window. Times ahead of the clock are from before it was set back, and go. */
export function recentRestarts(restarts: readonly number[], now: number, withinMs: number): readonly number[] {
  return restarts.filter((at) => at > now - withinMs && at <= now);
}

/** Counts a restart at `now`. */
export function countRestart(restarts: readonly number[], now: number, budget: RestartBudget): Counted {
  const counted = [...recentRestarts(restarts, now, budget.withinMs), now];
  return { restarts: counted, isSpent: counted.length > budget.maxRestarts };
}
