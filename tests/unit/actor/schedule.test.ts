/** G11: what may be scheduled: keys and times. */
import { expect, test } from 'vitest';
import { MAX_TIME_MS } from '../../../src/alarms.ts';
import { toScheduleKey, toScheduleWrite } from '../../../src/actor/schedule.ts';
import type { TroupeError } from '../../../src/errors.ts';

const NOW = 1_700_000_000_000;
const TEN_YEARS_MS = 10 * 365 * 86_400_000;

const write = (when: unknown, key: unknown = 'k', now = NOW) =>
  toScheduleWrite({ key, when, text: '{}', now, owner: 'alarm/a' });

function failureOf(run: () => unknown): TroupeError {
  try {
    run();
  } catch (error) {
    return error as TroupeError;
  }
  throw new Error('It did not fail');
}

test.each([
  [{ afterMs: 0 }, NOW],
  [{ afterMs: -0 }, NOW],
  [{ afterMs: 0.1 }, NOW + 1],
  [{ afterMs: TEN_YEARS_MS }, NOW + TEN_YEARS_MS],
  [{ afterMs: MAX_TIME_MS - NOW }, MAX_TIME_MS],
  [{ at: NOW }, NOW],
  [{ at: NOW + 0.1 }, NOW + 1],
  [{ at: 5 }, 5],
  [{ at: -5 }, -5],
  [{ at: -MAX_TIME_MS }, -MAX_TIME_MS],
  [{ at: new Date(NOW + 7) }, NOW + 7],
  [{ at: new Date(0) }, 0],
])('G11: %j is due at %i, rounded up', (when, dueAt) => {
  expect(write(when)).toEqual({ key: 'k', dueAt, text: '{}' });
});

test.each([
  { afterMs: -1 },
  { afterMs: -0.001 },
  { afterMs: Number.NaN },
  { afterMs: Infinity },
  { afterMs: -Infinity },
  { afterMs: MAX_TIME_MS },
  { afterMs: '5' },
  { afterMs: null },
  { afterMs: 5n },
  { afterMs: -1, at: NOW },
  { afterMs: 5, at: NOW },
  { afterMs: 5, unit: 's' },
  { after: 5 },
  new Date(NOW),
  { at: Number.NaN },
  { at: Infinity },
  { at: MAX_TIME_MS + 1 },
  { at: new Date(Number.NaN) },
  { at: '2030-01-01' },
  { at: null },
  {},
  null,
  undefined,
  5,
  'soon',
])('G11: %o is no time, and the message names it, its owner and the next step', (when) => {
  const { code, message } = failureOf(() => write(when));
  expect(code).toBe('ERR_SCHEDULE_INVALID');
  expect(message).toMatch(/under 'k' for 'alarm\/a' is due .+\. Pass \{ afterMs \}/);
});

test.each([
  ['', "'' (a string)"],
  ['x'.repeat(129), 'a string of 129'],
  [5, 'number'],
  [undefined, 'undefined'],
  [null, 'null'],
  [{}, 'object'],
])('the key %o is refused by name', (key, told) => {
  const { code, message } = failureOf(() => toScheduleKey(key, 'alarm/a'));
  expect(code).toBe('ERR_SCHEDULE_INVALID');
  expect(message).toContain(told);
  expect(message).toContain("'alarm/a'");
});

test('keys of 1 to 128 characters of any kind are taken as they are', () => {
  for (const key of ['k', '__proto__', ' ', 'ü/🚀', 'x'.repeat(128)]) expect(toScheduleKey(key, 'alarm/a')).toBe(key);
});
