/** G9: children and parents. Exits are durable events; what a parent begins ends with it. */
import { expect, test } from 'vitest';
import { member } from '../support/actors-family.ts';
import { createTestSystem, eventually, failureOf } from '../support/harness.ts';
import type { TestTroupe } from '../support/harness.ts';

const FAMILY = new URL('../support/actors-family.ts', import.meta.url);
const createFamily = () => createTestSystem({ actors: [FAMILY], threads: 2 });

const refOf = ({ system }: TestTroupe, key: string) => system.actor(member, key);
const exitsOf = (troupe: TestTroupe, key: string) => refOf(troupe, key).ask({ type: 'EXITS' });
const statusesOf = async ({ system }: TestTroupe) =>
  Object.fromEntries(
    (await system.list({ type: 'member' })).items.map(({ address, status }) => [address.slice(7), status]),
  );

async function spawnUnder(troupe: TestTroupe, parent: string, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) await refOf(troupe, parent).send({ type: 'SPAWN', key });
  await eventually(
    () => troupe.system.list({ parent: `member/${parent}` as never }),
    ({ items }) => items.length >= keys.length,
  );
}

test('G9: a child that is done tells its parent its output, once, also after a restart', async () => {
  await using troupe = await createFamily();
  await spawnUnder(troupe, 'p', 'c');
  await refOf(troupe, 'c').send({ type: 'FINISH', value: 9 });
  const expected = [{ type: 'child.exited', child: 'member/c', reason: 'done', output: { value: 9 } }];
  expect(
    await eventually(
      () => exitsOf(troupe, 'p'),
      (exits) => exits.length > 0,
    ),
  ).toEqual(expected);
  await troupe.restart();
  expect(await exitsOf(troupe, 'p')).toEqual(expected);
});

test('G9: a child that somebody else stops tells its parent; one its parent stops does not', async () => {
  await using troupe = await createFamily();
  await spawnUnder(troupe, 'p', 'c1', 'c2', 'c3');
  await refOf(troupe, 'c1').stop();
  await refOf(troupe, 'other').send({ type: 'STOP', address: 'member/c2' });
  await refOf(troupe, 'p').send({ type: 'STOP', address: 'member/c3' });
  await eventually(
    () => statusesOf(troupe),
    (all) => ['c1', 'c2', 'c3'].every((key) => all[key] === 'stopped'),
  );
  const exits = await eventually(
    () => exitsOf(troupe, 'p'),
    (all) => all.length >= 2,
  );
  expect(exits.map(({ child, reason }) => `${child} ${reason}`).toSorted()).toEqual([
    'member/c1 stopped',
    'member/c2 stopped',
  ]);
});

test('G7, G9: a child that is given up on tells its parent that it failed, and of what', async () => {
  await using troupe = await createFamily();
  await spawnUnder(troupe, 'p', 'c');
  await refOf(troupe, 'c').send({ type: 'CRASH' });
  const [exit, ...more] = await eventually(
    () => exitsOf(troupe, 'p'),
    (all) => all.length > 0,
  );
  expect(exit).toEqual({
    type: 'child.exited',
    child: 'member/c',
    reason: 'quarantined',
    error: { name: 'Error', message: 'crashed' },
  });
  expect(more).toEqual([]);
});

test.each(['stop', 'done'] as const)(
  'G9: a parent that ends (%s) ends its children and their children',
  async (how) => {
    await using troupe = await createFamily();
    await spawnUnder(troupe, 'p', 'c1', 'c2');
    await spawnUnder(troupe, 'c1', 'g1');
    if (how === 'stop') await refOf(troupe, 'p').stop();
    else await refOf(troupe, 'p').send({ type: 'FINISH', value: 1 });
    const ended = how === 'stop' ? 'stopped' : 'done';
    const expected = { p: ended, c1: 'stopped', c2: 'stopped', g1: 'stopped' };
    expect(
      await eventually(
        () => statusesOf(troupe),
        (all) => all['g1'] === 'stopped' && all['c2'] === 'stopped',
      ),
    ).toEqual(expected);
    await failureOf(refOf(troupe, 'g1').send({ type: 'CRASH' }), 'ERR_ACTOR_STOPPED');
  },
);

test('G9: a removal takes the rows of the children along', async () => {
  await using troupe = await createFamily();
  await spawnUnder(troupe, 'p', 'c1', 'c2');
  await spawnUnder(troupe, 'c1', 'g1');
  await refOf(troupe, 'bystander').send({ type: 'SPAWN', key: 'x' });
  await troupe.system.remove('member/p' as never);
  await eventually(
    () => statusesOf(troupe),
    (all) => all['p'] === undefined && all['g1'] === undefined && all['c2'] === undefined,
  );
  await eventually(
    () => statusesOf(troupe),
    (all) => all['x'] === 'active',
  );
  expect(
    await eventually(
      () => troupe.system.stats(),
      ({ inboxRows }) => inboxRows === 0,
    ),
  ).toMatchObject({ actors: 2, deadLetters: 0 });
});

test('G9: a child is spawned once, and spawning what exists changes nothing', async () => {
  await using troupe = await createFamily();
  await spawnUnder(troupe, 'p', 'c');
  await refOf(troupe, 'q').send({ type: 'SPAWN', key: 'c' });
  await eventually(
    () => troupe.system.stats(),
    ({ inboxRows }) => inboxRows === 0,
  );
  const { items } = await troupe.system.list({ type: 'member' });
  expect(items.find(({ address }) => address === 'member/c')).toMatchObject({ parent: 'member/p' });
});

test('stopping or removing what never was does nothing', async () => {
  await using troupe = await createFamily();
  await refOf(troupe, 'nobody').stop();
  await troupe.system.remove('member/nobody' as never);
  await refOf(troupe, 'p').send({ type: 'STOP', address: 'member/nobody' });
  await eventually(
    () => troupe.system.stats(),
    ({ inboxRows }) => inboxRows === 0,
  );
  expect(await statusesOf(troupe)).toEqual({ p: 'active' });
  expect(await troupe.system.deadLetters()).toEqual([]);
});
