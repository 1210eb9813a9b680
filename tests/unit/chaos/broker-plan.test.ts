import { expect, test } from 'vitest';
import { describeFault, planFaults } from '../../support/broker-plan.ts';
import type { FaultKind } from '../../support/broker-plan.ts';
import { createChaosRandom } from '../../support/chaos-random.ts';

const plan = (kills: number, seed: number) => planFaults(kills, createChaosRandom(seed));
const kindsOf = (kills: number, seed: number): readonly FaultKind[] => plan(kills, seed).map(({ fault }) => fault.kind);

test('the same seed plans the same faults, another seed others', () => {
  expect(plan(20, 7)).toEqual(plan(20, 7));
  expect(plan(20, 7)).not.toEqual(plan(20, 8));
});

test.each([1, 2, 3, 4, 5])('four kills bring every kind of fault, whatever the seed (%i)', (seed) => {
  const kinds = kindsOf(4, seed);
  expect(kinds.filter((kind) => kind === 'kill')).toHaveLength(4);
  expect(new Set(kinds)).toEqual(new Set(['kill', 'freeze', 'cut', 'refuse', 'tear', 'stall', 'delay', 'end']));
});

test('the last fault is a kill that is awaited, some before it are not', () => {
  const steps = plan(50, 1);
  expect(steps.at(-1)).toMatchObject({ fault: { kind: 'kill' }, isAwaited: true });
  const hasty = steps.filter(({ isAwaited }) => !isAwaited);
  expect(hasty.length).toBeGreaterThan(10);
  expect(hasty.length).toBeLessThan(60);
});

test('times stay within what was asked for', () => {
  for (const { fault, pauseMs } of plan(200, 3)) {
    expect(pauseMs).toBeLessThanOrEqual(600);
    if (fault.kind === 'kill') expect(fault.downMs).toBeLessThanOrEqual(2000);
    if (fault.kind !== 'stall') continue;
    expect(fault.forMs).toBeGreaterThanOrEqual(200);
    expect(fault.forMs).toBeLessThanOrEqual(6000);
  }
});

test('a fault is described in one line', () => {
  expect(describeFault({ kind: 'stall', forMs: 300, way: 'both' })).toBe('stall forMs 300 way both');
});
