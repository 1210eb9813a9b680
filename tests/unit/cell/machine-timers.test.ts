/** G11: timers of machines: at any depth, over restarts, hibernation and the death of threads, by each policy. */
import type { MigratedState } from '../../../src/state/migrate.ts';
import { assign, createMachine, setup } from 'xstate';
import { expect, test } from 'vitest';
import { MAX_TIME_MS } from '../../../src/alarms.ts';
import { MachineTimers } from '../../../src/cell/machine-timers.ts';
import type { MachineTimer } from '../../../src/cell/machine-timers.ts';
import { defineActor } from '../../../src/index.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';
import { POLICY_DELAY_MS, atDepth, keeper, trio, wakeful } from '../../support/actors-timers.ts';
import type { Entry, KeeperEvent } from '../../support/actors-timers.ts';
import { failureOf } from '../../support/harness.ts';
import { DAY_MS, HOUR_MS, SECOND_MS, START, YEAR_MS, createWorld } from '../time/world.ts';
import type { World } from '../time/world.ts';

const createKeepers = (): Promise<World> => createWorld({ actors: [keeper, wakeful, trio], recoverEveryMs: 600_000 });

const send = (world: World, event: KeeperEvent) => world.now.system.actor(wakeful, 'a').send(event);

/** What has fired, and how long after the start. */
async function firedOf(world: World, type = wakeful): Promise<readonly string[]> {
  const diary: readonly Entry[] = await world.now.system.actor(type, 'a').ask({ type: 'DIARY' });
  return diary.filter(({ what }) => what === 'fire').map(({ id, at }) => `${id} ${at - START}`);
}

test.each([0, 1, 2])('G11: `after` and delayed raise at depth %i fire on time, once each', async (depth) => {
  await using world = await createKeepers();
  await send(world, atDepth(depth, { type: 'WAIT', id: 'after', afterMs: 500 }));
  await send(world, atDepth(depth, { type: 'DELAY', key: 'k', id: 'raise', afterMs: 700 }));
  await world.now.clock.advance(499);
  expect(await firedOf(world)).toEqual([]);
  await world.now.clock.advance(1);
  expect(await firedOf(world)).toEqual(['after 500']);
  await world.now.clock.advance(DAY_MS);
  expect(await firedOf(world)).toEqual(['after 500', 'raise 700']);
});

test.each([0, 1, 2])('G11: they survive the death of the process at depth %i', async (depth) => {
  await using world = await createKeepers();
  await send(world, atDepth(depth, { type: 'WAIT', id: 'after', afterMs: 5000 }));
  await send(world, atDepth(depth, { type: 'DELAY', key: 'k', id: 'raise', afterMs: 7000 }));
  await world.crash(5999);
  expect(await firedOf(world)).toEqual(['after 5999']);
  await world.crash(1000);
  await world.now.clock.advance(0);
  await world.now.clock.advance(1);
  await world.restart(HOUR_MS);
  expect(await firedOf(world)).toEqual(['after 5999', 'raise 7000']);
});

test.each([0, 1, 2])(
  'G11: a state that is entered anew begins its time anew, one that is left ends it, at depth %i',
  async (depth) => {
    await using world = await createKeepers();
    await send(world, atDepth(depth, { type: 'WAIT', id: 'first', afterMs: 500 }));
    await world.now.clock.advance(300);
    await send(world, atDepth(depth, { type: 'WAIT', id: 'second', afterMs: 500 }));
    await world.crash();
    await world.now.clock.advance(499);
    expect(await firedOf(world)).toEqual([]);
    await world.now.clock.advance(1);
    expect(await firedOf(world)).toEqual(['second 800']);
    await send(world, atDepth(depth, { type: 'WAIT', id: 'third', afterMs: 500 }));
    await world.crash();
    await send(world, atDepth(depth, { type: 'LEAVE' }));
    await world.crash(HOUR_MS);
    expect(await firedOf(world)).toEqual(['second 800']);
    expect(await world.store.due({ until: MAX_TIME_MS })).toEqual([]);
  },
);

test('G11: a second delayed event of a live id takes the place of the first; a cancel takes it back, also after a restart', async () => {
  await using world = await createKeepers();
  const delay = (id: string, afterMs: number, key = 'k') => send(world, { type: 'DELAY', key, id, afterMs });
  await delay('first', 500);
  await delay('second', 800);
  await delay('other', 900, 'o');
  await world.crash();
  await delay('third', 600);
  await send(world, { type: 'CANCEL', key: 'o' });
  await world.crash();
  await world.now.clock.advance(HOUR_MS);
  expect(await firedOf(world)).toEqual(['third 600']);
});

test.each([
  [0, 0],
  [-1, 0],
  [-HOUR_MS, 0],
  [0.2, 1],
  [10 * YEAR_MS, 10 * YEAR_MS],
])('G11: a delay of %d ms fires after %i', async (afterMs, expected) => {
  await using world = await createKeepers();
  await send(world, { type: 'WAIT', id: 'after', afterMs });
  await send(world, { type: 'DELAY', key: 'k', id: 'raise', afterMs });
  if (expected > 1) await world.now.clock.set(START + expected - 1);
  if (expected > 1) expect(await firedOf(world)).toEqual([]);
  await world.now.clock.advance(1);
  expect(await firedOf(world)).toEqual([`after ${expected}`, `raise ${expected}`]);
});

test('G11: ten years pass in a process that starts once a year', async () => {
  await using world = await createKeepers();
  await send(world, { type: 'DELAY', key: 'k', id: 'raise', afterMs: 10 * YEAR_MS });
  for (let year = 0; year < 9; year++) await world.crash(YEAR_MS);
  expect(await firedOf(world)).toEqual([]);
  await world.crash(YEAR_MS);
  expect(await firedOf(world)).toEqual([`raise ${10 * YEAR_MS}`]);
});

test('G11: a timer that is taken back after its time has come, and before its turn, does not fire', () => {
  const env = createSimulatedEnv();
  const host = {
    address: 'wakeful/a' as never,
    env,
    timerPolicies: {},
    boot: 'b',
    downtimeMs: 0,
    onTimer: () => undefined,
  };
  const timers = new MachineTimers(host);
  const source = { id: 'wakeful/a', _parent: undefined } as never;
  timers.expect({ source, target: source, event: { type: 'LATE' }, id: 'late' });
  const timer = timers.set(() => undefined, 5) as MachineTimer;
  expect(timers.change()).toMatchObject({ nextDue: START + 5 });
  timers.clear(timer);
  expect([timers.take(timer), timers.change()]).toEqual([false, { text: null, nextDue: null }]);
});

const noDelay = setup({
  delays: { odd: ({ event }) => (event as unknown as { afterMs: number }).afterMs },
}).createMachine({
  initial: 'idle',
  states: { idle: { on: { GO: 'waiting' } }, waiting: { after: { odd: 'idle' } } },
});
const oddDelay = defineActor('odd-delay', noDelay);

test.each([Number.NaN, Infinity, MAX_TIME_MS])(
  'a delay of %d fails its turn, and the actor goes on',
  async (afterMs) => {
    const machine = noDelay.provide({ delays: { odd: () => afterMs } });
    await using world = await createWorld({ actors: [defineActor('odd-delay', machine)] });
    const ref = world.now.system.actor(oddDelay, 'a');
    const { message } = await failureOf(ref.send({ type: 'GO' } as never), 'ERR_EVENT_FAILED');
    expect(message).toContain(`of 'odd-delay/a' has a delay of ${afterMs}`);
    expect((await ref.snapshot()).value).toBe('idle');
  },
);

type Policy = 'deadline' | 'remaining' | 'restart';

const isOver = async (world: World): Promise<readonly Policy[]> => {
  const { value } = (await world.now.system.actor(trio, 'a').snapshot()) as { value: Record<Policy, string> };
  return (Object.keys(value) as Policy[]).filter((policy) => value[policy] === 'over');
};

test('G11: by policy, a downtime counts, does not count, or lets the time begin anew', async () => {
  await using world = await createKeepers();
  await world.now.system.actor(trio, 'a').send({ type: 'PING' });
  await world.now.clock.advance(20 * SECOND_MS);
  await world.now.system.store.call('markAlive', world.now.env.now());
  await world.crash(HOUR_MS);
  expect(await isOver(world)).toEqual(['deadline']);
  await world.now.clock.advance(POLICY_DELAY_MS - 20 * SECOND_MS - 1);
  expect(await isOver(world)).toEqual(['deadline']);
  await world.now.clock.advance(1);
  expect(await isOver(world)).toEqual(['deadline', 'remaining']);
  await world.now.clock.advance(20 * SECOND_MS - 1);
  expect(await isOver(world)).toEqual(['deadline', 'remaining']);
  await world.now.clock.advance(1);
  expect(await isOver(world)).toEqual(['deadline', 'remaining', 'restart']);
});

test('G11: with the policy `remaining` several downtimes do not count, also while the actor is not loaded', async () => {
  await using world = await createWorld({ actors: [trio], recoverEveryMs: SECOND_MS });
  await world.now.system.actor(trio, 'a').send({ type: 'PING' });
  for (let boot = 0; boot < 5; boot++) {
    await world.now.clock.advance(10 * SECOND_MS);
    await world.crash(10 * SECOND_MS);
  }
  await world.now.clock.advance(10 * SECOND_MS - 1);
  expect(await isOver(world)).toEqual(['deadline']);
  await world.now.clock.advance(1);
  expect(await isOver(world)).toEqual(['deadline', 'remaining']);
});

test('G11: hibernation and the death of a thread or of the store are no downtime under any policy', async () => {
  await using world = await createKeepers();
  await world.now.system.actor(trio, 'a').send({ type: 'PING' });
  await world.now.clock.advance(20 * SECOND_MS);
  await world.now.system.threads.endWorker(world.now.system.threads.indexOf('trio/a' as never));
  await world.now.clock.advance(5 * SECOND_MS);
  await world.now.system.actor(trio, 'a').send({ type: 'PING' });
  await world.now.system.threads.endStore();
  await world.now.clock.advance(POLICY_DELAY_MS - 25 * SECOND_MS - 1);
  expect(await isOver(world)).toEqual([]);
  await world.now.clock.advance(1);
  expect(await isOver(world)).toEqual(['deadline', 'remaining', 'restart']);
});

test('G11: an actor that left memory is woken for its timer, on time', async () => {
  await using world = await createKeepers();
  const ref = world.now.system.actor(keeper, 'a');
  await ref.send(atDepth(2, { type: 'WAIT', id: 'near', afterMs: 5000 }));
  await ref.send(atDepth(1, { type: 'DELAY', key: 'k', id: 'far', afterMs: 30 * DAY_MS }));
  await world.now.clock.advance(30 * DAY_MS);
  expect(await firedOf(world, keeper)).toEqual(['near 5000', `far ${30 * DAY_MS}`]);
});

test('G11: with the clock an hour back a timer waits for its time; with the clock a year ahead it fires at once', async () => {
  await using world = await createKeepers();
  await send(world, { type: 'WAIT', id: 'after', afterMs: 500 });
  await world.now.clock.set(START - HOUR_MS);
  await world.now.clock.advance(HOUR_MS + 499);
  expect(await firedOf(world)).toEqual([]);
  await world.now.clock.advance(1);
  await send(world, { type: 'WAIT', id: 'later', afterMs: HOUR_MS });
  await world.now.clock.set(START + YEAR_MS);
  expect(await firedOf(world)).toEqual(['after 500', `later ${YEAR_MS}`]);
});

const bell = setup({ types: { context: {} as { rings: number } } }).createMachine({
  context: { rings: 0 },
  after: { 1000: { actions: assign({ rings: ({ context }) => context.rings + 1 }) } },
});

/** A machine whose child waits, and two later ones of the same version: without the child, and without its state. */
const parentOf = (child: ReturnType<typeof createMachine>) =>
  setup({ actors: { child } }).createMachine({ invoke: { src: 'child', id: 'child' }, on: { PING: {} } });
const shifting = {
  before: parentOf(bell as never),
  childGone: createMachine({ on: { PING: {} } }),
  stateSilent: parentOf(createMachine({ context: { rings: 0 } }) as never),
};

test.each(['childGone', 'stateSilent'] as const)(
  'a timer whose use is gone (%s) after its machine changed is dropped, and wakes nobody again',
  async (later) => {
    // A child that is gone from the machine has to leave the state as well.
    const dropChild = (state: MigratedState): MigratedState => ({ ...state, children: {} });
    const policy = later === 'childGone' ? { version: 2, migrate: { 1: dropChild } } : {};
    const changed = defineActor('shifting', shifting[later], policy);
    await using world = await createWorld({ actors: [defineActor('shifting', shifting.before)] });
    await world.now.system.actor(changed, 'a').send({ type: 'PING' });
    expect(await world.store.due({ until: MAX_TIME_MS })).toHaveLength(1);
    const { logs, clock, system } = await world.crash(HOUR_MS, { actors: [changed] });
    await clock.advance(5 * SECOND_MS);
    expect(await world.store.due({ until: MAX_TIME_MS })).toEqual([]);
    const told = logs.filter(({ text }) => text.startsWith('a stored timer is dropped'));
    expect(told.map(({ fields }) => fields)).toMatchObject(
      later === 'childGone' ? [{ address: 'shifting/a', source: 'child' }] : [],
    );
    const { seq } = await system.actor(changed, 'a').snapshot();
    await clock.advance(HOUR_MS);
    await system.actor(changed, 'a').send({ type: 'PING' });
    expect(await system.actor(changed, 'a').snapshot()).toMatchObject({ seq: seq + 1, status: 'active' });
  },
);

test('G11: a timer that fails its actor is tried again, and then the actor is held with its timer; revived, it fires', async () => {
  let isBroken = true;
  const machine = setup({ types: { context: {} as { rings: number } } }).createMachine({
    context: { rings: 0 },
    on: { PING: {} },
    after: {
      1000: {
        actions: assign({
          rings: ({ context }) => {
            if (isBroken) throw new Error('no bell');
            return context.rings + 1;
          },
        }),
      },
    },
  });
  const broken = defineActor('broken-bell', machine);
  await using world = await createWorld({ actors: [broken] });
  const ref = world.now.system.actor(broken, 'a');
  await ref.send({ type: 'PING' });
  await world.now.clock.advance(30 * SECOND_MS);
  expect(await ref.snapshot()).toMatchObject({ status: 'quarantined', context: { rings: 0 } });
  expect(await world.store.due({ until: MAX_TIME_MS }), 'nobody is woken for it').toEqual([]);
  isBroken = false;
  await world.now.system.revive(ref.address);
  await world.now.clock.advance(SECOND_MS);
  expect(await ref.snapshot()).toMatchObject({ status: 'active', context: { rings: 1 } });
  expect(await world.store.due({ until: MAX_TIME_MS })).toEqual([]);
});
