import { expect, test } from 'vitest';
import { runStoreKill } from './store-kill.ts';

test('G1, G2, G3, G4: ten kills of a writing process lose nothing acknowledged and do nothing twice', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  const result = await runStoreKill({ cycles: 10, seed });
  expect(result.violations, `SEED=${seed}`).toEqual([]);
  expect(result.acknowledged).toBeGreaterThan(100);
});
