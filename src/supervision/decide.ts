/** What to do when an actor fails: a pure decision over plain data, like OTP's `do_restart`. The cell carries it out. */
import { nextAttempt, pauseBefore } from './backoff.ts';
import type { Streak } from './backoff.ts';
import type { Action, FailureKind } from './events.ts';
import { countRestart, recentRestarts } from './intensity.ts';
import { MAX_EVENT_ATTEMPTS } from './spec.ts';
import type { SupervisionSpec } from './spec.ts';

/** What a decision looks at in a spec. */
export type DecisionSpec = Pick<
  SupervisionSpec,
  'restart' | 'maxRestarts' | 'withinMs' | 'backoff' | 'onFailure' | 'onGiveUp'
>;

/** One failure, as the cell saw it. */
export interface Failure {
  readonly kind: FailureKind;
  /** Id of the event that failed the actor; absent when no event is to blame. */
  readonly eventId?: string | undefined;
  /** Failures of this very event, or of this very thing, in a row, this one included. 1 for the first. */
  readonly attempts: number;
}

/** What is remembered of earlier failures; stored with the actor. */
export interface History {
  /** Times of the restarts that counted, in milliseconds since the epoch. */
  readonly restarts: readonly number[];
  readonly streak?: Streak | undefined;
}

export interface Decision {
  readonly action: Action;
  /** How often in a row: of the event, or of the actor when no event is to blame. */
  readonly attempt: number;
  /** Pause before the actor is made anew, in milliseconds. */
  readonly delayMs: number;
  readonly history: History;
}

/**
 * Decides on a failure. Repeated failures of one event count once in the window, so that a poison event reaches the dead
 * letters before it spends its actor's budget. What ends its thread again and again without an event to blame is given up on as soon.
 * @param now in milliseconds since the epoch
 * @param random uniform in [0, 1)
 */
export function decide(spec: DecisionSpec, failure: Failure, history: History, now: number, random: number): Decision {
  const byPolicy = actionByPolicy(spec, failure);
  if (byPolicy) return { action: byPolicy, attempt: failure.attempts, delayMs: 0, history };
  const { restarts, isSpent } = count(spec, failure, history, now);
  if (isSpent || endsThreads(failure)) {
    return { action: spec.onGiveUp, attempt: failure.attempts, delayMs: 0, history: { restarts } };
  }
  if (failure.eventId === undefined) return restartAgain(spec, { ...history, restarts }, now, random);
  // An event comes again at once: it has few tries, and whoever sent it waits.
  const action = isPoison(failure) ? 'dead-letter' : 'retry';
  return { action, attempt: failure.attempts, delayMs: 0, history: { ...history, restarts } };
}

/**
 * What the policy says without looking at the budget. The end of a permanent actor is no failure, and only counted; an event that has been
 * alerted of often enough goes to the dead letters as well.
 */
function actionByPolicy({ restart, onFailure }: DecisionSpec, failure: Failure): Action | undefined {
  if (failure.kind === 'ended') return undefined;
  if (restart === 'temporary') return 'end';
  if (onFailure === 'restart') return undefined;
  if (onFailure !== 'alert') return 'replace';
  return isPoison(failure) ? undefined : 'alert';
}

function isPoison({ eventId, attempts }: Failure): boolean {
  return eventId !== undefined && attempts >= MAX_EVENT_ATTEMPTS;
}

function count(
  spec: DecisionSpec,
  { eventId, attempts }: Failure,
  { restarts }: History,
  now: number,
): { readonly restarts: readonly number[]; readonly isSpent: boolean } {
  if (eventId === undefined || attempts <= 1) return countRestart(restarts, now, spec);
  return { restarts: recentRestarts(restarts, now, spec.withinMs), isSpent: false };
}

function endsThreads({ kind, eventId, attempts }: Failure): boolean {
  return kind === 'thread' && eventId === undefined && attempts >= MAX_EVENT_ATTEMPTS;
}

function restartAgain(spec: DecisionSpec, history: History, now: number, random: number): Decision {
  const attempt = nextAttempt(history.streak, now, spec.backoff);
  const delayMs = pauseBefore(attempt, spec.backoff, random);
  const streak = { count: attempt, until: now + delayMs };
  return { action: 'restart', attempt, delayMs, history: { ...history, streak } };
}
