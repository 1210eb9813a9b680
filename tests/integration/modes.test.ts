/** The same program in every mode: in threads, inline, in a thread of its own. */
import { afterEach, describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { createSystem, defineActor } from '../../src/index.ts';
import type { System } from '../../src/index.ts';
import { gate, hermit, listener, sleeper, solo, soloTally, storedTally, tally } from '../support/actors-modes.ts';
import type { Note } from '../support/actors-modes.ts';
import { createTestSystem, eventually, failureOf } from '../support/harness.ts';
import type { TestOptions, TestTroupe } from '../support/harness.ts';

const MODES = new URL('../support/actors-modes.ts', import.meta.url);

const create = (options: TestOptions = {}): Promise<TestTroupe> => createTestSystem({ actors: [MODES], ...options });
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const numbersOf = (notes: readonly Note[], from: string): number[] =>
  notes.filter((note) => note.from === from).map(({ n }) => n);

afterEach(() => void (gate.opened = Promise.resolve()));

/** Events, tells, effect functions, timers, topics, asks and a stop; what it returns is the same in every mode. */
async function tellStory(system: System): Promise<unknown> {
  const [a, b] = [system.actor(sleeper, 'a'), system.actor(sleeper, 'b')];
  const count = system.actor(tally, 'c', { count: 1 });
  const heard = system.actor(listener, 'l');
  await heard.send({ type: 'NOTE', from: 'main', n: 0 });
  for (const n of upTo(20)) await a.send({ type: 'TELL', to: b.address, n });
  await Promise.all(upTo(20).map((n) => count.send({ type: 'TELL', to: b.address, from: n, count: 1 })));
  await a.send({ type: 'WORK', to: b.address });
  await a.send({ type: 'WAIT', ms: 20 }, { id: 'once' });
  await b.schedule('k', { type: 'NOTE', from: 'later', n: 1 }, { afterMs: 20 });
  for (const n of upTo(5)) await system.bus.publish('wake.up', { n });
  const all = await eventually(
    () => b.ask({ type: 'LIST' }),
    (notes) => notes.length === 42,
  );
  const topics = await eventually(
    () => heard.ask({ type: 'LIST' }),
    (notes) => notes.length === 6,
  );
  await b.stop();
  await failureOf(b.send({ type: 'NOTE', from: 'main', n: 1 }), 'ERR_ACTOR_STOPPED');
  return {
    told: numbersOf(all, a.address),
    volatile: numbersOf(all, count.address),
    others: all
      .filter(({ from }) => !from.includes('/'))
      .map(({ from, n }) => `${from} ${n}`)
      .toSorted(),
    topics: numbersOf(topics, 'topic'),
    status: (await b.snapshot()).status,
  };
}

const STORY = {
  told: upTo(20),
  volatile: upTo(20),
  others: ['effect 9', 'later 1'],
  topics: upTo(5),
  status: 'stopped',
};

test.each([
  { mode: 'two threads', options: { threads: 2 } },
  { mode: 'inline', options: { threads: 0 } },
  { mode: 'inline, three hosts', options: { threads: 0, inlineHosts: 3 } },
  { mode: 'inline, in memory', options: { threads: 0, store: 'memory' } },
] as const)('R1: the same story has the same end: $mode', async ({ options }) => {
  await using troupe = await create(options);
  expect(await tellStory(troupe.system)).toEqual(STORY);
});

test('R1: what was stored in threads goes on inline, and the other way round', async () => {
  await using troupe = await create({ threads: 2 });
  await troupe.system.actor(storedTally, 'a').send({ type: 'ADD', n: 1 });
  const inline = await troupe.restart({ threads: 0 });
  await inline.actor(storedTally, 'a').send({ type: 'ADD', n: 1 });
  const threads = await troupe.restart({ threads: 2 });
  expect(await threads.actor(storedTally, 'a').ask({ type: 'GET' })).toBe(2);
});

describe('dedicated', () => {
  test('R1: each actor has a thread of its own, five at once too, and those that share one are elsewhere', async () => {
    await using troupe = await create({ threads: 1 });
    const { system } = troupe;
    const own = await Promise.all(upTo(5).map((i) => system.actor(hermit, `h${i}`).ask({ type: 'WHERE' })));
    const shared = await Promise.all(upTo(5).map((i) => system.actor(sleeper, `s${i}`).ask({ type: 'WHERE' })));
    expect(new Set(own).size).toBe(5);
    expect(new Set(shared).size).toBe(1);
    expect(own).not.toContain(shared[0]);
  });

  test('G6: tells, effect sends and topics reach it and leave it, once each, in order', async () => {
    await using troupe = await create({ threads: 2 });
    const { system } = troupe;
    const [own, other, shared] = [system.actor(hermit, 'a'), system.actor(hermit, 'b'), system.actor(sleeper, 's')];
    for (const n of upTo(20)) {
      await shared.send({ type: 'TELL', to: own.address, n });
      await own.send({ type: 'TELL', to: other.address, n });
      await own.send({ type: 'TELL', to: shared.address, n });
    }
    await shared.send({ type: 'WORK', to: own.address });
    await other.send({ type: 'WORK', to: shared.address });
    const lists = await eventually(
      () => Promise.all([own, other, shared].map((ref) => ref.ask({ type: 'LIST' }))),
      (seen) => seen.map(({ length }) => length).join() === '21,21,22',
    );
    const [ownNotes = [], otherNotes = [], sharedNotes = []] = lists;
    expect(numbersOf(ownNotes, shared.address)).toEqual(upTo(20));
    expect(numbersOf(otherNotes, own.address)).toEqual(upTo(20));
    expect(numbersOf(sharedNotes, own.address)).toEqual(upTo(20));
    expect([numbersOf(ownNotes, 'effect'), numbersOf(sharedNotes, 'effect')]).toEqual([[9], [9]]);
  });

  test('G12: it is subscribed, and a publication wakes it', async () => {
    await using troupe = await create({ threads: 1 });
    const { system } = troupe;
    const ref = system.actor(solo, 'a');
    await ref.send({ type: 'NOTE', from: 'main', n: 0 });
    for (const n of upTo(5)) await system.bus.publish('solo.up', { n });
    const notes = await eventually(
      () => ref.ask({ type: 'LIST' }),
      (seen) => seen.length === 6,
    );
    expect(numbersOf(notes, 'topic')).toEqual(upTo(5));
  });

  test('G1, G10: when its thread dies another takes its place, with every event once; others are not touched', async () => {
    await using troupe = await create({ threads: 1 });
    const { system } = troupe;
    const [own, other] = [system.actor(hermit, 'a'), system.actor(hermit, 'b')];
    const [before, otherBefore] = await Promise.all([own, other].map((ref) => ref.ask({ type: 'WHERE' })));
    const sends = upTo(50).map((n) => own.send({ type: 'NOTE', from: 'main', n }));
    await troupe.endWorkerOf(own.address);
    await Promise.all(sends);
    expect(numbersOf(await own.ask({ type: 'LIST' }), 'main')).toEqual(upTo(50));
    expect(await own.ask({ type: 'WHERE' })).not.toBe(before);
    expect(await other.ask({ type: 'WHERE' })).toBe(otherBefore);
  });

  test('its thread ends when it has been stopped', async () => {
    await using troupe = await create({ threads: 1 });
    const { system } = troupe;
    const ref = system.actor(hermit, 'a');
    await ref.send({ type: 'NOTE', from: 'main', n: 0 });
    expect(system.threads.indexOf(ref.address)).toBeDefined();
    await ref.stop();
    await eventually(() => system.threads.indexOf(ref.address) === undefined);
    await failureOf(ref.send({ type: 'NOTE', from: 'main', n: 1 }), 'ERR_ACTOR_STOPPED');
  });

  test('G13: its thread ends when it has left memory, and it wakes in another', async () => {
    await using troupe = await create({ threads: 1 });
    const { system } = troupe;
    const ref = system.actor(solo, 'a');
    await ref.send({ type: 'NOTE', from: 'main', n: 0 });
    const before = await ref.ask({ type: 'WHERE' });
    await eventually(() => system.threads.indexOf(ref.address) === undefined);
    await system.actor(sleeper, 's').send({ type: 'TELL', to: ref.address, n: 7 });
    await eventually(
      () => ref.ask({ type: 'LIST' }),
      (notes) => numbersOf(notes, 'sleeper/s').length === 1,
    );
    expect(await ref.ask({ type: 'WHERE' })).not.toBe(before);
  });

  test('one that is not stored has a thread as well; its tells arrive and it is told', async () => {
    await using troupe = await create({ threads: 1 });
    const { system } = troupe;
    const [own, shared] = [system.actor(soloTally, 'a', {}), system.actor(tally, 'b', {})];
    expect(await own.ask({ type: 'WHERE' })).not.toBe(await shared.ask({ type: 'WHERE' }));
    await own.send({ type: 'TELL', to: shared.address, from: 0, count: 50 });
    await shared.send({ type: 'TELL', to: own.address, from: 0, count: 50 });
    for (const ref of [own, shared]) {
      const notes = await eventually(
        () => ref.ask({ type: 'LIST' }),
        (seen) => seen.length === 50,
      );
      expect(notes.map(({ n }) => n)).toEqual(upTo(50));
    }
  });

  test('what an actor that is not stored tells one without a thread starts that thread', async () => {
    await using troupe = await create({ threads: 1 });
    const { system } = troupe;
    await system.actor(tally, 'b', {}).send({ type: 'TELL', to: 'hermit/a', from: 0, count: 10 });
    const notes = await eventually(
      () => system.actor(hermit, 'a').ask({ type: 'LIST' }),
      (seen) => seen.length === 10,
    );
    expect(notes.map(({ n }) => n)).toEqual(upTo(10));
  });

  test('a system stops while threads of their own are being started', async () => {
    await using troupe = await create({ threads: 1 });
    const { system } = troupe;
    const sends = upTo(3).map((i) =>
      system
        .actor(hermit, `h${i}`)
        .send({ type: 'NOTE', from: 'main', n: 1 })
        .catch((error: { code: string }) => error.code),
    );
    await system.stop();
    for (const outcome of await Promise.all(sends)) expect([undefined, 'ERR_SYSTEM_STOPPED']).toContain(outcome);
  });
});

describe('bad input', () => {
  test.each([
    { policy: { mailbox: { capacity: 0 } }, path: 'mailbox.capacity' },
    { policy: { mailbox: { capacity: 1.5 } }, path: 'mailbox.capacity' },
    { policy: { mailbox: { overflow: 'x' } }, path: 'mailbox.overflow' },
    { policy: { mailbox: { size: 1 } }, path: 'mailbox' },
    { policy: { hibernateAfterMs: -1 }, path: 'hibernateAfterMs' },
    { policy: { hibernateAfterMs: 9 }, path: 'hibernateAfterMs' },
    { policy: { hibernateAfterMs: true }, path: 'hibernateAfterMs' },
    { policy: { hibernateAfterMs: Number.NaN }, path: 'hibernateAfterMs' },
    { policy: { durable: 'no' }, path: 'durable' },
    { policy: { dedicated: 1 }, path: 'dedicated' },
    { policy: { timers: { pause: 'sometimes' } }, path: 'timers.pause' },
    { policy: { durable: false, topics: { 'a.*': 'A' } }, path: 'topics' },
    { policy: { durable: false, timers: { pause: 'restart' } }, path: 'timers' },
    { policy: { topics: { 'a.*': '' } }, path: 'topics.a.*' },
  ])('defineActor refuses $policy and names $path', ({ policy, path }) => {
    expect(() => defineActor('bad', createMachine({}), policy as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_DEFINITION_INVALID',
        details: expect.objectContaining({ type: 'bad', path }),
        message: expect.stringContaining("defineActor('bad', …)"),
      }),
    );
  });

  test.each(['', 'a b', 'a..b', '.a', 'a.>.b', 'a*'])('defineActor refuses the topic %j and names it', (pattern) => {
    expect(() => defineActor('bad', createMachine({}), { topics: { [pattern]: 'A' } })).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^ERR_/),
        message: expect.stringContaining(`'${pattern}'`),
      }),
    );
  });

  test.each([
    { maxPending: 0 },
    { maxPending: 1.5 },
    { maxPending: '9' },
    { maxLiveActors: 0 },
    { maxLiveActors: 1_000_001 },
    { maxFanOut: 0 },
    { inlineHosts: 0 },
    { inlineHosts: 17 },
    { topicRetentionMs: 999 },
    { sessionSweepEveryMs: 0 },
  ])('createSystem refuses %j, names option and value, and says what is allowed', async (option) => {
    const [[name, value] = []] = Object.entries(option);
    const failure = await failureOf(
      createSystem({ actors: [], threads: 0, ...option } as never),
      'ERR_OPTIONS_INVALID',
    );
    expect(failure.message).toContain(`option '${name}' is ${typeof value === 'string' ? `'${value}'` : value}`);
    expect(failure.message).toMatch(/Use a whole number .*: /);
  });

  test.each([
    { option: { inlineHosts: 2 }, name: 'inlineHosts' },
    { option: { openStore: async () => undefined }, name: 'openStore' },
    { option: { actors: [sleeper] }, name: 'actors' },
  ])('createSystem refuses $name with threads', async ({ option, name }) => {
    const failure = await failureOf(
      createSystem({ actors: [], threads: 1, ...option } as never),
      'ERR_OPTIONS_INVALID',
    );
    expect(failure.message).toContain(`option '${name}'`);
  });
});
