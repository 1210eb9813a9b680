/** Sessions, keys and values with real threads and SQLite. */
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createTestSystem, failureOf } from '../support/harness.ts';

test('keys survive a restart', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  await troupe.system.kv.set('a', [1], { ttlMs: 60_000 });
  expect(await (await troupe.restart()).kv.get('a')).toEqual([1]);
});

test('G19: 10,000 messages leave one store by lines, come into another, and are all there after a restart', async () => {
  await using from = await createTestSystem({ threads: 1 });
  const session = await from.system.sessions.create({ id: 's', user: 'ada' });
  for (let i = 0; i < 10; i++)
    await Promise.all(
      Array.from({ length: 1000 }, (_, j) => session.say(`text ${i * 1000 + j + 1} ${'x'.repeat(100)}`)),
    );
  const lines: string[] = [];
  for await (const line of from.system.sessions.export()) lines.push(line);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(400_000);
  await using to = await createTestSystem({ threads: 1 });
  expect(await to.system.sessions.import(lines)).toEqual({ sessions: 1, messages: 10_000 });
  const again = await (await to.restart()).sessions.get('s');
  expect(await again.history({ limit: 10_000 })).toEqual(await session.history({ limit: 10_000 }));
  await again.say('goes on');
  expect((await again.window(1))[0]).toMatchObject({ n: 10_001, text: 'goes on' });
});

test(
  '10,000 sessions come by pages without gap or repetition while others are added',
  { timeout: 60_000 },
  async () => {
    await using troupe = await createTestSystem({ threads: 1 });
    const { sessions } = troupe.system;
    for (let i = 0; i < 20; i++)
      await Promise.all(Array.from({ length: 500 }, (_, j) => sessions.create({ id: `s${i * 500 + j}`, user: 'ada' })));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await sessions.list({ limit: 1000, order: 'newest', ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      await sessions.create({ user: 'bob' });
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen.length).toBe(10_000);
    expect(new Set(seen).size).toBe(10_000);
    expect((await sessions.stats()).sessions).toBeGreaterThanOrEqual(10_010);
  },
);

test('S9: with messages by the thousand, sessions are saved, restored and listed, a hundred at once', async () => {
  await using troupe = await createTestSystem({ threads: 2 });
  const { sessions } = troupe.system;
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, i) => sessions.create({ id: `s${i}`, user: `u${i % 3}` })),
  );
  await Promise.all(all.flatMap((session, i) => Array.from({ length: 20 }, (_, j) => session.say(`${i} says ${j}`))));
  for (let i = 0; i < 1200; i++) void all[0]?.say('more');
  const again = await troupe.restart();
  const seen = await Promise.all(all.map(async ({ id }) => (await again.sessions.get(id)).history({ limit: 10_000 })));
  expect(seen.map(({ length }) => length)).toEqual(all.map((_, i) => (i === 0 ? 1220 : 20)));
  for (const [i, history] of seen.entries())
    expect(history.slice(0, 20).map(({ text }) => text)).toEqual(
      Array.from({ length: 20 }, (_, j) => `${i} says ${j}`),
    );
  const { restore, messages } = await again.sessions.stats();
  expect({ restores: restore.count, messages }).toEqual({ restores: 100, messages: 3200 });
});

test('G19: what is damaged in the store is neither exported nor read as a version, and named', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  const session = await troupe.system.sessions.create({ id: 's', user: 'ada' });
  for (const text of ['one', 'two', 'three']) await session.say(text);
  await troupe.system.versions.create('plan', 'first');
  await troupe.system.versions.put('plan', 'second', { base: 1 });
  await troupe.stop();
  const db = new Database(troupe.file);
  db.prepare("UPDATE log SET text = replace(text, 'two', 'TWO') WHERE address = 'session/s' AND n = 2").run();
  db.prepare("UPDATE log SET text = replace(text, 'first', 'FIRST') WHERE address = 'versions/plan'").run();
  db.close();
  const { sessions, versions } = await troupe.start();
  const exported = async () => {
    for await (const _line of sessions.export(['s']));
  };
  const error = await failureOf(exported(), 'ERR_STATE_CORRUPT');
  expect(error.message).toContain("'session/s' cannot be exported. Line 2 of its log is missing or does not match");
  expect((await failureOf(versions.get('plan', 1), 'ERR_STATE_CORRUPT')).details).toMatchObject({ n: 1 });
  expect((await versions.get('plan')).value).toBe('second');
});

test('G18: of updates at once none is lost and none counts twice while the thread and the store thread end', async () => {
  await using troupe = await createTestSystem({ threads: 2 });
  const session = await troupe.system.sessions.create({ id: 's', user: 'ada', metadata: { count: 0 } });
  const seen: number[] = [];
  const add = async () => {
    let last = 0;
    await session.update(
      ({ context }) => {
        last = Number(context.metadata['count']);
        return { type: 'METADATA', metadata: { count: last + 1 } };
      },
      { retries: 1000, delayMs: 5 },
    );
    seen.push(last);
  };
  const adds = Promise.all(Array.from({ length: 20 }, add));
  await troupe.endWorkerOf('session/s');
  await troupe.endStore();
  await troupe.endWorkerOf('session/s');
  await adds;
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect((await session.snapshot()).context.metadata).toEqual({ count: 20 });
});
