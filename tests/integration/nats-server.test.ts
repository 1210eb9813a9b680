/** Test servers are real: they keep what they acknowledged, die when told to, and leave nothing behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/harness.ts';
import { NATS_VERSIONS, findNatsServer } from '../support/nats-binary.ts';
import { startNatsCluster } from '../support/nats-cluster.ts';
import { takesSyncInterval, toNatsConfig } from '../support/nats-config.ts';
import { connectRaw } from '../support/nats-raw.ts';
import type { RawNats } from '../support/nats-raw.ts';
import { startNatsServer } from '../support/nats-server.ts';

const LETTERS = JSON.stringify({ name: 'LETTERS', subjects: ['letters.>'], storage: 'file' });

interface Replica {
  readonly name: string;
  readonly current: boolean;
}

async function api(raw: RawNats, subject: string, text = ''): Promise<Record<string, unknown>> {
  return JSON.parse((await raw.request(`$JS.API.${subject}`, text)).text) as Record<string, unknown>;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function isRefused(url: string): Promise<boolean> {
  try {
    await (await connectRaw(url)).close();
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  }
}

describe.each(NATS_VERSIONS)('NATS server %s', (version) => {
  test('JetStream keeps over kill -9 and a restart what it acknowledged', async () => {
    await using server = await startNatsServer({ version });
    const url = { servers: `127.0.0.1:${server.port}` };
    const before = await connect({ ...url, reconnect: false });
    const manager = await jetstreamManager(before);
    await manager.streams.add({ name: 'LETTERS', subjects: ['letters.>'] });
    const acks = Array.from({ length: 100 }, (_, index) => jetstream(before).publish('letters.a', `letter ${index}`));
    expect((await Promise.all(acks)).map((ack) => ack.seq)).toEqual(acks.map((_, index) => index + 1));

    const { pid } = server;
    await server.kill();
    expect(isAlive(pid)).toBe(false);
    await before.closed();
    await server.restart();

    const after = await connect(url);
    const { state } = await (await jetstreamManager(after)).streams.info('LETTERS');
    expect(state).toMatchObject({ messages: 100, last_seq: 100 });
    const last = await (await jetstreamManager(after)).streams.getMessage('LETTERS', { seq: 100 });
    expect(last?.string()).toBe('letter 99');
    await after.close();
    expect(server.pid).not.toBe(pid);
  });

  test('its port is refused while it is down, and answers when restart resolves', async () => {
    await using server = await startNatsServer({ version });
    await server.kill();
    await expect(connectRaw(server.url)).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    await using raw = await connectRaw(server.url);
    expect(await api(raw, 'INFO')).toMatchObject({ streams: 0 });
  });

  test('a frozen server keeps its connections and answers when it goes on', async () => {
    await using server = await startNatsServer({ version });
    await using raw = await connectRaw(server.url);
    await server.pause();
    await expect(raw.request('$JS.API.INFO', '', { timeoutMs: 100 })).rejects.toThrow('no reply');
    const answer = raw.ping();
    server.resume();
    await answer;
    expect(raw.isClosed).toBe(false);
  });

  test('what it reports to its system user is what it was started with', async () => {
    const limits = { maxMemoryBytes: 2 ** 20, maxFileBytes: 2 ** 21, syncInterval: 'always' };
    await using server = await startNatsServer({ version, maxPayloadBytes: 4_096, jetstream: limits });
    const reported = await server.askSystem('VARZ');
    const { config } = reported['jetstream'] as { config: Record<string, unknown> };
    expect(reported).toMatchObject({ version: server.version, max_payload: 4_096 });
    expect(config).toMatchObject({ max_memory: 2 ** 20, max_storage: 2 ** 21 });
    // Servers before 2.10 refuse the setting: it is left out for them.
    expect(config['sync_always'] ?? false).toBe(version === 'newest');
    expect(await server.askSystem('JSZ')).toMatchObject({ streams: 0 });
  });

  test('users have their passwords and permissions', async () => {
    const permissions = { publish: ['in.>'], subscribe: ['_INBOX.>'] };
    const users = [
      { user: 'all', password: 'secret' },
      { user: 'some', password: 'secret', permissions },
    ];
    await using server = await startNatsServer({ version, auth: { users } });
    await expect(connectRaw(server.url)).rejects.toThrow(`'Authorization Violation'`);
    await expect(connectRaw(server.url, { user: 'all', password: 'wrong' })).rejects.toThrow('Authorization');
    await using some = await connectRaw(server.url, { user: 'some', password: 'secret' });
    some.publish('in.a', 'allowed');
    some.publish('out.a', 'refused');
    await some.ping();
    expect(some.errors).toEqual([`'Permissions Violation for Publish to "out.a"'`]);
  });

  test('a token opens it', async () => {
    await using server = await startNatsServer({ version, auth: { token: 'open' } });
    await expect(connectRaw(server.url, { token: 'shut' })).rejects.toThrow('Authorization');
    await using raw = await connectRaw(server.url, { token: 'open' });
    expect(await api(raw, 'INFO')).toMatchObject({ streams: 0 });
  });

  test('TLS with a certificate that was made for the test', async () => {
    await using server = await startNatsServer({ version, tls: true });
    const servers = `127.0.0.1:${server.port}`;
    const connection = await connect({ servers, tls: { caFile: server.tls!.caFile } });
    expect(connection.info?.tls_required).toBe(true);
    await connection.close();
    await expect(connect({ servers, tls: {}, reconnect: false })).rejects.toThrow(/certificate/i);
  });

  test('without JetStream nobody answers for it', async () => {
    await using server = await startNatsServer({ version, jetstream: false });
    await using raw = await connectRaw(server.url);
    await expect(raw.request('$JS.API.INFO')).rejects.toThrow(`nobody answers on '$JS.API.INFO'`);
  });
});

test('a store of Debian 12 is taken over by the newest server', async () => {
  await using server = await startNatsServer({ version: '2.9.10' });
  await using before = await connectRaw(server.url);
  await api(before, 'STREAM.CREATE.LETTERS', LETTERS);
  expect((await before.request('letters.a', 'kept')).text).toContain('"seq":1');
  await server.restart({ version: 'newest' });
  expect(server.version).toBe((await findNatsServer()).version);
  await using after = await connectRaw(server.url);
  expect(await api(after, 'STREAM.INFO.LETTERS')).toMatchObject({ state: { messages: 1 } });
});

test('a server that does not start says why', async () => {
  await expect(startNatsServer({ config: 'no_such_setting: 1' })).rejects.toThrow(/did not start[^]*no_such_setting/);
  await using server = await startNatsServer();
  await expect(startNatsServer({ port: server.port })).rejects.toThrow('address already in use');
});

test('stop removes its own folder, and keeps one that the test brought', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-nats-kept-'));
  const own = await startNatsServer();
  const kept = await startNatsServer({ storeDir: folder });
  await Promise.all([own.stop(), kept.stop()]);
  expect([existsSync(own.storeDir), existsSync(kept.storeDir)]).toEqual([false, true]);
  expect([isAlive(own.pid), isAlive(kept.pid)]).toEqual([false, false]);
  rmSync(folder, { recursive: true });
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a server ends with the process that started it, be it by %s',
  async (signal) => {
    const module = new URL('../support/nats-server.ts', import.meta.url).href;
    const script = `const { startNatsServer } = await import('${module}');
    const { url, storeDir } = await startNatsServer();
    console.log(JSON.stringify({ url, storeDir }));`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const { url, storeDir } = JSON.parse(line.toString()) as { url: string; storeDir: string };
    await (await connectRaw(url)).close();
    parent.kill(signal);
    // By its port: what has ended without a parent may keep its id for a while.
    await eventually(() => isRefused(url));
    await eventually(() => !existsSync(join(storeDir, '..')));
  },
);

test('three servers keep a replicated stream while one of them is dead, and take it back', async () => {
  await using cluster = await startNatsCluster(3);
  await using first = await connectRaw(cluster.urls[0]!);
  const stream = JSON.stringify({ ...(JSON.parse(LETTERS) as object), num_replicas: 3 });
  const created = await first.request('$JS.API.STREAM.CREATE.LETTERS', stream, { timeoutMs: 10_000 });
  expect(created.text).toContain('"leader"');
  const { leader } = (JSON.parse(created.text) as { cluster: { leader: string } }).cluster;
  const reported = (await cluster.servers[0]!.askSystem('JSZ')) as { meta_cluster: { leader: string } };
  // One that leads nothing: to choose another leader takes the others seconds.
  const leaders = [leader, reported.meta_cluster.leader];
  const alive = cluster.servers.find(({ name }) => name === leader);
  const dead = cluster.servers.find(({ name }) => !leaders.includes(name));
  await dead!.kill();
  await using raw = await connectRaw(alive!.url);
  expect((await raw.request('letters.a', 'kept')).text).toContain('"seq":1');
  await dead!.restart();
  await using back = await connectRaw(dead!.url);
  await eventually(async () => {
    const { cluster: state } = (await api(back, 'STREAM.INFO.LETTERS')) as { cluster: { replicas: Replica[] } };
    return state.replicas.some(({ name, current }) => name === dead!.name && current);
  });
});

test('a setting that a version refuses is left out of its file, and only for it', () => {
  const settings = { name: 'a', port: 1, monitorPort: 2, storeDir: '/s', jetstream: { syncInterval: 'always' } };
  for (const version of ['2.9.10', '2.10.23', '2.15.1', '3.0.0'])
    expect(toNatsConfig({ ...settings, version }).includes('sync_interval')).toBe(takesSyncInterval(version));
  expect(['2.9.10', '2.10.23', '3.0.0'].map(takesSyncInterval)).toEqual([false, true, true]);
});
