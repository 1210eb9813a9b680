import { expect, test } from 'vitest';
import { runChaosScript } from '../support/chaos-script.ts';

type Figures = Readonly<Record<string, number>>;

const SEED = process.env['SEED'] ?? '1';

test('G1, G3, G4, G5, G6, G10, G11, G12, G13: threads that are ended under load lose nothing, repeat nothing and leave no call without an outcome', async () => {
  const { code, output, summary } = await runChaosScript('terminate.ts', [
    '--kills',
    '60',
    '--store-kills',
    '15',
    '--seed',
    SEED,
  ]);
  const good = {
    kills: 60,
    storeKills: 15,
    lost: 0,
    twice: 0,
    disordered: 0,
    violations: 0,
    unknown: 0,
    seed: Number(SEED),
  };
  expect(summary, output).toMatchObject(good);
  expect(code).toBe(0);
  const { acknowledged, tells, wakes, effects, time, topics } = summary as Figures &
    Record<'effects' | 'time' | 'topics', Figures>;
  expect(acknowledged).toBeGreaterThan(3000);
  expect(tells).toBeGreaterThan(1000);
  expect(wakes).toBeGreaterThan(500);
  expect(effects['restarted']).toBeGreaterThan(10);
  expect(effects['sameKey']).toBe(effects['restarted']);
  expect(time['rings']).toBeGreaterThan(100);
  expect(time['ticks']).toBeGreaterThan(500);
  expect(topics['received']).toBeGreaterThan(500);
});
