/** Values at the edge of what can be kept: keys of prototypes, wrong shapes, great size, great depth. Each is kept whole or refused by name. */
import { crc32 } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineActor, isTroupeError } from '../../src/index.ts';
import type { Json, System } from '../../src/index.ts';
import { createTestSystem, failureOf } from '../support/harness.ts';
import type { TestTroupe } from '../support/harness.ts';

type KeepEvent =
  | { readonly type: 'KEEP'; readonly value: Json }
  | { readonly type: 'GROW'; readonly parts: number }
  | { readonly type: 'NEST'; readonly levels: number }
  | { readonly type: 'COUNT' };

const nest = (levels: number): Json => {
  let value: Json = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
};

const machine = setup({
  types: { context: {} as { kept: Json; count: number }, events: {} as KeepEvent },
}).createMachine({
  context: { kept: null, count: 0 },
  on: {
    KEEP: { actions: assign({ kept: ({ event }) => event.value }) },
    GROW: {
      actions: assign({ kept: ({ event }) => Array.from({ length: event.parts }, () => 'x'.repeat(1_000_000)) }),
    },
    NEST: { actions: assign({ kept: ({ event }) => nest(event.levels) }) },
    COUNT: { actions: assign({ count: ({ context }) => context.count + 1 }) },
  },
});

const events = {
  KEEP: z.object({ value: z.any() }),
  GROW: z.object({ parts: z.int() }),
  NEST: z.object({ levels: z.int() }),
  COUNT: z.object({}),
};
const keeper = defineActor('keeper', machine, { events });
const huge = defineActor('huge', machine, { events, maxStateBytes: 64_000_000, history: { keep: 10 } });

const start = (): Promise<TestTroupe> =>
  createTestSystem({ threads: 0, actors: [keeper, huge], synchronous: 'normal' });

async function edit(troupe: TestTroupe, work: (db: BetterSqlite3.Database) => void): Promise<System> {
  await troupe.stop();
  const db = new BetterSqlite3(troupe.file);
  work(db);
  db.close();
  return troupe.start();
}

afterEach(() => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted');
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

/** A state with its checksum, and no sum of the row: as an older Troupe, or a hand that knows the format, may have left it. */
function plant(db: BetterSqlite3.Database, text: string): void {
  const { changes } = db
    .prepare("UPDATE actors SET snapshot = ?, checksum = ?, sum = NULL WHERE address = 'keeper/a'")
    .run(text, crc32(text));
  expect(changes).toBe(1);
}

test.each([
  ['an array', '[]'],
  ['a number', '7'],
  ['a string', '"text"'],
  ['null', 'null'],
  ['no status', '{"value":"a","context":{}}'],
  ['an unknown status', '{"status":"odd","context":{}}'],
  ['children that are a list', '{"status":"active","value":{},"context":{},"children":[1]}'],
  ['children that are no objects', '{"status":"active","value":{},"context":{},"children":{"a":1}}'],
  [
    'children without a source',
    '{"status":"active","value":{},"context":{},"children":{"a":{"state":{"status":"active"}}}}',
  ],
  ['a value that is none', '{"status":"active","value":[1],"context":{}}'],
])('G7: a stored state that is %s is held, and says where it is none', async (_name, text) => {
  await using troupe = await start();
  await troupe.system.actor(keeper, 'a').send({ type: 'COUNT' });
  const system = await edit(troupe, (db) => plant(db, text));
  const error = await failureOf(system.actor(keeper, 'a').send({ type: 'COUNT' }), 'ERR_ACTOR_QUARANTINED');
  expect(error.cause).toMatchObject({ code: 'ERR_STATE_CORRUPT' });
  expect((error.cause as Error).message).toContain("Snapshot of 'keeper/a' is not a state at '");
  await troupe.stop();
  const db = new BetterSqlite3(troupe.file, { readonly: true });
  expect(db.prepare("SELECT snapshot FROM actors WHERE address = 'keeper/a'").pluck().get()).toBe(text);
  db.close();
});

const POLLUTED = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1}}';

test('keys of prototypes in stored states and deltas change no prototype', async () => {
  await using troupe = await start();
  await troupe.system.actor(keeper, 'a').send({ type: 'COUNT' });
  const text = `{"status":"active","value":{},"context":{"kept":${POLLUTED},"count":1}}`;
  const system = await edit(troupe, (db) => {
    plant(db, text);
    const ops = '[["s",["__proto__","polluted"],1],["s",["context","constructor","prototype","polluted"],1]]';
    db.prepare('INSERT INTO deltas (address, seq, checksum, text) VALUES (?, 2, ?, ?)').run(
      'keeper/a',
      crc32(ops, crc32(text)),
      ops,
    );
    db.prepare("UPDATE actors SET extra = 1, snapshot_seq = 1 WHERE address = 'keeper/a'").run();
  });
  const error = await failureOf(system.actor(keeper, 'a').send({ type: 'COUNT' }), 'ERR_ACTOR_QUARANTINED');
  expect(error.cause).toMatchObject({ code: 'ERR_STATE_CORRUPT' });
  const again = await edit(troupe, (db) => {
    plant(db, text);
    db.prepare("UPDATE actors SET extra = 0, status = 'active', error = NULL WHERE address = 'keeper/a'").run();
  });
  await settledOf(again.actor(keeper, 'a').send({ type: 'COUNT' }));
});

test('keys of prototypes in events and values of keys are kept as data or refused by name', async () => {
  await using troupe = await start();
  const value = JSON.parse(POLLUTED) as Json;
  await settledOf(troupe.system.actor(keeper, 'a').send({ type: 'KEEP', value }));
  await settledOf(troupe.system.kv.set('k', value));
  await settledOf(troupe.system.sessions.create({ id: 's', user: 'ada', metadata: value as never }));
  const system = await troupe.restart();
  await system.actor(keeper, 'a').send({ type: 'COUNT' });
  expect((await system.actor(keeper, 'a').snapshot()).context).toMatchObject({ count: 1 });
});

/** What comes of a call: kept, or a TroupeError; nothing else. */
async function settledOf(call: Promise<unknown>): Promise<'kept' | string> {
  try {
    await call;
    return 'kept';
  } catch (error) {
    if (isTroupeError(error)) return error.code;
    throw error;
  }
}

test('G8: a state of 50 MB is saved, restored and forked; one above its cap is refused, and the actor goes on', async () => {
  await using troupe = await start();
  const ref = troupe.system.actor(huge, 'a');
  await ref.send({ type: 'GROW', parts: 50 });
  await ref.send({ type: 'COUNT' });
  const system = await troupe.restart();
  const again = system.actor(huge, 'a');
  const { context, seq } = await again.snapshot();
  expect((context as unknown as { kept: string[] }).kept).toHaveLength(50);
  await system.fork(again.address, seq, 'b');
  const forked = (await system.actor(huge, 'b').snapshot()).context as unknown as { kept: string[]; count: number };
  expect([forked.kept.length, forked.kept[49]?.length, forked.count]).toEqual([50, 1_000_000, 1]);
  const error = await failureOf(again.send({ type: 'GROW', parts: 70 }), 'ERR_EVENT_FAILED');
  expect(error.cause).toMatchObject({ code: 'ERR_STATE_TOO_LARGE' });
  await again.send({ type: 'COUNT' });
  expect((await again.snapshot()).context).toMatchObject({ count: 2 });
}, 120_000);

test.each([10_000, 200_000])(
  '%d levels of nesting are refused by name, and nobody dies of it',
  async (levels) => {
    await using troupe = await start();
    const { system } = troupe;
    const ref = system.actor(keeper, 'a');
    await ref.send({ type: 'COUNT' });
    const value = nest(levels);
    const outcomes = {
      event: await settledOf(ref.send({ type: 'KEEP', value })),
      context: await settledOf(ref.send({ type: 'NEST', levels })),
      kv: await settledOf(system.kv.set('k', value)),
      metadata: await settledOf(system.sessions.create({ id: 's', user: 'ada', metadata: { value } as never })),
    };
    expect(outcomes).toEqual({
      event: 'ERR_NOT_JSON',
      context: 'ERR_EVENT_FAILED',
      kv: 'ERR_NOT_JSON',
      metadata: 'ERR_NOT_JSON',
    });
    await ref.send({ type: 'COUNT' });
    const again = await troupe.restart();
    await again.actor(keeper, 'a').send({ type: 'COUNT' });
    expect((await again.actor(keeper, 'a').snapshot()).context).toMatchObject({ count: 3 });
    const text = `{"status":"active","value":{},"context":{"kept":${'['.repeat(levels)}${']'.repeat(levels)},"count":3}}`;
    const planted = await edit(troupe, (db) => plant(db, text));
    await settledOf(planted.actor(keeper, 'a').send({ type: 'COUNT' }));
    await planted.actor(keeper, 'other').send({ type: 'COUNT' });
  },
  60_000,
);
