/** E7: what a window of latencies leads to, after those before it. */
import { describe, expect, test } from 'vitest';
import { WINDOW_MS, judgeWindow } from '../../../src/bus/alarm.ts';
import type { AlarmVerdict, AlarmWindow, Episode } from '../../../src/bus/alarm.ts';

const SETTINGS = { slowMs: 10, criticalAfterMs: 300_000 };

/** Windows in a row: the p95 of each, or nothing when no event was handled in it. */
function judgeAll(p95s: readonly (number | undefined)[], settings = SETTINGS) {
  let episode: Episode | undefined;
  const verdicts: AlarmVerdict[] = [];
  for (const [index, p95Ms] of p95s.entries()) {
    const result = judgeWindow(episode, windowAt(index, p95Ms), settings);
    episode = result.episode;
    verdicts.push(result.verdict);
  }
  return verdicts;
}

function windowAt(index: number, p95Ms: number | undefined, clockErrorMs = 0): AlarmWindow {
  const count = p95Ms === undefined ? 0 : 100;
  const summary = { count, p50Ms: 0, p95Ms: p95Ms ?? 0, p99Ms: p95Ms ?? 0, maxMs: p95Ms ?? 0 };
  return { summary, fromMs: index * WINDOW_MS, untilMs: (index + 1) * WINDOW_MS, clockErrorMs };
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe('E7: alarms of the bus', () => {
  test('the limit itself is well, more is not', () => {
    expect(judgeAll([10, 10.1, 10])).toEqual(['nothing', 'slow', 'recovered']);
  });

  test('every window over the limit is a violation; the 30th in a row makes it critical, once', () => {
    const verdicts = judgeAll([...times(60, 11), 5, 5]);
    expect(verdicts).toEqual([...times(29, 'slow'), 'critical', ...times(30, 'slow'), 'recovered', 'nothing']);
  });

  test('one window that is well begins it anew', () => {
    const verdicts = judgeAll([...times(29, 11), 9, ...times(30, 11)]);
    expect(verdicts).toEqual([...times(29, 'slow'), 'recovered', ...times(29, 'slow'), 'critical']);
  });

  test('windows without events neither end it nor are violations', () => {
    const verdicts = judgeAll([11, ...times(28, undefined), 11]);
    expect(verdicts).toEqual(['slow', ...times(28, 'nothing'), 'critical']);
  });

  test('silence alone is never critical, and a slow event long after another is none either', () => {
    const verdicts = judgeAll([11, ...times(100, undefined), 11, 11]);
    expect(verdicts).toEqual(['slow', ...times(100, 'nothing'), 'slow', 'slow']);
  });

  test('what is critical stays so over silence, and ends when the bus is seen to be well', () => {
    const verdicts = judgeAll([...times(30, 11), ...times(100, undefined), ...times(40, 11), 9]);
    expect(verdicts.slice(29)).toEqual(['critical', ...times(100, 'nothing'), ...times(40, 'slow'), 'recovered']);
  });

  test('a window in which the clock was set says nothing, and ends nothing', () => {
    for (const clockErrorMs of [1001, -1001, 3_600_000]) {
      expect(judgeWindow(undefined, windowAt(0, 5000, clockErrorMs), SETTINGS)).toEqual({
        verdict: 'nothing',
        episode: undefined,
      });
      const { episode } = judgeWindow(undefined, windowAt(0, 50), SETTINGS);
      expect(judgeWindow(episode, windowAt(1, 0, clockErrorMs), SETTINGS)).toEqual({ verdict: 'nothing', episode });
    }
  });

  test('clocks that were read with a pause between them, as on a busy machine, do not silence it', () => {
    for (const clockErrorMs of [100, -100, 1000])
      expect(judgeWindow(undefined, windowAt(0, 50, clockErrorMs), SETTINGS)).toMatchObject({ verdict: 'slow' });
  });

  test('both limits are settings', () => {
    expect(judgeAll([50, 101, 101], { slowMs: 100, criticalAfterMs: 20_000 })).toEqual(['nothing', 'slow', 'critical']);
  });
});
