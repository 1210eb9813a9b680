/** `agent:*` means `agent.*`, wherever a topic or a pattern is taken. */
import { expect, test } from 'vitest';
import { defineActor } from '../../../src/index.ts';
import type { BusEvent } from '../../../src/index.ts';
import { testSystem } from '../../../src/testing.ts';
import { latecomer, listener, publisher } from '../../support/actors-topics.ts';

/** Subscribed to `agent:*` by its definition. */
const colonist = defineActor('colonist', listener.machine, { topics: { 'agent:*': 'TASK' }, asks: listener.asks });
const actors = [colonist, listener, latecomer, publisher];

const collect = () => {
  const seen: string[] = [];
  return { seen, handler: ({ topic }: BusEvent) => void seen.push(topic) };
};

test('publish and subscribe: either way of writing meets the other', async () => {
  await using run = await testSystem({ actors });
  const { bus } = run.system;
  const [colons, dots] = [collect(), collect()];
  const subscription = await bus.subscribe('agent:*', colons.handler);
  await bus.subscribe('agent.>', dots.handler);
  expect(subscription.pattern).toBe('agent.*');
  await bus.publish('agent:started', {});
  await bus.publish('agent.stopped', {});
  await run.clock.advance(100);
  for (const { seen } of [colons, dots]) expect(seen).toEqual(['agent.started', 'agent.stopped']);
});

test('actors: in their definition, and in the effects that publish, subscribe and unsubscribe', async () => {
  await using run = await testSystem({ actors });
  const { system } = run;
  const [defined, late] = [system.actor(colonist, 'a', {}), system.actor(latecomer, 'a', {})];
  await defined.snapshot();
  await late.send({ type: 'SUBSCRIBE', pattern: 'agent:*' });
  const say = (from: number) =>
    system.actor(publisher, 'p', {}).send({ type: 'PUBLISH', topic: 'agent:done', from, count: 1 });
  await say(1);
  await run.clock.advance(100);
  await late.send({ type: 'UNSUBSCRIBE', pattern: 'agent:*' });
  await say(2);
  await run.clock.advance(100);
  expect(await defined.ask({ type: 'NOTES' })).toMatchObject([{ topic: 'agent.done', n: 1 }, { n: 2 }]);
  expect(await late.ask({ type: 'NOTES' })).toMatchObject([{ topic: 'agent.done', n: 1 }]);
});

test('what is kept: in replays, in windows of subscriptions and policies, and in what is cleared', async () => {
  const policies = { one: { replay: { policy: 'full', topics: ['agent:*'] } } } as const;
  await using run = await testSystem({ actors, bus: { subscribers: policies } });
  const { bus } = run.system;
  await bus.publish('agent:started', {});
  await bus.publish('task.started', {});
  const [own, policy] = [collect(), collect()];
  await bus.subscribe('>', own.handler, { replay: { policy: 'full', topics: ['agent:*'] } });
  await bus.subscribe('>', policy.handler, { name: 'one' });
  await run.clock.advance(100);
  const replayed: string[] = [];
  for await (const { topic } of bus.replay({ topics: ['agent:*'] })) replayed.push(topic);
  for (const seen of [own.seen, policy.seen, replayed]) expect(seen).toEqual(['agent.started']);
  expect(await bus.clear({ topics: ['agent:*'] })).toBe(1);
});

test('health: topics of an agent, and the heartbeat of one whose id has a colon', async () => {
  await using run = await testSystem({ actors });
  const { bus, health } = run.system;
  const delivered: string[] = [];
  const deliver = ({ topic }: BusEvent): void => void delivered.push(topic);
  await health.register('agent:7', {
    strategy: 'alert',
    heartbeatMs: 1000,
    topics: ['task:*'],
    replay: 'full',
    deliver,
  });
  const beat = async (seconds: number): Promise<void> => {
    for (let n = 0; n < seconds; n++) {
      await bus.publish('heartbeat:agent:7', {});
      await run.clock.advance(1000);
    }
  };
  await beat(10);
  expect(health.of('agent:7').state).toBe('healthy');
  await run.clock.advance(10_000);
  expect(health.of('agent:7').state).not.toBe('healthy');
  await bus.publish('task:missed', {});
  await beat(10);
  expect(health.of('agent:7').state).toBe('healthy');
  expect(delivered).toEqual(['task.missed']);
});
