/** E7, E2: alarms and policies in a whole system, in simulated time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BusEvent, System } from '../../../src/index.ts';
import { testSystem } from '../../../src/testing.ts';
import type { TestSystem, TestSystemOptions } from '../../../src/testing.ts';
import { failureOf } from '../../support/harness.ts';
import { latecomer, listener } from '../../support/actors-topics.ts';
import { createSlowStore } from '../../support/store-slow.ts';

const actors = [listener, latecomer];

/** A system whose commits can be made slow, and everything the runtime says of its bus. */
async function createSlowSystem(bus: TestSystemOptions['bus']) {
  const slow = createSlowStore();
  const run = await testSystem({ actors, openStore: slow.openStore, ...(bus !== undefined && { bus }) });
  const said: BusEvent[] = [];
  await run.system.bus.subscribe('system.bus.>', (event) => void said.push(event));
  slow.env = run.env;
  return { run, slow, said };
}

/** Publishes once a second. */
async function publishFor(run: TestSystem, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    void run.system.bus.publish('task.a', { n: second });
    await run.clock.advance(1000);
  }
}

describe('E7: a system whose bus is slow', () => {
  test.each(['code', 'an actor'])('says so for events that %s handles, and that it is over', async (by) => {
    const { run, slow, said } = await createSlowSystem(undefined);
    await using _ = run;
    if (by === 'code') await run.system.bus.subscribe('task.*', () => undefined);
    else await run.system.actor(listener, 'a', {}).snapshot();
    slow.commitMs = 20;
    await publishFor(run, 310);
    slow.commitMs = 0;
    await publishFor(run, 30);
    const topics = said.map(({ topic }) => topic);
    expect(topics.filter((topic) => topic === 'system.bus.critical')).toHaveLength(1);
    expect(topics.filter((topic) => topic === 'system.bus.recovered')).toHaveLength(1);
    expect(topics.filter((topic) => topic === 'system.bus.slow').length).toBeGreaterThanOrEqual(30);
    const critical = said.find(({ topic }) => topic === 'system.bus.critical');
    expect(critical).toMatchObject({ priority: 'critical', data: { limitMs: 10, isMainLate: false } });
    expect(said.find(({ topic }) => topic === 'system.bus.slow')).toMatchObject({ priority: 'high' });
    expect(run.logs.filter(({ level }) => level === 'fatal')).toHaveLength(1);
    const { latency } = await run.system.bus.stats();
    expect(latency.count).toBe(340);
    expect(latency.p95Ms).toBeGreaterThanOrEqual(20);
    expect(latency.lastMinute.count).toBeLessThanOrEqual(70);
  });

  test('the limits are options', async () => {
    const { run, slow, said } = await createSlowSystem({ slowMs: 100, criticalAfterMs: 20_000 });
    await using _ = run;
    await run.system.bus.subscribe('task.*', () => undefined);
    slow.commitMs = 90;
    await publishFor(run, 60);
    expect(said).toEqual([]);
    slow.commitMs = 110;
    await publishFor(run, 60);
    expect(said.map(({ topic }) => topic).slice(0, 4)).toEqual([
      'system.bus.slow',
      'system.bus.slow',
      'system.bus.critical',
      'system.bus.slow',
    ]);
  });

  test('a subscriber to the alarms that is slow itself does not keep them going', async () => {
    const { run, slow, said } = await createSlowSystem(undefined);
    await using _ = run;
    await run.system.actor(latecomer, 'a', {}).send({ type: 'SUBSCRIBE', pattern: 'other.*' });
    await run.system.bus.subscribe('task.*', () => undefined);
    await run.system.bus.subscribe('system.>', () => new Promise((resolve) => run.env.setTimeout(resolve, 500)));
    slow.commitMs = 20;
    await publishFor(run, 5);
    await run.clock.advance(120_000);
    expect(said.map(({ topic }) => topic)).toEqual(['system.bus.slow']);
  });

  test('an idle system sets no timer for it', async () => {
    await using run = await testSystem({ actors });
    const before = run.unresolved().timers.length;
    await run.clock.advance(600_000);
    expect(run.unresolved().timers).toHaveLength(before);
  });
});

describe('E2: policies of subscribers', () => {
  const FILE = `subscribers:
  audit: { replay: full }
  dash: { replay: none }
  one: { replay: { policy: full, topics: ['task:*'], limit: 1 } }
  group: { replay: full, maxAttempts: 1 }
`;

  async function heardBy(system: System, run: TestSystem, options: object): Promise<unknown[]> {
    const heard: unknown[] = [];
    await system.bus.subscribe('task.*', ({ data }) => void heard.push((data as { n: number }).n), options);
    await run.clock.advance(100);
    return heard;
  }

  test.each(['code', 'a file'])(
    'given in %s they choose what a subscription gets; what it says itself counts more',
    async (how) => {
      const folder = mkdtempSync(join(tmpdir(), 'troupe-policies-'));
      const path = join(folder, 'bus.yaml');
      writeFileSync(path, FILE);
      const code = {
        subscribers: {
          audit: { replay: 'full' },
          dash: { replay: 'none' },
          one: { replay: { policy: 'full', topics: ['task:*'], limit: 1 } },
          group: { replay: 'full', maxAttempts: 1 },
        },
      } as const;
      await using run = await testSystem({ actors, bus: how === 'code' ? code : path });
      rmSync(folder, { recursive: true });
      const { system } = run;
      for (const n of [1, 2, 3])
        await system.bus.publish('task.a', { n }, { priority: n === 2 ? 'critical' : 'normal' });
      expect(await heardBy(system, run, { name: 'audit' })).toEqual([1, 2, 3]);
      expect(await heardBy(system, run, { name: 'dash' })).toEqual([]);
      expect(await heardBy(system, run, { name: 'one' })).toEqual([1]);
      expect(await heardBy(system, run, { queue: 'group' })).toEqual([1, 2, 3]);
      expect(await heardBy(system, run, { name: 'other' })).toEqual([]);
      await system.bus.unsubscribe('audit');
      expect(await heardBy(system, run, { name: 'audit', replay: 'critical-only' })).toEqual([2]);
    },
  );

  test('an agent under watch gets the policy of its id; what it is registered with counts more', async () => {
    await using run = await testSystem({ actors, bus: { agents: { quiet: { replay: 'none' } } } });
    const { health } = run.system;
    const agent = { strategy: 'alert', topics: ['task.*'] } as const;
    await health.register('quiet', agent);
    // Whatever is to be replayed needs a function that takes it.
    for (const [id, options] of [
      ['quiet', { ...agent, replay: 'full' as const }],
      ['other', agent],
    ] as const)
      expect((await failureOf(health.register(id, options), 'ERR_OPTIONS_INVALID')).message).toContain(
        "Option 'deliver'",
      );
  });
});
