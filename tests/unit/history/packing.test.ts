/** Large snapshots at rest are compressed, and nobody notices. */
import { assign, setup } from 'xstate';
import { expect, test } from 'vitest';
import { defineActor } from '../../../src/index.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import { testSystem } from '../../../src/testing.ts';
import { createWorld } from '../time/world.ts';

const hoarder = defineActor(
  'hoarder',
  setup({
    types: {
      context: {} as { readonly things: readonly string[] },
      events: {} as { type: 'ADD'; thing: string } | { type: 'FILL' },
    },
  }).createMachine({
    context: { things: [] },
    on: {
      ADD: { actions: assign({ things: ({ context, event }) => [...context.things, event.thing] }) },
      FILL: { actions: assign({ things: Array.from({ length: 1000 }, (_, n) => `thing number ${n} of a long list`) }) },
    },
  }),
  { history: { keep: 100 } },
);

const MINUTE_MS = 60_000;

test('R19: a snapshot that has come to rest is compressed; the actor goes on from it, and so do its past and its forks', async () => {
  const store = createMemoryStore();
  await using t = await testSystem({ actors: [hoarder], openStore: async () => store });
  const ref = t.system.actor(hoarder, 'a');
  await ref.send({ type: 'FILL' });
  const before = await ref.snapshot();
  const load = async () => (await store.load(ref.address))?.snapshot.text;
  expect(typeof (await load())).toBe('string');
  await t.clock.advance(3 * MINUTE_MS);
  const packed = await load();
  expect(packed).toBeInstanceOf(Uint8Array);
  expect(packed!.length).toBeLessThan(JSON.stringify(before.context).length / 4);
  await t.clock.advance(10 * MINUTE_MS);
  await ref.send({ type: 'ADD', thing: 'one more' });
  expect((await ref.snapshot()).context.things).toHaveLength(1001);
  expect((await ref.at(2)).context).toEqual(before.context);
  await t.system.fork(ref.address, 2, 'b');
  expect((await t.system.actor(hoarder, 'b').snapshot()).context).toEqual(before.context);
});

test('G7: a compressed snapshot that is damaged is made again from the rows that led to it', async () => {
  await using world = await createWorld({ actors: [hoarder] });
  const { system, clock } = world.now;
  const ref = system.actor(hoarder, 'a');
  await ref.send({ type: 'FILL' });
  await clock.advance(3 * MINUTE_MS);
  const { snapshot } = (await world.store.load(ref.address))!;
  const bytes = snapshot.text as Uint8Array;
  expect(bytes).toBeInstanceOf(Uint8Array);
  // The store hands out what it keeps: damage in place is damage in the store.
  bytes[bytes.length >> 1]! ^= 0x10;
  const next = await world.crash(0, { actors: [hoarder] });
  await next.system.actor(hoarder, 'a').send({ type: 'ADD', thing: 'one more' });
  expect((await next.system.actor(hoarder, 'a').snapshot()).context.things, 'made again').toHaveLength(1001);
  const said = next.logs.map(({ text }) => text);
  expect(said).toContain('the stored state was damaged and made again from older rows');
});
