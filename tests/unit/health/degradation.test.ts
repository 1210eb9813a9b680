/** H7, S8, G16: what a degraded system refuses, what it does not, and how many sessions stay in memory. */
import { afterEach, expect, test, vi } from 'vitest';
import { Cell } from '../../../src/cell/cell.ts';
import { createSystem } from '../../../src/index.ts';
import type { DegradationOptions } from '../../../src/index.ts';
import { Hibernation } from '../../../src/thread/hibernation.ts';
import { ALERT, failure, watched } from './fixture.ts';
import type { Watched } from './fixture.ts';

afterEach(() => vi.restoreAllMocks());

/** Sessions in memory, counted where they come and go. */
function countSessions(): () => number {
  const live = new Set<Cell>();
  const { sleep } = Cell.prototype;
  const { added } = Hibernation.prototype;
  vi.spyOn(Cell.prototype, 'sleep').mockImplementation(function (this: Cell) {
    const hasLeft = sleep.call(this);
    if (hasLeft) live.delete(this);
    return hasLeft;
  });
  vi.spyOn(Hibernation.prototype, 'added').mockImplementation(function (this: Hibernation, address, cell) {
    if (address.startsWith('session/')) live.add(cell as Cell);
    added.call(this, address, cell);
  });
  return () => live.size;
}

async function failAgents({ system, clock }: Watched, type = 'worker'): Promise<void> {
  for (const key of ['a', 'b', 'c', 'd']) system.announce('system.actor.failed', failure(`${type}/${key}`));
  await clock.advance(0);
}

test('H7, G16: while degraded a new session is refused, with the reason and when to try again; the rest goes on', async () => {
  await using run = await watched();
  const { system, clock } = run;
  const known = await system.sessions.create({ id: 'known', user: 'ada' });
  await failAgents(run);
  expect(system.health.mode).toBe('degraded');
  await expect(system.sessions.create({ user: 'bob' })).rejects.toMatchObject({
    code: 'ERR_DEGRADED',
    message: expect.stringContaining("4 agents failed within 30000 ms: 'worker/a', 'worker/b'"),
    details: { retryAfterMs: 120_000, agents: ['worker/a', 'worker/b', 'worker/c', 'worker/d'] },
  });
  expect((await system.sessions.create({ id: 'known', user: 'ada' })).id).toBe('known');
  await known.say('still here');
  expect((await known.history()).length).toBe(1);
  await clock.advance(120_000);
  expect(system.health.mode).toBe('normal');
  await system.sessions.create({ user: 'bob' });
  const news = run.said.filter(({ topic }) => topic.startsWith('system.degradation.'));
  expect(news).toMatchObject([
    { topic: 'system.degradation.entered', data: { failures: 4, retryAfterMs: 120_000 } },
    { topic: 'system.degradation.left', data: { durationMs: 120_000 } },
  ]);
});

test('H7: actors that are no agents do not count, unless they are under watch', async () => {
  await using run = await watched();
  const { system } = run;
  await failAgents(run, 'clerk');
  expect(system.health.mode).toBe('normal');
  for (const key of ['a', 'b', 'c', 'd']) {
    await system.actor({ type: 'clerk', kind: 'troupe.definition' } as never, key).send({ type: 'GO' } as never);
    await system.health.register(`clerk/${key}`);
  }
  await failAgents(run, 'clerk');
  expect(system.health.mode).toBe('degraded');
});

test('H7: external agents count when they are lost', async () => {
  await using run = await watched();
  const { system, clock } = run;
  for (const id of ['a', 'b', 'c', 'd']) await system.health.register(id, ALERT);
  await clock.advance(5000);
  expect(system.health.mode).toBe('degraded');
});

test('H7: with degradation: false nothing is refused', async () => {
  await using run = await watched({ degradation: false });
  await failAgents(run);
  expect(run.system.health.mode).toBe('normal');
  await run.system.sessions.create({ user: 'ada' });
});

test('S8, H7: quiet sessions beyond the limit leave memory, and more of them while degraded', async () => {
  const live = countSessions();
  await using run = await watched({ inlineHosts: 2, degradation: { hotSessions: 10 } });
  const { system, clock } = run;
  for (let i = 0; i < 30; i++) await system.sessions.create({ id: `s-${i}`, user: 'ada' });
  await clock.advance(1000);
  expect(live()).toBe(10);
  await failAgents(run);
  await clock.advance(1000);
  expect(live()).toBeLessThanOrEqual(6);
  for (let i = 0; i < 30; i++) {
    const session = await system.sessions.get(`s-${i}`);
    await session.say('still there');
    expect((await session.history()).length).toBe(1);
  }
});

test.each<readonly [options: unknown, path: string, says: string]>([
  [{ failures: 0 }, 'degradation.failures', 'is 0'],
  [{ failures: Number.NaN }, 'degradation.failures', 'is NaN'],
  [{ withinMs: -1 }, 'degradation.withinMs', 'is -1'],
  [{ calmMs: Infinity }, 'degradation.calmMs', 'Infinity'],
  [{ failures: 2, calmFailures: 3 }, 'degradation.calmFailures', 'more than failures (2)'],
  [{ withinMs: 60_000, calmMs: 30_000 }, 'degradation.calmMs', 'less than withinMs (60000)'],
  [{ hotSessions: 10, degradedHotSessions: 11 }, 'degradation.degradedHotSessions', 'more than hotSessions (10)'],
  [{ failurs: 3 }, 'degradation.failurs', 'Known options: failures, withinMs'],
  ['off', 'degradation', 'false, or an object'],
])('the option degradation: %j is refused by name', async (degradation, path, says) => {
  const options = { actors: [], threads: 0, log: 'silent', degradation: degradation as DegradationOptions } as const;
  await expect(createSystem({ ...options, store: 'memory:' })).rejects.toMatchObject({
    code: 'ERR_OPTIONS_INVALID',
    message: expect.stringContaining(says),
    details: { path },
  });
});
