/** Histories that are trimmed: what stays, what numbers it has, and what the store is asked to do. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addEffectRows, appendLog, createEffectRows, trimLog } from '../../../src/cell/effect-rows.ts';
import type { EffectRows } from '../../../src/cell/effect-rows.ts';
import { createSimulatedSystem, failureOf } from '../../support/harness.ts';

type Step = 'append' | number;

const stepsOf = fc.array(fc.oneof(fc.constant('append' as const), fc.integer({ min: 1, max: 5 })), { maxLength: 8 });

function toRows(steps: readonly Step[]): EffectRows {
  const rows = createEffectRows();
  for (const step of steps) {
    if (step === 'append') appendLog(rows, ['x']);
    else trimLog(rows, step);
  }
  return rows;
}

test('appending and trimming in one commit leaves as many rows as one after the other would', () => {
  fc.assert(
    fc.property(fc.nat(10), fc.array(stepsOf, { maxLength: 4 }), (before, turns) => {
      let left = before;
      for (const step of turns.flat()) left = step === 'append' ? left + 1 : Math.min(left, step);
      const rows = createEffectRows();
      for (const turn of turns) addEffectRows(rows, toRows(turn));
      expect(Math.min(before + rows.log.length, rows.keepLog ?? Infinity)).toBe(left);
    }),
  );
});

test('a trimmed history keeps its last messages under their numbers, and goes on from there', async () => {
  await using troupe = await createSimulatedSystem();
  const session = await troupe.system.sessions.create({ user: 'ada', id: 's' });
  for (let i = 1; i <= 20; i++) await session.say(`text ${i}`);
  await session.trim({ keep: 5 });
  expect((await session.history()).map(({ n, text }) => [n, text])).toEqual(
    [16, 17, 18, 19, 20].map((n) => [n, `text ${n}`]),
  );
  await session.say('text 21');
  expect((await session.window(3)).map(({ n }) => n)).toEqual([19, 20, 21]);
  expect((await session.history({ after: 10, before: 18 })).map(({ n }) => n)).toEqual([16, 17]);
  expect((await session.describe()).messages).toBe(21);
  const refused = await failureOf(session.trim({ keep: 0 }), 'ERR_EVENT_INVALID');
  expect(refused.details).toMatchObject({ path: 'keep' });
  expect((await failureOf(session.trim({} as never), 'ERR_EVENT_INVALID')).details).toMatchObject({ path: 'keep' });
});

test('with keepMessages a session trims itself, a quarter at a time', async () => {
  await using troupe = await createSimulatedSystem();
  const session = await troupe.system.sessions.create({ user: 'ada', keepMessages: 8 });
  const counts: number[] = [];
  for (let i = 1; i <= 16; i++) {
    await session.say('x');
    counts.push((await session.history()).length);
  }
  expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 9, 8, 9, 8, 9, 8]);
  expect((await session.history()).map(({ n }) => n)).toEqual([9, 10, 11, 12, 13, 14, 15, 16]);
});

test('many messages at once are trimmed like one after the other', async () => {
  await using troupe = await createSimulatedSystem();
  const session = await troupe.system.sessions.create({ user: 'ada', keepMessages: 4 });
  await Promise.all(Array.from({ length: 103 }, (_, i) => session.say(`text ${i + 1}`)));
  expect((await session.history()).map(({ n, text }) => [n, text])).toEqual(
    [100, 101, 102, 103].map((n) => [n, `text ${n}`]),
  );
});
