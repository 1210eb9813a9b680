/** Events between systems over real NATS servers: each reaches every subscriber of every system once, in order, whatever is killed. */
import { describe, expect, test } from 'vitest';
import type { System } from '../../src/index.ts';
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
});
