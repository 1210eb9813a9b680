import { expect, test } from 'vitest';
import { runStoreKill } from './store-kill.ts';

test.each([
  ['sqlite', 10],
  ['file', 10],
] as const)(
  'G1, G2, G3, G4: %s: %i kills of a writing process lose nothing acknowledged and do nothing twice',
  async (adapter, cycles) => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const result = await runStoreKill({ cycles, seed, adapter });
    expect(result.violations, `SEED=${seed}`).toEqual([]);
    expect(result.acknowledged).toBeGreaterThan(100);
  },
);
