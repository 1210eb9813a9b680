/**
 * When something counts as overdue: a pure decision over what was seen at two looks. An actor that is busy moves on between them, however
 * much waits; one that has stalled does not.
 */

/** What an actor has to do first. */
export interface Waiting {
  /** Tells this from what comes after it: the position of an event, the time of a timer. */
  readonly mark: number;
  /** Since when it waits, in milliseconds since the epoch. */
  readonly at: number;
}

/** One look at everybody who has something to do. */
export interface Look {
  readonly now: number;
  /** Nobody is blamed for what waited before: no system ran then, or nobody could look. In milliseconds since the epoch. */
  readonly countsFrom: number;
  /** How long something may wait, in milliseconds. */
  readonly overdueAfterMs: number;
  /** This look came late, so that others may have had no time either: it only notes what there is. */
  readonly isExcused: boolean;
}

/** What the look before this one saw of an actor. */
export interface Noted {
  readonly mark: number;
  readonly isAnnounced: boolean;
}

/** How long something has waited that somebody may be blamed for, in milliseconds. */
function blamedMs({ at }: Waiting, { now, countsFrom }: Look): number {
  return now - Math.max(at, countsFrom);
}

/** True when it has waited for too long. */
export function isLate(waiting: Waiting, look: Look): boolean {
  return blamedMs(waiting, look) > look.overdueAfterMs;
}

/** True when it may be too late by the next look, or the clock was set back since it was written, so that it must be noted now. */
export function isWorthNoting(waiting: Waiting, look: Look, everyMs: number): boolean {
  return waiting.at > look.now || blamedMs(waiting, look) + 2 * everyMs > look.overdueAfterMs;
}

/** True when an actor has stalled and nobody was told: it is late, and still where the look before saw it. */
export function isStalled(waiting: Waiting, noted: Noted | undefined, look: Look): boolean {
  return !look.isExcused && noted?.mark === waiting.mark && !noted.isAnnounced && isLate(waiting, look);
}
