/** Checks what is scheduled: its key and its time. Pure; shared by effects and refs. */
import { TroupeError } from '../errors.ts';

/** Latest time JavaScript's dates know, in milliseconds since the epoch. */
export const MAX_TIME_MS = 8_640_000_000_000_000;

const MAX_KEY_CHARS = 128;

export interface ScheduleRequest {
  readonly key: unknown;
  readonly when: unknown;
  /** JSON of the event. */
  readonly text: string;
  readonly now: number;
  /** Address, for messages. */
  readonly owner: string;
}

/** @throws {TroupeError} ERR_SCHEDULE_INVALID naming what is wrong with key or time. */
export function toScheduleWrite({ key, when, text, now, owner }: ScheduleRequest): {
  readonly key: string;
  readonly dueAt: number;
  readonly text: string;
} {
  const checked = toScheduleKey(key, owner);
  return { key: checked, dueAt: toDueAt(when, now, `What is scheduled under '${checked}' for '${owner}'`), text };
}

/** @throws {TroupeError} ERR_SCHEDULE_INVALID */
export function toScheduleKey(key: unknown, owner: string): string {
  if (typeof key === 'string' && key !== '' && key.length <= MAX_KEY_CHARS) return key;
  const given = typeof key === 'string' ? `a string of ${key.length} characters` : `of type ${typeof key}`;
  throw new TroupeError(
    'ERR_SCHEDULE_INVALID',
    `A key scheduled for '${owner}' is ${given}. Use a string of 1 to ${MAX_KEY_CHARS} characters, such as 'reminder'.`,
    { details: { address: owner } },
  );
}

/** Whole milliseconds, rounded up, so that nothing is early. */
function toDueAt(when: unknown, now: number, what: string): number {
  const { afterMs, at } = (typeof when === 'object' && when !== null ? when : {}) as Partial<
    Record<'afterMs' | 'at', unknown>
  >;
  if (typeof afterMs === 'number' && afterMs >= 0 && now + afterMs <= MAX_TIME_MS) return Math.ceil(now + afterMs);
  const time = at instanceof Date ? at.getTime() : at;
  if (afterMs === undefined && typeof time === 'number' && Math.abs(time) <= MAX_TIME_MS) return Math.ceil(time);
  const given = afterMs === undefined ? `at ${shown(at)}` : `after ${shown(afterMs)} ms`;
  throw new TroupeError(
    'ERR_SCHEDULE_INVALID',
    `${what} is due ${given}. Pass { afterMs } of 0 or more milliseconds, or { at } as a Date or milliseconds since the epoch.`,
    { details: { afterMs: shown(afterMs), at: shown(at) } },
  );
}

function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) return 'an object';
  return String(value as string | number);
}
