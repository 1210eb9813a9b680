/** States that cannot be saved: the one event at fault is given up on, everybody else gets what was promised. */
import { describe, expect, test } from 'vitest';
import { small, untold } from '../support/actors-unsavable.ts';
import { createTestSystem, eventually } from '../support/harness.ts';
import { member } from '../support/actors-family.ts';

const UNSAVABLE = new URL('../support/actors-unsavable.ts', import.meta.url);
const FAMILY = new URL('../support/actors-family.ts', import.meta.url);

const outcomesOf = async (calls: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(calls)).map((settled) =>
    settled.status === 'fulfilled' ? 'ok' : (settled.reason as { code: string }).code,
  );

describe('G1, G7: sends in one breath with one whose state cannot be saved', () => {
  const steps = { ADD: 'ok', GROW: 'ERR_EVENT_FAILED', 'GROW.END': 'ERR_EVENT_FAILED' } as const;
  type Step = keyof typeof steps;

  test.each<readonly [string, readonly Step[]]>([
    ['too large, in the middle', ['ADD', 'GROW', 'ADD']],
    ['too large at its end', ['ADD', 'GROW.END', 'ADD']],
  ])('%s', async (_what, plan) => {
    await using troupe = await createTestSystem({ actors: [UNSAVABLE], threads: 0 });
    const ref = troupe.system.actor(small, 'a');
    await ref.send({ type: 'ADD' });
    const calls = plan.map((type) => ref.send({ type }));
    expect(await outcomesOf(calls)).toEqual(plan.map((step) => steps[step]));
    const { context, status } = await ref.snapshot();
    expect(context).toEqual({ count: 1 + plan.filter((step) => step === 'ADD').length, text: '' });
    expect(status).toBe('active');
  });

  test.each<readonly [string, readonly Step[]]>([
    ['too large', ['ADD', 'GROW']],
    ['too large at its end', ['GROW.END']],
  ])('%s, then told to stop: the stop goes first, and whoever waits is told', async (_what, plan) => {
    await using troupe = await createTestSystem({ actors: [UNSAVABLE], threads: 0 });
    const ref = troupe.system.actor(small, 'a');
    await ref.send({ type: 'ADD' });
    const calls = [...plan.map((type) => ref.send({ type })), ref.stop()];
    const outcomes = await outcomesOf(calls);
    expect(outcomes).toEqual([...plan.slice(1).map(() => 'ok'), 'ERR_ACTOR_STOPPED', 'ok']);
    const { context, status } = await ref.snapshot();
    expect(context).toEqual({ count: plan.length, text: '' });
    expect(status).toBe('stopped');
  });

  test('a new actor is made by the first event that can, and none is blamed for another', async () => {
    await using troupe = await createTestSystem({ actors: [UNSAVABLE], threads: 0 });
    const ref = troupe.system.actor(small, 'new');
    const calls = (['ADD', 'GROW', 'ADD'] as const).map((type) => ref.send({ type }));
    expect(await outcomesOf(calls)).toEqual(['ok', 'ERR_EVENT_FAILED', 'ok']);
    expect((await ref.snapshot()).context.count).toBe(2);
  });

  test('metadata that throws fails the events it throws for', async () => {
    await using troupe = await createTestSystem({ actors: [UNSAVABLE], threads: 0 });
    const ref = troupe.system.actor(untold, 'a');
    const calls = [1, 2, 3, 4].map(() => ref.send({ type: 'ADD' }));
    expect(await outcomesOf(calls)).toEqual(['ok', 'ok', 'ERR_EVENT_FAILED', 'ERR_EVENT_FAILED']);
    await ref.stop();
    expect((await ref.snapshot()).context.count).toBe(2);
  });
});

test('G1, G4: a removal and the send after it keep their order over the death of their thread', async () => {
  await using troupe = await createTestSystem({ actors: [UNSAVABLE], threads: 1 });
  const ref = troupe.system.actor(small, 'a');
  await ref.send({ type: 'ADD' });
  await ref.send({ type: 'ADD' });
  await troupe.system.threads.endWorker(0);
  await Promise.all([troupe.system.remove(ref.address), ref.send({ type: 'ADD' })]);
  expect((await ref.snapshot()).context.count).toBe(1);
});

test.each(['remove', 'stop'] as const)('G9: %s of a quarantined parent reaches its children', async (order) => {
  await using troupe = await createTestSystem({ actors: [FAMILY], threads: 0 });
  const parent = troupe.system.actor(member, 'p');
  await parent.send({ type: 'SPAWN', key: 'c' });
  const statusOf = async (key: string) =>
    (await troupe.system.list({ type: 'member' })).items.find(({ address }) => address === `member/${key}`)?.status;
  await eventually(() => statusOf('c'));
  await parent.send({ type: 'CRASH' });
  await eventually(
    () => statusOf('p'),
    (status) => status === 'quarantined',
  );
  await (order === 'remove' ? troupe.system.remove(parent.address) : parent.stop());
  const expected = order === 'remove' ? undefined : 'stopped';
  expect(
    await eventually(
      () => statusOf('c'),
      (status) => status === expected,
    ),
  ).toBe(expected);
  expect(await statusOf('p')).toBe(expected);
});

test('ERR_ADDRESS: an address that is none reaches no thread', async () => {
  await using troupe = await createTestSystem({ actors: [UNSAVABLE], threads: 1 });
  for (const bad of ['small/a"b', 'small/../x', 'nope', undefined]) {
    await expect(troupe.system.remove(bad as never)).rejects.toMatchObject({ code: 'ERR_ADDRESS' });
    await expect(troupe.system.revive(bad as never)).rejects.toMatchObject({ code: 'ERR_ADDRESS' });
  }
  await troupe.system.actor(small, 'a').send({ type: 'ADD' });
});
