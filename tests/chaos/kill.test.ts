import { expect, test } from 'vitest';
import { runChaosScript } from '../support/chaos-script.ts';

const SEED = process.env['SEED'] ?? '1';

test('G1, G3, G4, G5, G6, G11, G12, G13: 150 kills of the process lose nothing, repeat nothing and keep the order', async () => {
  const { code, output, summary } = await runChaosScript('kill.ts', ['--cycles', '150', '--seed', SEED]);
  const good = { cycles: 150, lost: 0, twice: 0, disordered: 0, violations: 0, seed: Number(SEED) };
  expect(summary, output).toMatchObject(good);
  expect(code).toBe(0);
  assertWasAlive(summary);
}, 600_000);

type Figures = Readonly<Record<string, number>>;

/** A load that does nothing breaks no promise either. */
function assertWasAlive(summary: unknown): void {
  const { effects, time, topics, ...sums } = summary as Figures & Record<'effects' | 'time' | 'topics', Figures>;
  expect(sums['acknowledged']).toBeGreaterThan(3000);
  expect(sums['tells']).toBeGreaterThan(1000);
  expect(sums['unknownButProcessed']).toBeGreaterThan(20);
  expect(sums['wakes']).toBeGreaterThan(300);
  expect(effects['restarted']).toBeGreaterThan(20);
  expect(effects['sameKey']).toBe(effects['restarted']);
  expect(time['rings']).toBeGreaterThan(100);
  expect(time['cancelled']).toBeGreaterThan(2);
  expect(time['ticksAfterKill']).toBeGreaterThan(200);
  expect(topics['received']).toBeGreaterThan(500);
  expect(topics['byChoice']).toBeGreaterThan(150);
  expect(topics['witnessedAgain']).toBeGreaterThan(0);
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
