/** Events between systems over real NATS servers: each reaches every subscriber of every system once, in order, whatever is killed. */
import { describe, expect, test } from 'vitest';
import { createRealEnv } from '../../src/env.ts';
import type { System } from '../../src/index.ts';
import { toQueueName } from '../../src/nats/names.ts';
import { connectNats } from '../../src/nats/nats-client.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { listener } from '../support/actors-topics.ts';
import type { Note } from '../support/actors-topics.ts';
import { createTestSystem, eventually } from '../support/harness.ts';
import type { TestOptions } from '../support/harness.ts';
import { NATS_VERSIONS } from '../support/nats-binary.ts';
import { startNatsServer } from '../support/nats-server.ts';
import type { NatsServer } from '../support/nats-server.ts';

const ACTORS = new URL('../support/actors-topics.ts', import.meta.url);

const start = (server: NatsServer, options: TestOptions = {}) =>
  createTestSystem({ actors: [ACTORS], threads: 0, nats: { servers: server.url, actors: false }, ...options });

const upTo = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => from + n);

const publishAll = (system: System, topic: string, numbers: readonly number[]): Promise<unknown> =>
  Promise.all(numbers.map((n) => system.bus.publish(topic, { n }, { id: `${topic}-${n}` })));

/** What a subscription is given, as the numbers of the events. */
async function collect(system: System, pattern: string, name?: string): Promise<number[]> {
  const seen: number[] = [];
  await system.bus.subscribe(pattern, ({ data }) => void seen.push((data as { n: number }).n), name ? { name } : {});
  return seen;
}

const natsOf = async (system: System) => (await system.bus.stats()).nats;

const connected = (system: System): Promise<unknown> =>
  eventually(
    async () => (await natsOf(system))?.state,
    (state) => state === 'connected',
  );

const drained = (system: System): Promise<unknown> =>
  eventually(
    async () => (await natsOf(system))?.relay.behind,
    (behind) => behind === 0,
  );

describe.each(NATS_VERSIONS.map((version) => ({ version })))('with server $version', ({ version }) => {
  test('what one system publishes reaches subscribers, named ones and actors of another, each once and in order', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server);
    await using b = await start(server, { threads: 2 });
    await b.system.actor(listener, 'l').ask({ type: 'NOTES' });
    const [unnamed, named, own] = [
      await collect(b.system, 'task.*'),
      await collect(b.system, '>', 'reader'),
      await collect(a.system, 'task.*'),
    ];
    await publishAll(a.system, 'task.done', upTo(300));
    const notes = await eventually(
      () => b.system.actor(listener, 'l').ask({ type: 'NOTES' }) as Promise<Note[]>,
      ({ length }) => length >= 300,
    );
    await eventually(() => [unnamed, named, own].every(({ length }) => length >= 300));
    await drained(b.system);
    expect(notes.map(({ n }) => n)).toEqual(upTo(300));
    for (const seen of [unnamed, named, own]) expect(seen).toEqual(upTo(300));
  });

  test('an event arrives as it was published: id, source, time, priority, attributes and data', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server);
    await using b = await start(server);
    const events: unknown[] = [];
    const own: unknown[] = [];
    const note =
      (list: unknown[]) =>
      ({ seq: _seq, attempt: _attempt, ...event }: object & { seq: number; attempt: number }) =>
        void list.push(event);
    await b.system.bus.subscribe('x.>', note(events) as never);
    await a.system.bus.subscribe('x.>', note(own) as never);
    const data = { text: 'é "quoted" \u2028', list: [1, null, { deep: true }] };
    await a.system.bus.publish('x.größe', data, {
      id: 'with spaces\nand é',
      priority: 'critical',
      attributes: { subject: 's', traceparent: '00-1', n: 5, on: true },
    });
    await eventually(() => events.length === 1 && own.length === 1);
    expect(events).toEqual(own);
    expect(events[0]).toMatchObject({
      id: 'with spaces\nand é',
      source: 'bus/host',
      topic: 'x.größe',
      priority: 'critical',
      data,
    });
  });

  test('a server that is killed and started again under load costs nothing: none is lost, none comes twice, the order stays', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server);
    await using b = await start(server);
    const seen = await collect(b.system, 'load.>', 'reader');
    const load = (async () => {
      for (const n of upTo(30)) await publishAll(a.system, 'load.x', upTo(50, n * 50));
    })();
    for (const least of [100, 500, 900]) {
      await eventually(() => seen.length >= least);
      await server.kill();
      await server.restart();
      await connected(a.system);
    }
    await load;
    await eventually(() => seen.length >= 1500);
    await drained(a.system);
    expect(seen).toEqual(upTo(1500));
    expect((await b.system.stats()).deadLetters).toBe(0);
  });

  test('what is published while the server is away waits in the store, over a restart of the system too, and is sent when it is back', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server);
    await using b = await start(server);
    const seen = await collect(b.system, 'away.x', 'reader');
    await server.kill();
    await publishAll(a.system, 'away.x', upTo(700));
    expect(await a.system.bus.clear({ topics: ['away.>'] })).toBe(0);
    expect((await natsOf(a.system))?.relay.behind).toBe(700);
    await a.restart({ nats: { servers: server.url, required: false, actors: false } });
    await publishAll(a.system, 'away.x', upTo(100, 700));
    expect(seen).toEqual([]);
    await server.restart();
    const back = performance.now();
    await eventually(() => seen.length >= 1);
    expect(performance.now() - back).toBeLessThan(3000);
    await eventually(() => seen.length >= 800);
    expect(seen).toEqual(upTo(800));
    await drained(a.system);
    expect(await a.system.bus.clear({ topics: ['away.>'] })).toBe(800);
  });

  test('systems that lose their store threads and are restarted under load lose nothing, and take nothing twice', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server, { threads: 1 });
    await using b = await start(server, { threads: 1 });
    const counts = new Map<number, number>();
    const order: number[] = [];
    const read = (system: System) =>
      system.bus.subscribe(
        'load.x',
        ({ data }) => {
          const { n } = data as { n: number };
          counts.set(n, (counts.get(n) ?? 0) + 1);
          order.push(n);
        },
        { name: 'reader' },
      );
    await read(b.system);
    for (const round of upTo(2)) {
      const load = publishAll(a.system, 'load.x', upTo(200, round * 200));
      await eventually(() => counts.size >= round * 200 + 50);
      await Promise.all([a.endStore(), b.endStore(), load]);
      await b.restart();
      await a.restart();
      await read(b.system);
    }
    await eventually(() => counts.size === 400);
    await drained(b.system);
    const kept: number[] = [];
    for await (const { data } of b.system.bus.replay({ topics: ['load.x'] })) kept.push((data as { n: number }).n);
    expect(kept).toEqual(upTo(400));
    expect([...counts.keys()]).toEqual(upTo(400));
  });

  test('members of a group in two systems share its events, and go on when one system and the server are gone for a while', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server);
    await using b = await start(server);
    const [inA, inB]: [number[], number[]] = [[], []];
    const join = (system: System, seen: number[]) =>
      system.bus.subscribe('job', ({ data }) => void seen.push((data as { n: number }).n), { queue: 'workers' });
    await join(a.system, inA);
    await join(b.system, inB);
    await publishAll(a.system, 'job', upTo(200));
    await eventually(() => inA.length + inB.length >= 200);
    expect([...inA, ...inB].toSorted((x, y) => x - y)).toEqual(upTo(200));
    expect(Math.min(inA.length, inB.length)).toBeGreaterThan(0);
    await b.stop();
    await publishAll(a.system, 'job', upTo(100, 200));
    await server.kill();
    await publishAll(a.system, 'job', upTo(100, 300));
    await server.restart();
    // At least once: the server may forget an acknowledgement when it is killed. What a system has handled it knows by its id.
    await eventually(() => new Set([...inA, ...inB]).size === 400);
    expect(new Set(inA).size).toBe(inA.length);
  });

  test('a group that the server has lost is made again with what was not done, also when later events were', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server);
    const done: number[] = [];
    let fails = true;
    const handle = ({ data }: { readonly data: unknown }): void => {
      const { n } = data as { n: number };
      if (n === 0 && fails) throw new Error('not yet');
      done.push(n);
    };
    const backoff = { minMs: 500, maxMs: 500 };
    await a.system.bus.subscribe('job', handle, { queue: 'workers', maxAttempts: 100, backoff });
    await publishAll(a.system, 'job', upTo(20));
    await eventually(() => done.length === 19);
    const client = await connectNats(server.url, { env: createRealEnv(), log: createLogger(() => {}, {}) });
    expect(await client.jet.deleteQueue('TROUPE_default', toQueueName('workers'))).toBe(true);
    await client.close();
    fails = false;
    await publishAll(a.system, 'job', upTo(5, 20));
    await eventually(() => new Set(done).size === 25);
    expect(done.toSorted((x, y) => x - y)).toEqual(upTo(25));
  });

  test('a name is given up while the server is away, and a group by its own handler', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server);
    const { bus } = a.system;
    let isGone = false;
    const giveUp = async (): Promise<void> => {
      await bus.unsubscribe('workers');
      isGone = true;
    };
    await bus.subscribe('job', giveUp, { queue: 'workers' });
    await bus.publish('job', 1);
    await eventually(() => isGone);
    await bus.subscribe('x', () => {}, { name: 'reader' });
    await server.kill();
    await eventually(async () => (await natsOf(a.system))?.state === 'reconnecting');
    await bus.unsubscribe('reader');
    expect((await bus.stats()).subscribers.filter(({ name }) => name !== undefined)).toEqual([]);
  });

  test('a connection that stalls is noticed and made anew; nothing is lost by it', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server);
    await using b = await start(server);
    const seen = await collect(b.system, 'x', 'reader');
    await publishAll(a.system, 'x', upTo(10));
    await eventually(() => seen.length === 10);
    await server.pause();
    await publishAll(a.system, 'x', upTo(100, 10));
    await eventually(async () => (await natsOf(a.system))?.state === 'reconnecting');
    server.resume();
    const back = performance.now();
    await eventually(() => seen.length === 110);
    expect(performance.now() - back).toBeLessThan(3000);
    expect(seen).toEqual(upTo(110));
  });

  test('a server that lost its tail: the stream is read again, and only what is new counts', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server);
    await using b = await start(server);
    const seen = await collect(b.system, 'x', 'reader');
    await publishAll(a.system, 'x', upTo(30));
    await eventually(() => seen.length === 30);
    await b.stop();
    await a.stop();
    // As after a power loss: the last messages of the stream are not there any more.
    const client = await connectNats(server.url, { env: createRealEnv(), log: createLogger(() => {}, {}) });
    const stream = await client.jet.streamInfo('TROUPE_default');
    await client.jet.deleteStream('TROUPE_default');
    await client.jet.createStream(stream!);
    await client.close();
    await a.start();
    await b.start();
    const again = await collect(b.system, 'x', 'reader');
    await publishAll(a.system, 'x', [30]);
    await eventually(() => again.length === 1);
    await drained(b.system);
    expect([...seen, ...again]).toEqual(upTo(31));
  });

  test('what was taken in and cleared does not come again after a restart: the place is saved with the event', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server);
    await using b = await start(server);
    const seen = await collect(b.system, 'x', 'reader');
    await publishAll(a.system, 'x', upTo(20));
    await eventually(() => seen.length === 20);
    await drained(b.system);
    expect(await b.system.bus.clear({ topics: ['x'] })).toBe(20);
    await b.restart();
    const again = await collect(b.system, 'x', 'reader');
    await publishAll(a.system, 'x', [20]);
    await eventually(() => again.length > 0);
    expect(again).toEqual([20]);
  });
});
