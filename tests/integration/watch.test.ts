/** `troupe watch` beside real servers: what it shows, in which order, and what it says when something is wrong. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRealEnv } from '../../src/env.ts';
import { isTroupeError } from '../../src/errors.ts';
import type { NatsClient, StreamSettings } from '../../src/nats/client.ts';
import { connectNats } from '../../src/nats/nats-client.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { runCli, startCli } from '../support/cli-run.ts';
import { NATS_VERSIONS } from '../support/nats-binary.ts';
import { startNatsServer } from '../support/nats-server.ts';
import type { NatsServer } from '../support/nats-server.ts';

const NAMESPACE = 'watched';
const PREFIX = `troupe.${NAMESPACE}.events.`;
const STREAM: StreamSettings = {
  name: `TROUPE_${NAMESPACE}`,
  subjects: [`${PREFIX}>`],
  storage: 'file',
  retention: 'limits',
  discard: 'old',
  maxAgeMs: 86_400_000,
  maxBytes: -1,
  maxMessages: -1,
  maxMessageBytes: -1,
  replicas: 1,
  duplicateWindowMs: 120_000,
  isDirect: true,
};

describe.each(NATS_VERSIONS)('on NATS %s', (version) => {
  let server: NatsServer;
  let client: NatsClient;
  let published = 0;

  beforeAll(async () => {
    server = await startNatsServer({ version });
    client = await open(server);
    await client.jet.createStream(STREAM);
  });

  afterAll(async () => {
    await client?.close();
    await server?.stop();
  });

  test('shows what fits the patterns, as it comes, and ends after --limit with code 0', async () => {
    await using one = watch(server, 'agent:*', '--limit', '2');
    await using several = watch(server, 'agent.*', 'task.>', 'agent.>', '--limit', '3');
    await using all = watch(server, '--limit', '4');
    await using runtime = watch(server, 'system.>', '--limit', '1');
    for (const each of [one, several, all, runtime]) await each.says(/; watching /u);
    for (const topic of ['agent.a', 'other', 'system.actor.ended', 'agent.a.turn', 'task.x', 'agent.b'])
      await publish(topic);
    const topics = async (each: typeof one): Promise<unknown> => {
      const { code, stdout } = await each.ended();
      return [
        code,
        ...[...stdout.matchAll(/^\S+ normal {3}(\S+) {2}test {2}\{"n":\d+\}$/gmu)].map(([, topic]) => topic),
      ];
    };
    expect(await topics(one)).toEqual([0, 'agent.a', 'agent.b']);
    expect(await topics(several)).toEqual([0, 'agent.a', 'agent.a.turn', 'task.x']);
    expect(await topics(all)).toEqual([0, 'agent.a', 'other', 'agent.a.turn', 'task.x']);
    expect(await topics(runtime)).toEqual([0, 'system.actor.ended']);
  });

  test('--since shows what was there, then what comes, none missed and none twice', async () => {
    const first = published;
    for (let n = 0; n < 300; n += 1) await publish('many.x');
    await using watching = watch(server, 'many.*', '--since', '10m', '--json', '--limit', '900');
    for (let n = 0; n < 600; n += 1) await publish('many.y');
    const { code, stdout } = await watching.ended();
    expect(code).toBe(0);
    const numbers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { data: { n: number } }).data.n);
    expect(numbers).toEqual(Array.from({ length: 900 }, (_, at) => first + at + 1));
  });

  test('--since leaves out what is older', async () => {
    await publish('old.x');
    // Starting the process takes longer.
    await using watching = watch(server, 'old.*', '--since', '10ms', '--limit', '1');
    await watching.says(/; watching /u);
    await publish('old.y');
    expect((await watching.ended()).stdout).toMatch(/ old\.y /u);
  });

  test('a server that is killed and comes back: it says so, and goes on without a gap', async () => {
    await using watching = watch(server, 'down.*', '--json');
    await watching.says(/; watching /u);
    const before = published;
    await publish('down.a');
    await watching.shows(1);
    await server.kill();
    await watching.says(/^troupe: disconnected.*trying again$/mu);
    await server.restart();
    await watching.says(/^troupe: reconnected to /mu);
    for (let n = 0; n < 20; n += 1) await publish('down.b');
    await watching.shows(21);
    const numbers = watching.lines.map((line) => (JSON.parse(line) as { data: { n: number } }).data.n);
    expect(numbers).toEqual(Array.from({ length: 21 }, (_, at) => before + at + 1));
  });

  test('a stream that is made anew is followed from its beginning', async () => {
    await using watching = watch(server, 'anew.*');
    await watching.says(/; watching /u);
    await publish('anew.a');
    await watching.shows(1);
    await client.jet.deleteStream(STREAM.name);
    await client.jet.createStream(STREAM);
    await publish('anew.b');
    await watching.says(/going on with stream 'TROUPE_watched', which was made anew/u);
    await watching.shows(2);
    expect(watching.lines[1]).toContain(' anew.b ');
  });

  test('Ctrl-C ends it with code 0, quietly', async () => {
    await using watching = watch(server);
    await watching.says(/; watching /u);
    watching.child.kill('SIGINT');
    const { code, stdout, stderr } = await watching.ended();
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('a reader that goes away ends it with code 0, quietly', async () => {
    await using watching = watch(server, 'head.*');
    await watching.says(/; watching /u);
    await publish('head.a');
    await watching.shows(1);
    watching.child.stdout.destroy();
    const exit = once(watching.child, 'exit');
    await publish('head.b');
    expect(await exit).toEqual([0, null]);
    expect(watching.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('what is no event is shown as what it is, and nothing after it is lost', async () => {
    await using watching = watch(server, 'odd.*', '--limit', '2');
    await watching.says(/; watching /u);
    await client.jet.publish(`${PREFIX}odd.a`, '\u001B[2Jno event', { id: `odd-${version}`, timeoutMs: 2000 });
    await publish('odd.b');
    const { stdout } = await watching.ended();
    expect(stdout).toContain('(not a CloudEvent)');
    expect(stdout).not.toContain('\u001B');
    expect(stdout).toMatch(/ odd\.b /u);
  });

  /** Again under the same id, until the stream has it. */
  async function publish(topic: string): Promise<void> {
    published += 1;
    const id = `${version}-${published}`;
    const text = JSON.stringify({ specversion: '1.0', id, source: 'test', type: topic, data: { n: published } });
    for (;;) {
      try {
        await client.jet.publish(PREFIX + topic, text, { id, timeoutMs: 1000 });
        return;
      } catch (error) {
        if (!isTroupeError(error, 'ERR_NATS_UNAVAILABLE')) throw error;
      }
    }
  }
});

describe('what cannot be done is refused in one line that says why, with code 2', () => {
  let server: NatsServer;
  let bare: NatsServer;

  beforeAll(async () => {
    server = await startNatsServer({ auth: { users: [{ user: 'ada', password: 'right' }] } });
    bare = await startNatsServer({ jetstream: false });
  });

  afterAll(() => Promise.all([server?.stop(), bare?.stop()]));

  test.each([
    [['--nats', 'nats://127.0.0.1:1'], /^No NATS server answers at nats:\/\/127\.0\.0\.1:1: .*--nats\.$/u],
    [['--nats', 'ftp://127.0.0.1'], /^Option '--nats' has the scheme 'ftp:'/u],
    [['--nats', ''], /^Option '--nats' /u],
    [['--namespace', 'a b'], /^Option '--namespace' /u],
    [['--creds', 'missing.creds'], /^Option '--creds' names 'missing\.creds', which cannot be read/u],
    [['a b'], /^The pattern 'a b' has the token 'a b', which has a space/u],
    [['a..b'], /^The pattern 'a\.\.b' has an empty token/u],
    [['a.>.b'], /^The pattern 'a\.>\.b' has '>' before its end/u],
    [['--since', 'yesterday'], /^error: option '--since <span>' argument 'yesterday' is invalid/u],
    [['--limit', '0'], /^error: option '--limit <n>' argument '0' is invalid/u],
    [['--loud'], /^error: unknown option '--loud'/u],
  ])('%j', async (args, problem) => {
    const { code, stdout, stderr } = await runCli('watch', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/u);
    expect(stderr.trimEnd()).toMatch(problem);
  });

  test('wrong credentials, and the password is not repeated', async () => {
    const { code, stderr } = await runCli('watch', '--nats', server.url, '--user', 'ada', '--password', 'guessed');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^The NATS server at \S+ does not accept the credentials: .*--user and --password/u);
    expect(stderr).not.toContain('guessed');
  });

  test('no stream, and how it comes about', async () => {
    const { code, stderr } = await runCli('watch', '--nats', server.url, '--user', 'ada', '--password', 'right');
    expect(code).toBe(2);
    expect(stderr).toMatch(/There is no stream 'TROUPE_default' on .* which makes it/u);
  });

  test('a server without JetStream', async () => {
    const { code, stderr } = await runCli('watch', '--nats', bare.url);
    expect(code).toBe(2);
    expect(stderr).toMatch(/has no JetStream/u);
  });
});

const place = (server: NatsServer): readonly string[] => ['watch', '--nats', server.url, '--namespace', NAMESPACE];

function watch(server: NatsServer, ...args: readonly string[]): ReturnType<typeof startCli> {
  return startCli(...place(server), ...args);
}

function open(server: NatsServer): Promise<NatsClient> {
  const log = createLogger(() => {}, {});
  return connectNats({ servers: server.url, namespace: NAMESPACE }, { env: createRealEnv(), log });
}
