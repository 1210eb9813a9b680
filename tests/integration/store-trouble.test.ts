/** S6 with real threads and a real file: somebody else locks it, and it is gone when the store thread is to be opened again. */
import { mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { StoreStatus } from '../../src/index.ts';
import { connectFile } from '../../src/store/sqlite/connect.ts';
import { counter } from '../support/actors-basic.ts';
import { createTestSystem, eventually, failureOf } from '../support/harness.ts';
import type { TestTroupe } from '../support/harness.ts';

function listen({ system }: TestTroupe): readonly StoreStatus['state'][] {
  const heard: StoreStatus['state'][] = [];
  system.onStoreTrouble(({ state }) => void heard.push(state));
  return heard;
}

test('S6, G1: a file that another connection has locked: sends are kept, new ones refused, reads go on, nothing is lost', async () => {
  await using troupe = await createTestSystem({ threads: 2 });
  const { system } = troupe;
  const heard = listen(troupe);
  const ref = system.actor(counter, 'a');
  await ref.send({ type: 'ADD', n: 1 });
  const other = connectFile(troupe.file);
  other.exec('BEGIN IMMEDIATE');
  const kept = [2, 3, 4].map((n) => ref.send({ type: 'ADD', n }));
  // SQLite waits for 5 s at each try, and the thread with it; what comes between two tries is answered at once.
  await eventually(() => heard.length > 0);
  await failureOf(ref.send({ type: 'ADD', n: 100 }, { id: 'later' }), 'ERR_STORE_TROUBLE');
  expect(await ref.snapshot()).toMatchObject({ context: { count: 1 } });
  expect((await system.list({ type: 'counter' })).items).toHaveLength(1);
  other.close();
  await Promise.all(kept);
  await eventually(() => heard.length > 1);
  await ref.send({ type: 'ADD', n: 100 }, { id: 'later' });
  expect(await ref.snapshot()).toMatchObject({ context: { count: 110 } });
  expect(heard).toEqual(['trouble', 'well']);
});

test('S6, G10: a store thread that cannot be opened again: the same trouble, and all of it over when the file is back', async () => {
  await using troupe = await createTestSystem({ threads: 2 });
  const { system, file } = troupe;
  const heard = listen(troupe);
  const ref = system.actor(counter, 'a');
  await ref.send({ type: 'ADD', n: 1 });
  renameSync(file, `${file}.away`);
  mkdirSync(file);
  await troupe.endStore();
  const kept = [2, 3, 4].map((n) => ref.send({ type: 'ADD', n }));
  await eventually(() => heard.length > 0);
  expect(system.storeStatus).toMatchObject({ state: 'trouble', error: { code: 'ERR_STORE_OPEN' } });
  const error = await failureOf(ref.send({ type: 'ADD', n: 100 }), 'ERR_STORE_TROUBLE');
  expect(error.message).toContain("what was meant for 'counter/a' was not accepted");
  expect(await ref.snapshot(), 'of an actor in memory').toMatchObject({ context: { count: 1 } });
  rmdirSync(file);
  renameSync(`${file}.away`, file);
  await Promise.all(kept);
  await eventually(() => heard.length > 1);
  expect(await ref.snapshot()).toMatchObject({ context: { count: 10 } });
  expect(heard).toEqual(['trouble', 'well']);
  const died = troupe.logs.filter(({ text }) => text === 'store thread died, starting another');
  expect(died, 'one that could not open the store is not replaced a second time for having ended').toHaveLength(1);
});
