/** G17: states of older definitions: migrated step by step, or held untouched; and the dry run that tells before a deploy. */
import { assign, createMachine, emit, sendTo, setup } from 'xstate';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineActor, fromEffect, schedule } from '../../../src/index.ts';
import type { AnyDefinition, Effect, MigratedState } from '../../../src/index.ts';
import { shapeOf } from '../../../src/actor/shape.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import { testSystem } from '../../../src/testing.ts';
import { createWorld } from '../time/world.ts';

type Stage = 'draft' | 'sent';

const first = setup({
  types: {
    context: {} as { readonly items: readonly string[] },
    events: {} as { type: 'ADD'; item: string } | { type: 'SEND' },
  },
}).createMachine({
  context: { items: [] },
  initial: 'draft',
  on: { ADD: { actions: assign({ items: ({ context, event }) => [...context.items, event.item] }) } },
  states: { draft: { on: { SEND: 'sent' }, after: { 3_600_000: 'sent' } }, sent: {} },
});

const third = setup({
  types: {
    context: {} as { readonly lines: readonly { readonly name: string; readonly count: number }[] },
    events: {} as { type: 'ADD'; item: string },
  },
}).createMachine({
  context: { lines: [] },
  initial: 'open',
  on: {
    ADD: { actions: assign({ lines: ({ context, event }) => [...context.lines, { name: event.item, count: 1 }] }) },
  },
  states: { open: {}, closed: {} },
});

const toObjects = ({ context, ...state }: MigratedState): MigratedState => ({
  ...state,
  context: { lines: (context.items as string[]).map((name) => ({ name })) },
});
const VALUES: Readonly<Record<Stage, string>> = { draft: 'open', sent: 'closed' };
const addCounts = (state: MigratedState): MigratedState => {
  for (const line of state.context.lines) line.count = 1;
  state.value = VALUES[state.value as Stage];
  return state;
};

const order1 = defineActor('order', first, { version: 1 });
const order3 = defineActor('order', third, { version: 3, migrate: { 1: toObjects, 2: addCounts } });

/** The rows of an actor, as texts that can be compared. */
async function rowsOf(world: Awaited<ReturnType<typeof createWorld>>, address: string): Promise<string> {
  return JSON.stringify(await world.store.load(address as never));
}

describe('migrate', () => {
  test('G17: leads over several versions, and what is saved is of the last', async () => {
    await using world = await createWorld({ actors: [order1] });
    const before = world.now.system.actor(order1, 'a');
    await before.send({ type: 'ADD', item: 'pen' });
    await before.send({ type: 'SEND' });
    const { system } = await world.crash(0, { actors: [order3] });
    const ref = system.actor(order3, 'a');
    expect(await ref.snapshot()).toMatchObject({ value: 'closed', context: { lines: [{ name: 'pen', count: 1 }] } });
    await ref.send({ type: 'ADD', item: 'ink' });
    expect(await world.store.load(ref.address)).toMatchObject({ version: 3 });
    const again = await world.crash(0, { actors: [order3] });
    expect((await again.system.actor(order3, 'a').snapshot()).context.lines).toHaveLength(2);
  });

  test.each<[string, AnyDefinition, string, string]>([
    [
      'a step is missing',
      defineActor('order', third, { version: 3, migrate: { 2: addCounts } }),
      'ERR_STATE_VERSION',
      'no step leads from 1 to 2',
    ],
    [
      'a step throws',
      defineActor('order', third, {
        version: 2,
        migrate: {
          1: () => {
            throw new RangeError('no way');
          },
        },
      }),
      'ERR_STATE_MIGRATION',
      "Step 1 of migrate failed for 'order/a': no way",
    ],
    [
      'a step returns nothing',
      defineActor('order', third, { version: 2, migrate: { 1: (() => {}) as never } }),
      'ERR_STATE_MIGRATION',
      'Step 1 of migrate failed',
    ],
    [
      'a step returns what is no JSON',
      defineActor('order', third, { version: 2, migrate: { 1: (s) => ({ ...s, context: { at: new Date(0) } }) } }),
      'ERR_STATE_MIGRATION',
      'Date',
    ],
    [
      'a step returns a state that the machine does not have',
      defineActor('order', third, { version: 2, migrate: { 1: (s) => ({ ...s, value: 'burnt' }) } }),
      'ERR_STATE_VERSION',
      "state '(machine).burnt' does not exist",
    ],
    [
      'the machine changed and kept its version',
      defineActor('order', third, { version: 1 }),
      'ERR_STATE_VERSION',
      "state '(machine).draft' does not exist",
    ],
  ])('G17: %s: the actor is held untouched with the error, others go on', async (_what, later, code, said) => {
    await using world = await createWorld({ actors: [order1] });
    await world.now.system.actor(order1, 'a').send({ type: 'ADD', item: 'pen' });
    const rows = await rowsOf(world, 'order/a');
    const { system, clock } = await world.crash(0, { actors: [later] });
    const sent = system.actor(later, 'a').send({ type: 'ADD', item: 'x' } as never);
    await expect(sent).rejects.toMatchObject({
      code: 'ERR_ACTOR_QUARANTINED',
      cause: { code, message: expect.stringContaining(said) },
    });
    await clock.advance(10_000);
    await system.actor(later, 'b').send({ type: 'ADD', item: 'y' } as never);
    expect(await rowsOf(world, 'order/a'), 'not a byte of it changed').toBe(rows);
    const back = await world.crash(0, { actors: [order1] });
    await back.system.actor(order1, 'a').send({ type: 'ADD', item: 'ink' });
    expect((await back.system.actor(order1, 'a').snapshot()).context.items).toEqual(['pen', 'ink']);
  });

  test('G17: a downgrade holds the actor until the newer version is back', async () => {
    await using world = await createWorld({ actors: [order3] });
    await world.now.system.actor(order3, 'a').send({ type: 'ADD', item: 'pen' });
    const { system } = await world.crash(0, { actors: [order1] });
    await expect(system.actor(order1, 'a').send({ type: 'SEND' })).rejects.toMatchObject({
      cause: { code: 'ERR_STATE_VERSION', message: expect.stringContaining('has version 3') },
    });
    const back = await world.crash(0, { actors: [order3] });
    expect((await back.system.actor(order3, 'a').snapshot()).context.lines).toHaveLength(1);
  });

  test('a machine that changed within its version goes on when the state fits it', async () => {
    const wider = createMachine({ ...first.config, states: { ...first.config.states, archived: {} } } as never);
    await using world = await createWorld({ actors: [order1] });
    await world.now.system.actor(order1, 'a').send({ type: 'ADD', item: 'pen' });
    const { system } = await world.crash(0, { actors: [defineActor('order', wider)] });
    expect((await system.actor(order1, 'a').snapshot()).context.items).toEqual(['pen']);
  });

  test.each([
    [{ version: 1, migrate: { 1: toObjects } }, 'Raise the version to 2'],
    [{ version: 2, migrate: { x: toObjects } }, "'migrate.x'"],
    [{ version: 2, migrate: { 1: 'no function' } }, "'migrate.1'"],
    [{ durable: false, version: 2, migrate: { 1: toObjects } }, 'durable: false'],
    [{ durable: false, history: {} }, 'durable: false'],
    [{ history: { keep: 0 } }, "'history"],
    [{ history: { keepMs: 5 } }, "'history"],
    [{ history: true }, "'history'"],
  ])('a definition that cannot work is refused: %j', (policy, said) => {
    expect(() => defineActor('order', third, policy as never)).toThrow(
      expect.objectContaining({ code: 'ERR_DEFINITION_INVALID', message: expect.stringContaining(said) }),
    );
  });
});

describe('checkVersions', () => {
  const child = setup({ types: {} }).createMachine({
    initial: 'on',
    states: { on: { after: { 60_000: 'off' } }, off: {} },
  });
  const withChild = setup({ actors: { child, work: fromEffect(async () => 1) } }).createMachine({
    invoke: { src: 'child', id: 'kid' },
  });
  const planner = setup({
    types: { emitted: {} as Effect, events: {} as { type: 'PLAN' } | { type: 'RING'; at: number } },
  }).createMachine({
    on: {
      PLAN: { actions: emit(() => schedule('bell', { type: 'RING', at: 7 } as { type: string }, { afterMs: 60_000 })) },
      RING: {},
    },
  });
  const events = (at: z.ZodType) => ({ PLAN: z.object({}), RING: z.object({ at }) });

  async function stored() {
    const home = defineActor('home', withChild);
    const plan = defineActor('plan', planner, { events: events(z.number()) });
    const t = await testSystem({ actors: [order1, home, plan] });
    await t.system.actor(order1, 'a').send({ type: 'ADD', item: 'pen' });
    await t.system.actor(order1, 'b').send({ type: 'SEND' });
    await t.system.actor(home, 'h').send({ type: 'X' } as never);
    await t.system.actor(plan, 'p').send({ type: 'PLAN' });
    return { t, home, plan };
  }

  test('G17: what is loaded fits, and what is to come is told apart: migrated, or why not', async () => {
    const { t, home, plan } = await stored();
    await using _ = t;
    expect(await t.system.checkVersions()).toEqual({ checked: 4, migrated: 0, misfits: [], misfitCount: 0 });
    const good = await t.system.checkVersions([order3, home, plan]);
    expect(good).toMatchObject({ checked: 4, migrated: 2, misfitCount: 1 });
    // The timer that was to send the draft has no state that waits for it any more.
    expect(good.misfits).toMatchObject([{ address: 'order/a', part: 'timer', code: 'ERR_STATE_VERSION' }]);
  });

  test('G17: types, states, children and waiting events that would not fit are named', async () => {
    const { t } = await stored();
    await using _ = t;
    const childless = createMachine({});
    const strict = defineActor('plan', planner, { events: events(z.string()) });
    const { misfits, misfitCount } = await t.system.checkVersions([defineActor('home', childless), strict]);
    expect(misfitCount).toBe(4);
    expect(misfits.map(({ address, part, code }) => `${address} ${part} ${code}`).toSorted()).toEqual([
      'home/h child ERR_STATE_VERSION',
      'order/a type ERR_ACTOR_TYPE_UNKNOWN',
      'order/b type ERR_ACTOR_TYPE_UNKNOWN',
      'plan/p event ERR_EVENT_INVALID',
    ]);
  });

  test('G17: nothing is written, whatever the steps do', async () => {
    const store = createMemoryStore();
    const t = await testSystem({ actors: [order1], openStore: async () => store });
    await using _ = t;
    await t.system.actor(order1, 'a').send({ type: 'ADD', item: 'pen' });
    const before = JSON.stringify(await store.load('order/a' as never));
    const wild = defineActor('order', third, {
      version: 2,
      migrate: {
        1: (state) => {
          state.context.items.length = 0;
          throw new Error('half way');
        },
      },
    });
    const { misfits } = await t.system.checkVersions([wild]);
    expect(misfits).toMatchObject([{ code: 'ERR_STATE_MIGRATION', part: 'state', version: 1 }]);
    expect(JSON.stringify(await store.load('order/a' as never))).toBe(before);
    expect((await t.system.actor(order1, 'a').snapshot()).context.items).toEqual(['pen']);
  });

  test.each([
    [['./relative.ts'], 'ERR_OPTIONS_INVALID'],
    [[new URL('./nowhere.ts', import.meta.url)], 'ERR_DEFINITION_MODULE'],
    [[order1, order3], 'ERR_DEFINITION_DUPLICATE'],
  ])('modules that cannot be loaded are refused', async (actors, code) => {
    await using t = await testSystem({ actors: [order1] });
    await expect(t.system.checkVersions(actors as never)).rejects.toMatchObject({ code });
  });
});

describe('what a healthy actor leaves behind', () => {
  const below = setup({}).createMachine({ on: { NUDGE: {} } });
  const caller = setup({
    types: { events: {} as { type: 'NUDGE' } | { type: 'LEAVE' } },
    actors: { below },
  }).createMachine({
    initial: 'with',
    states: {
      with: {
        invoke: { src: 'below', id: 'below' },
        on: { NUDGE: { actions: sendTo('below', { type: 'NUDGE' }, { delay: 60_000 }) }, LEAVE: 'without' },
      },
      without: {},
    },
  });

  test('G17: a delayed event for a child that has gone is no misfit', async () => {
    const one = defineActor('caller', caller, { version: 1 });
    const two = defineActor('caller', caller, { version: 2, migrate: { 1: (state) => state } });
    await using t = await testSystem({ actors: [one] });
    const ref = t.system.actor(one, 'a');
    await ref.send({ type: 'NUDGE' });
    await ref.send({ type: 'LEAVE' });
    for (const actors of [[one], [two]]) expect((await t.system.checkVersions(actors)).misfits).toEqual([]);
  });
});

test('G17: a fork of an event whose state no longer fits is held for that, and the dry run tells it', async () => {
  const narrow = setup({}).createMachine({ initial: 'sent', states: { sent: {} } });
  const wide = defineActor('order', first, { history: {} });
  const thin = defineActor('order', narrow, { history: {} });
  await using world = await createWorld({ actors: [wide] });
  await world.now.system.actor(wide, 'a').send({ type: 'ADD', item: 'pen' });
  await world.now.system.actor(wide, 'a').send({ type: 'SEND' });
  const { system } = await world.crash(0, { actors: [thin] });
  const { address } = await system.fork('order/a', 2, 'b');
  await expect(system.actor(thin, 'b').send({ type: 'ADD' } as never)).rejects.toThrow('does not fit the machine');
  expect(await world.store.load(address)).toMatchObject({ seq: 1, status: 'active' });
  expect((await system.checkVersions()).misfits).toMatchObject([{ address, part: 'state' }]);
});

test('G17: an actor that would be made again from older rows is no misfit', async () => {
  const kept = createMemoryStore();
  const recorded = defineActor('order', first, { history: {} });
  const load: typeof kept.load = async (address) => {
    const row = await kept.load(address);
    return row && { ...row, snapshot: { ...row.snapshot, text: '{"status":"active"}' } };
  };
  const store = new Proxy(kept, {
    get: (target, name) => {
      const value: unknown = name === 'load' ? load : Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  await using t = await testSystem({ actors: [recorded], openStore: async () => store });
  const ref = t.system.actor(recorded, 'a');
  for (let n = 0; n < 3; n++) await ref.send({ type: 'ADD', item: `${n}`.repeat(3000) });
  expect((await kept.load(ref.address))?.snapshot.seq).toBeGreaterThan(1);
  expect((await t.system.checkVersions()).misfits).toEqual([]);
});

test('the shape of a machine whose configuration holds a bigint can be told', () => {
  const shapes = [1n, 2n].map((limit) => shapeOf({ config: { meta: { limit } } }));
  expect(new Set(shapes).size).toBe(2);
});
