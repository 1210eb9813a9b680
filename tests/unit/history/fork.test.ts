/** G17: a live actor from the past of another, with whoever was below it, and nothing done twice. */
import { assign, emit, setup } from 'xstate';
import { describe, expect, test } from 'vitest';
import { append, defineActor, deliver, fromEffect, schedule } from '../../../src/index.ts';
import type { Effect, System } from '../../../src/index.ts';
import { defineAgent } from '../../../actors/agent.ts';
import { group as groupDefinition } from '../../../actors/group.ts';
import { session as sessionDefinition } from '../../../actors/session.ts';
import { testSystem } from '../../../src/testing.ts';

type Event =
  | { readonly type: 'ADD'; readonly n: number }
  | { readonly type: 'LATER' }
  | { readonly type: 'NEVER' }
  | { readonly type: 'DUE' }
  | { readonly type: 'WORK' };

const runs: string[] = [];
let finish: (() => void)[] = [];

const machine = setup({
  types: {
    context: {} as { readonly total: number; readonly said: string },
    events: {} as Event,
    emitted: {} as Effect,
  },
  actors: {
    work: fromEffect(async ({ key }) => {
      runs.push(key);
      await new Promise<void>((resolve) => void finish.push(resolve));
      return 'worked';
    }),
  },
}).createMachine({
  context: { total: 0, said: '' },
  initial: 'idle',
  on: {
    ADD: {
      actions: [
        assign({ total: ({ context, event }) => context.total + event.n }),
        emit(({ event }) => append({ n: event.n })),
        emit(({ event }) => deliver('out', { n: event.n })),
      ],
    },
    LATER: { actions: emit(() => schedule('due', { type: 'DUE' }, { afterMs: 10_000 })) },
    NEVER: { actions: emit(() => ({ type: 'troupe.unschedule', key: 'due' })) },
    DUE: { actions: assign({ total: ({ context }) => context.total + 1000 }) },
  },
  states: {
    idle: { on: { WORK: 'working' }, after: { 60_000: 'rested' } },
    rested: {},
    working: {
      invoke: {
        src: 'work',
        id: 'work',
        onDone: { target: 'idle', actions: assign({ said: 'done' }) },
        onError: {
          target: 'idle',
          actions: assign({ said: ({ event }) => (event.error as { code?: string }).code ?? '' }),
        },
      },
    },
  },
});

const counter = defineActor('counter', machine, { history: {} });
const unrecorded = defineActor('unrecorded', machine);
const poet = defineAgent('poet', { skills: { rhyme: ({ name, turn }) => ({ text: `${name} rhymes ${turn.turn}` }) } });

const start = () => testSystem({ actors: [counter, unrecorded, poet] });

async function totals(system: System, key: string): Promise<number> {
  return (await system.actor(counter, key).snapshot()).context.total;
}

describe('a fork', () => {
  test('G17: goes on from the state after the event, with the log until then, and lives by itself', async () => {
    await using t = await start();
    const delivered: unknown[] = [];
    t.system.onDelivery('out', ({ payload }) => void delivered.push(payload));
    const ref = t.system.actor(counter, 'a');
    for (const n of [1, 2, 4, 8]) await ref.send({ type: 'ADD', n });
    const result = await t.system.fork(ref.address, 3, 'b');
    expect(result).toEqual({
      address: 'counter/b',
      actors: [{ from: 'counter/a', to: 'counter/b', seq: 3 }],
      missing: [],
    });
    expect(await totals(t.system, 'b')).toBe(3);
    await t.system.actor(counter, 'b').send({ type: 'ADD', n: 100 });
    expect([await totals(t.system, 'a'), await totals(t.system, 'b')]).toEqual([15, 103]);
    const log = await t.system.store.call('log', 'counter/b' as never);
    expect(log.map(({ n, text }) => `${n} ${text}`)).toEqual(['1 {"n":1}', '2 {"n":2}', '3 {"n":100}']);
    await t.clock.advance(5000);
    expect(delivered, 'no effect is done again').toEqual([1, 2, 4, 8, 100].map((n) => ({ n })));
    const [first, second] = await t.system.actor(counter, 'b').history();
    expect(first?.causes).toEqual([{ kind: 'fork', from: 'counter/a', seq: 3 }]);
    expect(second?.causes).toMatchObject([{ kind: 'send' }]);
  });

  test('G17: has left of its times what was left of them then', async () => {
    await using t = await start();
    const ref = t.system.actor(counter, 'a');
    await ref.send({ type: 'LATER' });
    await t.clock.advance(4000);
    await ref.send({ type: 'ADD', n: 1 });
    const [, , last] = await ref.history();
    await ref.send({ type: 'NEVER' });
    await t.clock.advance(3_600_000);
    await t.system.fork(ref.address, last!.seq, 'b');
    const fork = t.system.actor(counter, 'b');
    await t.clock.advance(5900);
    expect((await fork.snapshot()).context.total).toBe(1);
    await t.clock.advance(200);
    expect((await fork.snapshot()).context.total, 'scheduled: 6 s were left').toBe(1001);
    await t.clock.advance(49_000);
    expect((await fork.snapshot()).value).toBe('idle');
    await t.clock.advance(1500);
    expect((await fork.snapshot()).value, 'the timer: 56 s were left').toBe('rested');
    expect(await totals(t.system, 'a')).toBe(1);
  });

  test.each([
    ['fail', 'ERR_EFFECT_INTERRUPTED', 1],
    ['run', 'done', 2],
  ] as const)('G17: an effect function in flight then: %s', async (effects, said, times) => {
    await using t = await start();
    runs.length = 0;
    finish = [];
    const ref = t.system.actor(counter, 'a');
    await ref.send({ type: 'WORK' });
    await t.clock.advance(10);
    const working = (await ref.history()).at(-1);
    for (const resolve of finish) resolve();
    await t.clock.advance(10);
    await t.system.fork(ref.address, working!.seq, 'b', { effects });
    await t.clock.advance(10);
    for (const resolve of finish) resolve();
    await t.clock.advance(10);
    expect((await t.system.actor(counter, 'b').snapshot()).context.said).toBe(said);
    expect((await ref.snapshot()).context.said).toBe('done');
    expect(new Set(runs).size).toBe(times);
    expect(runs).toHaveLength(times);
  });

  test('G17: is itself forked, and stays when the first is removed', async () => {
    await using t = await start();
    const ref = t.system.actor(counter, 'a');
    for (const n of [1, 2]) await ref.send({ type: 'ADD', n });
    await t.system.fork(ref.address, 2, 'b');
    await t.system.actor(counter, 'b').send({ type: 'ADD', n: 10 });
    await t.system.remove(ref.address);
    await t.system.fork('counter/b', 2, 'c');
    expect(await totals(t.system, 'c')).toBe(11);
  });

  test.each([
    ['counter/zz', 1, 'b', 'ERR_ACTOR_NOT_FOUND', "'counter/zz' does not exist"],
    ['nonsense', 1, 'b', 'ERR_ADDRESS', 'is not an address'],
    ['counter/a', 77, 'b', 'ERR_HISTORY_UNKNOWN', 'kept are those from 1 to 2'],
    ['counter/a', -1, 'b', 'ERR_OPTIONS_INVALID', "Option 'seq' of fork() is -1"],
    ['counter/a', 1, 'a b', 'ERR_ADDRESS', "Key 'a b'"],
    ['counter/a', 1, 'a', 'ERR_ACTOR_EXISTS', "'counter/a', which exists"],
    ['unrecorded/a', 1, 'b', 'ERR_HISTORY_UNKNOWN', 'asks for no history'],
  ])('of %s at %d to %s is refused, and nothing comes to be', async (from, seq, key, code, said) => {
    await using t = await start();
    await t.system.actor(counter, 'a').send({ type: 'ADD', n: 1 });
    await t.system.actor(unrecorded, 'a').send({ type: 'ADD', n: 1 });
    const forked = t.system.fork(from, seq, key);
    await expect(forked).rejects.toMatchObject({ code, message: expect.stringContaining(said) });
    expect((await t.system.list()).items).toHaveLength(2);
  });

  test.each([
    [{ children: 'no' }, "Option 'children' of fork() is 'no'"],
    [{ effects: 'again' }, "'fail' or 'run'"],
    [{ deep: true }, "Option 'deep' of fork() is unknown"],
  ])('with options that make no sense is refused: %j', async (options, said) => {
    await using t = await start();
    await t.system.actor(counter, 'a').send({ type: 'ADD', n: 1 });
    const forked = t.system.fork('counter/a', 1, 'b', options as never);
    await expect(forked).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID', message: expect.stringContaining(said) });
  });
});

describe('a fork of a session', () => {
  /** A session with a group of two poets that talk for some rounds. */
  async function talk(t: Awaited<ReturnType<typeof start>>) {
    const session = await t.system.sessions.create({ id: 's', user: 'ada' });
    await session.say('Begin.');
    const group = await t.system.groups.create({
      id: 'g',
      session: 's',
      maxRounds: 3,
      members: ['Uno', 'Due'].map((name) => ({ agent: poet, name, skill: 'rhyme' })),
    });
    await session.say('Go on.');
    await group.start();
    await t.clock.advance(1000);
    await session.say('Enough.');
    return { session, group };
  }

  const texts = async (t: Awaited<ReturnType<typeof start>>, id: string): Promise<string[]> =>
    (await (await t.system.groups.get(id)).history({ limit: 100 })).map(({ text }) => text);

  test('G17: takes its group and agents along, as they were at that moment, under keys of their own', async () => {
    await using t = await start();
    const { session } = await talk(t);
    const all = await texts(t, 'g');
    expect(all).toHaveLength(6);
    const last = (await session.ref.history()).at(-1);
    const { actors, missing } = await t.system.fork(session.ref.address, last!.seq, 'copy');
    expect(actors.map(({ to }) => to)).toEqual(['session/copy', 'group/g:copy', 'poet/g:1:copy', 'poet/g:2:copy']);
    expect(missing).toEqual([]);
    const copy = await t.system.sessions.get('copy');
    expect((await copy.history()).map(({ text }) => text)).toEqual(['Begin.', 'Go on.', 'Enough.']);
    expect((await copy.describe()).groups).toEqual(['group/g:copy']);
    expect(await texts(t, 'g:copy')).toEqual(all);
    const group = await t.system.groups.get('g:copy');
    expect((await group.snapshot()).context.members.map(({ address }) => address)).toEqual([
      'poet/g:1:copy',
      'poet/g:2:copy',
    ]);
    await group.start();
    await t.clock.advance(1000);
    expect(await texts(t, 'g:copy')).toHaveLength(12);
    expect(await texts(t, 'g'), 'the first is left alone').toEqual(all);
    const { children } = await t.system.tree('session/copy' as never);
    expect(children).toMatchObject([
      { address: 'group/g:copy', children: [{ address: 'poet/g:1:copy' }, { address: 'poet/g:2:copy' }] },
    ]);
    await copy.delete();
    await t.clock.advance(5000);
    expect((await t.system.list({ type: 'poet' })).items.map(({ address }) => address).toSorted()).toEqual([
      'poet/g:1',
      'poet/g:2',
    ]);
  });

  test('G17: at any event of the group, the conversation goes on from there and comes to the same end', async () => {
    await using t = await start();
    const { group } = await talk(t);
    const all = await texts(t, 'g');
    const events = await group.ref.history({ limit: 1000 });
    for (const { seq } of events) {
      const key = `at-${seq}`;
      await t.system.fork(group.ref.address, seq, key, { effects: 'run' });
      const before = await texts(t, key);
      expect(all.slice(0, before.length), `until ${seq}`).toEqual(before);
      const copy = await t.system.groups.get(key);
      if ((await copy.snapshot()).value === 'resting' && before.length === 0) await copy.start();
      await t.clock.advance(600_000);
      const after = await texts(t, key);
      expect(after, `after ${seq}`).toEqual(all);
    }
  });

  test('G17: after its last event, the groups come along as they are now', async () => {
    await using t = await start();
    const session = await t.system.sessions.create({ id: 's', user: 'ada' });
    const members = ['Uno', 'Due'].map((name) => ({ agent: poet, name, skill: 'rhyme' }));
    const group = await t.system.groups.create({ id: 'g', session: 's', maxRounds: 2, members });
    await group.start();
    await t.clock.advance(1000);
    const last = (await session.ref.history()).at(-1);
    const { actors } = await t.system.fork(session.ref.address, last!.seq, 'copy');
    expect(actors).toHaveLength(4);
    expect(await texts(t, 'g:copy')).toEqual(await texts(t, 'g'));
    expect(await texts(t, 'g:copy')).toHaveLength(4);
  });

  test('G17: at any event of the session, group and agents fit together and go on', async () => {
    await using t = await start();
    const { session } = await talk(t);
    for (const { seq } of await session.ref.history()) {
      await t.system.fork(session.ref.address, seq, `at-${seq}`, { effects: 'run' });
      const copy = await t.system.sessions.get(`at-${seq}`);
      const [address] = (await copy.describe()).groups;
      if (address === undefined) continue;
      await t.clock.advance(600_000);
      const group = await t.system.groups.get(address.slice('group/'.length));
      if ((await group.snapshot()).context.turn === 0) await group.start();
      await t.clock.advance(600_000);
      expect(await texts(t, group.id), `after ${seq}`).toEqual(await texts(t, 'g'));
    }
  });

  test('with children: false the rest stays behind', async () => {
    await using t = await start();
    const { session } = await talk(t);
    const { actors } = await t.system.fork(session.ref.address, 2, 'alone', { children: false });
    expect(actors.map(({ to }) => to)).toEqual(['session/alone']);
    expect(sessionDefinition.policy.history && groupDefinition.policy.history).toMatchObject({ keep: 1000 });
  });
});
