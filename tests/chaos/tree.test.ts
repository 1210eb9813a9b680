import { expect, test } from 'vitest';
import { runChaosScript } from '../support/chaos-script.ts';
import { FAULT_KINDS } from '../support/tree-faults.ts';

const SEED = process.env['SEED'] ?? '1';

test('G1, G3, G4, G7, G10, G15: of a tree under load exactly those are made anew whom a failure concerns, and nothing is lost', async () => {
  const { code, output, summary } = await runChaosScript('tree.ts', ['--faults', '30', '--seed', SEED]);
  const none = { lost: 0, twice: 0, disordered: 0, unpredicted: 0, missing: 0, wrongCulprit: 0, violations: 0 };
  expect(summary, output).toMatchObject({ ...none, faults: 30, seed: Number(SEED) });
  expect(code).toBe(0);
  const { byKind, acknowledged, tells, predictedRestarts, threadsReplaced } = summary as Readonly<
    Record<string, number>
  > & {
    readonly byKind: Readonly<Record<string, number>>;
  };
  expect(FAULT_KINDS.filter((kind) => byKind[kind] === undefined)).toEqual([]);
  expect(acknowledged).toBeGreaterThan(1000);
  expect(tells).toBeGreaterThan(500);
  expect(predictedRestarts).toBeGreaterThan(30);
  expect(threadsReplaced).toBeGreaterThan(8);
});

test.each([
  ['an unknown option', ['--cycles', '3'], "Unknown option '--cycles'"],
  ['a number that is none', ['--faults', 'many'], "Option --faults is 'many'"],
  ['a number out of bounds', ['--faults', '0'], 'from 1 to'],
])('%s is refused with exit code 2', async (_what, args, message) => {
  const { code, output } = await runChaosScript('tree.ts', args);
  expect(output).toContain(message);
  expect(code).toBe(2);
});
