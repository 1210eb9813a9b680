/** Publishing and subscribing: who gets what, in which order, and what travels with an event. */
import { describe, expect, test } from 'vitest';
import { crier, publisher } from '../support/actors-topics.ts';
import { allOf, atRest, collector, dataOf, gate, publishAll, upTo } from '../support/bus-verbs.ts';
import type { OpenBus } from './bus.ts';

export function busTopicsContract(open: OpenBus): void {
  describe('topics', () => {
    test('G12: an event arrives with id, topic, source, time, priority, attributes, data, position and attempt', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { events, handler } = collector();
      await run(system.bus.subscribe('task.*', handler));
      const attributes = { subject: 'order-7', retries: 3, urgent: true };
      await run(system.bus.publish('task.done', { n: [1, null, 'é'] }, { id: 'one', priority: 'high', attributes }));
      await run(system.bus.publish('task:failed', null));
      await atRest(fixture);
      const common = { source: 'bus/host', time: expect.any(Number), attempt: 1 };
      expect(events).toEqual([
        {
          ...common,
          id: 'one',
          topic: 'task.done',
          priority: 'high',
          attributes,
          data: { n: [1, null, 'é'] },
          seq: expect.any(Number),
        },
        {
          ...common,
          id: expect.any(String),
          topic: 'task.failed',
          priority: 'normal',
          data: null,
          seq: events[0]!.seq + 1,
        },
      ]);
    });

    test.each([
      ['a.b', ['a.b']],
      ['a.*', ['a.b', 'a.c']],
      ['*.b', ['a.b', 'agent.b']],
      ['a.>', ['a.b', 'a.c', 'a.b.c']],
      ['agent:*', ['agent.b']],
      ['>', ['a', 'a.b', 'a.c', 'a.b.c', 'agent.b']],
      ['none', []],
    ])('G12: %j gets what fits it, in the order of its publisher', async (pattern, wanted) => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { seen, handler } = collector();
      await run(system.bus.subscribe(pattern, handler));
      for (const topic of ['a', 'a.b', 'a.c', 'a.b.c', 'agent.b']) await run(system.bus.publish(topic, topic));
      await atRest(fixture);
      expect(seen).toEqual(wanted);
    });

    test('G12: only events of the priorities it asked for reach it', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { seen, handler } = collector();
      await run(system.bus.subscribe('a', handler, { priorities: ['critical', 'low'] }));
      for (const priority of ['critical', 'high', 'normal', 'low'] as const)
        await publishAll(fixture, 'a', [priority], { priority });
      await atRest(fixture);
      expect(seen).toEqual(['critical', 'low']);
    });

    test('G12: an id that was published is published once, also over a restart', async () => {
      await using fixture = await open();
      await publishAll(fixture, 'a', [1, 2], { id: 'same' });
      await fixture.restart();
      await publishAll(fixture, 'a', [3], { id: 'same' });
      await publishAll(fixture, 'a', [4], { id: 'other' });
      expect(dataOf(await fixture.run(allOf(fixture.system.bus.replay({ topics: ['a'] }))))).toEqual([1, 4]);
    });

    test('G12: events of several publishers each come in their order', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { events, handler } = collector();
      await run(system.bus.subscribe('news.*', handler));
      const cast = ['p', 'q', 'r'].map((key) => system.actor(publisher, key));
      const publish = (from: number) =>
        cast.map((ref) => ref.send({ type: 'PUBLISH', topic: `news.${ref.address.slice(-1)}`, from, count: 10 }));
      await run(Promise.all([...publish(0), ...publish(10), ...publish(20)]));
      await atRest(fixture);
      for (const { address } of cast) {
        const own = events.filter(({ source }) => source === address);
        expect(own.map(({ data }) => (data as { n: number }).n)).toEqual(upTo(30));
      }
    });

    test('what actors publish carries their attributes, whether they are stored or not', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { events, handler } = collector();
      await run(system.bus.subscribe('news.*', handler));
      const attributes = { subject: 'stored' };
      await run(system.actor(publisher, 'p').send({ type: 'PUBLISH', topic: 'news.p', from: 0, count: 1, attributes }));
      await run(system.actor(crier, 'c').send({ type: 'CRY', topic: 'news.c', n: 7 }));
      await fixture.until(
        () => events.length,
        (count) => count === 2,
      );
      expect(events.map(({ topic, attributes: given }) => [topic, given])).toEqual([
        ['news.p', { subject: 'stored' }],
        ['news.c', { subject: 'n-7' }],
      ]);
    });

    test('G14: a slow subscriber holds back nobody, and statistics say how far behind it is', async () => {
      await using fixture = await open();
      const { system, run, until } = fixture;
      const [slow, fast] = [collector(), collector()];
      const { opened, open: letGo } = gate();
      await run(system.bus.subscribe('a', (event, context) => opened.then(() => slow.handler(event, context))));
      await run(system.bus.subscribe('a', fast.handler, { name: 'fast' }));
      await publishAll(fixture, 'a', upTo(600));
      await until(
        () => fast.seen.length,
        (count) => count === 600,
      );
      expect(slow.seen).toEqual([]);
      const { subscribers } = await run(system.bus.stats());
      const behind = (name?: string) => subscribers.find((one) => one.pattern === 'a' && one.name === name)!.behind;
      expect(behind()).toBeGreaterThanOrEqual(599);
      expect(behind('fast')).toBe(0);
      letGo();
      await until(
        () => slow.seen.length,
        (count) => count === 600,
      );
      expect(slow.seen).toEqual(upTo(600));
    });

    test('unsubscribing one ends it alone, unsubscribeAll ends every one and keeps places', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const [one, two, kept] = [collector(), collector(), collector()];
      const first = await run(system.bus.subscribe('a', one.handler));
      await run(system.bus.subscribe('a', two.handler));
      await run(system.bus.subscribe('a', kept.handler, { name: 'kept' }));
      await publishAll(fixture, 'a', [0]);
      await atRest(fixture);
      await run(first.stop());
      await publishAll(fixture, 'a', [1]);
      await atRest(fixture);
      await run(system.bus.unsubscribeAll());
      await publishAll(fixture, 'a', [2]);
      await run(system.bus.subscribe('a', kept.handler, { name: 'kept' }));
      await atRest(fixture);
      expect([one.seen, two.seen, kept.seen]).toEqual([[0], [0, 1], [0, 1, 2]]);
    });

    test('G12: what another system of the namespace publishes arrives here, in its order, once', async () => {
      await using fixture = await open();
      const { system, other, run, until } = fixture;
      // Without a broker there is no other system: what is published here arrives here, which the tests above show.
      const from = other ?? system;
      const { events, handler } = collector();
      await run(system.bus.subscribe('far.*', handler, { name: 'far' }));
      for (const n of upTo(50)) await run(from.bus.publish('far.away', n, { attributes: { subject: `${n}` } }));
      await until(
        () => events.length,
        (count) => count >= 50,
      );
      await atRest(fixture);
      expect(dataOf(events)).toEqual(upTo(50));
      expect(events[7]?.attributes).toEqual({ subject: '7' });
    });
  });
}
