/** G12: what is published reaches each subscriber once, in order per publisher, whatever happens to threads and processes. */
import { expect, test } from 'vitest';
import type { BusEvent } from '../../src/index.ts';
import { latecomer, listener, publisher } from '../support/actors-topics.ts';
import type { Note } from '../support/actors-topics.ts';
import { createTestSystem, eventually, failureOf } from '../support/harness.ts';
import type { TestTroupe } from '../support/harness.ts';

const ACTORS = new URL('../support/actors-topics.ts', import.meta.url);

const start = (options: Parameters<typeof createTestSystem>[0] = {}) =>
  createTestSystem({ actors: [ACTORS], ...options });

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const numbers = (notes: readonly Pick<Note, 'source' | 'n'>[], source: string): number[] =>
  notes.filter((note) => note.source === source).map(({ n }) => n);

/** Creates a listener; its subscriptions are durable with its first commit. */
async function createListener({ system }: TestTroupe, key: string) {
  const ref = system.actor(listener, key);
  await ref.ask({ type: 'NOTES' });
  return ref;
}

/** The notes of an actor once there are `count` of them, or more. */
function notesOf({ system }: TestTroupe, definition: typeof listener, key: string, count: number): Promise<Note[]> {
  return eventually(
    () => system.actor(definition, key).ask({ type: 'NOTES' }),
    (notes) => notes.length >= count,
  );
}

/** Waits until nothing is under way, so that what did not come will not come. */
async function settled({ system }: TestTroupe): Promise<void> {
  await eventually(
    () => system.stats(),
    ({ inboxRows }) => inboxRows === 0,
  );
}

test('G12: what code publishes reaches the actors whose definition names the topic, as the event it says', async () => {
  await using troupe = await start();
  await createListener(troupe, 'a');
  await createListener(troupe, 'b');
  await troupe.system.bus.publish('task.done', { n: 1 });
  await troupe.system.bus.publish('job.done', { n: 2 });
  await troupe.system.bus.publish('task:done', { n: 3 });
  for (const key of ['a', 'b'])
    expect(await notesOf(troupe, listener, key, 2)).toEqual([
      { type: 'TASK', topic: 'task.done', source: 'bus/host', n: 1 },
      { type: 'TASK', topic: 'task.done', source: 'bus/host', n: 3 },
    ]);
  await settled(troupe);
});

test('G12: actors publish to actors and to code, each event once and in order per publisher', async () => {
  await using troupe = await start();
  const { system } = troupe;
  await createListener(troupe, 'a');
  const heard: BusEvent[] = [];
  await system.bus.subscribe('task.>', (event) => void heard.push(event));
  const publishers = ['p', 'q', 'r'];
  const sends = publishers.flatMap((key) =>
    upTo(20).map((i) => system.actor(publisher, key).send({ type: 'PUBLISH', topic: 'task.x', from: i * 5, count: 5 })),
  );
  await Promise.all(sends);
  const notes = await notesOf(troupe, listener, 'a', 300);
  await eventually(() => heard.length >= 300);
  await settled(troupe);
  expect(notes).toHaveLength(300);
  for (const key of publishers) expect(numbers(notes, `publisher/${key}`)).toEqual(upTo(100));
  const order = heard.map(({ source, data }) => ({ source, n: (data as { n: number }).n }));
  expect(order).toHaveLength(300);
  // Hints of publishers in two threads may overtake each other on their way to an actor; of one publisher none does.
  for (const key of publishers) expect(numbers(order, `publisher/${key}`)).toEqual(upTo(100));
});

test('G12: the same while the worker threads and the store thread are ended', async () => {
  await using troupe = await start();
  const { system } = troupe;
  const keys = ['a', 'b', 'c', 'd'];
  for (const key of keys) await createListener(troupe, key);
  const heard: number[] = [];
  await system.bus.subscribe('task.>', ({ data }) => void heard.push((data as { n: number }).n), { name: 'code' });
  const work: Promise<void>[] = [];
  for (let i = 0; i < 100; i++) {
    work.push(system.actor(publisher, 'p').send({ type: 'PUBLISH', topic: 'task.x', from: i, count: 1 }));
    work.push(system.actor(publisher, 'q').send({ type: 'PUBLISH', topic: 'task.y', from: i, count: 1 }));
    work.push(system.bus.publish('task.z', { n: i }));
    if (i === 20) work.push(troupe.endWorkerOf('listener/a'));
    if (i === 40) work.push(troupe.endStore());
    if (i === 60) work.push(troupe.endWorkerOf('publisher/p'), troupe.endWorkerOf('publisher/q'));
    if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(work);
  for (const key of keys) {
    const notes = await notesOf(troupe, listener, key, 300);
    expect(notes).toHaveLength(300);
    for (const source of ['publisher/p', 'publisher/q', 'bus/host']) expect(numbers(notes, source)).toEqual(upTo(100));
  }
  await eventually(() => heard.length >= 300);
  expect(heard).toHaveLength(300);
  await settled(troupe);
});

test('G12: a subscription at run time takes effect at its place in the order, and so does its end', async () => {
  await using troupe = await start();
  const { bus } = troupe.system;
  const ref = troupe.system.actor(latecomer, 'l');
  await bus.publish('news.a', { n: 1 });
  await ref.send({ type: 'SUBSCRIBE', pattern: 'news.*' });
  await bus.publish('news.a', { n: 2 });
  await bus.publish('news.b', { n: 3 });
  await ref.send({ type: 'UNSUBSCRIBE', pattern: 'news.*' });
  await bus.publish('news.a', { n: 4 });
  await ref.send({ type: 'SUBSCRIBE', pattern: 'news:b' });
  await bus.publish('news.a', { n: 5 });
  await bus.publish('news.b', { n: 6 });
  const notes = await notesOf(troupe, latecomer, 'l', 3);
  await settled(troupe);
  expect(notes).toEqual([
    { type: 'OTHER', topic: 'news.a', source: 'bus/host', n: 2 },
    { type: 'OTHER', topic: 'news.b', source: 'bus/host', n: 3 },
    { type: 'OTHER', topic: 'news.b', source: 'bus/host', n: 6 },
  ]);
});

test('G12: subscriptions, and what was published while nobody ran, survive a restart of the system', async () => {
  await using troupe = await start();
  await createListener(troupe, 'a');
  await troupe.system.actor(latecomer, 'l').send({ type: 'SUBSCRIBE', pattern: '>' });
  const heard: unknown[] = [];
  const take = ({ data }: BusEvent): void => void heard.push(data);
  await troupe.system.bus.subscribe('task.*', take, { name: 'code' });
  await troupe.system.bus.publish('task.x', { n: 0 });
  await eventually(() => heard.length === 1);
  await troupe.restart();
  await troupe.system.bus.publish('task.x', { n: 1 });
  await troupe.system.bus.subscribe('task.*', take, { name: 'code' });
  for (const [definition, key] of [
    [listener, 'a'],
    [latecomer, 'l'],
  ] as const)
    expect((await notesOf(troupe, definition as typeof listener, key, 2)).map(({ n }) => n)).toEqual([0, 1]);
  await eventually(() => heard.length >= 2);
  await settled(troupe);
  expect(heard).toEqual([{ n: 0 }, { n: 1 }]);
});

test('an actor that has ended gets nothing more', async () => {
  await using troupe = await start();
  const ref = await createListener(troupe, 'a');
  await troupe.system.bus.publish('task.x', { n: 1 });
  await notesOf(troupe, listener, 'a', 1);
  await ref.send({ type: 'END' });
  await troupe.system.bus.publish('task.x', { n: 2 });
  await settled(troupe);
  expect(await troupe.system.stats()).toMatchObject({ subscriptions: 0, deadLetters: 0 });
});

test('an id that was published is published once, also over a restart', async () => {
  await using troupe = await start();
  await createListener(troupe, 'a');
  await troupe.system.bus.publish('task.x', { n: 1 }, { id: 'order-7' });
  await troupe.restart();
  await troupe.system.bus.publish('task.x', { n: 1 }, { id: 'order-7' });
  await troupe.system.bus.publish('task.x', { n: 2 });
  const notes = await notesOf(troupe, listener, 'a', 2);
  expect(notes.map(({ n }) => n)).toEqual([1, 2]);
});

test('a system that stops waits for the handler under way, and takes no publication any more', async () => {
  await using troupe = await start();
  const { bus } = troupe.system;
  const done: unknown[] = [];
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  await bus.subscribe('a', async ({ data }) => {
    begin();
    await new Promise((resolve) => setImmediate(resolve));
    done.push(data);
  });
  await bus.publish('a', 1);
  await begun;
  await troupe.stop();
  expect(done).toEqual([1]);
  await failureOf(bus.publish('a', 2), 'ERR_SYSTEM_STOPPED');
});

test('topics and patterns outside the grammar are refused before anything is published', async () => {
  await using troupe = await start();
  const { bus } = troupe.system;
  for (const topic of ['a b', 'a..b', 'a.*', '>', '', upTo(10_000).join('.')])
    await failureOf(bus.publish(topic, 1), 'ERR_TOPIC_INVALID');
  await failureOf(
    bus.subscribe('a.>.b', () => undefined),
    'ERR_TOPIC_INVALID',
  );
  expect(await troupe.system.stats()).toMatchObject({ busEvents: 0 });
});
