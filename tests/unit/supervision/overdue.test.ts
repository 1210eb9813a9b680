/** R11: who counts as stalled. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isLate, isStalled, isWorthNoting } from '../../../src/supervision/overdue.ts';
import type { Look, Noted } from '../../../src/supervision/overdue.ts';

const LOOK: Look = { now: 100_000, countsFrom: 0, overdueAfterMs: 30_000, isExcused: false };
const SEEN: Noted = { mark: 7, isAnnounced: false };

test.each<[string, { at?: number; look?: Partial<Look>; noted?: Noted | undefined }, boolean]>([
  ['older than allowed, and where it was', {}, true],
  ['just as old as allowed', { at: 70_000 }, false],
  ['a millisecond older', { at: 69_999 }, true],
  ['seen for the first time', { noted: undefined }, false],
  ['moved since the look before', { noted: { mark: 6, isAnnounced: false } }, false],
  ['announced before', { noted: { mark: 7, isAnnounced: true } }, false],
  ['moved since it was announced', { noted: { mark: 6, isAnnounced: true } }, false],
  ['a look that came late', { look: { isExcused: true } }, false],
  ['waiting since before anybody could look', { look: { countsFrom: 70_000 } }, false],
  ['long enough after that', { look: { countsFrom: 69_999 } }, true],
  ['in the future, by a clock set back', { at: 200_000 }, false],
])('R11: %s', (_, { at = 0, look, ...rest }, expected) => {
  const noted = 'noted' in rest ? rest.noted : SEEN;
  expect(isStalled({ mark: 7, at }, noted, { ...LOOK, ...look })).toBe(expected);
});

test('R11: what is late at the next look in time was worth noting at this one', () => {
  const ms = fc.integer({ min: 0, max: 100_000 });
  fc.assert(
    fc.property(ms, ms, ms, fc.integer({ min: 50, max: 10_000 }), ms, (at, now, countsFrom, everyMs, passedMs) => {
      const look = { ...LOOK, now, countsFrom };
      const next = { ...look, now: now + Math.min(passedMs, 2 * everyMs) };
      const waiting = { mark: 1, at };
      expect(isLate(waiting, next) && !isWorthNoting(waiting, look, everyMs)).toBe(false);
    }),
  );
});
