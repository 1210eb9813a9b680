/** Simulated time: it moves when it is told to, everything comes to rest, and a seed repeats the order. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createSimulatedEnv, forEachSeed } from '../../../src/testing.ts';
import type { SimulatedEnv } from '../../../src/testing.ts';

const START = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Callbacks that defer others, over some ports and timers: the order in which they ran. */
async function runStory(env: SimulatedEnv, drive: (env: SimulatedEnv) => Promise<void>): Promise<readonly string[]> {
  const trace: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    const [near, far] = env.createPort();
    far.onMessage((message) => {
      trace.push(`${name}${String(message)}`);
      if ((message as number) < 5) far.post(message);
    });
    near.onMessage((message) => void Promise.resolve().then(() => near.post((message as number) + 1)));
    near.post(0);
    env.setTimeout(() => trace.push(`timeout ${name} ${env.random()}`), 10);
    env.setAlarm(START + 10, () => trace.push(`alarm ${name}`));
  }
  await drive(env);
  return trace;
}

describe('time', () => {
  test('timeouts and alarms fire in order of time, then in the order they were set', async () => {
    const env = createSimulatedEnv();
    const fired: string[] = [];
    env.setAlarm(START + 20, () => fired.push('alarm 20'));
    env.setTimeout(() => fired.push('timeout 20'), 20);
    env.setTimeout(() => fired.push(`timeout 10 at ${env.now() - START}`), 10);
    env.setAlarm(START + 10, () => fired.push('alarm 10'));
    await env.advance(20);
    expect(fired).toEqual(['timeout 10 at 10', 'alarm 10', 'alarm 20', 'timeout 20']);
    expect([env.now(), env.monotonicMs()]).toEqual([START + 20, 20]);
  });

  test('what is taken back does not fire, whichever kind it is', async () => {
    const env = createSimulatedEnv();
    const fail = (): never => expect.unreachable();
    for (const handle of [env.setTimeout(fail, 5), env.setAlarm(START + 5, fail), undefined]) env.clearTimeout(handle);
    await env.advance(10);
    expect(env.pendingTimers).toEqual([]);
  });

  test('pending timers are listed with their kind, in order of time', () => {
    const env = createSimulatedEnv();
    env.setAlarm(START + 20, () => {});
    env.setTimeout(() => {}, 10);
    expect(env.pendingTimers).toEqual([
      { dueAt: START + 10, kind: 'timeout' },
      { dueAt: START + 20, kind: 'alarm' },
    ]);
  });

  test('G11: a clock set back makes alarms late and leaves timeouts alone', async () => {
    const env = createSimulatedEnv();
    const fired: string[] = [];
    env.setAlarm(START + 10, () => fired.push('alarm'));
    env.setTimeout(() => fired.push('timeout'), 10);
    env.setClock(START - HOUR_MS);
    await env.advance(HOUR_MS + 9);
    expect(fired).toEqual(['timeout']);
    await env.advance(1);
    expect(fired).toEqual(['timeout', 'alarm']);
  });

  test('a clock set forward fires the alarms that became due, in order, while no time passes', async () => {
    const env = createSimulatedEnv();
    const fired: string[] = [];
    env.setTimeout(() => fired.push('timeout'), 10);
    env.setAlarm(START + 365 * DAY_MS, () => fired.push('b'));
    env.setAlarm(START + 10, () => fired.push('a'));
    env.setClock(START + 365 * DAY_MS);
    expect(fired).toEqual([]);
    await env.settle();
    expect([fired, env.monotonicMs()]).toEqual([['a', 'b'], 0]);
  });

  test('the wall clock shows whole milliseconds; an alarm in between waits for the next one', async () => {
    const env = createSimulatedEnv();
    const seen: number[] = [];
    env.setTimeout(() => seen.push(env.now()), 0.5);
    env.setAlarm(START + 0.25, () => seen.push(env.now()));
    await env.advance(1);
    expect(seen).toEqual([START, START + 1]);
  });

  test.each([-1, Number.NaN, Infinity, 1e300, '5' as never, 10n as never])(
    'the clock cannot be advanced by %s',
    async (ms) => {
      await expect(createSimulatedEnv().advance(ms)).rejects.toMatchObject({ code: 'ERR_SCHEDULE_INVALID' });
    },
  );

  test.each([Number.NaN, Infinity])('the clock cannot be set to %s, nor an alarm', (at) => {
    const env = createSimulatedEnv();
    expect(() => env.setClock(at)).toThrow(expect.objectContaining({ code: 'ERR_SCHEDULE_INVALID' }));
    expect(() => env.setAlarm(at, () => {})).toThrow(expect.objectContaining({ code: 'ERR_SCHEDULE_INVALID' }));
  });

  test('ten years with an alarm a day, and 50,000 timers', async () => {
    const env = createSimulatedEnv();
    let days = 0;
    const everyDay = (): void => {
      days++;
      env.setAlarm(env.now() + DAY_MS, everyDay);
    };
    env.setAlarm(START + DAY_MS, everyDay);
    let fired = 0;
    for (let i = 0; i < 50_000; i++) env.setTimeout(() => fired++, (i * 7919) % 1_000_003);
    await env.advance(3650 * DAY_MS);
    expect([days, fired, env.pendingTimers.length]).toEqual([3650, 50_000, 1]);
  });
});

describe('rest', () => {
  test('before the next callback everything the last one led to has come to rest, long chains of promises too', async () => {
    const env = createSimulatedEnv();
    const trace: string[] = [];
    env.defer(() => {
      let chain = Promise.resolve();
      for (let i = 0; i < 1000; i++) chain = chain.then(() => {});
      void chain.then(() => trace.push('chain'));
    });
    env.defer(() => trace.push('next'));
    await env.settle();
    expect(trace).toEqual(['chain', 'next']);
  });

  test('what is due runs by itself: nobody has to drive what is only awaited', async () => {
    const env = createSimulatedEnv();
    const [near, far] = env.createPort();
    far.onMessage((message) => env.setTimeout(() => far.post(message), 0));
    const answer = new Promise((resolve) => near.onMessage(resolve));
    near.post('x');
    expect(await answer).toBe('x');
    expect(env.monotonicMs()).toBe(0);
    await new Promise<void>((resolve) => void env.setAlarm(START - 1, resolve));
    const later = new Promise<void>((resolve) => void env.setAlarm(START + DAY_MS, resolve));
    env.setClock(START + DAY_MS);
    await later;
  });

  test('drives follow each other: an advance waits for the one under way, and both count', async () => {
    const env = createSimulatedEnv();
    const fired: number[] = [];
    for (const ms of [5, 10, 15]) env.setTimeout(() => fired.push(env.monotonicMs()), ms);
    env.setTimeout(() => void env.advance(5).then(() => fired.push(-1)), 10);
    await Promise.all([env.advance(5), env.advance(5)]);
    await env.settle();
    expect([fired, env.monotonicMs()]).toEqual([[5, 10, 15, -1], 15]);
  });

  test('a callback that throws fails the drive, and stops none of the others', async () => {
    const env = createSimulatedEnv();
    env.setTimeout(() => {
      throw new Error('boom');
    }, 5);
    const other = new Promise<void>((resolve) => void env.setTimeout(resolve, 5));
    await expect(env.advance(5)).rejects.toThrow('boom');
    await other;
    expect([env.waiting, env.pendingTimers]).toEqual([0, []]);
  });
});

describe('the seed', () => {
  afterEach(() => void vi.unstubAllEnvs());

  const advance = (env: SimulatedEnv): Promise<void> => env.advance(10);
  const awaitOnly = async (env: SimulatedEnv): Promise<void> => {
    await new Promise<void>((resolve) => env.defer(resolve));
    await env.advance(10);
  };

  test('the same seed gives the same order and the same numbers, whoever drives', () =>
    forEachSeed({ count: 20 }, async (seed) => {
      const runs = [advance, awaitOnly].map(async (drive) => {
        const first = await runStory(createSimulatedEnv({ seed, shuffle: true }), drive);
        expect(await runStory(createSimulatedEnv({ seed, shuffle: true }), drive)).toEqual(first);
      });
      await Promise.all(runs);
    }));

  test('other seeds give other orders when they are shuffled, and the same one when they are not', async () => {
    const seeds = Array.from({ length: 20 }, (_, index) => index + 1);
    const ordersOf = async (shuffle: boolean): Promise<number> => {
      const runs = seeds.map((seed) => runStory(createSimulatedEnv({ seed, shuffle }), advance));
      const orders = (await Promise.all(runs)).map((trace) => trace.map((line) => line.replace(/ 0\.\d+$/, '')).join());
      return new Set(orders).size;
    };
    expect(await ordersOf(true)).toBeGreaterThan(15);
    expect(await ordersOf(false)).toBe(1);
  });

  test('in every order each port hands its messages over as they were posted, and timers fire in order of time', () =>
    forEachSeed({ count: 50 }, async (seed) => {
      const trace = await runStory(createSimulatedEnv({ seed, shuffle: true }), advance);
      const linesOf = (name: string): string[] => trace.filter((line) => line.startsWith(name) && line.length === 2);
      for (const name of ['a', 'b', 'c']) expect(linesOf(name)).toEqual([0, 1, 2, 3, 4, 5].map((n) => `${name}${n}`));
      expect(trace.filter((line) => line.startsWith('alarm'))).toEqual(['alarm a', 'alarm b', 'alarm c']);
    }));

  test('shuffling takes nothing from the numbers that code draws', async () => {
    const draw = async (shuffle: boolean): Promise<readonly unknown[]> => {
      const env = createSimulatedEnv({ seed: 7, shuffle });
      for (let i = 0; i < 10; i++) env.defer(() => {});
      await env.settle();
      return [env.random(), env.randomId(), env.randomUuid()];
    };
    expect(await draw(true)).toEqual(await draw(false));
  });

  test('a failure under a seed names the seed and stays the error it was', async () => {
    vi.stubEnv('SEED', undefined);
    const cause = new TypeError('boom');
    const failed = forEachSeed({ count: 3, from: 5 }, (seed) => {
      if (seed === 6) throw cause;
    });
    await expect(failed).rejects.toBe(cause);
    expect(cause.message).toBe('With seed 6 (SEED=6 repeats it): boom');
  });

  test('SEED in the environment repeats that seed alone', async () => {
    vi.stubEnv('SEED', '42');
    const seeds: number[] = [];
    await forEachSeed({ count: 3 }, (seed) => void seeds.push(seed));
    expect(seeds).toEqual([42]);
  });
});

describe('crashes', () => {
  /** Notes three callbacks, each of which defers the next, and a timeout after them. */
  function begin(env: SimulatedEnv): string[] {
    const trace: string[] = [];
    const follow = (n: number): void => void (n < 3 && env.defer(() => void (trace.push(`${n}`), follow(n + 1))));
    follow(0);
    env.setTimeout(() => trace.push('timeout'), 50);
    return trace;
  }

  test('a manual Env does nothing by itself', async () => {
    const env = createSimulatedEnv({ isManual: true });
    const trace = begin(env);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(trace).toEqual([]);
    await env.settle();
    expect(trace).toEqual(['0', '1', '2']);
  });

  test('steps stop in the middle, and let time pass only as far as they are told', async () => {
    const env = createSimulatedEnv({ isManual: true });
    const trace = begin(env);
    expect(await env.step(2)).toBe(2);
    expect(trace).toEqual(['0', '1']);
    expect(await env.step(5, 49)).toBe(1);
    expect(await env.step(5, 50)).toBe(1);
    expect([trace.at(-1), env.monotonicMs()]).toEqual(['timeout', 50]);
  });

  test('what is discarded never runs', async () => {
    const env = createSimulatedEnv({ isManual: true });
    const trace = begin(env);
    env.setAlarm(START + 10, () => trace.push('alarm'));
    await env.step(1);
    env.discard();
    expect([env.waiting, env.pendingTimers]).toEqual([0, []]);
    await env.advance(HOUR_MS);
    expect(trace).toEqual(['0']);
  });
});
