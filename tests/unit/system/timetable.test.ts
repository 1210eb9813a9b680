/** G11: the look ahead for actors that nobody watches: on time, also by the thousand, also when the clock jumps. */
import { expect, test } from 'vitest';
import type { Address } from '../../../src/actor/address.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';
import type { DueQuery, DueRow } from '../../../src/store/queries.ts';
import { Timetable } from '../../../src/system/timetable.ts';
import { alarm, keeper, trio } from '../../support/actors-timers.ts';
import { HOUR_MS, SECOND_MS, START, YEAR_MS, createWorld } from '../time/world.ts';
import type { World } from '../time/world.ts';

const EVERY_MS = 1000;

/** A timetable over rows in memory, pages of the store's size. */
function create(rows: readonly DueRow[] = []) {
  const env = createSimulatedEnv();
  const due: string[] = [];
  let calls = 0;
  const call = async (_method: string, { until, after, limit = 1000 }: DueQuery) => {
    calls++;
    const from = after ? rows.findIndex(({ address }) => address === after.address) + 1 : 0;
    return rows
      .slice(from)
      .filter(({ dueAt }) => dueAt <= until)
      .slice(0, limit);
  };
  const note = (address: Address): void => void due.push(`${address} ${env.now() - START}`);
  const timetable = new Timetable({
    isSlow: () => false,
    prepare: () => {},
    env,
    store: { call } as never,
    everyMs: EVERY_MS,
    due: note,
  });
  return { env, due, timetable, calls: () => calls };
}

const of = (key: string): Address => `alarm/${key}` as Address;

test('G11: an actor is told on time, once for the first of its times', async () => {
  const { env, due, timetable } = create();
  timetable.note(of('a'), START + 500);
  timetable.note(of('a'), START + 700);
  timetable.note(of('a'), START + 300);
  timetable.note(of('b'), START - 5);
  await env.advance(299);
  expect(due).toEqual(['alarm/b 0']);
  await env.advance(1000);
  expect(due).toEqual(['alarm/b 0', 'alarm/a 300']);
});

test('what is further away than the look after the next is left to that look', async () => {
  const { env, due, timetable } = create();
  timetable.note(of('a'), START + 2 * EVERY_MS + 1);
  timetable.note(of('b'), START + 2 * EVERY_MS);
  expect(env.pendingTimers).toHaveLength(1);
  await env.advance(HOUR_MS);
  expect(due).toEqual(['alarm/b 2000']);
});

test('a look reads page after page, and the same rows again set no second alarm', async () => {
  const rows = Array.from({ length: 2500 }, (_, n) => ({ address: of(`k${n}`), dueAt: START + 100 }));
  const { env, due, timetable, calls } = create(rows);
  await timetable.look();
  await timetable.look();
  expect([calls(), env.pendingTimers.length]).toEqual([6, 2500]);
  await env.advance(100);
  expect(new Set(due).size).toBe(2500);
  expect(due).toHaveLength(2500);
});

test('G11: a clock set back lets an alarm wait, one set forward lets it go', async () => {
  const { env, due, timetable } = create();
  timetable.note(of('a'), START + 500);
  env.setClock(START - HOUR_MS);
  await env.advance(HOUR_MS + 499);
  expect(due).toEqual([]);
  timetable.note(of('b'), START + 1500);
  env.setClock(START + YEAR_MS);
  await env.settle();
  expect(due).toEqual([`alarm/a ${YEAR_MS}`, `alarm/b ${YEAR_MS}`]);
});

test('once stopped it tells nobody', async () => {
  const { env, due, timetable } = create();
  timetable.note(of('a'), START + 500);
  timetable.stop();
  timetable.note(of('b'), START);
  await env.advance(HOUR_MS);
  expect(due).toEqual([]);
});

test(
  'G11: 1,000 actors that sleep and are due in the same millisecond all wake in it',
  { timeout: 30_000 },
  async () => {
    await using world = await createWorld({ actors: [alarm, trio], maxLiveActors: 50, recoverEveryMs: 20_000 });
    const keys = Array.from({ length: 500 }, (_, n) => `k${n}`);
    await Promise.all(
      keys.flatMap((key) => [
        world.now.system.actor(alarm, key).send({ type: 'SET', keys: ['ring'], when: { afterMs: 60_000 } }),
        world.now.system.actor(trio, key).send({ type: 'PING' }),
      ]),
    );
    await world.now.clock.advance(59_999);
    const before = await Promise.all(keys.map((key) => world.store.load(`alarm/${key}` as Address)));
    expect(before.every((actor) => actor?.seq === 1)).toBe(true);
    await world.now.clock.advance(1);
    expect(await world.store.due({ until: START + YEAR_MS })).toEqual([]);
    for (const key of keys) {
      const [rung, over] = await Promise.all(['alarm', 'trio'].map((type) => stateOf(world, `${type}/${key}`)));
      expect(rung).toMatchObject({ context: { rung: ['ring.0'] } });
      expect(over).toMatchObject({ value: { deadline: 'over', restart: 'over' } });
    }
  },
);

/** The state as stored. */
async function stateOf(world: World, address: string): Promise<unknown> {
  return JSON.parse(String((await world.store.load(address as Address))?.snapshot.text ?? 'null'));
}

test('G11: what became due while no system ran, and nobody is asked for, comes with the next start', async () => {
  await using world = await createWorld({ actors: [alarm, keeper] });
  await world.now.system.actor(alarm, 'a').schedule('k', { type: 'RING', name: 'later' }, { afterMs: HOUR_MS });
  await world.now.system.actor(keeper, 'a').send({ type: 'WAIT', id: 'w', afterMs: HOUR_MS });
  await world.restart(YEAR_MS);
  await world.now.env.settle();
  expect(await world.store.due({ until: START + 2 * YEAR_MS })).toEqual([]);
  expect((await world.now.system.actor(alarm, 'a').snapshot()).context.rung).toEqual(['later']);
});

test('G11: it is on time after the death of the thread its actor lives on, and of the store', async () => {
  await using world = await createWorld({ actors: [alarm] });
  const ref = world.now.system.actor(alarm, 'a');
  await ref.schedule('k', { type: 'RING', name: 'later' }, { afterMs: 5 * SECOND_MS });
  const { threads } = world.now.system;
  await threads.endWorker(threads.indexOf(ref.address));
  await threads.endStore();
  await world.now.clock.advance(5 * SECOND_MS);
  expect((await ref.snapshot()).context.rung).toEqual(['later']);
});
