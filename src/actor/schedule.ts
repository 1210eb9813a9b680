/** Checks what is scheduled: its key and its time. Pure; shared by effects and refs. */
import { MAX_TIME_MS } from '../alarms.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';

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
  throw new TroupeError(
    'ERR_SCHEDULE_INVALID',
    `A key scheduled for '${owner}' is ${describeValue(key)}. Use a string of 1 to ${MAX_KEY_CHARS} characters, such as 'reminder'.`,
    { details: { address: owner } },
  );
}

/** Whole milliseconds, rounded up, so that nothing is early. */
function toDueAt(when: unknown, now: number, what: string): number {
  const { afterMs, at, ...rest } = toFields(when);
  const isOne = (afterMs === undefined) !== (at === undefined) && Object.keys(rest).length === 0;
  if (isOne && typeof afterMs === 'number' && afterMs >= 0 && now + afterMs <= MAX_TIME_MS)
    return Math.ceil(now + afterMs);
  const time = at instanceof Date ? at.getTime() : at;
  if (isOne && typeof time === 'number' && Math.abs(time) <= MAX_TIME_MS) return Math.ceil(time);
  throw new TroupeError(
    'ERR_SCHEDULE_INVALID',
    `${what} is due ${showTime(when)}. Pass { afterMs } of 0 or more milliseconds, or { at } as a Date or milliseconds since the epoch, and nothing else.`,
    { details: { when: showTime(when) } },
  );
}

function toFields(when: unknown): Readonly<Record<string, unknown>> {
  return typeof when === 'object' && when !== null ? (when as Record<string, unknown>) : {};
}

function showTime(when: unknown): string {
  const fields = Object.entries(toFields(when));
  if (fields.length === 0) return describeValue(when);
  return fields
    .map(([name, value]) => `${name}: ${value instanceof Date ? String(value) : describeValue(value)}`)
    .join(', ');
}
