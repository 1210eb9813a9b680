/** H5, G16: what an agent missed is handed over when it is back: in order, once, by policy. */
import { expect, test } from 'vitest';
import { toAddress } from '../../../src/actor/address.ts';
import type { AgentOptions, BusEvent, PublishOptions } from '../../../src/index.ts';
import { ALERT, lastingStore, watched } from './fixture.ts';
import type { Watched } from './fixture.ts';

interface Played {
  readonly run: Watched;
  readonly got: string[];
  /** Goes away for as long as it takes to be missed. */
  readonly leave: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
  readonly publish: (from: number, to: number, options?: PublishOptions) => Promise<void>;
}

async function play(options: AgentOptions = {}): Promise<Played> {
  const run = await watched();
  const { system, clock } = run;
  const got: string[] = [];
  const deliver = ({ id }: BusEvent): void => void got.push(id);
  const base = { strategy: 'alert', zombieAfterMs: false, topics: ['task.*'], replay: 'full', deliver } as const;
  await system.health.register('scout', { ...base, ...options });
  await run.beat(2000, 'scout');
  return {
    run,
    got,
    leave: () => clock.advance(6000),
    comeBack: async () => {
      system.health.heartbeat('scout');
      await clock.advance(0);
    },
    publish: async (from, to, publishOptions = {}) => {
      for (let i = from; i < to; i++) await system.bus.publish('task.new', i, { id: `e${i}`, ...publishOptions });
    },
  };
}

const ids = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `e${from + i}`);

test('H5, G16: what was published while it was out comes in order; what came before does not', async () => {
  const { run, got, leave, comeBack, publish } = await play();
  await using _ = run;
  await publish(0, 5);
  await run.beat(3000, 'scout');
  await publish(5, 10);
  await leave();
  await publish(10, 20);
  await run.system.bus.publish('other.thing', null, { id: 'other' });
  await comeBack();
  expect(got).toEqual(ids(5, 20));
  expect(run.system.health.of('scout')).toMatchObject({ state: 'healthy', lastReplay: { replayed: 15, failed: 0 } });
  expect(run.recoveries('scout').at(-1)).toMatchObject({ isRecovered: true, replayed: 15, failed: 0 });
});

test('H5: thousands of missed events come by pages, each once', async () => {
  const { run, got, leave, comeBack, publish } = await play();
  await using _ = run;
  await leave();
  await publish(0, 1000);
  await comeBack();
  await run.clock.advance(1000);
  expect(got).toEqual(ids(0, 1000));
});

test.each([
  ['none', []],
  ['critical-only', ['c']],
  ['full', ['n', 'c', 'l']],
] as const)('H5: with replay %s come %j', async (replay, expected) => {
  const { run, got, leave, comeBack, publish } = await play({ replay });
  await using _ = run;
  await leave();
  await publish(0, 1, { id: 'n' });
  await publish(0, 1, { id: 'c', priority: 'critical' });
  await publish(0, 1, { id: 'l', priority: 'low' });
  await comeBack();
  expect(got).toEqual(expected);
});

test('H5: an event that was handed over does not come again, whatever becomes of the agent', async () => {
  const { run, got, leave, comeBack, publish } = await play();
  await using _ = run;
  for (let round = 0; round < 3; round++) {
    await leave();
    await publish(round * 10, round * 10 + 10);
    await comeBack();
  }
  await leave();
  await comeBack();
  expect(got).toEqual(ids(0, 30));
  expect(run.system.health.stats()).toMatchObject({ replayed: 30, replayFailed: 0 });
});

test('H5: an event that fails is tried once more', async () => {
  const tries = new Map<string, number>();
  const deliver = ({ id }: BusEvent): void => {
    tries.set(id, (tries.get(id) ?? 0) + 1);
    if (tries.get(id) === 1) throw new Error('busy');
  };
  const { run, leave, comeBack, publish } = await play({ deliver });
  await using _ = run;
  await leave();
  await publish(0, 5);
  await comeBack();
  expect([...tries.values()]).toEqual([2, 2, 2, 2, 2]);
  expect(run.system.health.of('scout')).toMatchObject({ state: 'healthy', lastReplay: { replayed: 5, failed: 0 } });
});

test.each([
  { failing: 5, of: 10, state: 'healthy' },
  { failing: 6, of: 10, state: 'degraded' },
])('H5: with $failing of $of failing it is $state, and what failed is kept', async ({ failing, of, state }) => {
  const deliver = ({ data }: BusEvent): void => {
    if ((data as number) < failing) throw new Error('will not');
  };
  const { run, leave, comeBack, publish } = await play({ deliver });
  await using _ = run;
  await leave();
  await publish(0, of);
  await comeBack();
  const health = run.system.health.of('scout');
  expect(health).toMatchObject({ state, lastReplay: { replayed: of - failing, failed: failing } });
  expect(health.lastReplay?.failures[0]).toEqual({ id: 'e0', topic: 'task.new', error: 'will not' });
  expect(run.changes('scout').at(-1)).toBe(`recovering>${state}`);
});

test('H5: an agent that goes again meanwhile gets the rest when it is back', async () => {
  const got: string[] = [];
  let isSlow = true;
  const waiting: (() => void)[] = [];
  const deliver = ({ id }: BusEvent): unknown => {
    got.push(id);
    return isSlow && got.length === 3 ? new Promise<void>((resolve) => waiting.push(resolve)) : undefined;
  };
  const { run, leave, comeBack, publish } = await play({ deliver });
  await using _ = run;
  await leave();
  await publish(0, 6);
  await comeBack();
  await run.clock.advance(5000);
  isSlow = false;
  waiting[0]?.();
  await run.clock.advance(1000);
  expect(run.system.health.of('scout').state).toBe('disconnected');
  await comeBack();
  expect(got).toEqual(ids(0, 6));
});

test('H5: what was published before an agent was registered, or before it had topics, is not missed', async () => {
  const { run, publish } = await play();
  await using _ = run;
  const { health } = run.system;
  await health.unregister('scout');
  await health.register('late', { strategy: 'alert', zombieAfterMs: false });
  await run.beat(2000, 'late');
  await publish(0, 10);
  const got: string[] = [];
  const options = { topics: ['task.*'], replay: 'full', deliver: ({ id }: BusEvent) => void got.push(id) } as const;
  await health.register('late', options);
  await health.register('new', { strategy: 'alert', zombieAfterMs: false, ...options });
  await publish(10, 12);
  await run.clock.advance(6000);
  for (const id of ['late', 'new']) health.heartbeat(id);
  await run.clock.advance(0);
  expect(got.toSorted()).toEqual(['e10', 'e10', 'e11', 'e11']);
});

test('H5, G16: the place survives a restart of the system: what was missed before comes once the function is there', async () => {
  const openStore = lastingStore();
  const options = { strategy: 'alert', zombieAfterMs: false, topics: ['task.*'], replay: 'full' } as const;
  {
    await using run = await watched({ openStore });
    await run.system.health.register('scout', { ...options, deliver: () => {} });
    await run.beat(2000, 'scout');
    await run.clock.advance(6000);
    await run.system.bus.publish('task.new', 1, { id: 'missed' });
  }
  await using run = await watched({ openStore, startAt: 1_700_000_100_000 });
  const { system, clock } = run;
  expect(system.health.of('scout')).toMatchObject({ state: 'disconnected', strategy: 'alert' });
  await system.bus.publish('task.new', 2, { id: 'later' });
  const got: string[] = [];
  system.health.heartbeat('scout');
  await clock.advance(0);
  expect(system.health.of('scout').state).toBe('healthy');
  await system.health.register('scout', { deliver: ({ id }) => void got.push(id) });
  await clock.advance(0);
  expect(got).toEqual(['missed', 'later']);
});

test('H5: an agent that was well when the process was killed misses nothing of its last seconds', async () => {
  const openStore = lastingStore();
  const options = { strategy: 'alert', zombieAfterMs: false, topics: ['task.*'], replay: 'full' } as const;
  const first = await watched({ openStore });
  await first.system.health.register('scout', { ...options, deliver: () => {} });
  await first.beat(15_000, 'scout');
  await first.system.bus.publish('task.new', 1, { id: 'unseen' });
  first.env.discard();
  await using run = await watched({ openStore, startAt: 1_700_000_100_000 });
  const got: string[] = [];
  await run.system.health.register('scout', { deliver: ({ id }) => void got.push(id) });
  await run.clock.advance(6000);
  run.system.health.heartbeat('scout');
  await run.clock.advance(0);
  expect(got).toEqual(['unseen']);
});

/** A hand-over of sixty events that takes minutes, to an agent whose heartbeats go on. */
async function playSlowly(failing: number) {
  const tries = new Map<string, number>();
  const starts: number[] = [];
  let sleep: (ms: number) => Promise<void> = async () => {};
  const deliver = async ({ id, data }: BusEvent): Promise<void> => {
    tries.set(id, (tries.get(id) ?? 0) + 1);
    await sleep(2000);
    if ((data as number) < failing) throw new Error('will not');
  };
  const recover = (attempt: number): void => void starts.push(attempt);
  const played = await play({ strategy: 'restart', zombieAfterMs: 10_000, recover, deliver });
  const { run } = played;
  sleep = (ms) => new Promise((resolve) => void run.env.setTimeout(() => resolve(), ms));
  await played.leave();
  await played.publish(0, 60);
  starts.length = 0;
  return { ...played, tries, starts };
}

test('H3, H5: a hand-over that takes longer than zombieAfterMs goes on to its end while heartbeats come', async () => {
  const { run, tries, starts } = await playSlowly(0);
  await using _ = run;
  await run.beat(125_000, 'scout');
  expect([starts, tries.size]).toEqual([[], 60]);
  expect(run.changes('scout').slice(-1)).toEqual(['recovering>healthy']);
  expect(run.recoveries('scout').at(-1)).toMatchObject({ isRecovered: true, replayed: 60, failed: 0 });
});

test('H5: events that fail for longer than zombieAfterMs do not cut the hand-over short, and count to its end', async () => {
  const { run, tries } = await playSlowly(32);
  await using _ = run;
  await run.beat(190_000, 'scout');
  expect(tries.size).toBe(60);
  expect(run.system.health.of('scout')).toMatchObject({ lastReplay: { replayed: 28, failed: 32 } });
  expect(run.changes('scout')).toContain('recovering>degraded');
});

test('H5, H6: what was handed over before an agent went again counts with the rest', async () => {
  const { run } = await playSlowly(32);
  await using _ = run;
  await run.beat(100_000, 'scout');
  await run.clock.advance(10_000);
  expect(run.changes('scout').at(-1)).not.toBe('recovering>degraded');
  await run.beat(86_000, 'scout');
  expect(run.system.health.of('scout')).toMatchObject({ lastReplay: { replayed: 28, failed: 32, skipped: 0 } });
  expect(run.system.health.stats()).toMatchObject({ replayed: 28, replayFailed: 32 });
});

test('H5: an event comes as its publisher gave it, with its attributes; one from elsewhere with the time it was published at', async () => {
  const openStore = lastingStore();
  const run = await watched({ openStore });
  await using _ = run;
  const got: BusEvent[] = [];
  const deliver = (event: BusEvent): void => void got.push(event);
  await run.system.health.register('scout', { ...ALERT, topics: ['task.*'], replay: 'full', deliver });
  await run.beat(2000, 'scout');
  await run.clock.advance(6000);
  const own = { id: 'own', attributes: { traceid: 't-1' } };
  await run.system.bus.publish('task.own', 1, own);
  const received = { origin: 'store-2', source: 'session/far', time: 500 };
  const publish = [{ id: 'far', topic: 'task.far', priority: 'normal', text: '2', received }] as const;
  const inlet = { address: toAddress('bus', 'nats'), seq: 0, epoch: 1, version: 1, status: 'active' } as const;
  await (await openStore()).commit([{ ...inlet, at: run.clock.now(), publish }]);
  run.system.health.heartbeat('scout');
  await run.clock.advance(0);
  expect(got).toMatchObject([own, { id: 'far', source: 'session/far', time: 500, data: 2 }]);
});
