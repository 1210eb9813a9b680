/** How long published events take until an actor has taken them, as main reads it. */
import { expect, test } from 'vitest';
import type { System } from '../../../src/index.ts';
import { testSystem } from '../../../src/testing.ts';
import { latecomer, listener, publisher } from '../../support/actors-topics.ts';
import { createSlowStore } from '../../support/store-slow.ts';

const actors = [listener, latecomer, publisher];
const handledOf = (system: System) => system.threads.latencies.handled.summary;

test.each([1, 3])(
  'with %i hosts: each event counts once per actor that took it, whoever published',
  async (inlineHosts) => {
    await using run = await testSystem({ actors, inlineHosts });
    const { system } = run;
    for (const key of ['a', 'b', 'c']) await system.actor(listener, key, {}).snapshot();
    await system.bus.publish('task.host', { n: 1 });
    await system.actor(publisher, 'p', {}).send({ type: 'PUBLISH', topic: 'task.actor', from: 1, count: 2 });
    await run.clock.advance(1000);
    expect(handledOf(system)).toMatchObject({ count: 9 });
  },
);

test('it counts from the publication to the acknowledgement of the commit that took the event', async () => {
  const slow = createSlowStore();
  await using run = await testSystem({ actors, openStore: slow.openStore });
  const { system } = run;
  await system.actor(listener, 'a', {}).snapshot();
  Object.assign(slow, { env: run.env, commitMs: 40 });
  const published = system.bus.publish('task.host', { n: 1 });
  await run.clock.advance(1000);
  await published;
  const { count, maxMs } = handledOf(system);
  expect(count).toBe(1);
  expect(maxMs).toBeGreaterThanOrEqual(80);
  expect(maxMs).toBeLessThan(120);
});

test('what waited for a system to begin does not count: that says nothing of the bus', async () => {
  const slow = createSlowStore();
  await using first = await testSystem({ actors, openStore: slow.openStore });
  await first.system.actor(listener, 'a', {}).snapshot();
  Object.assign(slow, { env: first.env, commitMs: 40 });
  const published = first.system.bus.publish('task.host', { n: 1 });
  await first.clock.advance(41);
  await published;
  Object.assign(slow, { commitMs: 0 });
  await first.stop();
  const startAt = first.env.now() + 60_000;
  await using second = await testSystem({ actors, openStore: slow.openStore, startAt });
  await second.clock.advance(5000);
  const notes = await second.system.actor(listener, 'a').ask({ type: 'NOTES' });
  expect(notes).toMatchObject([{ n: 1 }]);
  expect(handledOf(second.system).count).toBe(0);
});

test('what the runtime says does not count, and what actors tell each other neither', async () => {
  await using run = await testSystem({ actors });
  const { system } = run;
  await system.actor(latecomer, 'a', {}).send({ type: 'SUBSCRIBE', pattern: 'system.>' });
  system.announce('system.session.swept', { count: 1, n: 1 } as { count: number });
  await run.clock.advance(1000);
  expect(await system.actor(latecomer, 'a').ask({ type: 'NOTES' })).toMatchObject([{ topic: 'system.session.swept' }]);
  expect(handledOf(system).count).toBe(0);
});
