/** G7: the window of restarts, against a model that asks of each restart whether it was ever out of the window. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countRestart, recentRestarts } from '../../../src/supervision/intensity.ts';
import { holdsAlways } from '../../support/property.ts';

const START = 1_700_000_000_000;

/** Clocks go on, stand still, or are set back; steps meet the edges of the window. */
const stories = fc.integer({ min: 1, max: 100_000 }).chain((withinMs) =>
  fc.record({
    budget: fc.record({ maxRestarts: fc.integer({ min: 0, max: 8 }), withinMs: fc.constant(withinMs) }),
    stepsMs: fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 0, max: Math.ceil(withinMs / 3) }) },
        { weight: 2, arbitrary: fc.constantFrom(0, 1, withinMs - 1, withinMs, withinMs + 1) },
        { weight: 1, arbitrary: fc.integer({ min: -withinMs, max: 2 * withinMs }) },
      ),
      { minLength: 1, maxLength: 12 },
    ),
  }),
);

/** Times of all restarts, from the steps between them. */
function toTimes(stepsMs: readonly number[]): readonly number[] {
  let now = START;
  return stepsMs.map((ms) => (now += ms));
}

test('G7: a restart counts while it lies in the window, and never again once it did not', () => {
  holdsAlways(
    fc.property(stories, ({ budget, stepsMs }) => {
      const { maxRestarts, withinMs } = budget;
      const times = toTimes(stepsMs);
      let restarts: readonly number[] = [];
      for (const [n, now] of times.entries()) {
        const counted = countRestart(restarts, now, budget);
        const isIn = (at: number, seenAt: number): boolean => at <= seenAt && seenAt - at < withinMs;
        const expected = times.slice(0, n + 1).filter((at, i) => times.slice(i, n + 1).every((seen) => isIn(at, seen)));
        expect(counted).toEqual({ restarts: expected, isSpent: expected.length > maxRestarts });
        restarts = counted.restarts;
      }
    }),
  );
});

test('G7: where the clock never goes back, no stretch as long as the window has more restarts than the budget', () => {
  const forward = stories.filter(({ stepsMs }) => stepsMs.every((ms) => ms >= 0));
  holdsAlways(
    fc.property(forward, ({ budget, stepsMs }) => {
      const { maxRestarts, withinMs } = budget;
      const allowed: number[] = [];
      let restarts: readonly number[] = [];
      for (const now of toTimes(stepsMs)) {
        const counted = countRestart(restarts, now, budget);
        restarts = counted.restarts;
        if (!counted.isSpent) allowed.push(now);
        const inWindow = allowed.filter((at) => now - at < withinMs);
        expect(inWindow.length).toBeLessThanOrEqual(maxRestarts);
      }
    }),
  );
});

test('G7: counting changes nothing that it was given, and keeps the order', () => {
  const times = fc.array(fc.integer({ min: START - 100, max: START + 100 }), { maxLength: 10 });
  holdsAlways(
    fc.property(times, fc.integer({ min: 1, max: 200 }), (restarts, withinMs) => {
      const given = Object.freeze([...restarts]);
      const recent = recentRestarts(given, START, withinMs);
      const wanted = new Set(restarts.filter((at) => START - at < withinMs && START >= at));
      expect(recent).toEqual(restarts.filter((at) => wanted.has(at)));
      countRestart(given, START, { maxRestarts: 1, withinMs });
      expect(given).toEqual(restarts);
    }),
  );
});
