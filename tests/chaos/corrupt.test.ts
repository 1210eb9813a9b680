import { expect, test } from 'vitest';
import { runChaosScript } from '../support/chaos-script.ts';

const SEED = process.env['SEED'] ?? '1';

test('G7: 150 pieces of damage to rows and files lead to no state that is silently wrong', async () => {
  const { code, output, summary } = await runChaosScript('corrupt.ts', ['--mutations', '150', '--seed', SEED]);
  expect(summary, output).toMatchObject({ mutations: 150, seed: Number(SEED), wrong: 0, crashed: 0 });
  expect(code).toBe(0);
  const { exact, repaired, held, refused } = summary as Record<'exact' | 'repaired' | 'held' | 'refused', number>;
  // Damage that hits nothing breaks no promise either.
  expect(exact).toBeGreaterThan(500);
  expect(repaired).toBeGreaterThan(0);
  expect(held).toBeGreaterThan(10);
  expect(refused).toBeGreaterThan(5);
});

test.each([
  ['an unknown option', ['--bytes', '3'], "Unknown option '--bytes'"],
  ['a number out of bounds', ['--mutations', '0'], 'from 1 to'],
])('%s is refused with exit code 2', async (_what, args, message) => {
  const { code, output } = await runChaosScript('corrupt.ts', args);
  expect(output).toContain(message);
  expect(code).toBe(2);
});
