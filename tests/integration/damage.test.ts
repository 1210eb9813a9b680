/** G7: what is damaged in a store is named, held and kept. Nothing of it is taken for what it was, and nobody else is touched. */
import { zstdCompressSync } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import type { System } from '../../src/index.ts';
import { readHistory } from '../../src/system/history.ts';
import { large, small, storied } from '../support/corrupt-actors.ts';
import { createTestSystem, eventually, failureOf } from '../support/harness.ts';
import type { TestTroupe } from '../support/harness.ts';

const start = (): Promise<TestTroupe> =>
  createTestSystem({ threads: 0, actors: [small, large, storied], synchronous: 'normal' });

/** Runs statements on the file while no system has it open. */
async function damage(troupe: TestTroupe, work: (db: BetterSqlite3.Database) => void): Promise<System> {
  await troupe.stop();
  const db = new BetterSqlite3(troupe.file);
  work(db);
  db.close();
  return troupe.start();
}

function read<T>(troupe: TestTroupe, sql: string): readonly T[] {
  const db = new BetterSqlite3(troupe.file, { readonly: true });
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
}

type Bytes = (bytes: Buffer) => Buffer;
const flip: Bytes = (bytes) => {
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 4;
  return bytes;
};
const truncate: Bytes = (bytes) => bytes.subarray(0, bytes.length >> 1);
const zero: Bytes = (bytes) => bytes.fill(0, bytes.length >> 2, bytes.length >> 1);
const HOW = { flipped: flip, truncated: truncate, zeroed: zero };

/** Changes the bytes of one text. */
function change(db: BetterSqlite3.Database, table: string, column: string, where: string, how: Bytes): void {
  const key = table === 'deltas' || table === 'history' || table === 'snapshots' ? 'address, seq' : 'address';
  const value = db.prepare<[], string | Buffer>(`SELECT ${column} FROM ${table} WHERE ${where}`).pluck().get();
  if (value === undefined) throw new Error(`No row of ${table} where ${where}`);
  const bytes = how(Buffer.from(value as string));
  const cast = typeof value === 'string' ? 'CAST(? AS TEXT)' : '?';
  const { changes } = db
    .prepare(`UPDATE ${table} SET ${column} = ${cast} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${where})`)
    .run(bytes);
  expect(changes).toBe(1);
}

const NOTES = 45;

async function fillLarge(system: System, notes = NOTES): Promise<void> {
  for (let n = 1; n <= notes; n++) await system.actor(large, 'a').send({ type: 'NOTE', n });
}

const sumTo = (n: number): number => (n * (n + 1)) / 2;

async function assertHeld(
  system: System,
  ref: { ask?: unknown; send(event: never): Promise<void>; readonly address: string },
): Promise<void> {
  const error = await failureOf(ref.send({ type: 'NOTE', n: 1 } as never), 'ERR_ACTOR_QUARANTINED');
  expect(error.message).toContain(`'${ref.address}' is quarantined`);
  expect(error.message).toMatch(/restore|backup|revive/);
  expect(error.cause).toMatchObject({ code: 'ERR_STATE_CORRUPT' });
  expect((error.cause as Error).message).toContain(ref.address);
  // Others are not touched.
  await system.actor(small, 'other').send({ type: 'NOTE', n: 1 });
}

describe.each(Object.entries(HOW))('G7: %s bytes', (_name, how) => {
  test("in the snapshot in an actor's row: held; mended and revived it is what it was", async () => {
    await using troupe = await start();
    for (let n = 1; n <= 3; n++) await troupe.system.actor(small, 'a').send({ type: 'NOTE', n });
    let before = '';
    const system = await damage(troupe, (db) => {
      before = db.prepare<[], string>("SELECT snapshot FROM actors WHERE address = 'small/a'").pluck().get() ?? '';
      change(db, 'actors', 'snapshot', "address = 'small/a'", how);
    });
    await assertHeld(system, system.actor(small, 'a'));
    const mended = await damage(troupe, (db) => {
      db.prepare("UPDATE actors SET snapshot = ? WHERE address = 'small/a'").run(before);
    });
    await mended.revive(mended.actor(small, 'a').address);
    expect(await mended.actor(small, 'a').snapshot()).toMatchObject({
      status: 'active',
      context: { sum: 6, notes: [1, 2, 3] },
    });
  });

  test('in a snapshot apart: it is made again from the rows before it, and that is said', async () => {
    await using troupe = await start();
    await fillLarge(troupe.system);
    const system = await damage(troupe, (db) => {
      change(
        db,
        'snapshots',
        'text',
        "address = 'large/a' AND seq = (SELECT snapshot_seq FROM actors WHERE address = 'large/a')",
        how,
      );
    });
    expect((await system.actor(large, 'a').snapshot()).context).toMatchObject({ sum: sumTo(NOTES) });
    expect(troupe.logs.map(({ text }) => text)).toContain(
      'the stored state was damaged and made again from older rows',
    );
  });

  test('in a compressed snapshot: the same', async () => {
    await using troupe = await start();
    await fillLarge(troupe.system);
    const system = await damage(troupe, (db) => {
      const where = "address = 'large/a' AND seq = (SELECT snapshot_seq FROM actors WHERE address = 'large/a')";
      const text = db.prepare<[], string>(`SELECT text FROM snapshots WHERE ${where}`).pluck().get() ?? '';
      db.prepare(`UPDATE snapshots SET text = ? WHERE ${where}`).run(zstdCompressSync(text));
      change(db, 'snapshots', 'text', where, how);
    });
    expect((await system.actor(large, 'a').snapshot()).context).toMatchObject({ sum: sumTo(NOTES) });
  });

  test('in a snapshot apart and in the one before it: held, every row kept', async () => {
    await using troupe = await start();
    await fillLarge(troupe.system);
    let before: unknown;
    const state =
      "SELECT 's', seq, checksum, text FROM snapshots WHERE address = 'large/a' UNION ALL SELECT 'd', seq, checksum, text FROM deltas WHERE address = 'large/a'";
    const system = await damage(troupe, (db) => {
      for (const seq of db.prepare<[], number>("SELECT seq FROM snapshots WHERE address = 'large/a'").pluck().all())
        change(db, 'snapshots', 'text', `address = 'large/a' AND seq = ${seq}`, how);
      before = db.prepare(state).all();
    });
    await assertHeld(system, system.actor(large, 'a'));
    await troupe.stop();
    expect(read(troupe, state)).toEqual(before);
  });

  test('in a delta: held', async () => {
    await using troupe = await start();
    await fillLarge(troupe.system);
    const system = await damage(troupe, (db) =>
      change(
        db,
        'deltas',
        'text',
        "address = 'large/a' AND seq = (SELECT max(seq) FROM deltas WHERE address = 'large/a') - 1",
        how,
      ),
    );
    await assertHeld(system, system.actor(large, 'a'));
  });

  test('in an event of a history: it is named, and can be read around; the actor lives on', async () => {
    await using troupe = await start();
    for (let n = 1; n <= 5; n++) await troupe.system.actor(storied, 'a').send({ type: 'NOTE', n });
    const system = await damage(troupe, (db) =>
      change(db, 'history', 'text', "address = 'storied/a' AND seq = 3", how),
    );
    const ref = system.actor(storied, 'a');
    const error = await failureOf(ref.history(), 'ERR_STATE_CORRUPT');
    expect(error.message).toContain("Event 3 in the history of 'storied/a'");
    expect((await ref.history({ after: 3 })).map(({ seq }) => seq)).toEqual([4, 5, 6]);
    expect((await ref.history({ before: 3 })).map(({ seq }) => seq)).toEqual([1, 2]);
    await failureOf(ref.at(3), 'ERR_STATE_CORRUPT');
    await ref.send({ type: 'NOTE', n: 6 });
    expect((await ref.snapshot()).context).toMatchObject({ sum: 21 });
  });

  test('in a message that waits: it becomes a dead letter that can be read, the others are processed', async () => {
    await using troupe = await start();
    await troupe.system.actor(small, 'a').send({ type: 'NOTE', n: 1 });
    const text = (n: number): string => JSON.stringify({ type: 'NOTE', n });
    await troupe.stop();
    await tellFrom(troupe, 'small/a', [text(2), text(3), text(4)]);
    const system = await damage(troupe, (db) => {
      const pos = db.prepare<[], number>('SELECT pos FROM inbox ORDER BY pos LIMIT 1 OFFSET 1').pluck().get();
      const value = db.prepare<[unknown], string>('SELECT text FROM inbox WHERE pos = ?').pluck().get(pos) ?? '';
      db.prepare('UPDATE inbox SET text = CAST(? AS TEXT) WHERE pos = ?').run(how(Buffer.from(value)), pos);
    });
    const ref = system.actor(small, 'a');
    await eventually(
      async () => (await ref.snapshot()).context,
      (context) => (context as { sum: number }).sum === 7,
    );
    const [letter, ...others] = await system.deadLetters();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ address: 'small/a', sender: 'small/teller' });
    expect(letter?.error).toContain('ERR_STATE_CORRUPT');
    const error = await failureOf(system.replayDeadLetter(letter?.pos ?? 0), 'ERR_STATE_CORRUPT');
    expect(error.message).toContain(`discardDeadLetter(${letter?.pos})`);
    await system.discardDeadLetter(letter?.pos ?? 0);
  });

  test('in a line of a log and in a value of a key: whoever reads it is told which', async () => {
    await using troupe = await start();
    for (let n = 1; n <= 4; n++) await troupe.system.actor(small, 'a').send({ type: 'NOTE', n });
    await troupe.system.kv.set('k', { some: 'value' });
    const system = await damage(troupe, (db) => {
      const line =
        db.prepare<[], string>("SELECT text FROM log WHERE address = 'small/a' AND n = 2").pluck().get() ?? '';
      db.prepare("UPDATE log SET text = CAST(? AS TEXT) WHERE address = 'small/a' AND n = 2").run(
        how(Buffer.from(line)),
      );
      const value = db.prepare<[], string>('SELECT value FROM kv').pluck().get() ?? '';
      db.prepare('UPDATE kv SET value = CAST(? AS TEXT)').run(how(Buffer.from(value)));
    });
    const { address } = system.actor(small, 'a');
    const error = await failureOf(readHistory(system, address, {}), 'ERR_STATE_CORRUPT');
    expect(error.message).toContain("Line 2 in the log of 'small/a'");
    expect((await readHistory(system, address, { after: 2 })).map(({ n }) => n)).toEqual([3, 4]);
    expect((await failureOf(system.kv.get('k'), 'ERR_STATE_CORRUPT')).message).toContain("key 'user/k'");
    await system.kv.set('k', 1);
    expect(await system.kv.get('k')).toBe(1);
  });
});

/** Rows of another actor, as a crash would leave them. */
async function tellFrom(troupe: TestTroupe, receiver: string, texts: readonly string[]): Promise<void> {
  const { openSqliteStore } = await import('../../src/store/sqlite/sqlite-store.ts');
  const store = openSqliteStore({ file: troupe.file, synchronous: 'normal' });
  const inbox = texts.map((text, i) => ({ receiver: receiver as never, kind: 'event' as const, id: `t.${i}`, text }));
  await store.commit([
    {
      address: 'small/teller' as never,
      epoch: 1,
      seq: 1,
      at: 1,
      version: 1,
      status: 'stopped',
      actor: { type: 'small', parent: 'system/root' as never, meta: '{}' },
      state: { kind: 'snapshot', text: '{"status":"stopped"}', checksum: 0 },
      inbox,
    },
  ]);
  await store.close();
}

test('G7: the last delta is gone: held, since the row names it', async () => {
  await using troupe = await start();
  await fillLarge(troupe.system);
  const system = await damage(troupe, (db) => {
    db.prepare("DELETE FROM deltas WHERE address = 'large/a' AND seq = (SELECT max(seq) FROM deltas)").run();
  });
  await assertHeld(system, system.actor(large, 'a'));
});
