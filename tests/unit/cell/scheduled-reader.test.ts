/** G11: scheduled events: moved, taken back, many at once, to those who sleep, fail, have ended or are held. */
import { expect, test } from 'vitest';
import { MAX_TIME_MS } from '../../../src/alarms.ts';
import { ScheduledReader } from '../../../src/cell/scheduled-reader.ts';
import type { CellServices } from '../../../src/cell/services.ts';
import type { ScheduledRow } from '../../../src/store/store.ts';
import { alarm } from '../../support/actors-timers.ts';
import { failureOf } from '../../support/harness.ts';
import { HOUR_MS, SECOND_MS, START, YEAR_MS, createWorld } from '../time/world.ts';
import type { World } from '../time/world.ts';

const createAlarms = (): Promise<World> => createWorld({ actors: [alarm] });
const refOf = (world: World, key = 'a') => world.now.system.actor(alarm, key);
const ring = (name: string) => ({ type: 'RING', name }) as const;
const rungOf = async (world: World, key = 'a') => (await refOf(world, key).snapshot()).context.rung;

test('G11: of a key scheduled twice in one turn the last counts', async () => {
  await using world = await createAlarms();
  await refOf(world).send({ type: 'SET', keys: ['k', 'k', 'other', 'k'], when: { afterMs: 100 } });
  await world.now.clock.advance(SECOND_MS);
  expect((await rungOf(world)).toSorted()).toEqual(['k.3', 'other.2']);
});

test('G11: a key is shared between the actor and code: each moves and takes back what the other scheduled', async () => {
  await using world = await createAlarms();
  const ref = refOf(world);
  await ref.send({ type: 'SET', keys: ['k'], when: { afterMs: 100 } });
  await ref.schedule('k', ring('code'), { afterMs: 300 });
  await world.now.clock.advance(299);
  expect(await rungOf(world)).toEqual([]);
  await world.now.clock.advance(1);
  expect(await rungOf(world)).toEqual(['code']);
  await ref.schedule('k', ring('never'), { afterMs: 300 });
  await ref.send({ type: 'TAKE_BACK', key: 'k' });
  await ref.send({ type: 'SET', keys: ['l'], when: { afterMs: 100 } });
  await ref.unschedule('l');
  await ref.unschedule('unknown');
  await world.now.clock.advance(HOUR_MS);
  expect(await rungOf(world)).toEqual(['code']);
});

test.each([
  ['in 0 ms', { afterMs: 0 }, 0],
  ['in the past', { at: START - YEAR_MS }, 0],
  ['before the epoch', { at: new Date(-5) }, 0],
  ['at a Date', { at: new Date(START + 1234) }, 1234],
  ['at a number', { at: START + 1234.5 }, 1235],
  ['in ten years', { afterMs: 10 * YEAR_MS }, 10 * YEAR_MS],
])('G11: what is due %s comes then, by code and by the actor', async (_name, when, afterMs) => {
  await using world = await createAlarms();
  await refOf(world).schedule('code', ring('code'), when);
  // An event is JSON, so that no Date comes with it.
  const own = 'at' in when ? { at: Number(when.at) } : when;
  await refOf(world).send({ type: 'SET', keys: ['own'], when: own });
  if (afterMs > 5000) await world.now.clock.set(START + afterMs - 5000);
  const leftMs = START + afterMs - world.now.clock.now();
  await world.now.clock.advance(Math.max(0, leftMs - 1));
  expect(await rungOf(world)).toHaveLength(leftMs === 0 ? 2 : 0);
  await world.now.clock.advance(Math.min(1, leftMs));
  expect((await rungOf(world)).toSorted()).toEqual(['code', 'own.0']);
});

test('a time that is none fails the call, or the turn that schedules it, and nothing is scheduled', async () => {
  await using world = await createAlarms();
  for (const afterMs of [-1, Number.NaN, Infinity]) {
    await failureOf(refOf(world).schedule('k', ring('x'), { afterMs }), 'ERR_SCHEDULE_INVALID');
    await failureOf(refOf(world).schedule('k', ring('x'), { at: new Date(Number.NaN) }), 'ERR_SCHEDULE_INVALID');
  }
  const { message } = await failureOf(
    refOf(world).send({ type: 'SET', keys: ['fine', 'k'], when: { afterMs: -1 } }),
    'ERR_EVENT_FAILED',
  );
  expect(message).toContain("'alarm/a' is due afterMs: -1");
  expect(await world.store.stats()).toMatchObject({ scheduled: 0 });
});

test('G11: times close to each other are kept, each to the millisecond', async () => {
  await using world = await createAlarms();
  const times = [7, 8, 100, 101, 350, 999, 1000, 1700, 2100, 4999];
  for (const afterMs of times.toReversed()) await refOf(world).schedule(`k${afterMs}`, ring(`${afterMs}`), { afterMs });
  for (const [n, afterMs] of times.entries()) {
    await world.now.clock.advance(START + afterMs - world.now.clock.now());
    expect(await rungOf(world)).toEqual(times.slice(0, n + 1).map(String));
  }
});

test('G11: what was moved to a time soon after is on time', async () => {
  await using world = await createAlarms();
  await refOf(world).schedule('k', ring('first'), { afterMs: 100 });
  await refOf(world).schedule('k', ring('moved'), { afterMs: 150 });
  await world.now.clock.advance(150);
  expect(await rungOf(world)).toEqual(['moved']);
});

test.each([256, 300, 512, 700])('G11: %i events of one time all come, once each, in order', async (count) => {
  await using world = await createAlarms();
  const keys = Array.from({ length: count }, (_, n) => `k${n}`);
  await refOf(world).send({ type: 'SET', keys, when: { afterMs: SECOND_MS } });
  await refOf(world).schedule('last', ring('last'), { afterMs: SECOND_MS + 1 });
  await world.now.clock.advance(SECOND_MS);
  expect(await rungOf(world)).toEqual(keys.map((key, n) => `${key}.${n}`));
  await world.now.clock.advance(1);
  expect((await rungOf(world)).at(-1)).toBe('last');
  expect(await world.store.stats()).toMatchObject({ scheduled: 0 });
});

test('G11: an event that fails its actor three times becomes a dead letter, and those after it come', async () => {
  await using world = await createAlarms();
  await refOf(world).send({ type: 'SET', keys: ['bad', 'good', 'fine'], when: { afterMs: SECOND_MS }, bad: true });
  await world.now.clock.advance(2 * SECOND_MS);
  expect(await rungOf(world)).toEqual(['good.1', 'fine.2']);
  const letters = await world.now.system.deadLetters();
  expect(letters).toMatchObject([{ address: 'alarm/a', sender: 'alarm/a', text: '{"type":"BOOM"}', attempts: 3 }]);
  expect(await world.store.due({ until: MAX_TIME_MS })).toEqual([]);
});

test('G11: the count of failures of a scheduled event survives a crash, so that it is given up on all the same', async () => {
  await using world = await createAlarms();
  await refOf(world).send({ type: 'SET', keys: ['bad', 'good'], when: { afterMs: HOUR_MS }, bad: true });
  for (let boot = 0; boot < 3; boot++) await world.crash(HOUR_MS);
  await world.now.clock.advance(10 * SECOND_MS);
  expect(await rungOf(world)).toEqual(['good.1']);
  expect(await world.now.system.deadLetters()).toHaveLength(1);
});

test('what is scheduled for an actor that has ended is refused, and what was scheduled before its end is gone', async () => {
  await using world = await createAlarms();
  await refOf(world).schedule('k', ring('never'), { afterMs: HOUR_MS });
  await refOf(world).send({ type: 'END' });
  await failureOf(refOf(world).schedule('k', ring('x'), { afterMs: 1 }), 'ERR_ACTOR_STOPPED');
  await failureOf(refOf(world).unschedule('k'), 'ERR_ACTOR_STOPPED');
  expect(await world.store.stats()).toMatchObject({ scheduled: 0 });
  await world.now.clock.advance(2 * HOUR_MS);
  expect(await rungOf(world)).toEqual([]);
});

test('G11: what is scheduled for a quarantined actor waits, and comes once it is revived', async () => {
  await using world = await createAlarms();
  const ref = refOf(world);
  await ref.schedule('k', ring('later'), { afterMs: 10 * SECOND_MS });
  for (let n = 0; n < 6; n++) await ref.send({ type: 'BOOM' }).catch(() => {});
  expect(await ref.snapshot()).toMatchObject({ status: 'quarantined' });
  await failureOf(ref.schedule('l', ring('x'), { afterMs: 1 }), 'ERR_ACTOR_QUARANTINED');
  await world.now.clock.advance(HOUR_MS);
  expect(await rungOf(world)).toEqual([]);
  await world.now.system.revive(ref.address);
  await world.now.clock.advance(SECOND_MS);
  expect(await rungOf(world)).toEqual(['later']);
});

test('G11: an event that schedules its key again comes again, across crashes', async () => {
  await using world = await createAlarms();
  for (let n = 0; n < 5; n++) {
    await refOf(world).schedule('k', ring(`${n}`), { afterMs: 100 });
    await world.crash(n % 2 === 0 ? 100 : 0);
    await world.now.clock.advance(100);
  }
  expect(await rungOf(world)).toEqual(['0', '1', '2', '3', '4']);
});

/** A reader over rows in memory; `commit` takes rows out and settles them. */
function createReader(rows: ScheduledRow[], now = 1000) {
  const [taken, later]: [number[], number[]] = [[], []];
  let answer: () => void = () => undefined;
  const services = {
    env: { now: () => now },
    dueLater: (_of: string, dueAt: number) => void later.push(dueAt),
    store: {
      call: (_method: string, _of: string, { until, limit }: { until: number; limit: number }) =>
        new Promise((resolve) => {
          answer = () => resolve(rows.filter(({ dueAt }) => dueAt <= until).slice(0, limit));
        }),
    },
  } as unknown as CellServices;
  const reader = new ScheduledReader({
    address: 'alarm/a' as never,
    services,
    takeRows: (items) => void taken.push(...items.map(({ row }) => row.pos)),
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn++) {
      answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const commit = (count: number): void => {
    const fired = rows.splice(0, count);
    reader.settle(fired);
  };
  return { reader, taken, later, settle, commit };
}

const rowsAt = (count: number, dueAt: number): ScheduledRow[] =>
  Array.from({ length: count }, (_, n) => ({ key: `k${n}`, pos: dueAt + n, dueAt, text: '{}' }));

test('rows over a page are read when those before them have gone, without anybody asking', async () => {
  const { reader, taken, settle, commit } = createReader(rowsAt(300, 1));
  reader.read();
  await settle();
  expect([taken.length, reader.isQuiet]).toEqual([256, false]);
  commit(100);
  await settle();
  expect(taken).toHaveLength(256);
  commit(156);
  await settle();
  expect(taken).toHaveLength(300);
  expect(new Set(taken).size).toBe(300);
  commit(44);
  await settle();
  expect(reader.isQuiet).toBe(true);
});

test('a read tells main when the next is due, and hands over nothing before its time', async () => {
  const { reader, taken, later, settle } = createReader([...rowsAt(2, 500), ...rowsAt(2, 5000)]);
  reader.read();
  await settle();
  expect({ taken, later }).toEqual({ taken: [500, 501], later: [5000] });
});

test('a cell that starts anew reads again what it had been handed', async () => {
  const { reader, taken, settle } = createReader(rowsAt(2, 500));
  reader.read();
  await settle();
  reader.reset();
  reader.catchUp();
  await settle();
  expect(taken).toEqual([500, 501, 500, 501]);
});
