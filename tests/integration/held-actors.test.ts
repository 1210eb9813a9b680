/** Actors that cannot or may not go on: others are not touched, and nothing stored is lost. */
import BetterSqlite3 from 'better-sqlite3';
import { expect, test } from 'vitest';
import { counter } from '../support/actors-basic.ts';
import { createTestSystem, eventually, failureOf } from '../support/harness.ts';

test('an ask past its timeout says who did not answer what; the actor goes on', async () => {
  await using troupe = await createTestSystem({ threads: 1, store: 'memory' });
  const ref = troupe.system.actor(counter, 'a');
  const error = await failureOf(ref.ask({ type: 'IGNORED' }, { timeoutMs: 30 }), 'ERR_ASK_TIMEOUT');
  expect(error.message).toBe(
    "'counter/a' did not answer 'IGNORED' within 30 ms. Raise timeoutMs, or check that the machine replies to it.",
  );
  expect(error.details).toEqual({ address: 'counter/a', type: 'IGNORED', timeoutMs: 30 });
  expect(await ref.ask({ type: 'GET' })).toEqual({ count: 0 });
});

test.each([
  { options: { timeoutMs: 0 } },
  { options: { timeoutMs: Number.NaN } },
  { options: { id: '' } },
  { options: { id: 'x'.repeat(257) } },
])('the ask option $options is refused by name', async ({ options }) => {
  await using troupe = await createTestSystem({ threads: 0, store: 'memory' });
  const error = await failureOf(troupe.system.actor(counter, 'a').ask({ type: 'GET' }, options), 'ERR_OPTIONS_INVALID');
  expect(error.message).toContain(`Option '${Object.keys(options)[0]}'`);
});

test('a stopped actor refuses, also after a restart of the system; its state stays readable', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  const ref = troupe.system.actor(counter, 'a');
  await ref.send({ type: 'ADD', n: 3 });
  await ref.stop();
  await ref.stop();
  const error = await failureOf(ref.send({ type: 'ADD', n: 1 }), 'ERR_ACTOR_STOPPED');
  expect(error.message).toBe(
    "'counter/a' has ended (stopped) and takes no more events. Use another key, or remove it first: system.remove(address).",
  );
  expect(error.details).toEqual({ address: 'counter/a', status: 'stopped' });
  const again = (await troupe.restart()).actor(counter, 'a');
  await failureOf(again.ask({ type: 'GET' }), 'ERR_ACTOR_STOPPED');
  expect(await again.snapshot()).toMatchObject({ status: 'stopped', context: { count: 3 } });
  expect(await troupe.system.actor(counter, 'b').ask({ type: 'GET' })).toEqual({ count: 0 });
});

test('G1: an actor whose machine is done says so, and its key is free again after a removal', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  const ref = troupe.system.actor(counter, 'a');
  await ref.send({ type: 'ADD', n: 3 });
  await ref.send({ type: 'END' });
  expect(await ref.snapshot()).toMatchObject({ status: 'done', output: { count: 3 }, value: 'ended' });
  const error = await failureOf(ref.send({ type: 'ADD', n: 1 }), 'ERR_ACTOR_STOPPED');
  expect(error.message).toContain("'counter/a' has ended (done)");
  await troupe.system.remove(ref.address);
  expect(await ref.ask({ type: 'GET' })).toEqual({ count: 0 });
});

test('a corrupt snapshot quarantines its actor alone, and its row stays as it was', async () => {
  await using troupe = await createTestSystem({ threads: 2 });
  const send = (key: string) => troupe.system.actor(counter, key).send({ type: 'ADD', n: 5 });
  await Promise.all(['a', 'b', 'c', 'd'].map(send));
  await troupe.stop();
  const corrupt = edit(
    troupe.file,
    "UPDATE actors SET snapshot = replace(snapshot, '\"count\":5', '\"count\":6') WHERE address = 'counter/b'",
  );
  expect(corrupt).toBe(1);
  const before = row(troupe.file, 'counter/b');
  const system = await troupe.start();
  for (const key of ['a', 'c', 'd'])
    expect(await system.actor(counter, key).ask({ type: 'GET' })).toEqual({ count: 5 });
  const error = await failureOf(system.actor(counter, 'b').ask({ type: 'GET' }), 'ERR_ACTOR_QUARANTINED');
  expect(error.cause).toMatchObject({ code: 'ERR_STATE_CORRUPT' });
  expect(error.message).toMatch(
    /^'counter\/b' is quarantined: .*counter\/b.*\. Its state and mailbox are kept; mend the cause, then system\.revive or system\.remove it\.$/,
  );
  expect((await system.list({ statuses: ['quarantined'] })).items.map(({ address }) => address)).toEqual(['counter/b']);
  await troupe.stop();
  const { snapshot, checksum } = row(troupe.file, 'counter/b');
  expect({ snapshot, checksum }).toEqual({ snapshot: before.snapshot, checksum: before.checksum });
});

test('a state of another definition version is refused without a word to the store', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  await troupe.system.actor(counter, 'a').send({ type: 'ADD', n: 5 });
  await troupe.stop();
  edit(troupe.file, "UPDATE actors SET version = 2, sum = NULL WHERE address = 'counter/a'");
  const before = row(troupe.file, 'counter/a');
  const system = await troupe.start();
  const error = await failureOf(system.actor(counter, 'a').send({ type: 'ADD', n: 1 }), 'ERR_ACTOR_QUARANTINED');
  expect(error.cause).toMatchObject({
    code: 'ERR_STATE_VERSION',
    details: { address: 'counter/a', stored: 2, loaded: 1 },
  });
  await troupe.stop();
  expect(row(troupe.file, 'counter/a')).toEqual(before);
  edit(troupe.file, "UPDATE actors SET version = 1 WHERE address = 'counter/a'");
  expect(await (await troupe.start()).actor(counter, 'a').ask({ type: 'GET' })).toEqual({ count: 5 });
});

test('a stopped system refuses calls, and says what to do', async () => {
  await using troupe = await createTestSystem({ threads: 1, store: 'memory' });
  const ref = troupe.system.actor(counter, 'a');
  await ref.send({ type: 'ADD', n: 1 });
  const waiting = failureOf(ref.ask({ type: 'IGNORED' }), 'ERR_SYSTEM_STOPPED');
  await eventually(
    async () => (await ref.snapshot()).seq,
    (seq) => seq >= 1,
  );
  await troupe.stop();
  expect((await waiting).message).toContain('The system stopped before the reply came. Ask again with an id.');
  const error = await failureOf(ref.send({ type: 'ADD', n: 1 }), 'ERR_SYSTEM_STOPPED');
  expect(error.message).toBe('The system has been stopped. Create a new one with createSystem().');
});

interface Row {
  readonly snapshot: string;
  readonly checksum: number;
}

function row(file: string, address: string): Row {
  const db = new BetterSqlite3(file, { readonly: true });
  try {
    return db.prepare('SELECT * FROM actors WHERE address = ?').get(address) as Row;
  } finally {
    db.close();
  }
}

function edit(file: string, sql: string): number {
  const db = new BetterSqlite3(file);
  try {
    return db.prepare(sql).run().changes;
  } finally {
    db.close();
  }
}
