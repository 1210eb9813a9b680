/**
 * What to do when an actor fails: a pure decision over plain data, like OTP's. The cell carries it out.
 */
import { MAX_EVENT_ATTEMPTS } from './spec.ts';

/** The budget of restarts. */
export interface RestartBudget {
  readonly maxRestarts: number;
  readonly withinMs: number;
}

/** One failure, as the cell saw it. */
export interface Failure {
  /** Id of the event that failed the actor; absent when a timer, a settled effect or a restore did. */
  readonly eventId?: string;
  /** Failures of this very event so far, this one included; stored with the actor. */
  readonly attempts: number;
}

/**
 * `retry`: restart from the last commit and process the same event again. `dead-letter`: restart without the event.
 * `restart`: restart; there is no event to blame. `quarantine`: hold the actor with state, mailbox and error.
 */
export interface Decision {
  readonly action: 'retry' | 'dead-letter' | 'restart' | 'quarantine';
  /** Times of the restarts inside the window, this one included. */
  readonly restarts: readonly number[];
}

/**
 * Decides on a failure. Repeated failures of one event count once in the window, so that a poison event reaches the dead
 * letters before it spends its actor's budget.
 */
export function decide(failure: Failure, restarts: readonly number[], now: number, budget: RestartBudget): Decision {
  const isCounted = failure.eventId === undefined || failure.attempts <= 1;
  const recent = restarts.filter((at) => at > now - budget.withinMs);
  const counted = isCounted ? [...recent, now] : recent;
  if (counted.length > budget.maxRestarts) return { action: 'quarantine', restarts: counted };
  if (failure.eventId === undefined) return { action: 'restart', restarts: counted };
  const isPoison = failure.attempts >= MAX_EVENT_ATTEMPTS;
  return { action: isPoison ? 'dead-letter' : 'retry', restarts: counted };
}
