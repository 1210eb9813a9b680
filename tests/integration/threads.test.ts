/** G10, rules 6 to 8: threads and the store thread are lost and replaced; nobody who waits is forgotten. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, test } from 'vitest';
import { counter, recorder } from '../support/actors-basic.ts';
import { job } from '../support/actors-jobs.ts';
import { BASIC, createTestSystem, eventually } from '../support/harness.ts';

const JOBS = new URL('../support/actors-jobs.ts', import.meta.url);

test('G10: rule 7: while the store thread is ended again and again, everything acknowledged is durable and done once', async () => {
  await using troupe = await createTestSystem();
  const refs = ['a', 'b', 'c'].map((key) => troupe.system.actor(counter, key));
  const sends: Promise<void>[] = [];
  for (let i = 0; i < 150; i++) {
    for (const ref of refs) sends.push(ref.send({ type: 'ADD', n: 1 }));
    if (i % 50 === 25) await troupe.endStore();
    if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(sends);
  await troupe.restart();
  for (const key of ['a', 'b', 'c'])
    expect(await troupe.system.actor(counter, key).ask({ type: 'GET' })).toEqual({ count: 150 });
});

test('G10: calls to the store that were under way are answered by the next store thread', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  await troupe.system.actor(counter, 'a').send({ type: 'ADD', n: 1 });
  const lists = Array.from({ length: 20 }, () => troupe.system.list());
  await troupe.endStore();
  for (const { items } of await Promise.all([...lists, troupe.system.list()])) expect(items).toHaveLength(1);
});

test('G1, G10: actors of an ended worker go on with every event, each once', async () => {
  await using troupe = await createTestSystem();
  const refs = Array.from({ length: 8 }, (_, i) => troupe.system.actor(counter, `k${i}`));
  await Promise.all(refs.map((ref) => ref.send({ type: 'ADD', n: 1 })));
  const sends = refs.flatMap((ref) => Array.from({ length: 25 }, () => ref.send({ type: 'ADD', n: 1 })));
  const ends = [troupe.system.threads.endWorker(0), troupe.system.threads.endWorker(1)];
  await Promise.all([...sends, ...ends]);
  for (const ref of refs) expect(await ref.ask({ type: 'GET' })).toEqual({ count: 26 });
  expect(troupe.logs.filter(({ text }) => text === 'worker thread died, starting another')).toHaveLength(2);
});

test('G1, G10: rule 3: an event that was committed but not acknowledged when its thread ended is not done again', async () => {
  await using troupe = await createTestSystem({ actors: [BASIC, JOBS] });
  const ref = troupe.system.actor(job, 'j', { journal: join(troupe.folder, 'journal') });
  // The effect function ends the thread after the commit that holds START, and before START is acknowledged.
  await ref.send({ type: 'START', mode: 'exit-once' });
  expect((await ref.snapshot()).context.starts).toBe(1);
  expect(troupe.logs.filter(({ text }) => text === 'worker thread died, starting another')).toHaveLength(1);
});

test('rule 8: a row nobody hinted at is found by the recovery loop', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  await troupe.system.actor(recorder, 'r').send({ type: 'NOTE', from: 'main', n: 1 });
  await troupe.stop();
  // As if the sender had died between its commit and the hint, while the receiver's thread lived on.
  const system = await troupe.start();
  await system.actor(recorder, 'r').ask({ type: 'LIST' });
  const db = new BetterSqlite3(troupe.file);
  db.prepare(
    "INSERT INTO inbox (receiver, pos, sender, kind, id, at, text) VALUES ('recorder/r', 1000000, 'relay/lost', 'event', '1.0', 0, ?)",
  ).run('{"type":"NOTE","from":"relay/lost","n":2}');
  db.close();
  await eventually(
    () => system.stats(),
    ({ inboxRows }) => inboxRows === 0,
  );
  expect(await system.actor(recorder, 'r').ask({ type: 'LIST' })).toEqual([
    { from: 'main', n: 1 },
    { from: 'relay/lost', n: 2 },
  ]);
});

test('watch shows committed states in order, the last one, and ends with the actor', async () => {
  await using troupe = await createTestSystem();
  const ref = troupe.system.actor(counter, 'a');
  await ref.send({ type: 'ADD', n: 1 });
  const seen: { count: number; seq: number; status: string }[] = [];
  const watching = (async () => {
    for await (const { context, seq, status } of ref.watch()) seen.push({ count: context.count, seq, status });
  })();
  await eventually(() => seen.length);
  for (let i = 0; i < 20; i++) await ref.send({ type: 'ADD', n: 1 });
  await ref.send({ type: 'END' });
  await watching;
  expect(seen[0]).toMatchObject({ count: 1, status: 'active' });
  expect(seen.at(-1)).toMatchObject({ count: 21, status: 'done' });
  const seqs = seen.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
});

test('G10: a watcher sees a state that was committed just before its thread ended', async () => {
  await using troupe = await createTestSystem({ actors: [BASIC, JOBS] });
  const ref = troupe.system.actor(job, 'j', { journal: join(troupe.folder, 'journal') });
  expect(await ref.snapshot()).toMatchObject({ value: 'idle' });
  const watch = ref.watch();
  await watch.next();
  // The effect function ends the thread after the commit and before the new state is told.
  const sent = ref.send({ type: 'START', mode: 'exit-once' });
  const { value } = await watch.next();
  expect(value).toMatchObject({ value: 'working' });
  await sent;
  await watch.return();
});

test('a watch of an actor that does not exist fails as a send would', async () => {
  await using troupe = await createTestSystem({ actors: [JOBS], threads: 1 });
  await expect(troupe.system.actor(job, 'nobody').watch().next()).rejects.toMatchObject({
    code: 'ERR_ACTOR_NOT_FOUND',
  });
});

test('a watch ends when the system stops', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  const watch = troupe.system.actor(counter, 'a', undefined).watch();
  await troupe.system.actor(counter, 'a').send({ type: 'ADD', n: 1 });
  await watch.next();
  const next = watch.next();
  await troupe.stop();
  expect(await next).toMatchObject({ done: true });
});

test('snapshot reads what this caller sent before', async () => {
  await using troupe = await createTestSystem();
  const ref = troupe.system.actor(counter, 'a');
  for (let i = 1; i <= 20; i++) {
    void ref.send({ type: 'ADD', n: 1 });
    expect((await ref.snapshot()).context.count).toBe(i);
  }
});
