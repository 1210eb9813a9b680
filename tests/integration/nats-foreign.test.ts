/** Clients without any code of ours drive actors over real NATS servers, with what docs/nats.md says and nothing else. */
import { describe, expect, test } from 'vitest';
import { createSystem } from '../../src/index.ts';
import { counter } from '../support/actors-basic.ts';
import { listener } from '../support/actors-topics.ts';
import { createTestSystem, eventually } from '../support/harness.ts';
import type { TestOptions } from '../support/harness.ts';
import { NATS_VERSIONS } from '../support/nats-binary.ts';
import { blocksOf, playLines } from '../support/nats-lines.ts';
import { connectRaw } from '../support/nats-raw.ts';
import type { RawMessage, RawNats } from '../support/nats-raw.ts';
import { startNatsServer } from '../support/nats-server.ts';
import type { NatsServer } from '../support/nats-server.ts';

const PAGE = new URL('../../docs/nats.md', import.meta.url);
const ACTORS = ['basic', 'topics'].map((name) => new URL(`../support/actors-${name}.ts`, import.meta.url));

const start = (server: NatsServer, options: TestOptions = {}) =>
  createTestSystem({ actors: ACTORS, threads: 0, nats: server.url, ...options });

const read = ({ text }: RawMessage) =>
  JSON.parse(text) as { ok?: boolean; reply?: unknown; error?: { code: string; message: string } };

/** A command of the page, as the request it makes. */
function parseCommand(line: string): {
  readonly verb: string;
  readonly subject: string;
  readonly text: string;
  headers: Record<string, string>;
} {
  const [, verb = '', subject = '', text = ''] = /^nats (req|pub) (\S+) '([^']*)'/.exec(line) ?? [];
  const headers = [...line.matchAll(/-H '([^:]+): ([^']*)'/g)].map(([, name = '', value = '']) => [name, value]);
  return { verb, subject, text, headers: Object.fromEntries(headers) as Record<string, string> };
}

/** Permissions as the page gives them: for a client, then for the system. */
const permissions = () =>
  blocksOf(PAGE, 'json').map(
    (text) => JSON.parse(text) as { publish: readonly string[]; subscribe: readonly string[] },
  );

describe.each(NATS_VERSIONS)('on NATS %s', (version) => {
  test('every exchange of docs/nats.md happens as it says, line by line over TCP', async () => {
    await using server = await startNatsServer({ version });
    await using run = await start(server);
    const { system } = run;
    await system.health.register('team:planner', { strategy: 'alert' });
    const blocks = blocksOf(PAGE, 'nats');
    expect(blocks.length).toBeGreaterThanOrEqual(9);
    for (const block of blocks) {
      // What the page calls a moment later.
      if (block.includes('"reply":[…{')) {
        const notes = () => system.actor(listener, 'l').ask({ type: 'NOTES' });
        await eventually(notes, (list) => list.length > 0);
      }
      await playLines(server.port, block);
    }
    expect(system.health.of('team:planner')).toMatchObject({ state: 'healthy', lastActivity: 'task.done' });
    const session = await system.sessions.get('ada');
    await eventually(
      () => session.history(),
      (history) => history.map(({ text }) => text).join() === 'hi,psst',
    );
    expect((await (await system.sessions.get('bob')).history()).map(({ text }) => text)).toEqual(['hi bob']);
    expect(await system.deadLetters()).toEqual([]);
  });

  test('the commands of docs/nats.md do what they say', async () => {
    await using server = await startNatsServer({ version });
    await using run = await start(server);
    await using raw = await connectRaw(server.url);
    const lines = blocksOf(PAGE, 'sh').flatMap((block) => block.trim().split('\n'));
    for (const { verb, subject, text, headers } of lines.map(parseCommand)) {
      if (verb === 'pub') raw.publish(subject, text, { headers });
      else if (verb === 'req')
        expect((await raw.request(subject, text, { headers })).text).toMatch(/^\{"(ok":true|name")/);
    }
    const session = await run.system.sessions.get('eve');
    await eventually(
      () => session.history(),
      (history) => history.map(({ text }) => text).join() === 'hi,psst',
    );
  });

  test('the permissions of docs/nats.md are enough for both sides, and hold the client to them', async () => {
    const [client, own] = permissions();
    const users = [
      { user: 'client', password: 'c', permissions: client! },
      { user: 'troupe', password: 't', permissions: own! },
    ];
    await using server = await startNatsServer({ version, auth: { users } });
    await using run = await start(server, { nats: { servers: server.url, user: 'troupe', password: 't' } });
    await using raw = await connectRaw(server.url, { user: 'client', password: 'c' });
    const heard: string[] = [];
    raw.subscribe('troupe.default.events.>', ({ subject }) => void heard.push(subject));
    const subject = 'troupe.default.actor.session.ada';
    expect(read(await raw.request(subject, '{"input":{"user":"ada"},"event":{"type":"SAY","text":"hi"}}'))).toEqual({
      ok: true,
    });
    raw.publish('troupe.default.actor.counter.a', '{"type":"ADD","n":1}');
    await raw.ping();
    expect(raw.errors.join()).toContain('Permissions Violation for Publish to "troupe.default.actor.counter.a"');
    const event = '{"specversion":"1.0","id":"1","source":"shop","type":"task.created","data":{"n":7}}';
    await run.system.actor(listener, 'l').ask({ type: 'NOTES' });
    await raw.request('troupe.default.events.task.created', event);
    await eventually(
      () => run.system.actor(listener, 'l').ask({ type: 'NOTES' }),
      (notes) => notes.length === 1,
    );
    await run.system.bus.publish('task.done', { n: 1 });
    await eventually(
      () => heard.length,
      (count) => count === 2,
    );
    expect(await run.system.deadLetters()).toEqual([]);
    const complaints = run.logs?.filter(({ text }) => text.includes('ermission')) ?? [];
    expect(complaints).toEqual([]);
  });

  test('bad input of every kind is answered, and whoever sent it goes on', async () => {
    await using server = await startNatsServer({ version, maxPayloadBytes: 8 * 1024 * 1024 });
    await using run = await start(server);
    await using raw = await connectRaw(server.url);
    const codeOf = async (target: string, text: string, headers = {}): Promise<string | undefined> =>
      read(await raw.request(`troupe.default.actor.${target}`, text, { headers, timeoutMs: 10_000 })).error?.code;
    const megabytes = JSON.stringify({ type: 'KEEP', value: 'x'.repeat(6 * 1024 * 1024) });
    expect({
      notJson: await codeOf('counter.a', 'hi'),
      noType: await codeOf('counter.a', '{}'),
      unknownType: await codeOf('nobody.a', '{"type":"ADD"}'),
      noInput: await codeOf('session.a', '{"type":"SAY","text":"hi"}'),
      wrongInput: await codeOf('session.a', '{"input":{"user":""}}'),
      wrongEvent: await codeOf('counter.a', '{"type":"ADD","n":"x"}'),
      wrongKey: await codeOf('counter.-', '{"type":"ADD","n":1}'),
      slashes: await codeOf('counter.a/b', '{"type":"ADD","n":1}'),
      tokens: await codeOf('counter.a.b.c', '{"type":"ADD","n":1}'),
      wildcardType: await codeOf('*.a', '{"type":"ADD","n":1}'),
      wildcardKey: await codeOf('counter.>', '{"type":"ADD","n":1}'),
      late: await codeOf('counter.a', '{"type":"IGNORED"}', { 'Troupe-Timeout-Ms': '50' }),
      megabytes: await codeOf('counter.a', megabytes),
      afterwards: await codeOf('counter.a', '{"type":"ADD","n":1}'),
    }).toEqual({
      notJson: 'ERR_NOT_JSON',
      noType: 'ERR_EVENT_INVALID',
      unknownType: 'ERR_ACTOR_TYPE_UNKNOWN',
      noInput: 'ERR_ACTOR_NOT_FOUND',
      wrongInput: 'ERR_INPUT_INVALID',
      wrongEvent: 'ERR_EVENT_INVALID',
      wrongKey: 'ERR_ADDRESS',
      slashes: 'ERR_ADDRESS',
      tokens: 'ERR_ADDRESS',
      wildcardType: 'ERR_ADDRESS',
      wildcardKey: 'ERR_ADDRESS',
      late: 'ERR_ASK_TIMEOUT',
      megabytes: undefined,
      afterwards: undefined,
    });
    expect(await run.system.actor(counter, 'a').ask({ type: 'GET' })).toEqual({ count: 1 });
    // The server complains of wildcards, and passes them on all the same.
    await raw.ping();
    expect([...new Set(raw.errors)]).toEqual(["'Invalid Publish Subject'"]);
  });

  test('500 publications and requests of one connection are processed in their order, all of them', async () => {
    await using server = await startNatsServer({ version });
    await using run = await start(server, { threads: 2 });
    await using raw = await connectRaw(server.url);
    const subject = 'troupe.default.actor.recorder.r';
    const answers: Promise<RawMessage>[] = [];
    for (let n = 0; n < 500; n++) {
      const text = `{"type":"NOTE","from":"x","n":${n}}`;
      if (n % 10 === 0) answers.push(raw.request(subject, text, { timeoutMs: 10_000 }));
      else raw.publish(subject, text);
    }
    expect((await Promise.all(answers)).every((answer) => read(answer).ok)).toBe(true);
    const list = async () => read(await raw.request(subject, '{"type":"LIST"}')).reply as { n: number }[];
    const notes = await eventually(list, ({ length }) => length === 500);
    expect(notes.map(({ n }) => n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
    expect(await run.system.deadLetters()).toEqual([]);
  });

  test('a second system does not start beside one that serves the same, starts beside it with other types, and takes over when it stops', async () => {
    await using server = await startNatsServer({ version });
    await using raw = await connectRaw(server.url);
    const one = await start(server, { nats: { servers: server.url, name: 'one' } });
    const options = { actors: ACTORS, threads: 0, store: 'memory:' };
    await expect(createSystem({ ...options, nats: { servers: server.url, actors: true } })).rejects.toMatchObject({
      code: 'ERR_NATS_CONFLICT',
      details: { name: 'one', pid: process.pid, namespace: 'default' },
    });
    await expectServing(raw, 'one');
    for (const nats of [server.url, { servers: server.url, name: 'beside', actors: false }]) {
      const beside = await createSystem({ ...options, nats });
      expect(read(await raw.request('troupe.default.actor.counter.x', '{"type":"ADD","n":1}'))).toEqual({ ok: true });
      await beside.stop();
      await expectServing(raw, 'one');
    }
    await one.system.stop();
    const two = await createSystem({ ...options, nats: { servers: server.url, name: 'two' } });
    await expectServing(raw, 'two');
    await two.stop();
    await expect(raw.request('troupe.default.systems')).rejects.toThrow('nobody answers');
  });

  test('a server that is killed and comes back finds its actors served again', async () => {
    await using server = await startNatsServer({ version });
    await using run = await start(server);
    await server.kill();
    await server.restart();
    await eventually(
      async () => {
        await using raw = await connectRaw(server.url);
        const add = { headers: { 'Nats-Msg-Id': 'once' }, timeoutMs: 500 };
        return await raw
          .request('troupe.default.actor.counter.a', '{"type":"ADD","n":1}', add)
          .then(read, () => undefined);
      },
      (answer) => answer?.ok === true,
    );
    expect(await run.system.actor(counter, 'a').ask({ type: 'GET' })).toEqual({ count: 1 });
  });
});

async function expectServing(raw: RawNats, name: string): Promise<void> {
  const { text } = await raw.request('troupe.default.systems');
  expect(JSON.parse(text)).toMatchObject({ name, types: expect.arrayContaining(['session', 'counter']) as unknown });
  expect(read(await raw.request('troupe.default.actor.counter.x', '{"type":"ADD","n":1}'))).toEqual({ ok: true });
}
