import { expect, test } from 'vitest';
import { runChaosScript } from '../support/chaos-script.ts';

const GOOD = { violations: 0, failedSeeds: 0 };

test('G1 to G14: 1,000 simulated stories with crashes of cells, workers, store and process break no promise', async () => {
  const from = Number(process.env['SEED'] ?? '1');
  const { code, output, summary } = await runChaosScript('simulate.ts', ['--seeds', '1000', '--from', String(from)]);
  expect(summary, output).toMatchObject({ seeds: 1000, from, ...GOOD });
  expect(code).toBe(0);
  assertWasAlive(summary);
}, 600_000);

/** Stories in which nothing happens break no promise either. */
function assertWasAlive(summary: unknown): void {
  const { steps, kinds } = summary as { readonly steps: number; readonly kinds: Readonly<Record<string, number>> };
  expect(steps).toBeGreaterThan(50_000);
  for (const crash of ['crash-cell', 'crash-worker', 'crash-store', 'crash-process', 'store-fails', 'restart'])
    expect(kinds[crash], crash).toBeGreaterThan(250);
}

test('the same seed gives the same history, byte for byte', async () => {
  const args = ['--seeds', '100', '--from', '50001'];
  const twice = await runChaosScript('simulate.ts', [...args, '--check']);
  expect(twice.summary, twice.output).toMatchObject({ seeds: 100, isTwice: true, ...GOOD });
  const alone = await runChaosScript('simulate.ts', [...args, '--jobs', '1']);
  expect(alone.summary?.['hash']).toBe(twice.summary?.['hash']);
}, 240_000);

test.each([
  ['an unknown option', ['--stories', '3'], "Unknown option '--stories'"],
  ['a number out of bounds', ['--seeds', '0'], 'from 1 to'],
])('%s is refused with exit code 2', async (_what, args, message) => {
  const { code, output } = await runChaosScript('simulate.ts', args);
  expect(output).toContain(message);
  expect(code).toBe(2);
});
