/** G11 with threads, files and the real clock: what was set before an end that nobody expected comes after it. */
import { expect, test } from 'vitest';
import { alarm, trio } from '../support/actors-timers.ts';
import { createTestSystem, eventually } from '../support/harness.ts';
import type { TestTroupe } from '../support/harness.ts';

const TIMERS = new URL('../support/actors-timers.ts', import.meta.url);

const rungOf = async (troupe: TestTroupe) => (await troupe.system.actor(alarm, 'a').snapshot()).context.rung;

/** Every thread ends at once, and another system opens the file. */
async function crash(troupe: TestTroupe): Promise<void> {
  await troupe.system.threads.terminate();
  await troupe.system.stop({ timeoutMs: 1 });
  await troupe.start();
}

test('G11: what was scheduled before all threads ended comes once after a restart, never early', async () => {
  await using troupe = await createTestSystem({ actors: [TIMERS] });
  const dueAt = Date.now() + 1500;
  await troupe.system.actor(alarm, 'a').schedule('k', { type: 'RING', name: 'later' }, { at: dueAt });
  await troupe.system.actor(alarm, 'a').send({ type: 'SET', keys: ['own'], when: { at: dueAt } });
  await crash(troupe);
  const rung = await eventually(
    () => rungOf(troupe),
    ({ length }) => length === 2,
  );
  expect(Date.now()).toBeGreaterThanOrEqual(dueAt);
  expect(rung).toEqual(['later', 'own.0']);
  await crash(troupe);
  expect(await rungOf(troupe)).toHaveLength(2);
  expect(await troupe.system.stats()).toMatchObject({ scheduled: 0 });
});

test('G11: timers of machines are kept in the file: a day is over when the clock says so', async () => {
  await using troupe = await createTestSystem({ actors: [TIMERS] });
  await troupe.system.actor(trio, 'a').send({ type: 'PING' });
  await crash(troupe);
  const timers = JSON.parse((await troupe.system.store.call('load', 'trio/a' as never))?.timers ?? '[]') as unknown[];
  expect(timers).toHaveLength(3);
  expect(await troupe.system.actor(trio, 'a').snapshot()).toMatchObject({ value: { deadline: 'waiting' } });
});

test('G11: while worker threads and the store end again and again, each of 60 scheduled events comes once', async () => {
  await using troupe = await createTestSystem({ actors: [TIMERS] });
  const names = Array.from({ length: 60 }, (_, n) => `n${n}`);
  const ref = troupe.system.actor(alarm, 'a');
  await Promise.all(names.map((name, n) => ref.schedule(name, { type: 'RING', name }, { afterMs: 20 * n })));
  for (let round = 0; round < 3; round++) {
    await eventually(
      () => rungOf(troupe),
      ({ length }) => length > round * 15,
    );
    await troupe.endWorkerOf(ref.address);
    await troupe.endStore();
  }
  const rung = await eventually(
    () => rungOf(troupe),
    ({ length }) => length >= 60,
  );
  expect(rung.toSorted()).toEqual(names.toSorted());
});
