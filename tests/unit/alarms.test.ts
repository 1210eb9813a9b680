/** Alarms over a clock that jumps: in order, once each, never early. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ALARM_SLICE_MS, AlarmQueue } from '../../src/alarms.ts';
import type { Alarm } from '../../src/alarms.ts';
import { createRealEnv } from '../../src/env.ts';
import { createRandom, forEachSeed } from '../../src/testing.ts';
import { SimulatedTime } from '../../src/testing/simulated-time.ts';

const START = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

/** A queue over a clock that is moved by hand. `sleeps` are the delays it asked for. */
function createQueue() {
  const time = new SimulatedTime(START);
  const sleeps: number[] = [];
  const alarms = new AlarmQueue({
    now: () => time.now(),
    setTimeout: (callback, delayMs) => {
      sleeps.push(delayMs);
      return time.setTimeout(callback, delayMs);
    },
    clearTimeout: (handle) => time.clear(handle),
  });
  const pass = (ms: number): void => {
    const until = time.elapsedMs + ms;
    for (let fire = time.take(until); fire; fire = time.take(until)) fire();
    time.moveTo(until);
  };
  const fired: string[] = [];
  const note = (name: string) => (): void => void fired.push(name);
  return { alarms, time, sleeps, pass, fired, note };
}

describe('order', () => {
  test('alarms fire in order of time, then in the order they were set', () => {
    const { alarms, pass, fired, note } = createQueue();
    for (const [name, afterMs] of Object.entries({ a: 30, b: 10, c: 20, d: 10, e: 30 }))
      alarms.set(START + afterMs, note(name));
    pass(9);
    expect(fired).toEqual([]);
    pass(1);
    expect(fired).toEqual(['b', 'd']);
    pass(20);
    expect(fired).toEqual(['b', 'd', 'c', 'a', 'e']);
  });

  test('100,000 alarms fire once each and in order, over one timer', () => {
    const { alarms, time, pass } = createQueue();
    const random = createRandom(1);
    const fired: number[] = [];
    for (let i = 0; i < 100_000; i++) {
      const dueAt = START + Math.floor(random() * 100_000);
      alarms.set(dueAt, () => void fired.push(dueAt));
    }
    expect(time.pending).toHaveLength(1);
    pass(100_000);
    expect(fired).toHaveLength(100_000);
    expect(fired.every((dueAt, index) => dueAt >= (fired[index - 1] ?? 0))).toBe(true);
    expect(alarms.size).toBe(0);
  });

  test('an alarm for the past fires soon, not within the call', () => {
    const { alarms, pass, fired, note } = createQueue();
    alarms.set(START - YEAR_MS, note('a'));
    expect(fired).toEqual([]);
    pass(0);
    expect(fired).toEqual(['a']);
  });
});

describe('taking back', () => {
  test('what is taken back does not fire; with nothing set no timer is', () => {
    const { alarms, time, pass, fired, note } = createQueue();
    const [first, second] = [alarms.set(START + 10, note('a')), alarms.set(START + 20, note('b'))];
    alarms.clear(first);
    alarms.clear(first);
    expect(time.pending).toHaveLength(1);
    alarms.clear(second);
    expect(time.pending).toEqual([]);
    pass(HOUR_MS);
    expect(fired).toEqual([]);
  });

  test('a callback may take back what is due in the same moment', () => {
    const { alarms, time, pass, fired, note } = createQueue();
    alarms.set(START + 10, () => alarms.clear(second));
    const second: Alarm = alarms.set(START + 10, note('second'));
    alarms.set(START + 10, note('third'));
    pass(10);
    expect(fired).toEqual(['third']);
    expect(time.pending).toEqual([]);
  });

  test('after a million alarms that were set and taken back one is left, and fires', () => {
    const { alarms, pass, fired, note } = createQueue();
    alarms.set(START + 10, note('kept'));
    for (let i = 0; i < 1_000_000; i++) alarms.clear(alarms.set(START + HOUR_MS + i, note('taken back')));
    expect(alarms.size).toBe(1);
    pass(2 * HOUR_MS);
    expect(fired).toEqual(['kept']);
  });
});

describe('callbacks', () => {
  test('a callback may set alarms; one for the past does not keep the others waiting for ever', () => {
    const { alarms, pass, fired, note } = createQueue();
    let again = 0;
    const repeat = (): void => {
      if (++again < 100) alarms.set(START, repeat);
    };
    alarms.set(START + 5, repeat);
    alarms.set(START + 5, () => alarms.set(START + 6, note('later')));
    alarms.set(START + 5, note('other'));
    pass(6);
    expect([again, fired]).toEqual([100, ['other', 'later']]);
  });

  test('a callback that throws is heard of and stops none of the others', () => {
    const { alarms, pass, fired, note } = createQueue();
    alarms.set(START + 10, () => {
      throw new Error('boom');
    });
    alarms.set(START + 10, note('b'));
    alarms.set(START + 20, note('c'));
    expect(() => pass(10)).toThrow('boom');
    pass(10);
    expect(fired).toEqual(['b', 'c']);
  });
});

describe('the clock', () => {
  test('G11: a timer that fires early fires no alarm early', () => {
    const { alarms, time, fired, note } = createQueue();
    alarms.set(START + 10, note('a'));
    const wakeEarly = time.take(10);
    time.setClock(START + 9);
    wakeEarly?.();
    expect(fired).toEqual([]);
    time.setClock(START + 10);
    time.take(11)?.();
    expect(fired).toEqual(['a']);
  });

  test('G11: a clock set back an hour makes alarms an hour late, not early', () => {
    const { alarms, time, pass, fired, note } = createQueue();
    alarms.set(START + 10, note('a'));
    time.setClock(START - HOUR_MS);
    pass(HOUR_MS + 9);
    expect(fired).toEqual([]);
    pass(1);
    expect(fired).toEqual(['a']);
  });

  test('G11: a clock set forward a year shows within a slice', () => {
    const { alarms, time, pass, fired, note } = createQueue();
    alarms.set(START + YEAR_MS, note('b'));
    alarms.set(START + HOUR_MS, note('a'));
    time.setClock(START + YEAR_MS);
    pass(ALARM_SLICE_MS);
    expect(fired).toEqual(['a', 'b']);
  });

  test('an alarm years ahead sleeps in slices; one that comes sooner does not wait for them', () => {
    const { alarms, sleeps, pass, fired, note } = createQueue();
    alarms.set(START + 10 * YEAR_MS, note('far'));
    pass(10 * ALARM_SLICE_MS + 300);
    expect(Math.max(...sleeps)).toBe(ALARM_SLICE_MS);
    alarms.set(START + 10 * ALARM_SLICE_MS + 350, note('near'));
    pass(50);
    expect(fired).toEqual(['near']);
  });

  test.each([Number.NaN, Infinity, -Infinity, 8_640_000_000_000_001, '5', undefined])('%s is no time', (dueAt) => {
    const { alarms, time } = createQueue();
    expect(() => alarms.set(dueAt as number, () => {})).toThrow(
      expect.objectContaining({ code: 'ERR_SCHEDULE_INVALID', message: expect.stringContaining(String(dueAt)) }),
    );
    expect(time.pending).toEqual([]);
  });

  test('G11: over random alarms, cancels and jumps: never early, once each, within a slice', () =>
    forEachSeed({ count: 200 }, (seed) => {
      const random = createRandom(seed);
      const upTo = (most: number): number => Math.floor(random() * most);
      const { alarms, time, pass } = createQueue();
      const open = new Map<Alarm, number>();
      for (let step = 0; step < 200; step++) {
        const dueAt = time.now() + upTo(20_000) - 5_000;
        const alarm: Alarm = alarms.set(dueAt, () => {
          expect(time.now()).toBeGreaterThanOrEqual(dueAt);
          expect(open.delete(alarm)).toBe(true);
        });
        open.set(alarm, dueAt);
        const cancelled = [...open.keys()][upTo(open.size * 4)];
        if (cancelled && open.delete(cancelled)) alarms.clear(cancelled);
        if (random() < 0.2) time.setClock(time.now() + upTo(2 * HOUR_MS) - HOUR_MS);
        pass(upTo(3_000));
      }
      pass(ALARM_SLICE_MS);
      expect([...open.values()].filter((dueAt) => dueAt <= time.now() - ALARM_SLICE_MS)).toEqual([]);
      time.setClock(START + YEAR_MS);
      pass(ALARM_SLICE_MS);
      expect([open.size, alarms.size, time.pending]).toEqual([0, 0, []]);
    }));
});

describe('the real Env', () => {
  afterEach(() => void vi.useRealTimers());

  test('an alarm fires at its time, or is taken back as a timeout is', () => {
    vi.useFakeTimers({ now: START });
    const env = createRealEnv();
    const fired: string[] = [];
    env.setAlarm(START + 2 * HOUR_MS, () => fired.push('b'));
    env.setAlarm(START + HOUR_MS, () => fired.push('a'));
    env.clearTimeout(env.setAlarm(START + 1, () => fired.push('taken back')));
    env.clearTimeout(env.setTimeout(() => fired.push('taken back'), 1));
    vi.advanceTimersByTime(HOUR_MS - 1);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(['a']);
    vi.advanceTimersByTime(HOUR_MS);
    expect(fired).toEqual(['a', 'b']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
