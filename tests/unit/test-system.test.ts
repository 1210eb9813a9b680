/** The system for tests: sends are simply awaited, time passes when the test says so, and a seed repeats everything. */
import { afterEach, expect, test, vi } from 'vitest';
import { TroupeError } from '../../src/index.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import { MemoryTables } from '../../src/store/memory/tables.ts';
import type { Commit, Store } from '../../src/store/store.ts';
import { forEachSeed, testSystem } from '../../src/testing.ts';
import type { TestSystem } from '../../src/testing.ts';
import { counter, oracle, recorder, relay } from '../support/actors-basic.ts';
import { BASIC, failureOf } from '../support/harness.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const create = (seed = 1): Promise<TestSystem> => testSystem({ actors: [BASIC], seed });

afterEach(() => void vi.restoreAllMocks());

/** Relays tell one recorder while counters count: everything that was committed, and what was noted. */
async function runStory(seed: number): Promise<readonly string[]> {
  const trace: string[] = [];
  const apply = MemoryTables.prototype.apply;
  const spy = vi.spyOn(MemoryTables.prototype, 'apply').mockImplementation(function (
    this: MemoryTables,
    commit: Commit,
  ) {
    trace.push(JSON.stringify(commit));
    return apply.call(this, commit);
  });
  await using troupe = await create(seed);
  const { system, clock } = troupe;
  const to = system.actor(recorder, 'all').address;
  const talk = async (key: string): Promise<void> => {
    for (const n of [1, 2, 3]) {
      void system.actor(relay, key).send({ type: 'RELAY', to, n });
      await system.actor(counter, key).send({ type: 'ADD', n });
    }
  };
  await Promise.all(['a', 'b', 'c'].map(talk));
  await clock.advance(0);
  trace.push(JSON.stringify(await system.actor(recorder, 'all').ask({ type: 'LIST' })));
  spy.mockRestore();
  return trace;
}

test('a send is simply awaited, and no time passes meanwhile', async () => {
  await using troupe = await create();
  const { system, clock } = troupe;
  const startedAt = clock.now();
  const ref = system.actor(counter, 'a');
  await ref.send({ type: 'ADD', n: 2 });
  expect(await ref.ask({ type: 'GET' })).toEqual({ count: 2 });
  expect(clock.now()).toBe(startedAt);
});

test('time passes when the test says so: an ask that nobody answers ends in its time', async () => {
  await using troupe = await create();
  const asked = failureOf(
    troupe.system.actor(oracle, 'a', { limit: 1 }).ask({ type: 'QUESTION' }, { timeoutMs: 5_000 }),
    'ERR_ASK_TIMEOUT',
  );
  let isOver = false;
  void asked.then(() => (isOver = true));
  const { timers } = troupe.unresolved();
  expect(timers.length).toBeGreaterThan(0);
  await troupe.clock.advance(4_999);
  expect(isOver).toBe(false);
  await troupe.clock.advance(1);
  expect(isOver).toBe(true);
  await asked;
});

test('the wall clock can be set forward a year and back while no time passes', async () => {
  await using troupe = await create();
  const { clock, env, system } = troupe;
  const startedAt = clock.now();
  let rings = 0;
  env.setAlarm(startedAt + 365 * DAY_MS, () => rings++);
  await clock.set(startedAt + 365 * DAY_MS);
  expect([rings, env.monotonicMs()]).toEqual([1, 0]);
  await clock.set(startedAt - HOUR_MS);
  expect(clock.now()).toBe(startedAt - HOUR_MS);
  await system.actor(counter, 'a').send({ type: 'ADD', n: 1 });
});

test('a month goes by in an idle system, and it still answers', async () => {
  await using troupe = await testSystem({ actors: [BASIC], recoverEveryMs: 600_000 });
  await troupe.system.actor(counter, 'a').send({ type: 'ADD', n: 1 });
  await troupe.clock.advance(30 * DAY_MS);
  expect(await troupe.system.actor(counter, 'a').ask({ type: 'GET' })).toEqual({ count: 1 });
});

test('the same seed gives the same history, byte for byte; other seeds give others', async () => {
  const histories = new Set<string>();
  await forEachSeed({ count: 10 }, async (seed) => {
    const history = await runStory(seed);
    expect(await runStory(seed)).toEqual(history);
    histories.add(history.map((text) => text.replaceAll(/[\w-]{22}/g, 'ID')).join('\n'));
  });
  expect(histories.size).toBeGreaterThan(2);
});

test('G6: in every order of deliveries each tell is processed once, in the order of its sender', () =>
  forEachSeed({ count: 50 }, async (seed) => {
    const notes = JSON.parse((await runStory(seed)).at(-1) as string) as { from: string; n: number }[];
    const numbersOf = (key: string): number[] => notes.filter(({ from }) => from === `relay/${key}`).map(({ n }) => n);
    for (const key of ['a', 'b', 'c']) expect(numbersOf(key)).toEqual([1, 2, 3]);
  }));

test('lines of the log are kept, and the seed is told', async () => {
  await using troupe = await create(7);
  await failureOf(troupe.system.actor(counter, 'a').send({ type: 'BOOM' }), 'ERR_EVENT_FAILED');
  expect(troupe.logs.some(({ text }) => text !== '')).toBe(true);
  expect(troupe.seed).toBe(7);
});

test('after stop nothing is unresolved; stopping again does nothing', async () => {
  const troupe = await create();
  await troupe.system.actor(counter, 'a').send({ type: 'ADD', n: 1 });
  await troupe.stop();
  await troupe.stop();
  expect(troupe.unresolved()).toEqual({ timers: [], callbacks: 0, pending: { sends: 0, asks: 0, requests: 0 } });
});

test('stop lets the time pass that it takes: with a store that cannot save, what waits is given up', async () => {
  const troupe = await create();
  const failure = new TroupeError('ERR_STORE_UNAVAILABLE', 'No room.', { details: { isOutcomeUnknown: false } });
  vi.spyOn(Object.getPrototypeOf(createMemoryStore()) as Store, 'commit').mockRejectedValue(failure);
  const sent = failureOf(troupe.system.actor(counter, 'a').send({ type: 'ADD', n: 1 }), 'ERR_SYSTEM_STOPPED');
  await troupe.clock.advance(1000);
  await troupe.stop();
  await sent;
});

test('a system that does not stop is reported with its seed', async () => {
  const troupe = await create(9);
  vi.spyOn(troupe.system, 'stop').mockReturnValue(new Promise(() => {}));
  const failure = await failureOf(troupe.stop(), 'ERR_INTERNAL');
  expect(failure.message).toContain('seed 9');
  vi.restoreAllMocks();
  await troupe.stop();
});

test.each([
  [undefined, '', 'the options are undefined instead of an object. Pass one such as { actors:'],
  [null, '', 'the options are null instead of an object.'],
  [
    { actors: [], threads: 2 },
    'threads',
    "option 'threads' is 2 (a number). A test system runs on the calling thread.",
  ],
  [{ actors: [], env: {} }, 'env', "option 'env' is an object. A test system makes its own from seed and startAt"],
  [{ actors: [], log: 'info' }, 'log', "option 'log' is 'info' (a string). A test system keeps every line in logs."],
  [
    { actors: [], sed: 7 },
    'sed',
    "option 'sed' is unknown. Known options: seed, startAt, actors, store, synchronous, recoverEveryMs, overdueAfterMs, idRetentionMs, topicRetentionMs, maxFanOut, maxLiveActors, maxPending, sessionSweepEveryMs, beatMs, hangMs, maxThreadHeapMb, maxThreadBufferMb, spareThread, degradation, nats, bus, inlineHosts, openStore.",
  ],
  [{ actors: [], seed: 'x' }, 'seed', "option 'seed' is 'x' (a string). Use a whole number from 0 to 4294967295"],
])('testSystem(%j) is refused at %j', async (options, path, says) => {
  const failure = await failureOf(testSystem(options as never), 'ERR_OPTIONS_INVALID');
  expect(failure.message).toContain(`testSystem: ${says}`);
  expect(failure.details).toEqual({ path });
});

test('a start that is no time is refused', async () => {
  const failure = await failureOf(testSystem({ actors: [BASIC], startAt: Number.NaN }), 'ERR_SCHEDULE_INVALID');
  expect(failure.message).toContain("testSystem: option 'startAt' is NaN (a number). Use milliseconds since the epoch");
});

test('the clock says what it cannot do, and what to do instead', async () => {
  await using troupe = await create();
  const { clock } = troupe;
  const now = clock.now();
  const messageOf = async (act: Promise<void>): Promise<string> =>
    (await failureOf(act, 'ERR_SCHEDULE_INVALID')).message;
  expect(await messageOf(clock.set(Number.NaN))).toContain(
    'The clock was to be set to NaN (a number). Use milliseconds',
  );
  expect(await messageOf(clock.set(new Date(now) as never))).toBe(
    'The clock was to be set to a Date. Pass its getTime().',
  );
  expect(await messageOf(clock.advance(-1))).toContain(
    'advanced by -1 (a number). Use a number of milliseconds from 0',
  );
  expect(await messageOf(clock.advance(-1))).toContain('to set it back use clock.set() of a test system');
  expect(await messageOf(clock.advance(10n as never))).toContain('advanced by 10 (a bigint)');
  expect(clock.now()).toBe(now);
});

test('options are checked as those of createSystem are', async () => {
  await failureOf(testSystem({ actors: [BASIC], recoverEveryMs: 1 }), 'ERR_OPTIONS_INVALID');
  await failureOf(testSystem({ actors: [new URL('file:///nowhere.ts')] }), 'ERR_DEFINITION_MODULE');
});
