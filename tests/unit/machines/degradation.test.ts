/** H7: the degradation mode by itself, on a clock that the test moves. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimulatedClock, createActor } from 'xstate';
import { degradationMachine, retryAfterMs } from '../../../machines/degradation.ts';
import type { DegradationNews, DegradationSettings } from '../../../machines/degradation.ts';

const SETTINGS: DegradationSettings = {
  failures: 3,
  withinMs: 30_000,
  checkEveryMs: 60_000,
  calmFailures: 2,
  calmMs: 120_000,
  hotSessions: 100,
  degradedHotSessions: 50,
};

function start(changes: Partial<DegradationSettings> = {}) {
  const clock = new SimulatedClock();
  const input = { ...SETTINGS, ...changes, now: () => clock.now() };
  const actor = createActor(degradationMachine, { clock, input });
  const news: DegradationNews[] = [];
  actor.on('*', (event) => void news.push(event));
  actor.start();
  const fail = (...agents: string[]): void => {
    for (const agent of agents) actor.send({ type: 'AGENT.FAILED', agent });
  };
  /** In steps: this clock fires what is due at the end of each. */
  const advance = (ms: number): void => {
    for (let left = ms; left > 0; left -= 10_000) clock.increment(Math.min(left, 10_000));
  };
  const mode = () => actor.getSnapshot().value;
  return { actor, clock, advance, news, fail, mode, retryMs: () => retryAfterMs(actor.getSnapshot().context) };
}

test.each([
  { story: 'three agents', failures: ['0 a', '0 b', '0 c'], expected: 'normal' },
  { story: 'four agents', failures: ['0 a', '0 b', '0 c', '0 d'], expected: 'degraded' },
  { story: 'one agent, often', failures: ['0 a', '1 a', '2 a', '3 a', '4 a', '5 a'], expected: 'normal' },
  { story: 'four agents just within 30 s', failures: ['0 a', '1 b', '2 c', '29.999 d'], expected: 'degraded' },
  { story: 'four agents over 30 s', failures: ['0 a', '1 b', '2 c', '30 d'], expected: 'normal' },
  { story: 'four agents, one of them again', failures: ['0 a', '1 b', '2 c', '29 a', '30.5 d'], expected: 'degraded' },
])('H7: $story leave it $expected', ({ failures, expected }) => {
  const { clock, fail, mode } = start();
  for (const failure of failures) {
    const [at = '', agent = ''] = failure.split(' ');
    clock.set(Number(at) * 1000);
    fail(agent);
  }
  expect(mode()).toBe(expected);
});

test('H7: it says who failed, how often, and when to try again', () => {
  const { clock, fail, news } = start();
  clock.set(5000);
  fail('a', 'a', 'b', 'c', 'd', 'e');
  expect(news).toEqual([{ type: 'entered', failures: 5, agents: ['a', 'b', 'c', 'd'], retryAfterMs: 120_000 }]);
});

test('H7: it is left at the first look with fewer than two failures in 120 s, and says how long it was', () => {
  const { advance, fail, mode, news } = start();
  fail('a', 'b', 'c', 'd');
  advance(119_999);
  expect(mode()).toBe('degraded');
  advance(1);
  expect(mode()).toBe('normal');
  expect(news.at(-1)).toEqual({ type: 'left', durationMs: 120_000 });
});

test('H7: looks come every 60 s: what is calm in between waits for the next', () => {
  const { advance, fail, mode, retryMs } = start();
  fail('a', 'b', 'c', 'd');
  advance(10_000);
  fail('a', 'b');
  expect(retryMs()).toBe(170_000);
  advance(169_999);
  expect(mode()).toBe('degraded');
  advance(1);
  expect(mode()).toBe('normal');
});

test('H7: one failure in 120 s is calm, two are not', () => {
  const { advance, fail, mode } = start();
  fail('a', 'b', 'c', 'd');
  advance(100_000);
  fail('a');
  advance(20_000);
  expect(mode()).toBe('normal');
  fail('b', 'c', 'd');
  expect(mode()).toBe('degraded');
  advance(100_000);
  fail('a', 'b');
  advance(60_000);
  expect(mode()).toBe('degraded');
});

test('H7: at whatever times agents fail, it is degraded when and only when the rule says so', () => {
  const failure = fc.record({
    afterMs: fc.integer({ min: 0, max: 40_000 }),
    agent: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  });
  fc.assert(
    fc.property(fc.array(failure, { maxLength: 40 }), (failures) => {
      const { clock, advance, fail, mode } = start();
      const seen: { at: number; agent: string }[] = [];
      for (const { afterMs, agent } of failures) {
        const was = mode();
        advance(afterMs);
        const stayed = mode() === was;
        fail(agent);
        seen.push({ at: clock.now(), agent });
        const within = seen.filter(({ at }) => at > clock.now() - SETTINGS.withinMs);
        const isTooMuch = new Set(within.map((one) => one.agent)).size > SETTINGS.failures;
        if (isTooMuch) expect(mode()).toBe('degraded');
        else if (was === 'normal' && stayed) expect(mode()).toBe('normal');
      }
      advance(SETTINGS.calmMs + SETTINGS.checkEveryMs);
      expect(mode()).toBe('normal');
    }),
  );
});

test('H7: the highest number of failures can be exceeded, though others fail again and again', () => {
  const { fail, mode } = start({ failures: 1000 });
  const agents = Array.from({ length: 1001 }, (_, i) => `a${i}`);
  fail(...agents.slice(0, 600), ...agents.slice(0, 600), ...agents.slice(600, 1000));
  expect(mode()).toBe('normal');
  fail('a1000');
  expect(mode()).toBe('degraded');
});

test('H7: while degraded no more failures are kept than it takes not to be calm', () => {
  const { actor, fail, advance, mode } = start();
  fail(...Array.from({ length: 10_000 }, (_, i) => `a${i}`));
  expect(actor.getSnapshot().context.recent.map(({ agent }) => agent)).toEqual(['a9998', 'a9999']);
  advance(119_999);
  expect(mode()).toBe('degraded');
  advance(1);
  expect(mode()).toBe('normal');
});
