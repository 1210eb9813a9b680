/** What the host program may rely on: who gets which events, how often, in which order, and what happens when it fails. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { BusEvent } from '../../../src/bus/topic-event.ts';
import { failureOf } from '../../support/harness.ts';
import { actorAt, firstCommit } from '../../support/store-commits.ts';
import { collector, createBusFixture, gate, upTo } from './fixture.ts';

const ignore = (): void => undefined;

describe('embedded bus: publishing', () => {
  let fixture = createBusFixture();
  beforeEach(() => void (fixture = createBusFixture()));

  test('an event arrives with its id, topic, source, time, priority and data', async () => {
    const { bus, env, run } = fixture;
    const events: BusEvent[] = [];
    await run(bus.subscribe('task.*', (event) => void events.push(event)));
    await run(bus.publish('task.completed', { n: [1, null, 'é'] }, { id: 'one', priority: 'high' }));
    await run(bus.publish('task:failed', null));
    await env.settle();
    expect(events).toEqual([
      {
        id: 'one',
        topic: 'task.completed',
        source: 'bus/host',
        time: env.now(),
        priority: 'high',
        data: { n: [1, null, 'é'] },
        seq: 1,
        attempt: 1,
      },
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        topic: 'task.failed',
        source: 'bus/host',
        time: env.now(),
        priority: 'normal',
        data: null,
        seq: 2,
        attempt: 1,
      },
    ]);
  });

  test('G12: an id that was published is published once, for as long as the event is kept', async () => {
    const { bus, env, run, store } = fixture;
    const { seen, handler } = collector();
    await run(bus.subscribe('>', handler));
    await run(bus.publish('a', 1, { id: 'same' }));
    await run(bus.publish('a', 2, { id: 'same' }));
    await run(bus.publish('b', 3, { id: 'other' }));
    expect(seen).toEqual([1, 3]);
    await store.sweepBus({ before: env.now() + 1 });
    await run(bus.publish('a', 4, { id: 'same' }));
    await env.settle();
    expect(seen).toEqual([1, 3, 4]);
  });

  test('what was published is hinted, with its position and receivers', async () => {
    const { bus, env, run, hints } = fixture;
    await run(bus.publish('a.b', { x: 1 }, { id: 'one' }));
    expect(hints).toEqual([
      {
        published: { pos: expect.any(Number), receivers: [] },
        publication: { id: 'one', topic: 'a.b', priority: 'normal', text: '{"x":1}' },
        at: env.now(),
      },
    ]);
  });

  test('a publication that would reach too many is refused as a whole, with the number', async () => {
    const { bus, run, store, hints } = createBusFixture({ maxFanOut: 2 });
    const subscribe = [{ pattern: 'a.*', event: 'A' }];
    const addresses = ['x', 'y', 'z'].map(actorAt);
    await store.commit(addresses.slice(1).map((address) => firstCommit(address, { subscribe })));
    await run(bus.publish('a.b', 1, { id: 'one' }));
    expect(hints[0]?.published.receivers).toMatchObject(
      addresses.slice(1).map((receiver) => ({ receiver, event: 'A' })),
    );
    await store.commit([firstCommit(addresses[0]!, { subscribe })]);
    const failure = await failureOf(run(bus.publish('a.b', 2, { id: 'two' })), 'ERR_FAN_OUT');
    expect(failure.message).toMatch(/'a\.b'.* 3 subscribers, more than 2.*maxFanOut/);
    expect((await store.busEvents()).map(({ id }) => id)).toEqual(['one']);
  });

  test.each([
    ['a topic with a space', 'a b', 1, {}, 'ERR_TOPIC_INVALID'],
    ['a wildcard', 'a.*', 1, {}, 'ERR_TOPIC_INVALID'],
    ['an empty token', 'a..b', 1, {}, 'ERR_TOPIC_INVALID'],
    ['a topic that is no string', 7, 1, {}, 'ERR_TOPIC_INVALID'],
    ['no data', 'a', undefined, {}, 'ERR_NOT_JSON'],
    ['data that JSON would lose', 'a', { when: new Date(0) }, {}, 'ERR_NOT_JSON'],
    ['an unknown priority', 'a', 1, { priority: 'urgent' }, 'ERR_OPTIONS_INVALID'],
    ['an empty id', 'a', 1, { id: '' }, 'ERR_OPTIONS_INVALID'],
    ['a long id', 'a', 1, { id: 'x'.repeat(257) }, 'ERR_OPTIONS_INVALID'],
    ['an unknown option', 'a', 1, { retries: 3 }, 'ERR_OPTIONS_INVALID'],
    ['options that are none', 'a', 1, 'high', 'ERR_OPTIONS_INVALID'],
  ] as const)('%s is refused, and nothing is published', async (_name, topic, data, options, code) => {
    const { bus, run, store } = fixture;
    await failureOf(run(bus.publish(topic as never, data, options as never)), code);
    expect(await store.busEvents()).toEqual([]);
  });

  test('G14: at most 10,000 publications wait for the store; what comes on top is rejected', async () => {
    const { bus, env, run, store } = fixture;
    const accepted = upTo(10_000).map((n) => bus.publish('a', n));
    const failure = await failureOf(bus.publish('a.b', -1), 'ERR_OVERLOADED');
    expect(failure.message).toContain("'a.b'");
    await run(Promise.all(accepted));
    await run(bus.publish('a', 10_000));
    await env.settle();
    expect((await store.stats()).busEvents).toBe(10_001);
  });

  test('a publication that waits when the time of a stop is over is rejected, with the id to try again', async () => {
    const { bus, env, client } = fixture;
    client.post = () => undefined;
    const failed = failureOf(bus.publish('a', 1, { id: 'one' }), 'ERR_SYSTEM_STOPPED');
    const stopped = bus.stop({ timeoutMs: 50 });
    await env.advance(50);
    await stopped;
    expect((await failed).message).toContain("with the id 'one'");
    await failureOf(bus.publish('a', 1), 'ERR_SYSTEM_STOPPED');
    await failureOf(
      bus.subscribe('a', () => undefined),
      'ERR_SYSTEM_STOPPED',
    );
  });
});

describe('embedded bus: subscriptions without a name', () => {
  let fixture = createBusFixture();
  beforeEach(() => void (fixture = createBusFixture()));

  const publishAll = (topics: readonly string[]) =>
    fixture.run(Promise.all(topics.map((topic) => fixture.bus.publish(topic, topic))));

  test.each([
    ['a.b', ['a.b']],
    ['a.*', ['a.b', 'a.c']],
    ['*.b', ['a.b', 'agent.b']],
    ['a.>', ['a.b', 'a.c', 'a.b.c']],
    ['agent:*', ['agent.b']],
    ['>', ['a', 'a.b', 'a.c', 'a.b.c', 'agent.b']],
    ['none', []],
  ])('%j gets what fits it, in order', async (pattern, wanted) => {
    const { bus, env, run } = fixture;
    const { seen, handler } = collector();
    await run(bus.subscribe(pattern, handler));
    await publishAll(['a', 'a.b', 'a.c', 'a.b.c', 'agent.b']);
    await env.settle();
    expect(seen).toEqual(wanted);
  });

  test('it sees nothing that was published before, and everything after', async () => {
    const { bus, env, run } = fixture;
    await publishAll(['before']);
    const { seen, handler } = collector();
    const subscription = await run(bus.subscribe('>', handler));
    await publishAll(['after']);
    await env.settle();
    expect(seen).toEqual(['after']);
    await run(subscription.stop());
    await publishAll(['late']);
  });

  test('only events of the priorities it asked for reach it', async () => {
    const { bus, env, run } = fixture;
    const { seen, handler } = collector();
    await run(bus.subscribe('>', handler, { priorities: ['critical', 'low'] }));
    for (const priority of ['critical', 'high', 'normal', 'low'] as const)
      await run(bus.publish('a', priority, { priority }));
    await env.settle();
    expect(seen).toEqual(['critical', 'low']);
  });

  test('a handler that throws, at once or later, skips the event with a warning', async () => {
    const { bus, env, run, logs } = fixture;
    const { seen, handler } = collector();
    const fail = (event: BusEvent): void | Promise<void> => {
      if (event.data === 0) throw new Error('at once');
      if (event.data === 1) return Promise.reject(new Error('later'));
      handler(event);
    };
    await run(bus.subscribe('a', fail));
    await run(Promise.all(upTo(4).map((n) => bus.publish('a', n))));
    await env.settle();
    expect(seen).toEqual([2, 3]);
    expect(logs).toHaveLength(2);
    expect(logs[0]).toMatchObject({
      level: 'warn',
      text: expect.stringContaining('skipped'),
      fields: { component: 'bus', pattern: 'a', topic: 'a', error: { message: 'at once' } },
    });
  });

  test('what one handler does to its event, another does not see', async () => {
    const { bus, env, run } = fixture;
    const { seen, handler } = collector();
    await run(bus.subscribe('a', (event) => void Object.assign(event.data as object, { n: 'changed' })));
    await run(bus.subscribe('a', handler));
    await run(bus.publish('a', { n: 1 }));
    await env.settle();
    expect(seen).toEqual([{ n: 1 }]);
  });

  test('a handler runs one event at a time; a slow one holds back only itself', async () => {
    const { bus, env, run } = fixture;
    const slow = collector();
    const fast = collector();
    const { opened, open } = gate();
    await run(bus.subscribe('>', (event) => opened.then(() => slow.handler(event))));
    await run(bus.subscribe('>', fast.handler));
    await run(Promise.all(upTo(1_000).map((n) => bus.publish('a', n))));
    await env.settle();
    expect(fast.seen).toEqual(upTo(1_000));
    expect(slow.seen).toEqual([]);
    const late = collector();
    await run(bus.subscribe('>', late.handler));
    await run(bus.publish('a', 1_000));
    await env.settle();
    expect(late.seen).toEqual([1_000]);
    open();
    await env.settle();
    expect(slow.seen).toEqual(upTo(1_001));
  });

  test('100 subscribers at the end share one read', async () => {
    const { bus, env, run, reads } = fixture;
    const all = upTo(100).map(() => collector());
    for (const { handler } of all) await run(bus.subscribe('>', handler));
    await run(bus.publish('a', 'x'));
    await env.settle();
    const before = reads.length;
    await run(bus.publish('a', 'y'));
    await env.settle();
    expect(all.map(({ seen }) => seen)).toEqual(all.map(() => ['x', 'y']));
    expect(reads.length - before).toBeLessThanOrEqual(2);
  });

  test('nothing is asked of the store while nobody publishes', async () => {
    const { bus, env, run, reads } = fixture;
    await run(bus.subscribe('>', () => undefined));
    await run(bus.publish('a', 1));
    await env.settle();
    const before = reads.length;
    await env.advance(3_600_000);
    expect(reads.length).toBe(before);
    expect(env.pendingTimers).toEqual([]);
  });

  test('unsubscribeAll ends every subscription', async () => {
    const { bus, env, run } = fixture;
    const { seen, handler } = collector();
    await run(bus.subscribe('>', handler));
    await run(bus.subscribe('a', handler, { name: 'named' }));
    await run(bus.unsubscribeAll());
    await run(bus.publish('a', 1));
    await env.settle();
    expect(seen).toEqual([]);
    await run(bus.subscribe('a', handler, { name: 'named' }));
    await env.settle();
    expect(seen, 'the named one kept its place').toEqual([1]);
  });

  test('a handler may stop its own subscription and wait for it', async () => {
    const { bus, env, run } = fixture;
    const { seen, handler } = collector();
    const subscription = await run(
      bus.subscribe('a', async (event) => {
        handler(event);
        await subscription.stop();
      }),
    );
    await run(Promise.all(upTo(3).map((n) => bus.publish('a', n))));
    await env.settle();
    expect(seen).toEqual([0]);
    await run(subscription.stop());
  });

  test('a stop waits for the handler under way and hands out nothing more', async () => {
    const { bus, env, run } = fixture;
    const { seen, handler } = collector();
    const { opened, open } = gate();
    await run(
      bus.subscribe('a', async (event) => {
        await opened;
        handler(event);
      }),
    );
    await run(Promise.all(upTo(3).map((n) => bus.publish('a', n))));
    await env.settle();
    let isStopped = false;
    const stopped = bus.stop().then(() => void (isStopped = true));
    await env.settle();
    expect(isStopped).toBe(false);
    open();
    await run(stopped);
    expect(seen).toEqual([0]);
    expect(env.pendingTimers.filter(({ dueAt }) => dueAt > env.now() + 200)).toEqual([]);
  });

  test('once it has stopped it waits for nothing, also when the store closes', async () => {
    const { bus, client, env, run, logs } = fixture;
    await run(bus.subscribe('a', ignore));
    await run(bus.subscribe('a', ignore, { name: 'mine' }));
    await run(bus.stop());
    client.close();
    await env.settle();
    expect(env.pendingTimers).toEqual([]);
    expect(logs).toEqual([]);
  });

  test('reads that fail are tried again after 500 ms, with one warning; nothing is missed', async () => {
    const { bus, env, run, logs, failReads } = fixture;
    const { seen, handler } = collector();
    await run(bus.subscribe('>', handler));
    await run(bus.publish('a', 0));
    await env.settle();
    failReads(3);
    await run(bus.publish('a', 1));
    await run(bus.publish('a', 2));
    await env.settle();
    expect(seen).toEqual([0]);
    await env.advance(499);
    expect(seen).toEqual([0]);
    await env.advance(1_001);
    expect(seen).toEqual([0, 1, 2]);
    expect(logs.map(({ level, text }) => `${level}: ${text}`)).toEqual([
      'warn: published events cannot be read; trying again',
    ]);
  });

  test.each([
    ['a bad pattern', 'a..b', ignore, {}, 'ERR_TOPIC_INVALID'],
    ['no handler', 'a', undefined, {}, 'ERR_OPTIONS_INVALID'],
    ['no priorities', 'a', ignore, { priorities: [] }, 'ERR_OPTIONS_INVALID'],
    ['an unknown priority', 'a', ignore, { priorities: ['urgent'] }, 'ERR_OPTIONS_INVALID'],
    ['an unknown option', 'a', ignore, { durable: true }, 'ERR_OPTIONS_INVALID'],
    ['options that are none', 'a', ignore, null, 'ERR_OPTIONS_INVALID'],
    ['an empty name', 'a', ignore, { name: '' }, 'ERR_OPTIONS_INVALID'],
    ['a name with a slash', 'a', ignore, { name: 'a/b' }, 'ERR_OPTIONS_INVALID'],
    ['a name with a dash first', 'a', ignore, { name: '-a' }, 'ERR_OPTIONS_INVALID'],
    ['a long name', 'a', ignore, { name: 'x'.repeat(129) }, 'ERR_OPTIONS_INVALID'],
    ['a name that is no string', 'a', ignore, { name: 7 }, 'ERR_OPTIONS_INVALID'],
  ] as const)('a subscription with %s is refused', async (_name, pattern, handler, options, code) => {
    await failureOf(fixture.run(fixture.bus.subscribe(pattern, handler as never, options as never)), code);
  });
});
