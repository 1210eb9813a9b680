/** G17: a fork knows nobody of the family it was taken from. */
import { assign, emit, setup } from 'xstate';
import { describe, expect, test } from 'vitest';
import { defineActor, spawn, tell } from '../../../src/index.ts';
import type { Address, Effect } from '../../../src/index.ts';
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
