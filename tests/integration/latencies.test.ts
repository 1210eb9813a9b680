/** E7: what worker threads count of published events, main reads. */
import { expect, test } from 'vitest';
import { listener } from '../support/actors-topics.ts';
import { createTestSystem, eventually } from '../support/harness.ts';

test('events that actors in two threads took are in the statistics of the bus', async () => {
  const actors = [new URL('../support/actors-topics.ts', import.meta.url)];
  await using test = await createTestSystem({ actors, store: 'memory' });
  const { system } = test;
  for (const key of ['a', 'b', 'c', 'd']) await system.actor(listener, key, {}).snapshot();
  for (let n = 0; n < 10; n++) await system.bus.publish('task.a', { n });
  await eventually(async () => (await system.bus.stats()).latency.count === 40);
  const { latency } = await system.bus.stats();
  expect(latency.lastMinute).toEqual(latency.lastFiveMinutes);
  expect(latency.maxMs).toBeLessThan(60_000);
});
