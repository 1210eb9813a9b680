/** G17: a fork knows nobody of the family it was taken from, and takes each message along once while the original is at work. */
import { assign, emit, setup } from 'xstate';
import { describe, expect, test } from 'vitest';
import { defineActor, spawn, tell } from '../../../src/index.ts';
import type { Address, Effect } from '../../../src/index.ts';
import { Definitions } from '../../../src/actor/definitions.ts';
import { encodeSnapshot } from '../../../src/state/codec.ts';
import { sumOfHistory } from '../../../src/state/history.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { Commit, Store } from '../../../src/store/store.ts';
import { fork } from '../../../src/system/fork.ts';
import { testSystem } from '../../../src/testing.ts';

const childMachine = setup({
  types: {
    context: {} as { readonly parent: Address },
    input: {} as { readonly parent: Address },
    events: {} as { type: 'END' },
    emitted: {} as Effect,
  },
}).createMachine({
  context: ({ input }) => input,
  entry: emit(({ context }) => tell(context.parent, { type: 'HELLO' })),
  initial: 'on',
  states: { on: { on: { END: 'off' } }, off: { type: 'final' } },
});

const parentMachine = setup({
  types: {
    context: {} as { readonly hellos: number },
    events: {} as { type: 'HELLO' } | { type: 'SPAWN'; key: string; self: string },
    emitted: {} as Effect,
  },
}).createMachine({
  context: { hellos: 0 },
  on: {
    HELLO: { actions: assign({ hellos: ({ context }) => context.hellos + 1 }) },
    SPAWN: { actions: emit(({ event }) => spawn('child', event.key, { parent: event.self })) },
  },
});

const child = defineActor('child', childMachine, { history: {}, supervise: { restart: 'permanent' } });
const parent = defineActor('parent', parentMachine, { history: {} });

/** `parent/p` with `child/c`, which has said hello. */
async function start() {
  const t = await testSystem({ actors: [child, parent], recoverEveryMs: 600_000 });
  const ref = t.system.actor(parent, 'p');
  await ref.send({ type: 'SPAWN', key: 'c', self: 'parent/p' });
  await t.clock.advance(100);
  const hellos = async (key: string): Promise<number> => (await t.system.actor(parent, key).snapshot()).context.hellos;
  expect(await hellos('p')).toBe(1);
  return { t, ref, hellos };
}

describe('a fork of a family', () => {
  test('G17: makes a child that was on its way from what it was to be made from, with the new addresses, at once', async () => {
    const { t, ref, hellos } = await start();
    await using _ = t;
    const spawned = (await ref.history()).find(({ effects }) => effects.some(({ kind }) => kind === 'spawn'));
    await t.system.fork(ref.address, spawned?.seq ?? 0, 'q');
    await t.clock.advance(100);
    expect((await t.system.actor(child, 'c:q').snapshot()).context.parent).toBe('parent/q');
    expect(await Promise.all(['p', 'q'].map(hellos))).toEqual([1, 1]);
  });

  test('G17: begins a permanent child again from its input with the new addresses', async () => {
    const { t, ref, hellos } = await start();
    await using _ = t;
    await t.system.fork(ref.address, (await ref.history()).at(-1)?.seq ?? 0, 'q');
    await t.system.actor(child, 'c:q').send({ type: 'END' });
    await t.clock.advance(1000);
    expect(await Promise.all(['p', 'q'].map(hellos))).toEqual([1, 2]);
  });
});

describe('a fork while the original is at work', () => {
  const from = 'parent/p' as Address;
  const sender = 'parent/s' as Address;

  const snapshot = encodeSnapshot({ status: 'active', value: {}, context: { hellos: 0 } } as never);

  function commitOf(
    address: Address,
    seq: number,
    causes: readonly object[],
    { effects = [], ...more }: Partial<Commit> & { readonly effects?: readonly object[] },
  ): Commit {
    const text = JSON.stringify({ v: 1, tip: snapshot.checksum, status: 'active', causes, effects });
    return {
      address,
      epoch: 1,
      seq,
      at: seq,
      version: 1,
      status: 'active',
      history: { text, checksum: sumOfHistory({ address, seq, at: seq }, text, null) },
      ...more,
    };
  }

  const first = {
    actor: { type: 'parent', parent: 'system/root' as Address, meta: '{}' },
    state: { kind: 'snapshot', ...snapshot },
  } satisfies Partial<Commit>;

  test.each(['before', 'after'])('G17: takes a message along once that is taken %s it is looked for', async (when) => {
    const store = createMemoryStore();
    const event = { type: 'HELLO' };
    const inbox = [{ receiver: from, kind: 'event', id: 'm', text: JSON.stringify(event) }] as const;
    await store.commit([commitOf(sender, 1, [], { ...first, inbox }), commitOf(from, 1, [], first)]);
    const [row] = await store.inbox(from);
    const pos = row?.pos ?? 0;
    const takes = commitOf(from, 2, [{ kind: 'tell', from: sender, pos, id: 'm', event }], {
      consumed: [{ sender, pos }],
    });
    const call = async (method: keyof Store, ...args: unknown[]): Promise<unknown> => {
      const isLook = method === 'inbox' && args[0] === from;
      if (isLook && when === 'before') await store.commit([takes]);
      const found: unknown = await (store[method] as (...given: unknown[]) => unknown).apply(store, args);
      if (isLook && when === 'after') await store.commit([takes]);
      return found;
    };
    const definitions = new Definitions();
    definitions.add(parent, 'test');
    const core = { definitions, env: { now: () => 10 }, wake: () => {} };
    await fork(core as never, { call } as never, { from, seq: 1, newKey: 'q' });
    expect(await store.inbox('parent/q' as Address)).toMatchObject([{ id: 'm', sender }]);
  });

  test('G17: makes a child that nobody has made yet, and tells it what it had been told', async () => {
    const store = createMemoryStore();
    const kid = 'child/k' as Address;
    const text = JSON.stringify({ parent: from, input: { parent: from } });
    const inbox = [
      { receiver: kid, kind: 'create', id: 'c', text },
      { receiver: kid, kind: 'event', id: 't', text: '{"type":"END"}' },
    ] as const;
    const effects = [{ kind: 'spawn', to: kid, body: { parent: from } }];
    await store.commit([commitOf(from, 1, [], { ...first, inbox, effects })]);
    const definitions = new Definitions();
    definitions.add(parent, 'test');
    const call = (method: keyof Store, ...args: unknown[]): unknown =>
      (store[method] as (...given: unknown[]) => unknown).apply(store, args);
    const core = { definitions, env: { now: () => 10 }, wake: () => {} };
    const result = await fork(core as never, { call } as never, { from, seq: 1, newKey: 'q' });
    expect(result.missing).toEqual([]);
    const waiting = await store.inbox('child/k:q' as Address);
    expect(waiting.map(({ kind, sender: by, text: told }) => [kind, by, told])).toEqual([
      ['create', 'parent/q', '{"parent":"parent/q","input":{"parent":"parent/q"}}'],
      ['event', 'parent/q', '{"type":"END"}'],
    ]);
  });
});
