/** Tests find the NATS servers they need, fetch what is missing, and say plainly what cannot be had. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { NATS_VERSIONS, findNatsServer, findNatsServers, searchNatsServer } from '../support/nats-binary.ts';
import { assertChecksum, unpackDeb } from '../support/nats-download.ts';
import type { NatsSource } from '../support/nats-download.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-nats-binary-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let caches = 0;
const emptyCache = (): string => join(folder, `cache-${caches++}`);
const nowhere = (): { env: Record<string, string>; cacheFolder: string; sources: readonly NatsSource[] } => ({
  env: { PATH: folder },
  cacheFolder: emptyCache(),
  sources: [],
});

const failing: NatsSource = {
  name: 'a host that is down',
  fetch: () => Promise.reject(new Error('getaddrinfo ENOTFOUND')),
};

/** Gives the Debian 12 server, slowly enough for several to be at it together. */
function sourceOf(path: string): NatsSource {
  return {
    name: 'a copy',
    fetch: async (into) => {
      await new Promise(setImmediate);
      copyFileSync(path, join(into, 'any-name'));
      return join(into, 'any-name');
    },
  };
}

test('both versions that contracts are tested on are on this machine', async () => {
  const searches = await findNatsServers();
  expect(searches.map((search) => ('found' in search ? search.wanted : search.problem))).toEqual(NATS_VERSIONS);
  expect((await findNatsServer('2.9.10')).version).toBe('2.9.10');
});

test('a bad TROUPE_NATS_SERVER is an error that names it, whatever else could be had', async () => {
  const found = sourceOf((await findNatsServer()).path);
  const text = join(folder, 'no-server');
  writeFileSync(text, '#!/bin/sh\necho a shell script\n');
  chmodSync(text, 0o755);
  for (const [path, reason] of [
    ['/nowhere/nats-server', 'ENOENT'],
    [folder, 'EACCES'],
    [text, 'a shell script'],
  ] as const) {
    const search = searchNatsServer('newest', { ...nowhere(), env: { TROUPE_NATS_SERVER: path }, sources: [found] });
    const error = await search.then(
      () => undefined,
      (thrown: Error) => thrown.message,
    );
    expect(error).toContain(`TROUPE_NATS_SERVER names '${path}'`);
    expect(error).toContain(reason);
    expect(error).toContain('Set it to the path of a nats-server, or unset it');
  }
});

test('TROUPE_NATS_SERVER comes before PATH, PATH before the cache', async () => {
  const { path } = await findNatsServer('2.9.10');
  const around = { ...nowhere(), cacheFolder: dirname(dirname(path)) };
  const named = join(folder, 'named');
  const onPath = join(folder, 'bin', 'nats-server');
  mkdirSync(dirname(onPath));
  for (const copy of [named, onPath]) copyFileSync(path, copy);
  const env = { PATH: [folder, dirname(onPath)].join(delimiter), TROUPE_NATS_SERVER: named };
  expect((await searchNatsServer('2.9.10', { ...around, env })).path).toBe(named);
  expect((await searchNatsServer('2.9.10', { ...around, env: { PATH: env.PATH } })).path).toBe(onPath);
  expect((await searchNatsServer('2.9.10', around)).path).toBe(path);
});

test('a server of another version does not pass for the one that is asked for', async () => {
  const newest = await findNatsServer();
  const env = { TROUPE_NATS_SERVER: newest.path, PATH: dirname(newest.path) };
  const search = searchNatsServer('2.9.10', { ...nowhere(), env, sources: [sourceOf(newest.path)] });
  await expect(search).rejects.toThrow(`No NATS server 2.9.10 for the tests`);
  await expect(search).rejects.toThrow(`a copy: it is ${newest.version}`);
});

test('when nothing can be had, the error lists what was tried, why it failed, and the next step', async () => {
  const search = searchNatsServer('newest', { ...nowhere(), sources: [failing, { ...failing, name: 'another' }] });
  await expect(search).rejects.toThrow(/PATH: no nats-server[^]*cache '.*': not there[^]*a host that is down: getaddr/);
  await expect(search).rejects.toThrow(/another: getaddrinfo ENOTFOUND\nSet TROUPE_NATS_SERVER to the path/);
});

test('many who fetch into one cache at the same time all get a whole server, and nothing else stays in it', async () => {
  const { path, version } = await findNatsServer('2.9.10');
  const around = { ...nowhere(), sources: [failing, sourceOf(path)] };
  const found = await Promise.all(Array.from({ length: 8 }, () => searchNatsServer('newest', around)));
  const expected = { path: join(around.cacheFolder, '2.9.10', 'nats-server'), version };
  expect(found).toEqual(found.map(() => expected));
  expect(readdirSync(around.cacheFolder)).toEqual(['2.9.10']);
  // The next one has no network.
  expect(await searchNatsServer('newest', { ...around, sources: [failing] })).toEqual(expected);
});

test('a file that is not the pinned one is refused', () => {
  const file = join(folder, 'package.deb');
  writeFileSync(file, 'other bytes');
  expect(() => assertChecksum(file, 'a'.repeat(64))).toThrow(/its sha256 is [0-9a-f]{64}, not a{64}/);
});

test('a package is unpacked with or without the tools of Debian', async () => {
  const root = join(folder, 'root');
  const deb = join(folder, 'nats-server.deb');
  mkdirSync(join(root, 'usr/sbin'), { recursive: true });
  writeFileSync(join(root, 'usr/sbin/nats-server'), 'a server');
  execFileSync('tar', ['-C', root, '-cJf', join(folder, 'data.tar.xz'), '.']);
  execFileSync('ar', ['rc', deb, 'data.tar.xz'], { cwd: folder });
  const into = mkdtempSync(join(folder, 'without-'));
  expect(await unpackDeb(deb, into, false)).toBe(join(into, 'usr/sbin/nats-server'));
});
