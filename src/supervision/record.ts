/** What is remembered of an actor for its supervision, stored with it, so that a crash in between forgives nothing. */
import type { Streak } from './backoff.ts';

/** What failed last, and how often in a row. */
export interface FailingRecord {
  /** Id of the event, or what else it was doing. */
  readonly id: string;
  readonly attempts: number;
}

export interface SupervisionRecord {
  readonly event?: FailingRecord | undefined;
  /** Times of the restarts that counted, in milliseconds since the epoch. */
  readonly restarts?: readonly number[] | undefined;
  readonly streak?: Streak | undefined;
  /** It is held, and its parent failed with it: when that is made anew it is released. */
  readonly isEscalated?: true | undefined;
  /** Type of the substitute that runs in its place. */
  readonly as?: string | undefined;
  /** What the actor was created from; kept for permanent ones, which begin from it again. */
  readonly origin?: { readonly input?: unknown } | undefined;
}

/** A stored record; what cannot be read is the affair of whoever reads the rest of the row. */
export function readRecord(text: string | null): SupervisionRecord {
  return text === null ? {} : (JSON.parse(text) as SupervisionRecord);
}

/** JSON of a record, null when there is nothing to remember. */
export function toRecordText({ event, restarts, streak, isEscalated, as, origin }: SupervisionRecord): string | null {
  const counted = restarts && restarts.length > 0 ? restarts : undefined;
  const text = JSON.stringify({ event, restarts: counted, streak, isEscalated, as, origin });
  return text === '{}' ? null : text;
}
