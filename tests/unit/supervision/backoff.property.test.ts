/** G7: pauses between restarts, against a model that goes from one to the next. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextAttempt, pauseBefore } from '../../../src/supervision/backoff.ts';
import type { Streak } from '../../../src/supervision/backoff.ts';
import type { Backoff } from '../../../src/supervision/spec.ts';
import { holdsAlways } from '../../support/property.ts';

const DAY_MS = 86_400_000;

const ms = fc.oneof(fc.constantFrom(0, 1, 50, 30_000, DAY_MS), fc.integer({ min: 0, max: DAY_MS }));
const chance = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));

/** Every backoff a definition may have. */
const backoffs: fc.Arbitrary<Backoff> = fc
  .record({
    minMs: ms,
    maxMs: ms,
    factor: fc.oneof(fc.constantFrom(1, 2, 10), fc.double({ min: 1, max: 10, noNaN: true })),
    jitter: fc.oneof(fc.constantFrom(0, 0.2, 1), fc.double({ min: 0, max: 1, noNaN: true })),
  })
  .map((backoff) => ({ ...backoff, maxMs: Math.max(backoff.minMs, backoff.maxMs) }));

const attempts = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 2000 }));

/** The whole pause: none, then `minMs`, then each `factor` times as long as the one before, up to `maxMs`. */
function fullPauseMs(attempt: number, { minMs, maxMs, factor }: Backoff): number {
  if (attempt === 1) return 0;
  let pauseMs = minMs;
  for (let n = 2; n < attempt && pauseMs > 0 && pauseMs < maxMs; n++) pauseMs = Math.min(maxMs, pauseMs * factor);
  return pauseMs;
}

test('G7: a pause is what the model says, less what chance takes off', () => {
  holdsAlways(
    fc.property(attempts, backoffs, chance, (attempt, backoff, random) => {
      const pauseMs = pauseBefore(attempt, backoff, random);
      const fullMs = fullPauseMs(attempt, backoff);
      const takenMs = fullMs * backoff.jitter * random;
      expect(Number.isInteger(pauseMs)).toBe(true);
      // To the millisecond; growing step by step rounds otherwise than growing at once.
      expect(Math.abs(pauseMs - (fullMs - takenMs))).toBeLessThanOrEqual(0.5 + fullMs * 1e-9);
    }),
  );
});

test('G7: pauses stay within their bounds, and with the same chance none is shorter than the one before', () => {
  holdsAlways(
    fc.property(attempts, backoffs, chance, (attempt, backoff, random) => {
      const { maxMs, jitter } = backoff;
      const [pauseMs, nextMs] = [pauseBefore(attempt, backoff, random), pauseBefore(attempt + 1, backoff, random)];
      expect(pauseMs).toBeGreaterThanOrEqual(Math.floor(fullPauseMs(attempt, backoff) * (1 - jitter)));
      expect(pauseMs).toBeLessThanOrEqual(maxMs);
      expect(nextMs).toBeGreaterThanOrEqual(pauseMs);
      expect(pauseBefore(1, backoff, random)).toBe(0);
    }),
  );
});

/** What happens between two failures: for how long the actor was well after it had been made anew. */
const quiet = (maxMs: number): fc.Arbitrary<number> =>
  fc.oneof(fc.constantFrom(0, maxMs - 1, maxMs, maxMs + 1), fc.integer({ min: -maxMs, max: 3 * maxMs + 3 }));

const stories = backoffs.chain((backoff) =>
  fc.record({
    backoff: fc.constant(backoff),
    quietMs: fc.array(quiet(backoff.maxMs), { minLength: 1, maxLength: 12 }),
    random: chance,
  }),
);

test('G7: failures in a row are counted until there was more than maxMs of quiet, which counts from the restart', () => {
  holdsAlways(
    fc.property(stories, ({ backoff, quietMs, random }) => {
      let streak: Streak | undefined;
      let now = 1_700_000_000_000;
      const counted: number[] = [];
      for (const ms of quietMs) {
        now += ms;
        const count = nextAttempt(streak, now, backoff);
        counted.push(count);
        // It serves again after its pause.
        now += pauseBefore(count, backoff, random);
        streak = { count, until: now };
      }
      // It is how many failures there were since the last long quiet.
      const expected = quietMs.map((_, n) => n + 1 - firstInRow(quietMs, n, backoff.maxMs));
      expect(counted).toEqual(expected);
    }),
  );
});

function firstInRow(quietMs: readonly number[], n: number, maxMs: number): number {
  const broken = quietMs.findLastIndex((ms, index) => index > 0 && index <= n && ms > maxMs);
  return Math.max(0, broken);
}
