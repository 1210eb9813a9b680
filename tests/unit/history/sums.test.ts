/** G7: the sum over an actor's row is right however the row came to be what it is, so that no healthy actor is held for it. */
import { assign, setup } from 'xstate';
import { describe, expect, test } from 'vitest';
import { defineActor } from '../../../src/index.ts';
import type { AnyDefinition } from '../../../src/index.ts';
import { sumOfRow } from '../../../src/state/codec.ts';
import { recoverState } from '../../../src/state/recover.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { testSystem } from '../../../src/testing.ts';
import { createWorld } from '../time/world.ts';
import type { World } from '../time/world.ts';

const machine = setup({
  types: {
    context: {} as { readonly n: number },
    events: {} as { type: 'ADD' } | { type: 'FAIL' } | { type: 'WAIT' },
  },
}).createMachine({
  context: { n: 0 },
  initial: 'idle',
  on: {
    ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) },
    FAIL: {
      actions: () => {
        throw new Error('It was told to.');
      },
    },
    WAIT: '.waiting',
  },
  states: { idle: {}, waiting: { after: { 60_000: 'idle' } } },
});

const supervise = { maxRestarts: 4, backoff: { minMs: 1, maxMs: 1 } };
const first = defineActor('counter', machine, { supervise });
const stepless = defineActor('counter', machine, { supervise, version: 3 });
const second = defineActor('counter', machine, {
  supervise,
  version: 2,
  migrate: { 1: (state) => ({ ...state, context: { n: (state.context.n as number) + 100 } }) },
});
const recorded = defineActor('recorded', machine, { supervise, history: {} });
const once = defineActor('once', machine, { supervise: { restart: 'temporary' } });
const slow = defineActor('slow', machine, { supervise: { backoff: { minMs: 60_000, maxMs: 60_000 } } });

/** Actors whose row is not what its sum says, as `address status`. */
async function findWrong(store: Store): Promise<readonly string[]> {
  const { items } = await store.list({ limit: 1000 });
  const rows = await Promise.all(items.map(async ({ address }) => store.load(address)));
  return rows.flatMap((row) => {
    if (!row) return [];
    const { checksum } = recoverState({ ...row, owner: row.address });
    return sumOfRow(row, checksum) === row.sum ? [] : [`${row.address} ${row.status}`];
  });
}

/** Sends failing events until the actor is held. */
async function wearOut({ now }: World, definition: AnyDefinition): Promise<void> {
  const ref = now.system.actor(definition as typeof first, 'a');
  for (let i = 0; i < 8; i++) {
    const sent = ref.send({ type: 'FAIL' }).catch(() => undefined);
    await now.clock.advance(1000);
    await sent;
  }
  expect((await ref.snapshot()).status).toBe('quarantined');
}

describe('the sum of a row', () => {
  test('G7: is right for an actor that is held for its version, revived all the same, and then run by the version that wrote it', async () => {
    await using world = await createWorld({ actors: [first] });
    await world.now.system.actor(first, 'a').send({ type: 'ADD' });
    const { system, clock } = await world.crash(0, { actors: [stepless] });
    const ref = system.actor(stepless, 'a');
    await expect(ref.send({ type: 'ADD' })).rejects.toMatchObject({ code: 'ERR_ACTOR_QUARANTINED' });
    await system.revive(ref.address);
    await clock.advance(1000);
    await expect(ref.send({ type: 'ADD' })).rejects.toThrow('no step leads from 1 to 2');
    expect(await findWrong(world.store)).toEqual([]);
    const back = await world.crash(0, { actors: [first] });
    await back.system.actor(first, 'a').send({ type: 'ADD' });
    expect(await back.system.actor(first, 'a').snapshot()).toMatchObject({ context: { n: 2 }, status: 'active' });
  });

  test('G7: is right for a held actor that is revived after a deploy that migrates it', async () => {
    await using world = await createWorld({ actors: [first] });
    await world.now.system.actor(first, 'a').send({ type: 'ADD' });
    await wearOut(world, first);
    const { system, clock } = await world.crash(0, { actors: [second] });
    await system.revive('counter/a' as never);
    await clock.advance(1000);
    expect(await findWrong(world.store)).toEqual([]);
    expect(await system.actor(second, 'a').snapshot()).toMatchObject({ context: { n: 101 }, status: 'active' });
    const again = await world.crash(0, { actors: [second] });
    expect(await again.system.actor(second, 'a').snapshot()).toMatchObject({ context: { n: 101 }, status: 'active' });
  });

  test('G7: is right for a held actor that is let go of after a deploy that would migrate it', async () => {
    await using world = await createWorld({ actors: [first] });
    await world.now.system.actor(first, 'a').send({ type: 'ADD' });
    await wearOut(world, first);
    const { system } = await world.crash(0, { actors: [second] });
    await system.discard('counter/a' as never);
    expect(await findWrong(world.store)).toEqual([]);
    const again = await world.crash(0, { actors: [second] });
    expect(await again.system.actor(second, 'a').snapshot()).toMatchObject({ context: { n: 1 }, status: 'stopped' });
  });

  test('G7: never says of a damaged row that it is what was written', async () => {
    const kept = createMemoryStore();
    let isDamaged = false;
    const load: Store['load'] = async (address) => {
      const row = await kept.load(address);
      return row && isDamaged ? { ...row, createdAt: row.createdAt + 1 } : row;
    };
    const store = new Proxy(kept, {
      get: (target, name) => {
        if (name === 'load') return load;
        if (name === 'close') return async () => {};
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const open = { actors: [first], openStore: async () => store };
    const before = await testSystem(open);
    await before.system.actor(first, 'a').send({ type: 'ADD' });
    await before.stop();
    isDamaged = true;
    await using after = await testSystem({ ...open, seed: 2 });
    const ref = after.system.actor(first, 'a');
    await expect(ref.send({ type: 'ADD' })).rejects.toThrow('does not match its checksum');
    await after.system.revive(ref.address);
    await after.clock.advance(1000);
    await expect(ref.send({ type: 'ADD' })).rejects.toThrow('does not match its checksum');
  });

  test('G7: is right for what ends with a timer, live or not', async () => {
    await using world = await createWorld({ actors: [first, recorded, once, slow] });
    const { system, clock } = world.now;
    for (const definition of [first, recorded, once, slow]) await system.actor(definition, 'a').send({ type: 'WAIT' });
    await system.actor(recorded, 'a').stop();
    await wearOut(world, first);
    await system.discard('counter/a' as never);
    const failed = [once, slow].map((definition) => system.actor(definition, 'a').send({ type: 'FAIL' }));
    const settled = Promise.allSettled(failed);
    await clock.advance(10);
    const stopped = system.actor(slow, 'a').stop();
    await clock.advance(1000);
    await Promise.all([stopped, settled]);
    expect(await findWrong(world.store)).toEqual([]);
    const { items } = await system.list({});
    expect(items.map(({ address, status }) => `${address} ${status}`).toSorted()).toEqual([
      'counter/a stopped',
      'once/a failed',
      'recorded/a stopped',
      'slow/a stopped',
    ]);
  });
});

describe('a history that is not wanted any more', () => {
  test('G17: goes without a false alarm, and begins anew when it is wanted again', async () => {
    const plain = defineActor('recorded', machine, { supervise });
    await using world = await createWorld({ actors: [recorded] });
    for (let i = 0; i < 5; i++) await world.now.system.actor(recorded, 'a').send({ type: 'ADD' });
    const off = await world.crash(0, { actors: [plain] });
    for (let i = 0; i < 300; i++) await off.system.actor(plain, 'a').send({ type: 'ADD' });
    expect(await off.system.actor(plain, 'a').history()).toEqual([]);
    const on = await world.crash(0, { actors: [recorded] });
    const ref = on.system.actor(recorded, 'a');
    await ref.send({ type: 'ADD' });
    const [event] = await ref.history();
    expect((await ref.at(event?.seq ?? 0)).context).toEqual({ n: 306 });
  });
});
