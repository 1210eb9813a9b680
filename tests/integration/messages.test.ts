/** G3, G4, G6: order, replies now and later, caller ids, dead letters. */
import { expect, test } from 'vitest';
import { counter, oracle, recorder, relay } from '../support/actors-basic.ts';
import { createTestSystem, eventually, failureOf } from '../support/harness.ts';
import type { TestTroupe } from '../support/harness.ts';

const notesOf = ({ system }: TestTroupe) => system.actor(recorder, 'r').ask({ type: 'LIST' });

/** Keys of relays that live on each of the two threads. */
function keysOnBothThreads({ system }: TestTroupe): readonly [string, string] {
  const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
  const on = (index: number) => keys.find((key) => system.threads.indexOf(`relay/${key}` as never) === index) as string;
  return [on(0), on(1)];
}

test('G4: events of one sender are processed in the order they were sent', async () => {
  await using troupe = await createTestSystem();
  const ref = troupe.system.actor(recorder, 'r');
  await Promise.all(Array.from({ length: 300 }, (_, n) => ref.send({ type: 'NOTE', from: 'main', n })));
  expect((await notesOf(troupe)).map(({ n }) => n)).toEqual(Array.from({ length: 300 }, (_, n) => n));
});

test('G3, G4: tells over threads arrive once and in order per sender', async () => {
  await using troupe = await createTestSystem({ threads: 2 });
  const keys = keysOnBothThreads(troupe);
  const relays = keys.map((key) => troupe.system.actor(relay, key));
  await Promise.all(
    relays.flatMap((ref) => Array.from({ length: 150 }, (_, n) => ref.send({ type: 'RELAY', to: 'recorder/r', n }))),
  );
  const notes = await eventually(
    () => notesOf(troupe),
    (all) => all.length >= 300,
  );
  for (const key of keys)
    expect(notes.filter(({ from }) => from === `relay/${key}`).map(({ n }) => n)).toEqual(
      Array.from({ length: 150 }, (_, n) => n),
    );
  await eventually(
    () => troupe.system.stats(),
    ({ inboxRows }) => inboxRows === 0,
  );
});

test('G3, G4, G10: the same while worker threads and the store thread are ended', async () => {
  await using troupe = await createTestSystem({ threads: 2 });
  const keys = keysOnBothThreads(troupe);
  const relays = keys.map((key) => troupe.system.actor(relay, key));
  const sends: Promise<void>[] = [];
  for (let n = 0; n < 200; n++) {
    for (const ref of relays) sends.push(ref.send({ type: 'RELAY', to: 'recorder/r', n }));
    if (n === 40) sends.push(troupe.endWorkerOf('recorder/r'));
    if (n === 80) sends.push(troupe.endStore());
    if (n === 120) sends.push(troupe.endWorkerOf(`relay/${keys[0]}`), troupe.endWorkerOf(`relay/${keys[1]}`));
    if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(sends);
  const notes = await eventually(
    () => notesOf(troupe),
    (all) => all.length >= 400,
  );
  for (const key of keys)
    expect(notes.filter(({ from }) => from === `relay/${key}`).map(({ n }) => n)).toEqual(
      Array.from({ length: 200 }, (_, n) => n),
    );
});

test('G1, G10: rule 3: what was sent before a worker ended is done once, in order', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  const ref = troupe.system.actor(recorder, 'r');
  await ref.send({ type: 'NOTE', from: 'main', n: -1 });
  const before = Array.from({ length: 100 }, (_, n) => ref.send({ type: 'NOTE', from: 'main', n }));
  const ended = troupe.endWorkerOf(ref.address);
  const after = Array.from({ length: 100 }, (_, n) => ref.send({ type: 'NOTE', from: 'main', n: n + 100 }));
  await Promise.all([...before, ended, ...after]);
  expect((await notesOf(troupe)).map(({ n }) => n)).toEqual(Array.from({ length: 201 }, (_, n) => n - 1));
});

test('a reply may come later, on another event', async () => {
  await using troupe = await createTestSystem();
  const ref = troupe.system.actor(oracle, 'o', { limit: 1 });
  const answers = [ref.ask({ type: 'QUESTION' }), ref.ask({ type: 'QUESTION' })];
  await eventually(
    async () => (await ref.snapshot()).context.questions,
    (questions) => questions === 2,
  );
  await ref.send({ type: 'ANSWER', text: 'forty-two' });
  expect(await Promise.all(answers)).toEqual(['forty-two', 'forty-two']);
});

test('G10: a reply comes after the worker thread was ended between question and answer', async () => {
  await using troupe = await createTestSystem();
  const ref = troupe.system.actor(oracle, 'o', { limit: 1 });
  const answer = ref.ask({ type: 'QUESTION' });
  await eventually(
    async () => (await ref.snapshot()).context.questions,
    (questions) => questions === 1,
  );
  await troupe.endWorkerOf(ref.address);
  await ref.send({ type: 'ANSWER', text: 'still here' });
  expect(await answer).toBe('still here');
});

test('G6: an ask with an id is asked once: before and after a restart the same reply comes', async () => {
  await using troupe = await createTestSystem();
  const ask = () => troupe.system.actor(oracle, 'o', { limit: 1 }).ask({ type: 'QUESTION' }, { id: 'q-1' });
  const first = failureOf(ask(), 'ERR_SYSTEM_STOPPED');
  const asked = async () => (await troupe.system.actor(oracle, 'o', { limit: 1 }).snapshot()).context.questions;
  await eventually(asked, (questions) => questions === 1);
  await troupe.restart();
  await first;
  const second = ask();
  await troupe.system.actor(oracle, 'o', { limit: 1 }).send({ type: 'ANSWER', text: 'late' });
  expect(await second, 'the reply to the first reaches whoever asks again').toBe('late');
  await troupe.restart();
  expect(await ask()).toBe('late');
  expect(await asked()).toBe(1);
});

test('G6: an event with an id is done once: at the same time, later, after a worker ended, after a restart', async () => {
  await using troupe = await createTestSystem();
  const add = () => troupe.system.actor(counter, 'a').send({ type: 'ADD', n: 1 }, { id: 'add-1' });
  await Promise.all([add(), add(), add()]);
  await add();
  await Promise.all([troupe.endWorkerOf('counter/a'), add(), add()]);
  await troupe.restart();
  await add();
  expect(await troupe.system.actor(counter, 'a').ask({ type: 'GET' })).toEqual({ count: 1 });
  await troupe.system.actor(counter, 'b').send({ type: 'ADD', n: 1 }, { id: 'add-1' });
  expect(await troupe.system.actor(counter, 'b').ask({ type: 'GET' }), 'ids belong to their actor').toEqual({
    count: 1,
  });
});

test('G6: an id that was done is a success, and its reply comes again, when the actor has ended since', async () => {
  await using troupe = await createTestSystem();
  const ref = troupe.system.actor(counter, 'a');
  expect(await ref.ask({ type: 'GET' }, { id: 'get' })).toEqual({ count: 0 });
  await ref.send({ type: 'END' }, { id: 'end' });
  await ref.send({ type: 'END' }, { id: 'end' });
  expect(await ref.ask({ type: 'GET' }, { id: 'get' })).toEqual({ count: 0 });
  const again = (await troupe.restart()).actor(counter, 'a');
  await again.send({ type: 'END' }, { id: 'end' });
  expect(await again.ask({ type: 'GET' }, { id: 'get' })).toEqual({ count: 0 });
  await failureOf(again.send({ type: 'END' }, { id: 'other' }), 'ERR_ACTOR_STOPPED');
});

test('G7: a poison event goes to the dead letters, its sender hears why, and the events after it are done in order', async () => {
  await using troupe = await createTestSystem();
  const ref = troupe.system.actor(counter, 'a');
  const sends = [
    ref.send({ type: 'ADD', n: 1 }),
    ref.send({ type: 'BOOM' }),
    ref.send({ type: 'ADD', n: 10 }),
    ref.send({ type: 'ADD', n: 100 }),
  ];
  const [first, poison, ...later] = await Promise.allSettled(sends);
  expect([first, ...later].map((each) => each?.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
  expect((poison as PromiseRejectedResult).reason).toMatchObject({
    code: 'ERR_EVENT_FAILED',
    cause: { message: 'boom' },
    details: { address: 'counter/a' },
  });
  const history = await troupe.system.store.call('log', ref.address);
  expect(history.map(({ text }) => JSON.parse(text) as unknown)).toEqual([{ count: 1 }, { count: 11 }, { count: 111 }]);
  const letters = await troupe.system.deadLetters({ address: ref.address });
  expect(letters).toMatchObject([{ text: '{"type":"BOOM"}', attempts: 3 }]);
});

test('G7: an event that ends its thread three times goes to the dead letters; everything else is done once', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  const ref = troupe.system.actor(counter, 'a');
  const other = troupe.system.actor(recorder, 'r');
  await ref.send({ type: 'ADD', n: 1 });
  const poison = failureOf(ref.send({ type: 'EXIT' }), 'ERR_EVENT_FAILED');
  await Promise.all([ref.send({ type: 'ADD', n: 10 }), other.send({ type: 'NOTE', from: 'main', n: 1 })]);
  expect((await poison).message).toContain("'counter/a' ended its worker thread");
  expect(await ref.ask({ type: 'GET' })).toEqual({ count: 11 });
  expect(await notesOf(troupe)).toHaveLength(1);
  expect(await troupe.system.deadLetters()).toMatchObject([{ address: 'counter/a', text: '{"type":"EXIT"}' }]);
});

test('a tell to an actor that cannot come to be is a dead letter, not lost', async () => {
  await using troupe = await createTestSystem();
  await troupe.system.actor(relay, 'a').send({ type: 'RELAY', to: 'recorder/r', n: 1 });
  await troupe.system.actor(counter, 'gone').send({ type: 'END' });
  await troupe.system.actor(counter, 'a').send({ type: 'FORWARD', to: 'counter/gone', n: 1 });
  const letters = await eventually(
    () => troupe.system.deadLetters(),
    (all) => all.length > 0,
  );
  expect(letters).toMatchObject([{ address: 'counter/gone', sender: 'counter/a', text: '{"type":"ADD","n":1}' }]);
  expect(JSON.parse(letters[0]?.error ?? '')).toMatchObject({ code: 'ERR_ACTOR_STOPPED' });
  await eventually(
    () => troupe.system.stats(),
    ({ inboxRows }) => inboxRows === 0,
  );
});
