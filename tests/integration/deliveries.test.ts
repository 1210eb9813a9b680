/** Deliveries to the host program: pending until a handler has taken them, whatever happens in between. */
import { expect, test } from 'vitest';
import type { Delivery } from '../../src/index.ts';
import { counter } from '../support/actors-basic.ts';
import { createTestSystem, eventually, failureOf } from '../support/harness.ts';
import type { TestTroupe } from '../support/harness.ts';

const NEVER_MS = 600_000;

async function deliver({ system }: TestTroupe, payload: number, channel = 'out'): Promise<void> {
  await system.actor(counter, 'a').send({ type: 'DELIVER', channel, payload });
}

/** Takes deliveries of a channel and keeps them. */
function collect({ system }: TestTroupe, channel = 'out') {
  const taken: Delivery[] = [];
  const release = system.onDelivery(channel, (delivery) => void taken.push(delivery));
  return { taken, release };
}

const isDrained = (troupe: TestTroupe) =>
  eventually(
    () => troupe.system.stats(),
    ({ outboxRows }) => outboxRows === 0,
  );

test('a delivery reaches its handler without waiting for the recovery loop, and its row goes', async () => {
  await using troupe = await createTestSystem({ recoverEveryMs: NEVER_MS });
  const { taken } = collect(troupe);
  await deliver(troupe, 1);
  await deliver(troupe, 2);
  await eventually(
    () => taken.length,
    (length) => length === 2,
  );
  expect(taken).toEqual([
    {
      id: expect.stringMatching(/^counter\/a#\w+\.\d+\.\d+$/) as string,
      channel: 'out',
      from: 'counter/a',
      payload: 1,
    },
    { id: expect.any(String) as string, channel: 'out', from: 'counter/a', payload: 2 },
  ]);
  await isDrained(troupe);
});

test('a reply leaves no row behind', async () => {
  await using troupe = await createTestSystem({ recoverEveryMs: NEVER_MS });
  await troupe.system.actor(counter, 'a').ask({ type: 'GET' });
  await isDrained(troupe);
});

test('G1: without a handler it stays pending, over a restart as well, until there is one', async () => {
  await using troupe = await createTestSystem();
  await deliver(troupe, 1);
  await troupe.restart();
  expect(await troupe.system.stats()).toMatchObject({ outboxRows: 1 });
  const other = collect(troupe, 'another');
  const { taken } = collect(troupe);
  await eventually(() => taken.length);
  await isDrained(troupe);
  expect(taken).toMatchObject([{ payload: 1 }]);
  expect(other.taken).toEqual([]);
});

test('a handler that rejects gets the same delivery again, under the same id; later ones are not held up', async () => {
  await using troupe = await createTestSystem();
  const seen: Delivery[] = [];
  troupe.system.onDelivery('out', async (delivery) => {
    seen.push(delivery);
    if (delivery.payload === 1 && seen.filter(({ payload }) => payload === 1).length < 3) throw new Error('not yet');
  });
  await deliver(troupe, 1);
  await deliver(troupe, 2);
  await isDrained(troupe);
  const firsts = seen.filter(({ payload }) => payload === 1);
  expect(new Set(firsts.map(({ id }) => id)).size).toBe(1);
  expect(firsts).toHaveLength(3);
  expect(seen.filter(({ payload }) => payload === 2)).toHaveLength(1);
  expect(troupe.logs.filter(({ text }) => text.startsWith('a delivery handler failed'))).toHaveLength(2);
});

test('a channel has one handler at a time, and takes deliveries one at a time', async () => {
  await using troupe = await createTestSystem();
  let isBusy = false;
  let overlaps = 0;
  let count = 0;
  const release = troupe.system.onDelivery('out', async () => {
    if (isBusy) overlaps++;
    isBusy = true;
    await new Promise((resolve) => setImmediate(resolve));
    isBusy = false;
    count++;
  });
  const error = await failureOf((async () => troupe.system.onDelivery('out', () => {}))(), 'ERR_OPTIONS_INVALID');
  expect(error.message).toBe("Channel 'out' has a handler. Remove that one first.");
  await Promise.all(Array.from({ length: 20 }, (_, i) => deliver(troupe, i)));
  await eventually(
    () => count,
    (seen) => seen === 20,
  );
  expect(overlaps).toBe(0);
  release();
  await deliver(troupe, 99);
  const { taken } = collect(troupe);
  await eventually(() => taken.length);
  expect(taken).toMatchObject([{ payload: 99 }]);
});
