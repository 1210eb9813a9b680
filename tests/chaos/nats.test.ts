import { expect, test } from 'vitest';
import { runChaosScript } from '../support/chaos-script.ts';

const SEED = process.env['SEED'] ?? '1';

interface Summary {
  readonly acknowledged: number;
  readonly handled: number;
  readonly requests: number;
  readonly drained: number;
  readonly reconnectMs: { readonly count: number; readonly max: number };
}

test('G1, G12: kills of the server and of systems, and a network that breaks, lose nothing, repeat nothing and keep the order', async () => {
  const { code, output, summary } = await runChaosScript('nats.ts', ['--kills', '3', '--seed', SEED]);
  const good = { ok: true, kills: 3, lost: 0, twice: 0, disordered: 0, findings: 0, seed: Number(SEED) };
  expect(summary, output).toMatchObject(good);
  expect(code).toBe(0);
  assertWasAlive(summary as unknown as Summary);
}, 300_000);

/** A load that does nothing breaks no promise either. */
function assertWasAlive({ acknowledged, handled, requests, drained, reconnectMs }: Summary): void {
  expect(acknowledged).toBeGreaterThan(1000);
  expect(handled).toBeGreaterThan(5 * acknowledged);
  expect(requests).toBeGreaterThan(20);
  expect(drained).toBeGreaterThan(100);
  expect(reconnectMs.count).toBeGreaterThan(0);
  expect(reconnectMs.max).toBeLessThan(3000);
}

test.each([
  ['an unknown option', ['--cycles', '3'], "Unknown option '--cycles'"],
  ['no kills', ['--kills', '0'], 'from 1 to'],
])('%s is refused with exit code 2', async (_what, args, message) => {
  const { code, output } = await runChaosScript('nats.ts', args);
  expect(output).toContain(message);
  expect(code).toBe(2);
});
