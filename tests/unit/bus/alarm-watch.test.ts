/** E7: the watch over how long published events take, in simulated time. */
import { describe, expect, test } from 'vitest';
import { AlarmWatch } from '../../../src/bus/alarm-watch.ts';
import type { Env } from '../../../src/env.ts';
import { HISTOGRAM_BYTES, Histogram } from '../../../src/observe/histogram.ts';
import { createLogger } from '../../../src/observe/logger.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';

/** @param lateMs how much later than it should the event loop comes to its timers */
function createWatch(lateMs = 0) {
  const env = createSimulatedEnv();
  const late: Env = { ...env, setTimeout: (callback, delayMs) => env.setTimeout(callback, delayMs + lateMs) };
  const histogram = new Histogram(new SharedArrayBuffer(HISTOGRAM_BYTES));
  const lines: { level: string; text: string; fields: object }[] = [];
  const said: { topic: string; data: object }[] = [];
  const log = createLogger((level, fields, text) => void lines.push({ level, text, fields }), {});
  const announce = (topic: string, data: object): void => void said.push({ topic, data });
  const watch = new AlarmWatch({ env: late, log, announce, histogram, slowMs: 10, criticalAfterMs: 300_000 });
  /** An event that took so long, on main. */
  const handle = (tookMs: number, topic = 'task.a'): void => watch.handled({ topic, at: env.now() - tookMs });
  const topics = (): string[] => said.map(({ topic }) => topic);
  return { env, histogram, watch, lines, said, handle, topics };
}

describe('E7: the watch over latencies', () => {
  test('nothing handled: no timer and not a word', async () => {
    const { env, watch, lines } = createWatch();
    watch.look();
    await env.advance(600_000);
    expect(env.pendingTimers).toEqual([]);
    expect(lines).toEqual([]);
  });

  test('a slow window is one warning, in the log and as an event, with its quantiles and the limit', async () => {
    const { env, lines, said, handle } = createWatch();
    for (let n = 0; n < 100; n++) handle(n < 90 ? 1 : 40);
    await env.advance(10_000);
    const fields = { count: 100, p50Ms: 1.023, p95Ms: 40, p99Ms: 40, maxMs: 40, limitMs: 10, withinMs: 10_000 };
    const data = { ...fields, mainDelayMs: 0, isMainLate: false };
    expect(said).toEqual([{ topic: 'system.bus.slow', data }]);
    expect(lines).toMatchObject([{ level: 'warn', text: 'published events were handled too late', fields: data }]);
  });

  test('a few slow events among many are no violation', async () => {
    const { env, said, handle } = createWatch();
    for (let n = 0; n < 100; n++) handle(n < 96 ? 1 : 500);
    await env.advance(60_000);
    expect(said).toEqual([]);
  });

  test('slow for five minutes: critical once, at the highest level; well again: recovered once', async () => {
    const { env, lines, said, handle, topics } = createWatch();
    for (let second = 0; second < 400; second++) {
      handle(25);
      await env.advance(1000);
    }
    expect(topics().filter((topic) => topic === 'system.bus.slow')).toHaveLength(40);
    expect(topics().filter((topic) => topic === 'system.bus.critical')).toHaveLength(1);
    expect(topics().indexOf('system.bus.critical')).toBe(30);
    expect(said[30]?.data).toMatchObject({ count: 300, slowForMs: 300_000, withinMs: 300_000, limitMs: 10 });
    expect(lines.filter(({ level }) => level === 'fatal')).toHaveLength(1);
    for (let second = 0; second < 60; second++) {
      handle(1);
      await env.advance(1000);
    }
    expect(said.slice(41)).toMatchObject([
      { topic: 'system.bus.recovered', data: { wasCritical: true, slowForMs: 410_000 } },
    ]);
    expect(lines.at(-1)).toMatchObject({ level: 'info', text: 'published events are handled in time again' });
  });

  test('what is counted in other threads is seen at the next look', async () => {
    const { env, histogram, watch, topics } = createWatch();
    histogram.count(50);
    await env.advance(100_000);
    expect(topics()).toEqual([]);
    watch.look();
    await env.advance(10_000);
    expect(topics()).toEqual(['system.bus.slow']);
  });

  test('the timer ends five minutes after the last event, and comes back with the next', async () => {
    const { env, handle, topics } = createWatch();
    handle(50);
    await env.advance(400_000);
    expect(env.pendingTimers).toEqual([]);
    handle(1);
    await env.advance(10_000);
    expect(topics()).toEqual(['system.bus.slow', 'system.bus.recovered']);
  });

  test('main that was late itself says so, and where to look first', async () => {
    const { env, lines, said, handle } = createWatch(70);
    handle(80);
    await env.advance(20_000);
    expect(said).toMatchObject([{ data: { mainDelayMs: 70, isMainLate: true } }]);
    expect(lines[0]?.text).toContain('the main thread was late itself');
  });

  test('what the runtime says is not counted: a warning that takes long must not lead to another', async () => {
    const { env, watch, said, handle } = createWatch();
    handle(5000, 'system.bus.slow');
    await env.advance(60_000);
    expect(said).toEqual([]);
    expect(watch.summary.count).toBe(0);
  });

  test('a clock that is set, forward or back, accuses nobody', async () => {
    const { env, said, handle } = createWatch();
    for (const jumpMs of [3_600_000, -7_200_000]) {
      handle(1);
      await env.advance(5000);
      const at = env.now();
      env.setClock(at + jumpMs);
      // Published before, handled after.
      handle(jumpMs);
      await env.advance(5000);
    }
    expect(said).toEqual([]);
  });

  test('latencies are told since the beginning, of the last minute and of the last five', async () => {
    const { env, watch, handle } = createWatch();
    const counts = () => [watch.summary.count, watch.summary.lastMinute.count, watch.summary.lastFiveMinutes.count];
    handle(5);
    expect(counts()).toEqual([1, 1, 1]);
    await env.advance(75_000);
    handle(7);
    expect(counts()).toEqual([2, 1, 2]);
    expect(watch.summary).toMatchObject({ maxMs: 7, lastMinute: { maxMs: 7 }, lastFiveMinutes: { maxMs: 7 } });
    await env.advance(320_000);
    expect(counts()).toEqual([2, 0, 0]);
    await env.advance(320_000);
    handle(2);
    expect(counts()).toEqual([3, 1, 1]);
  });

  test('stopped it says nothing more', async () => {
    const { env, watch, said, handle } = createWatch();
    handle(50);
    watch.stop();
    handle(50);
    await env.advance(60_000);
    expect(env.pendingTimers).toEqual([]);
    expect(said).toEqual([]);
  });
});
