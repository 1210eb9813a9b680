/** A system and a NATS server that is not as it should be: said clearly, and nothing is lost or stuck by it. */
import { cpSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { NatsOptions, System } from '../../src/index.ts';
import { createRealEnv } from '../../src/env.ts';
import { connectNats } from '../../src/nats/nats-client.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { listener } from '../support/actors-topics.ts';
import { createTestSystem, eventually, failureOf } from '../support/harness.ts';
import type { TestOptions } from '../support/harness.ts';
import { NATS_VERSIONS } from '../support/nats-binary.ts';
import { startNatsServer } from '../support/nats-server.ts';
import type { NatsServer } from '../support/nats-server.ts';

const ACTORS = new URL('../support/actors-topics.ts', import.meta.url);

const start = (nats: NatsOptions | string, options: TestOptions = {}) =>
  createTestSystem({ threads: 0, nats, ...options });

/** A client of the test itself. */
const clientOf = (server: NatsServer, options: Partial<NatsOptions> = {}) =>
  connectNats({ servers: server.url, ...options }, { env: createRealEnv(), log: createLogger(() => {}, {}) });

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

async function collect(system: System, pattern: string, name = 'reader'): Promise<unknown[]> {
  const seen: unknown[] = [];
  await system.bus.subscribe(pattern, ({ data }) => void seen.push(data), { name });
  return seen;
}

const publishAll = (system: System, topic: string, data: readonly unknown[]): Promise<unknown> =>
  Promise.all(data.map((one) => system.bus.publish(topic, one)));

const lettersOf = (system: System) => system.deadLetters({ address: 'bus/nats' as never });

describe('at the start', () => {
  test('no server answers: the error names it and what to do', async () => {
    const failure = await failureOf(start('nats://me:hunter2@127.0.0.1:9'), 'ERR_NATS_UNAVAILABLE');
    expect(failure.message).toMatch(/127\.0\.0\.1:9.*refused.*required: false/);
    expect(JSON.stringify([failure.message, failure.details, String(failure.cause)])).not.toContain('hunter2');
  });

  test.each(NATS_VERSIONS)(
    'credentials of every kind are taken, and wrong ones named, by server %s',
    async (version) => {
      const auth = { users: [{ user: 'me', password: 'hunter2' }] };
      await using server = await startNatsServer({ version, auth });
      await using troupe = await start({ servers: server.url, user: 'me', password: 'hunter2' });
      await troupe.system.bus.publish('a', 1);
      for (const wrong of [{ user: 'me', password: 'wrong-one' }, { token: 'wrong-one' }, {}]) {
        const failure = await failureOf(start({ servers: server.url, ...wrong, required: false }), 'ERR_NATS_AUTH');
        expect(failure.message).toContain(`127.0.0.1:${server.port}`);
        expect(failure.message).not.toContain('wrong-one');
      }
      await using token = await startNatsServer({ version, auth: { token: 'open-sesame' } });
      await using other = await start(`nats://open-sesame@127.0.0.1:${token.port}`);
      await other.system.bus.publish('a', 1);
    },
  );

  test('a server with TLS is spoken to with its authority, and not without', async () => {
    await using server = await startNatsServer({ tls: true });
    const tls = { caFile: server.tls!.caFile };
    await using troupe = await start({ servers: server.url, tls });
    await troupe.system.bus.publish('a', 1);
    await failureOf(start(server.url), 'ERR_NATS_UNAVAILABLE');
    const missing = await failureOf(
      start({ servers: server.url, tls: { caFile: '/none.pem' } }),
      'ERR_OPTIONS_INVALID',
    );
    expect(missing.message).toMatch(/'nats\.tls\.caFile' names '\/none\.pem'/);
  });

  test.each(NATS_VERSIONS)('server %s without JetStream: the error says how it gets it', async (version) => {
    await using server = await startNatsServer({ version, jetstream: false });
    const failure = await failureOf(start(server.url), 'ERR_NATS_JETSTREAM');
    expect(failure.message).toMatch(/has no JetStream.*nats-server -js/);
  });

  test.each(NATS_VERSIONS)(
    'server %s with a stream of other settings: each is named; `update` changes what can be changed',
    async (version) => {
      await using server = await startNatsServer({ version });
      const client = await clientOf(server);
      const settings = {
        name: 'TROUPE_default',
        subjects: ['troupe.default.events.>'],
        storage: 'file',
        retention: 'limits',
        discard: 'old',
        maxAgeMs: 60_000,
        maxBytes: -1,
        maxMessages: 5,
        maxMessageBytes: -1,
        replicas: 1,
        duplicateWindowMs: 1000,
        isDirect: true,
      } as const;
      await client.jet.createStream(settings);
      const failure = await failureOf(start(server.url), 'ERR_NATS_STREAM');
      expect(failure.message).toMatch(
        /'TROUPE_default'.*max age is 60000ms instead of 86400000ms; max messages is 5 instead of -1; duplicate window is 1000ms.*nats stream edit TROUPE_default --max-age=86400000ms --max-msgs=-1/,
      );
      await using troupe = await start({ servers: server.url, stream: { update: true } });
      expect(await client.jet.streamInfo('TROUPE_default')).toMatchObject({ maxAgeMs: 86_400_000, maxMessages: -1 });
      await troupe.system.bus.publish('a', 1);
      await troupe.stop();
      await client.jet.deleteStream('TROUPE_default');
      await client.jet.createStream({ ...settings, storage: 'memory' });
      await failureOf(start({ servers: server.url, stream: { update: true } }), 'ERR_NATS_STREAM');
      await client.close();
    },
  );

  test('the second of two servers is used when the first is not there', async () => {
    await using server = await startNatsServer();
    await using troupe = await start({ servers: ['nats://127.0.0.1:9', server.url] });
    expect((await troupe.system.bus.stats()).nats).toMatchObject({ state: 'connected' });
  });
});

test('a client that is closed while its server stands still leaves no socket behind, which would keep the process from ending', async () => {
  const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  await using server = await startNatsServer();
  await eventually(sockets, (count) => count === 0);
  const client = await clientOf(server);
  await server.pause();
  await eventually(
    () => client.state,
    (state) => state === 'reconnecting',
  );
  await eventually(sockets, (count) => count === 1);
  await client.close();
  await eventually(sockets, (count) => count === 0);
  server.resume();
});

describe.each(NATS_VERSIONS.map((version) => ({ version })))('while it runs, with server $version', ({ version }) => {
  test('an event larger than the server takes is refused beforehand; one that slips through becomes a dead letter and holds up nothing', async () => {
    await using server = await startNatsServer({ version, maxPayloadBytes: 65_536 });
    await using a = await start(server.url);
    await using b = await start(server.url);
    const seen = await collect(b.system, 'big');
    const failure = await failureOf(a.system.bus.publish('big', 'x'.repeat(70_000)), 'ERR_EVENT_TOO_LARGE');
    expect(failure.message).toMatch(/'big' has 7\d{4} bytes, more than the 65536/);
    await a.system.bus.publish('big', 'fits');
    await eventually(() => seen.length === 1);
    // Published while nobody could know: the server takes less when it is back.
    await server.kill();
    await publishAll(a.system, 'big', ['before', 'y'.repeat(20_000), 'after']);
    await server.restart({ maxPayloadBytes: 8192 });
    await eventually(() => seen.length === 3);
    expect(seen).toEqual(['fits', 'before', 'after']);
    const error = expect.stringMatching(/'big' has 20\d{3} bytes, more than the 8192.*ERR_EVENT_TOO_LARGE/s) as string;
    expect(await lettersOf(a.system)).toMatchObject([{ error }]);
    await a.system.bus.publish('big', 'on');
    await eventually(() => seen.length === 4);
  });

  test('foreign garbage becomes dead letters that say what is wrong, and what is an event comes through, under an id of its source', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server.url);
    const seen: unknown[] = [];
    await a.system.bus.subscribe('>', ({ id, source, data }) => void seen.push({ id, source, data }));
    const client = await clientOf(server);
    const event = { specversion: '1.0', id: '1', source: '/shop', type: 't', time: '1999-01-01T00:00:00Z', data: 5 };
    const subject = 'troupe.default.events.a';
    for (const text of ['{nope', '[]', '{"hello":1}', JSON.stringify({ ...event, priority: 'urgent' })])
      client.publish(subject, text);
    client.publish('troupe.default.events.system.fake', JSON.stringify(event));
    client.publish(subject, JSON.stringify(event));
    client.publish(subject, JSON.stringify(event));
    client.publish(subject, JSON.stringify({ ...event, source: '/other' }));
    await eventually(() => seen.length === 2);
    expect(seen).toEqual([
      { id: '/shop#1', source: '/shop', data: 5 },
      { id: '/other#1', source: '/other', data: 5 },
    ]);
    const letters = await eventually(
      () => lettersOf(a.system),
      ({ length }) => length === 5,
    );
    // Each is a dead letter; the log is not filled by whoever may publish.
    expect(a.logs.filter(({ text }) => text.includes('cannot be taken')).length).toBeLessThan(5);
    const errors = letters.map(({ error }) => (JSON.parse(error) as { message: string }).message);
    expect(errors.map((text) => /is not JSON|an array|has no|priority|system/.exec(text)?.[0])).toEqual([
      'is not JSON',
      expect.anything(),
      'has no',
      'priority',
      'system',
    ]);
    // A clock that is wrong elsewhere decides nothing here: it came now, so it stays and is replayed as of now.
    const times: number[] = [];
    for await (const { time } of a.system.bus.replay({ since: Date.now() - 60_000, topics: ['a'] })) times.push(time);
    expect(times).toEqual([Date.UTC(1999), Date.UTC(1999)]);
    await client.close();
  });

  test('a stream that was deleted is made again and read from its beginning; what is known counts once', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server.url);
    await using b = await start(server.url);
    const seen = await collect(b.system, 'x');
    await publishAll(a.system, 'x', upTo(50));
    await eventually(() => seen.length === 50);
    const client = await clientOf(server);
    await client.jet.deleteStream('TROUPE_default');
    await publishAll(a.system, 'x', [50, 51]);
    await eventually(() => seen.length === 52);
    await publishAll(b.system, 'y', [1]);
    expect(seen).toEqual(upTo(52));
    expect(b.logs.some(({ text }) => text.includes('the stream was made anew'))).toBe(true);
    await client.close();
  });

  test('a server that comes back without its store: the stream is made anew, and events go on', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server.url);
    await using b = await start(server.url);
    const seen = await collect(b.system, 'x');
    await publishAll(a.system, 'x', upTo(20));
    await eventually(() => seen.length === 20);
    await server.kill();
    rmSync(server.storeDir, { recursive: true, force: true });
    await server.restart();
    await publishAll(a.system, 'x', [20]);
    await eventually(() => seen.length === 21);
    expect(seen).toEqual(upTo(21));
  });

  test('a user who may not publish events is told which permission is missing, once; the events wait', async () => {
    const me = { user: 'me', password: 'hunter2' };
    const permissions = { publish: ['$JS.API.>', '_INBOX.>'], subscribe: ['_INBOX.>'] };
    await using server = await startNatsServer({ version, auth: { users: [{ ...me, permissions }] } });
    await using a = await start({ servers: server.url, ...me, actors: false });
    await publishAll(a.system, 'x', [1]);
    const resent = await eventually(
      async () => (await a.system.bus.stats()).nats?.relay,
      (relay) => (relay?.resent ?? 0) >= 3,
    );
    expect(resent).toMatchObject({ behind: 1 });
    const about = a.logs.filter(({ fields }) => JSON.stringify(fields).includes('events.x'));
    expect(about).toMatchObject([
      { text: 'the NATS server reports an error' },
      { text: expect.stringContaining('cannot be sent'), fields: { error: { code: 'ERR_NATS_AUTH' } } },
    ]);
    expect(JSON.stringify(a.logs)).not.toContain('hunter2');
    await server.kill();
    await server.restart({ auth: { users: [me] } });
    await eventually(
      async () => (await a.system.bus.stats()).nats?.relay.behind,
      (behind) => behind === 0,
    );
  });

  test('two systems on copies of one store would pass over the events of each other: the second does not start', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server.url);
    await a.stop();
    await using copy = await createTestSystem({ threads: 0 });
    await copy.stop();
    cpSync(a.file, copy.file);
    await a.start();
    expect(await failureOf(copy.start({ nats: { servers: server.url, actors: false } }))).toMatchObject({
      code: 'ERR_NATS_CONFLICT',
      message: expect.stringMatching(/copy of the one of 'troupe' .*process \d+.*namespace: '…'/),
    });
    await copy.start({ nats: { servers: server.url, namespace: 'another' } });
  });

  test('what the stream removed while a system was away is said when it is back, and what follows comes', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server.url, { topicRetentionMs: 1000 });
    await using b = await start(server.url, { topicRetentionMs: 1000 });
    const seen = await collect(b.system, 'x');
    await publishAll(a.system, 'x', [0]);
    await eventually(() => seen.length === 1);
    await b.stop();
    await publishAll(a.system, 'x', [1, 2, 3]);
    const client = await clientOf(server);
    await eventually(
      async () => await client.jet.streamInfo('TROUPE_default'),
      (stream) => stream?.lastSeq === 4 && stream.messages === 0,
    );
    await b.start();
    const again = await collect(b.system, 'x');
    await publishAll(a.system, 'x', [4]);
    await eventually(() => again.length === 1);
    expect(again).toEqual([4]);
    expect(b.logs.filter(({ text }) => text.includes('removed messages that were not read here'))).toMatchObject([
      { level: 'warn', fields: { readTo: 1, firstSeq: 5, atMost: 3 } },
    ]);
    await client.close();
  });

  test('an event with too many subscribers here is refused to them alone, as a dead letter, and the next one comes', async () => {
    await using server = await startNatsServer({ version });
    await using a = await start(server.url);
    await using b = await start(server.url, {
      maxFanOut: 1,
      actors: [ACTORS],
    });
    for (const key of ['1', '2']) await b.system.actor(listener, key).ask({ type: 'NOTES' });
    const seen = await collect(b.system, '>');
    await publishAll(a.system, 'task.x', [{ n: 1 }]);
    await publishAll(a.system, 'other', [{ n: 2 }]);
    await eventually(() => seen.length === 1);
    expect(seen).toEqual([{ n: 2 }]);
    const letters = await eventually(
      () => lettersOf(b.system),
      ({ length }) => length === 1,
    );
    expect(letters).toMatchObject([{ error: expect.stringContaining('ERR_FAN_OUT') }]);
    const replayed = await failureOf(b.system.replayDeadLetter(letters[0]!.pos), 'ERR_OPTIONS_INVALID');
    expect(replayed.message).toMatch(/no actor that it could be sent to.*discardDeadLetter\(\d+\)/);
  });
});
