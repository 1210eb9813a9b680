/** Replays of much: what is held at once, and what is read when the store is in trouble. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { HOST } from '../../../src/bus/publisher.ts';
import type { NewPublication } from '../../../src/store/store.ts';
import { failureOf } from '../../support/harness.ts';
import { collector, createBusFixture, upTo } from './fixture.ts';
import type { BusFixture } from './fixture.ts';

/** Fills the log, many events to a commit. */
async function fill({ store, env }: BusFixture, count: number): Promise<void> {
  const host = { address: HOST, seq: 0, epoch: 1, version: 1, at: env.now(), status: 'active' } as const;
  for (let from = 0; from < count; from += 500) {
    const numbers = upTo(Math.min(500, count - from)).map((n) => from + n);
    const publish = numbers.map((n) => toPublication(n));
    await store.commit([{ ...host, publish }]);
  }
}

function toPublication(n: number): NewPublication {
  return { id: randomUUID(), topic: 'a', priority: 'normal', text: `${n}` };
}

test('G21: 50,000 events replay in pages of 512: none is read before the one before was taken', async () => {
  const fixture = createBusFixture();
  await fill(fixture, 50_000);
  const { bus, reads, run, env } = fixture;
  const before = reads.length;
  let most = 0;
  let next = 0;
  const replay = async (): Promise<void> => {
    for await (const { data } of bus.replay()) {
      if (data !== next++) throw new Error(`${String(data)} instead of ${next - 1}`);
      most = Math.max(most, (reads.length - before) * 512 - next);
    }
  };
  await run(replay());
  expect(next).toBe(50_000);
  expect(most).toBeLessThanOrEqual(512);
  expect(Math.max(...reads.slice(before).map(({ limit }) => limit ?? Infinity))).toBe(512);
  expect(env.pendingTimers.filter(({ dueAt }) => dueAt > env.now() + 200)).toEqual([]);
});

test('G21: a loop that is broken off reads no further', async () => {
  const fixture = createBusFixture();
  await fill(fixture, 5_000);
  const { bus, reads, run, env } = fixture;
  const first = async (): Promise<unknown> => {
    for await (const { data } of bus.replay()) return data;
    return undefined;
  };
  expect(await run(first())).toBe(0);
  await env.advance(10_000);
  expect(reads).toHaveLength(1);
});

test('G21: a subscription replays 20,000 events a page at a time, beside live ones', async () => {
  const fixture = createBusFixture();
  await fill(fixture, 20_000);
  const { bus, reads, run, env } = fixture;
  const [all, live] = [collector(), collector()];
  await run(bus.subscribe('a', all.handler, { replay: 'full' }));
  await run(bus.subscribe('a', live.handler));
  await run(bus.publish('a', 20_000));
  await env.settle();
  expect(all.seen).toEqual(upTo(20_001));
  expect(live.seen).toEqual([20_000]);
  expect(Math.max(...reads.map(({ limit }) => limit ?? Infinity))).toBe(256);
});

test('G21: a subscription waits for a store in trouble and misses nothing; a loop is told', async () => {
  const fixture = createBusFixture();
  await fill(fixture, 1_000);
  const { bus, run, env, failReads, logs } = fixture;
  const { seen, handler } = collector();
  failReads(3);
  await run(bus.subscribe('a', handler, { replay: 'full' }));
  await env.settle();
  expect(seen).toEqual([]);
  await env.advance(1_500);
  expect(seen).toEqual(upTo(1_000));
  expect(logs).toHaveLength(1);
  failReads(1);
  const iterator = bus.replay()[Symbol.asyncIterator]();
  await failureOf(run(iterator.next()), 'ERR_STORE_UNAVAILABLE');
});

test('the rate is that of the last minute, found with few reads', async () => {
  const fixture = createBusFixture();
  const { bus, run, env, reads } = fixture;
  await env.settle();
  await fill(fixture, 5_000);
  await env.advance(60_001);
  await fill(fixture, 600);
  await env.advance(10_000);
  const before = reads.length;
  const stats = await run(bus.stats());
  expect(stats).toMatchObject({ published: 5_600, perSecond: 10, kept: { events: 5_600, lastPos: 5_600 } });
  expect(reads.length - before).toBeLessThan(16);
  await env.advance(60_000);
  expect((await run(bus.stats())).perSecond).toBe(0);
});
