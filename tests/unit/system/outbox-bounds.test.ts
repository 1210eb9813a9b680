/** G14: deliveries that wait for a slow handler wait in the store, not in memory; all are taken, in order. */
import { expect, test } from 'vitest';
import { createRealEnv } from '../../../src/env.ts';
import { createLogger } from '../../../src/observe/logger.ts';
import { Asks } from '../../../src/system/asks.ts';
import { Outbox } from '../../../src/system/outbox.ts';
import { eventually } from '../../support/harness.ts';

/** A store that only holds outbox rows. */
function setUp() {
  const rows = new Map<number, object>();
  const env = createRealEnv();
  const lines: string[] = [];
  const call = async (method: string, query: never): Promise<unknown> => {
    if (method === 'settleOutbox') return void (query as number[]).forEach((pos) => rows.delete(pos));
    const { afterPos, limit } = query as { afterPos: number; limit: number };
    return [...rows.entries()]
      .filter(([pos]) => pos > afterPos)
      .map(([, row]) => row)
      .slice(0, limit);
  };
  const log = createLogger((level, _, text) => void lines.push(`${level} ${text}`), {});
  const outbox = new Outbox(env, log, { call } as never, new Asks(env));
  const commit = (pos: number): void => {
    rows.set(pos, { pos, kind: 'deliver', address: 'a/a', id: `${pos}`, target: 'out', text: `${pos}` });
    outbox.deliver({ id: `a/a#${pos}`, channel: 'out', from: 'a/a', payload: pos }, pos);
  };
  return { outbox, rows, commit, lines };
}

test('G14: a flood at a slow handler is taken whole, once each, in order', async () => {
  const { outbox, rows, commit } = setUp();
  const taken: unknown[] = [];
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  outbox.handle('out', async ({ payload }) => {
    await gate;
    taken.push(payload);
  });
  for (let pos = 1; pos <= 5000; pos++) commit(pos);
  open();
  await eventually(() => rows.size === 0);
  expect(taken).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
});

test('G4: deliveries that come while the rest is read from the store keep their place', async () => {
  const { outbox, rows, commit } = setUp();
  const taken: number[] = [];
  let next = 1;
  outbox.handle('out', async ({ payload }) => {
    taken.push(payload as number);
    if (next <= 6000) commit(next++);
    if (next <= 6000 && next % 3 === 0) commit(next++);
    if ((payload as number) % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  });
  for (; next <= 3000;) commit(next++);
  await eventually(() => rows.size === 0);
  expect(taken).toEqual(Array.from({ length: taken.length }, (_, i) => i + 1));
  expect(taken).toHaveLength(6000);
});

test('a delivery that is not stored is dropped when nobody takes it, and that is said', async () => {
  const { outbox, lines } = setUp();
  outbox.deliverOnce({ id: '1', channel: 'nowhere', from: 'a/a', payload: 1 });
  expect(lines).toEqual(['warn a delivery that is not stored was dropped: nobody takes it']);
});
