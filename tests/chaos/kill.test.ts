import { expect, test } from 'vitest';
import { runChaosScript } from '../support/chaos-script.ts';

const SEED = process.env['SEED'] ?? '1';

test('G1, G3, G4, G5, G6: 200 kills of the process lose nothing, repeat nothing and keep the order', async () => {
  const { code, output, summary } = await runChaosScript('kill.ts', ['--cycles', '200', '--seed', SEED]);
  const good = { cycles: 200, lost: 0, twice: 0, disordered: 0, violations: 0, seed: Number(SEED) };
  expect(summary, output).toMatchObject(good);
  expect(code).toBe(0);
  assertWasAlive(summary);
}, 300_000);

/** A load that does nothing breaks no promise either. */
function assertWasAlive(summary: unknown): void {
  const { acknowledged, tells, unknownButProcessed, effects } = summary as Record<string, number> & {
    effects: Record<string, number>;
  };
  expect(acknowledged).toBeGreaterThan(3000);
  expect(tells).toBeGreaterThan(1000);
  expect(unknownButProcessed).toBeGreaterThan(20);
  expect(effects['restarted']).toBeGreaterThan(20);
  expect(effects['sameKey']).toBe(effects['restarted']);
}

test.each([
  ['an unknown option', ['--kills', '3'], "Unknown option '--kills'"],
  ['a number that is none', ['--cycles', 'many'], "Option --cycles is 'many'"],
  ['a number out of bounds', ['--cycles', '0'], 'from 1 to'],
])('%s is refused with exit code 2', async (_what, args, message) => {
  const { code, output } = await runChaosScript('kill.ts', args);
  expect(output).toContain(message);
  expect(code).toBe(2);
});
