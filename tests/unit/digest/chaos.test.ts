import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readStruck, takeFault } from '../../../actors/digest/chaos/marks.ts';
import { planFaults } from '../../../actors/digest/chaos/plan.ts';

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

test('a seed plans the same faults each time, and seeds differ', () => {
  expect(planFaults(7)).toEqual(planFaults(7));
  expect(new Set(SEEDS.map((seed) => JSON.stringify(planFaults(seed)))).size).toBeGreaterThan(100);
});

test('every plan has a fault of each kind in the first round', () => {
  for (const seed of SEEDS) {
    const first = planFaults(seed).filter(({ turn }) => turn <= 3);
    expect(new Set(first.map(({ kind }) => kind)), `seed ${seed}`).toEqual(new Set(['throw', 'exit', 'hang', 'stall']));
  }
});

test('no agent loses its thread twice in one turn, which would soon have it held', () => {
  for (const seed of SEEDS) {
    const turns = planFaults(seed).filter(({ kind }) => kind === 'exit' || kind === 'hang');
    expect(new Set(turns.map(({ turn }) => turn)).size, `seed ${seed}`).toBe(turns.length);
  }
});

test('a fault strikes once, in its turn, whoever asks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-marks-'));
  try {
    const fault = { turn: 2, kind: 'exit' } as const;
    const chaos = { seed: 1, marks: join(folder, 'fault-'), faults: [{ turn: 1, kind: 'throw' } as const, fault] };
    expect(takeFault(chaos, 1, ['exit'])).toBeUndefined();
    expect(takeFault(chaos, 2, ['exit', 'hang'])).toEqual(fault);
    expect(takeFault(chaos, 2, ['exit', 'hang'])).toBeUndefined();
    expect(readStruck(chaos)).toEqual([{ ...fault, n: 1, at: expect.any(Number) as number }]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
