/** `troupe doctor` on real servers: what they tell, which promise holds, what is to be mended. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSystem } from '../../src/index.ts';
import type { Finding, NatsFacts } from '../../src/nats/diagnosis.ts';
import { runCli } from '../support/cli-run.ts';
import type { CliEnd } from '../support/cli-run.ts';
import { connectRaw } from '../support/nats-raw.ts';
import { startNatsServer } from '../support/nats-server.ts';
import type { NatsOptions, NatsServer } from '../support/nats-server.ts';

const SYSTEM = ['--system-user', 'system', '--system-password', 'system'];
const ALWAYS = { jetstream: { syncInterval: 'always' } } as const;

describe('which promise holds', () => {
  test('a server that syncs every message: the monitoring port and the system account both tell', async () => {
    await using server = await startNatsServer(ALWAYS);
    const monitored = await doctor(server, '--monitor', server.monitorUrl);
    expect(monitored.code).toBe(0);
    expect(monitored.stdout).toMatch(/^sync +every message \(monitoring port\)$/mu);
    expect(monitored.stdout).toMatch(/^ok +Promise: .* survives a crash of the server and a loss of power/mu);
    const asked = await examine(server, ...SYSTEM);
    expect(asked.sync).toMatchObject([{ isAlways: true, from: 'system account', version: server.version }]);
  });

  test('a server that syncs by an interval', async () => {
    await using server = await startNatsServer({ jetstream: { syncInterval: '10s' } });
    const { stdout, code } = await doctor(server, ...SYSTEM);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sync +every 10 s \(system account\)$/mu);
    expect(stdout).toMatch(/^note +Promise: .*a loss of power can take those of the last 10 s/mu);
    expect(stdout).toMatch(/^ +→ .*sync_interval: always/mu);
  });

  test('a server that nobody asked: unknown, and how to find out', async () => {
    await using server = await startNatsServer(ALWAYS);
    const { stdout, code } = await doctor(server);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sync +unknown$/mu);
    expect(stdout).toMatch(/^ +→ To find out, give --monitor .* or --system-user/mu);
  });

  test('NATS 2.9.10 of Debian: good for development, said plainly, whoever is asked', async () => {
    await using server = await startNatsServer({ version: '2.9.10' });
    for (const args of [[], SYSTEM, ['--monitor', server.monitorUrl]]) {
      const { stdout, code } = await doctor(server, ...args);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^sync +every 2 min \(version\)$/mu);
      expect(stdout).toMatch(/^note +NATS 2\.9\.10 is good for development; it is older than 2\.10\.23\.$/mu);
      expect(stdout).toMatch(/^note +Promise: .* the last 2 min\. .* Good for development\.$/mu);
      expect(stdout).toMatch(/NATS 2\.9\.10 rejects that\.$/mu);
    }
  });
});

describe('the stream and the systems of a namespace', () => {
  let server: NatsServer;

  beforeAll(async () => {
    server = await startNatsServer(ALWAYS);
  });

  afterAll(() => server?.stop());

  test('no stream yet is noted', async () => {
    const { code, stdout } = await doctor(server, '--namespace', 'unborn');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^note +There is no stream 'TROUPE_unborn' yet\.$/mu);
  });

  test('a stream that a system has made is as it should be, with its events and its readers', async () => {
    const actors = [new URL('../support/actors-basic.ts', import.meta.url)];
    const nats = { servers: server.url, namespace: 'alive' };
    const system = await createSystem({ actors, nats, store: 'memory:', threads: 0 });
    try {
      for (let n = 1; n <= 5; n += 1) await system.bus.publish('task.done', { n });
      await messages(server, 'TROUPE_alive', 5);
      const facts = await examine(server, '--namespace', 'alive', ...SYSTEM);
      expect(facts.stream).toMatchObject({ name: 'TROUPE_alive', maxAgeMs: 86_400_000 });
      expect(facts.stream?.messages).toBeGreaterThanOrEqual(5);
      expect(facts.oldestMs).toBeLessThan(60_000);
      expect(facts.systems).toMatchObject([{ pid: process.pid }]);
      const { stdout } = await doctor(server, '--namespace', 'alive');
      expect(stdout).toMatch(new RegExp(`^system .* process ${process.pid}, .*; serves `, 'mu'));
      expect(facts.consumers.filter(({ isDurable }) => !isDurable)).toHaveLength(1);
      expect(facts.findings.map(({ level }) => level)).toEqual(['good', 'good', 'good']);
    } finally {
      await system.stop();
    }
  });

  test('a stream with other settings is to be mended: each is named, with the command that mends it', async () => {
    await ask(server, 'STREAM.CREATE.TROUPE_odd', {
      name: 'TROUPE_odd',
      subjects: ['troupe.odd.events.*'],
      retention: 'interest',
      discard: 'new',
      storage: 'memory',
      max_msgs: 10,
    });
    const { code, stdout } = await doctor(server, '--namespace', 'odd');
    expect(code).toBe(1);
    expect(stdout.match(/^MEND .*$/gmu)).toEqual([
      "MEND  Stream 'TROUPE_odd' has subjects troupe.odd.events.* instead of troupe.odd.events.>.",
      "MEND  Stream 'TROUPE_odd' has retention interest instead of limits.",
      "MEND  Stream 'TROUPE_odd' has discard new instead of old.",
      "MEND  Stream 'TROUPE_odd' has max messages 10 instead of -1.",
    ]);
    expect(stdout).toMatch(/^ +→ Mend it with 'nats stream edit TROUPE_odd --discard=old'/mu);
    expect(stdout).toMatch(/^note +Promise: .* is gone when the server stops/mu);
  });

  test('a queue group that nobody takes part in is to be mended', async () => {
    await ask(server, 'STREAM.CREATE.TROUPE_left', { name: 'TROUPE_left', subjects: ['troupe.left.events.>'] });
    const config = { durable_name: 'queue_ledger', ack_policy: 'explicit' };
    const request = { stream_name: 'TROUPE_left', config };
    await ask(server, 'CONSUMER.DURABLE.CREATE.TROUPE_left.queue_ledger', request);
    await using raw = await connectRaw(server.url);
    for (const topic of ['a', 'b', 'c']) await raw.request(`troupe.left.events.${topic}`, '{}');
    const { code, stdout } = await doctor(server, '--namespace', 'left');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^group +'ledger': 3 waiting, 0 being handled/mu);
    expect(stdout).toMatch(/^MEND +3 events wait for queue group 'ledger', and nobody takes them\.$/mu);
  });
});

describe('what is wrong with the server or the account is to be mended', () => {
  test.each<[string, NatsOptions, readonly string[], RegExp]>([
    ['a server without JetStream', { jetstream: false }, [], /The server has no JetStream/u],
    ['an old server without JetStream', { jetstream: false, version: '2.9.10' }, [], /The server has no JetStream/u],
    ['the system account', {}, ['--user', 'system', '--password', 'system'], /credentials of the system account/u],
  ])('%s', async (_what, options, args, problem) => {
    await using server = await startNatsServer(options);
    const { code, stdout } = await doctor(server, ...args);
    expect(code).toBe(1);
    expect(stdout.match(/^MEND .*$/gmu)).toHaveLength(1);
    expect(stdout).toMatch(problem);
    expect(stdout).not.toContain('Promise');
  });

  test('a user who may not ask everybody is told what could not be asked', async () => {
    const permissions = { publish: ['$JS.>', '_INBOX.>'], subscribe: ['>'] };
    await using server = await startNatsServer({ auth: { users: [{ user: 'ada', password: 'ada', permissions }] } });
    const { code, stdout } = await doctor(server, '--user', 'ada', '--password', 'ada');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^note +The systems could not be asked: .*systems/mu);
    expect(stdout).toMatch(/^note +There is no stream/mu);
  });

  test('a monitoring port that is closed is noted, and the rest is told', async () => {
    await using server = await startNatsServer();
    const { code, stdout } = await doctor(server, '--monitor', 'http://127.0.0.1:1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^note +The monitoring port at 'http:\/\/127\.0\.0\.1:1' could not be asked: .+\.$/mu);
  });
});

describe('a server that cannot be asked: one line that says why, and code 2', () => {
  test('because none is there', async () => {
    const { code, stdout, stderr } = await runCli('doctor', '--nats', 'nats://127.0.0.1:1');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^No NATS server answers at nats:\/\/127\.0\.0\.1:1: [^\n]+\n$/u);
  });

  test('because it does not let one in, with either credentials', async () => {
    await using server = await startNatsServer();
    for (const args of [
      ['--user', 'ada', '--password', 'guessed'],
      ['--system-user', 'system', '--system-password', 'guessed'],
    ]) {
      const { code, stdout, stderr } = await doctor(server, ...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^The NATS server at \S+ does not accept the credentials: [^\n]+\n$/u);
      expect(stderr).not.toContain('guessed');
    }
  });
});

function doctor(server: NatsServer, ...args: readonly string[]): Promise<CliEnd> {
  return runCli('doctor', '--nats', server.url, ...args);
}

async function examine(
  server: NatsServer,
  ...args: readonly string[]
): Promise<NatsFacts & { readonly findings: readonly Finding[] }> {
  const { stdout } = await doctor(server, '--json', ...args);
  expect(stdout).toMatch(/^[^\n]+\n$/u);
  return JSON.parse(stdout) as NatsFacts & { readonly findings: readonly Finding[] };
}

/** A request to JetStream, in its own words. */
async function ask(server: NatsServer, what: string, text: object): Promise<Readonly<Record<string, unknown>>> {
  await using raw = await connectRaw(server.url);
  const answer = JSON.parse((await raw.request(`$JS.API.${what}`, JSON.stringify(text))).text) as Record<
    string,
    unknown
  >;
  if (answer['error']) throw new Error(JSON.stringify(answer['error']));
  return answer;
}

/** Resolves when a stream holds so many. */
async function messages(server: NatsServer, stream: string, least: number): Promise<void> {
  for (;;) {
    const { state } = (await ask(server, `STREAM.INFO.${stream}`, {})) as { state?: { messages: number } };
    if ((state?.messages ?? 0) >= least) return;
  }
}
