/** Large snapshots at rest are compressed, and so are old events; nobody notices. */
import { assign, setup } from 'xstate';
import { expect, test } from 'vitest';
import { defineActor } from '../../../src/index.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import { connectFile } from '../../../src/store/sqlite/connect.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { packingChores } from '../../../src/system/packing.ts';
import { testSystem } from '../../../src/testing.ts';
import type { TestSystem } from '../../../src/testing.ts';
import { tempStoreFile } from '../../support/store-files.ts';
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

test('a snapshot that cannot be compressed holds up no other', async () => {
  const store = createMemoryStore();
  await using t = await testSystem({ actors: [hoarder], openStore: async () => store });
  for (const key of ['a', 'b', 'c']) await t.system.actor(hoarder, key).send({ type: 'FILL' });
  const pool: Parameters<typeof packingChores>[1] = {
    compress: async (_data, options) => {
      if (options?.owner?.includes('hoarder/b')) throw new Error('too large');
      return new Uint8Array(1);
    },
  };
  const [chore] = packingChores(t.system.store, pool);
  await expect(chore?.run(t.clock.now() + 3 * MINUTE_MS)).rejects.toThrow('too large');
  const isPacked = async (key: string) =>
    typeof (await store.load(t.system.actor(hoarder, key).address))?.snapshot.text !== 'string';
  expect([await isPacked('a'), await isPacked('b'), await isPacked('c')]).toEqual([true, false, true]);
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

const diary = defineActor(
  'diary',
  setup({
    types: {
      context: {} as { readonly pages: readonly string[] },
      events: {} as { type: 'WRITE'; page: string },
    },
  }).createMachine({
    context: { pages: [] },
    on: {
      WRITE: { actions: assign({ pages: ({ context, event }) => [...context.pages.slice(-20), event.page] }) },
    },
  }),
  { history: { keep: 400 } },
);

const PAGES = 600;

async function writePages(t: TestSystem, from: number, to: number): Promise<void> {
  const ref = t.system.actor(diary, 'a');
  for (let n = from; n < to; n++) await ref.send({ type: 'WRITE', page: `page ${n} of a long story` });
}

/** The same with what no other system shares left out: two systems have other ids, times and numbers. */
async function readEverything(t: TestSystem) {
  const ref = t.system.actor(diary, 'a');
  const events = await ref.history({ limit: 1000 });
  const middle = events[events.length >> 1]!.seq;
  const states = [];
  for (const { seq } of events.filter((_, index) => index % 7 === 0)) states.push((await ref.at(seq)).context);
  return {
    events,
    states,
    before: await ref.history({ before: middle, limit: 10, direction: 'backward' }),
    after: await ref.history({ after: middle, limit: 10 }),
    now: (await ref.snapshot()).context,
  };
}

/** Looks into the file beside the store, which has it open. */
function inFile<T>(file: string, work: (db: ReturnType<typeof connectFile>) => T): T {
  const db = connectFile(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

const countSegments = (file: string): number =>
  inFile(file, (db) => Number(db.prepare('SELECT count(*) FROM segments').pluck().get()));

function diarySystem(openStore: () => Promise<Store>): Promise<TestSystem> {
  return testSystem({ actors: [diary], openStore, seed: 7 });
}

test('R19: old events are packed once they rest; nobody can tell them from those of a store that packs none', async () => {
  const temp = tempStoreFile();
  try {
    await using packing = await diarySystem(async () => openSqliteStore({ file: temp.file, synchronous: 'normal' }));
    await using plain = await diarySystem(async () => createMemoryStore());
    const both = async <T>(work: (t: TestSystem) => Promise<T>): Promise<void> => {
      const [ours, theirs] = [await work(packing), await work(plain)];
      expect(ours).toEqual(theirs);
    };
    await both((t) => writePages(t, 0, 300));
    expect(countSegments(temp.file), 'too young').toBe(0);
    await both((t) => t.clock.advance(5 * MINUTE_MS));
    expect(countSegments(temp.file)).toBeGreaterThan(0);
    await both(readEverything);
    // What is kept now begins within a segment.
    await both((t) => writePages(t, 300, PAGES));
    await both(readEverything);
    await both((t) => t.clock.advance(5 * MINUTE_MS));
    await both(readEverything);
    await both(async (t) => {
      const seq = (await t.system.actor(diary, 'a').history({ limit: 20 })).at(-1)!.seq;
      await t.system.fork('diary/a', seq, 'b');
      return (await t.system.actor(diary, 'b').snapshot()).context;
    });
    await both(async (t) => {
      await t.system.actor(diary, 'a').send({ type: 'WRITE', page: 'the last' });
      return readEverything(t);
    });
  } finally {
    temp.clean();
  }
});

test('G7: a damaged segment is told by actor and stretch; the actor, and what lies around it, are as they were', async () => {
  const temp = tempStoreFile();
  try {
    await using t = await diarySystem(async () => openSqliteStore({ file: temp.file, synchronous: 'normal' }));
    await writePages(t, 0, 400);
    await t.clock.advance(5 * MINUTE_MS);
    const ref = t.system.actor(diary, 'a');
    const whole = await ref.history({ limit: 1000 });
    const [firstSeq, lastSeq] = inFile(temp.file, damageFirst);
    const damaged = { code: 'ERR_STATE_CORRUPT', details: { owner: 'diary/a', firstSeq, lastSeq } };
    await expect(ref.history({ limit: 5 })).rejects.toMatchObject(damaged);
    await expect(ref.history({ limit: 5 })).rejects.toThrow(`before: ${firstSeq}' and 'after: ${lastSeq}'`);
    await expect(ref.at(firstSeq + 1)).rejects.toMatchObject(damaged);
    expect(await ref.history({ after: lastSeq, limit: 1000 })).toEqual(whole.filter(({ seq }) => seq > lastSeq));
    expect(await ref.history({ before: firstSeq })).toEqual(whole.filter(({ seq }) => seq < firstSeq).slice(0, 100));
    await writePages(t, 400, 800);
    expect((await ref.snapshot()).context.pages.at(-1)).toBe('page 799 of a long story');
    const later = await ref.history({ limit: 1000 });
    expect(later[0]?.seq, 'the damaged ones are no longer kept').toBeGreaterThan(lastSeq);
  } finally {
    temp.clean();
  }
});

/** Changes one byte in the middle of the oldest segment. Returns its stretch. */
function damageFirst(db: ReturnType<typeof connectFile>): readonly [number, number] {
  type Row = { readonly firstSeq: number; readonly lastSeq: number; readonly packed: Buffer };
  const sql = 'SELECT first_seq AS firstSeq, last_seq AS lastSeq, packed FROM segments ORDER BY first_seq LIMIT 1';
  const { firstSeq, lastSeq, packed } = db.prepare<[], Row>(sql).get()!;
  packed[packed.length >> 1]! ^= 0x10;
  db.prepare('UPDATE segments SET packed = ? WHERE first_seq = ?').run(packed, firstSeq);
  return [firstSeq, lastSeq];
}
