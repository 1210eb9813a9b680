/** Backups of running systems, and systems that go on from one. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSystem, restoreBackup } from '../../src/index.ts';
import type { System } from '../../src/index.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import { openStore } from '../../src/store/open-store.ts';
import { counter } from '../support/actors-basic.ts';
import { BASIC, createTestSystem, eventually, failureOf } from '../support/harness.ts';
import { actorAt, firstCommit, nextCommit, snapshot } from '../support/store-commits.ts';
import { dumpStore } from '../support/store-dump.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'troupe-backup-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: readonly string[]): string => join(folder, ...names);

const KINDS = ['sqlite', 'file'] as const;
const KEYS = ['a', 'b', 'c', 'd', 'e'] as const;

/** Callers that send without pause until told to stop; each knows what was acknowledged. */
function putUnderLoad(system: System) {
  const acknowledged = new Map<string, number>(KEYS.map((key) => [key, 0]));
  const sent = new Map(acknowledged);
  let isOver = false;
  const callers = KEYS.map(async (key) => {
    while (!isOver) {
      sent.set(key, (sent.get(key) ?? 0) + 1);
      await system.actor(counter, key).send({ type: 'ADD', n: 1 });
      acknowledged.set(key, (acknowledged.get(key) ?? 0) + 1);
    }
  });
  const stop = async (): Promise<void> => {
    isOver = true;
    await Promise.all(callers);
  };
  return { acknowledged, sent, stop };
}

const countOf = async (system: System, key: string): Promise<number> =>
  (await system.actor(counter, key).ask({ type: 'GET' })).count;

describe.each(KINDS)('%s', (kind) => {
  const url = (path: string) => `${kind}:${path}` as const;

  test('G1, G2: a backup under load is one moment, with all that was acknowledged before, and a system goes on from it', async () => {
    await using troupe = await createTestSystem({ store: url(at('live')) });
    const load = putUnderLoad(troupe.system);
    await eventually(() => [...load.acknowledged.values()].every((count) => count > 20));
    const before = new Map(load.acknowledged);
    const done = await troupe.system.backup(at('deep', 'copy'));
    const during = new Map(load.sent);
    const countsAfter = [...load.acknowledged.values()];
    await eventually(() => [...load.acknowledged.values()].every((count, i) => count > (countsAfter[i] ?? 0)));
    await load.stop();
    await troupe.system.stop();
    expect(done.path).toBe(at('deep', 'copy'));
    expect(done.bytes).toBeGreaterThan(1_000);
    expect(readdirSync(at('deep'))).toEqual(['copy']);
    expect(statSync(at('deep', 'copy')).mode & 0o777).toBe(kind === 'file' ? 0o700 : 0o600);

    await restoreBackup({ from: at('deep', 'copy'), to: url(at('restored')) });
    await using later = await createTestSystem({ store: url(at('restored')) });
    for (const key of KEYS) {
      const count = await countOf(later.system, key);
      expect(count, key).toBeGreaterThanOrEqual(before.get(key)!);
      expect(count, key).toBeLessThanOrEqual(during.get(key)!);
      // State and log are of one commit.
      const log = await later.system.store.call('log', later.system.actor(counter, key).address, { limit: 10_000 });
      expect(log.map(({ text }) => text)).toEqual(Array.from({ length: count }, (_, i) => `{"count":${i + 1}}`));
      await later.system.actor(counter, key).send({ type: 'ADD', n: 1 });
      expect(await countOf(later.system, key)).toBe(count + 1);
    }
    expect((await later.system.list({ statuses: ['quarantined'] })).items).toEqual([]);
  });

  test('a copy has every row of the store, in its order, and the store stays as it is', async () => {
    const rows = async (path: string) => {
      const store = await openStore({ url: url(path), synchronous: 'full' });
      const dump = await dumpStore(store, { addresses: [actorAt('a'), actorAt('b')], ids: ['i'] });
      await store.close();
      return dump;
    };
    const store = await openStore({ url: url(at('store')), synchronous: 'full' });
    const history = { text: '{"e":1}', checksum: 1 };
    await store.commit([
      firstCommit(actorAt('b'), { state: snapshot('x'.repeat(200_000)), history, idempotency: [{ id: 'i' }] }),
      firstCommit(actorAt('a'), { log: ['"1"'], timers: '[1]', nextDue: 9, subscribe: [{ pattern: '>', event: 'E' }] }),
      nextCommit(actorAt('b'), 2, { publish: [{ id: 'p', topic: 'a.b', priority: 'normal', text: '{}' }] }),
    ]);
    await store.packSnapshot(actorAt('b'), 1, Buffer.from('packed'));
    await store.kvSet('key', 'value', 70);
    await store.close();
    const before = await rows(at('store'));
    await restoreBackup({ from: at('store'), to: at('copy') });
    expect(await rows(at('copy'))).toEqual(before);
    expect(await rows(at('store'))).toEqual(before);
  });

  test('what is at the target stays, unless it is to be replaced', async () => {
    await using troupe = await createTestSystem({ store: url(at('live')) });
    await troupe.system.actor(counter, 'a').send({ type: 'ADD', n: 1 });
    await troupe.system.backup(at('copy'));
    await troupe.system.actor(counter, 'a').send({ type: 'ADD', n: 1 });
    expect(await failureOf(troupe.system.backup(at('copy')), 'ERR_BACKUP')).toMatchObject({
      message: expect.stringContaining('is there already'),
      details: { path: at('copy') },
    });
    const back = { from: at('copy'), to: url(at('live')) };
    expect((await failureOf(restoreBackup(back), 'ERR_BACKUP')).message).toContain('overwrite: true');
    // A system holds it.
    await failureOf(restoreBackup({ ...back, overwrite: true }), 'ERR_STORE_LOCKED');
    await troupe.system.stop();
    await restoreBackup({ ...back, overwrite: true });
    await using later = await createTestSystem({ store: url(at('live')) });
    expect(await countOf(later.system, 'a')).toBe(1);
    expect(readdirSync(folder).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  test('of two backups to one path at the same time one is made', async () => {
    await using troupe = await createTestSystem({ store: url(at('live')) });
    const made = await Promise.allSettled([troupe.system.backup(at('copy')), troupe.system.backup(at('copy'))]);
    expect(made.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const [failed] = made.filter((one) => one.status === 'rejected');
    expect(failed?.reason).toMatchObject({ code: 'ERR_BACKUP' });
    expect(readdirSync(folder).filter((name) => name.startsWith('copy'))).toEqual(['copy']);
  });

  test('the store itself is no target, by any name', async () => {
    await using troupe = await createTestSystem({ store: url(at('live')) });
    const says = { message: expect.stringContaining('is the store itself') };
    expect(await failureOf(troupe.system.backup(at('live')), 'ERR_BACKUP')).toMatchObject(says);
    expect(await failureOf(troupe.system.backup(at('x', '..', 'live')), 'ERR_BACKUP')).toMatchObject(says);
    await troupe.system.stop();
    const onto = { from: at('live'), to: at('live'), overwrite: true };
    expect(await failureOf(restoreBackup(onto), 'ERR_BACKUP')).toMatchObject(says);
    await (await openStore({ url: url(at('live')), synchronous: 'full' })).close();
  });

  test('a store of a newer Troupe, and one that is damaged, are not restored, and nothing is left behind', async () => {
    const store = await openStore({ url: url(at('store')), synchronous: 'full' });
    for (let n = 0; n < 20; n++)
      await store.commit([firstCommit(actorAt(`a${n}`), { state: snapshot('x'.repeat(9_000)) })]);
    await store.close();
    damage(at('store'));
    const failure = await failureOf(restoreBackup({ from: at('store'), to: at('to') }), 'ERR_BACKUP');
    expect(failure.message).toContain('is not a whole store of Troupe');
    expect(failure.message).toContain(at('store'));
    mend(at('store'));
    makeNewer(at('store'));
    await failureOf(restoreBackup({ from: at('store'), to: at('to') }), 'ERR_STORE_NEWER');
    expect(readdirSync(folder).filter((name) => name.startsWith('to'))).toEqual([]);
  });

  /** The place of a page in the middle, or an actor, is spoilt. */
  function damage(path: string): void {
    const file = kind === 'sqlite' ? path : join(path, 'actors/counter', readdirSync(join(path, 'actors/counter'))[7]!);
    copyFileSync(file, at('sound'));
    const bytes = readFileSync(file);
    if (kind === 'sqlite') bytes.fill(0xff, 4_096, 12_288);
    else bytes[bytes.length - 900] = 0;
    writeFileSync(file, bytes);
    spoilt = file;
  }
  let spoilt = '';
  function mend(_path: string): void {
    copyFileSync(at('sound'), spoilt);
  }
  function makeNewer(path: string): void {
    if (kind === 'file') {
      const file = join(path, 'manifest.json');
      return writeFileSync(file, readFileSync(file, 'utf8').replace(/"format": \d+/, '"format": 99'));
    }
    const db = new BetterSqlite3(path);
    db.pragma('user_version = 99');
    db.close();
  }
});

test('an actor whose file is damaged is held with ERR_STATE_CORRUPT, and the others go on', async () => {
  const store = `file:${at('live')}` as const;
  const first = await createTestSystem({ store });
  for (const key of KEYS) await first.system.actor(counter, key).send({ type: 'ADD', n: 1 });
  await first[Symbol.asyncDispose]();
  const file = at(
    'live/actors/counter',
    readdirSync(at('live/actors/counter')).find((name) => name.startsWith('b.'))!,
  );
  writeFileSync(file, readFileSync(file, 'utf8').replace('"count": 1', '"count": 7'));
  await using troupe = await createTestSystem({ store });
  const failure = await failureOf(troupe.system.actor(counter, 'b').send({ type: 'ADD', n: 1 }));
  expect(failure).toMatchObject({ code: 'ERR_ACTOR_QUARANTINED', cause: { code: 'ERR_STATE_CORRUPT' } });
  expect(await countOf(troupe.system, 'a')).toBe(1);
});

test('a store in memory, and one that was given, have no backup, and say so', async () => {
  await using troupe = await createTestSystem({ store: 'memory' });
  expect((await failureOf(troupe.system.backup(at('copy')), 'ERR_BACKUP')).message).toContain("Store 'memory:'");
  const openStore = async () => createMemoryStore();
  const given = await createSystem({ actors: [BASIC], threads: 0, log: 'silent', openStore });
  expect((await failureOf(given.backup(at('copy')), 'ERR_BACKUP')).message).toContain('openStore');
  await given.stop();
  expect((await failureOf(given.backup(at('copy')))).code).toBe('ERR_SYSTEM_STOPPED');
  for (const path of ['', undefined, 7, null])
    await failureOf(troupe.system.backup(path as never), 'ERR_OPTIONS_INVALID');
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ['nothing', 'nowhere', () => undefined],
  ['garbage', 'garbage', (path: string) => writeFileSync(path, 'not a database at all'.repeat(99))],
  ['an empty file', 'empty', (path: string) => writeFileSync(path, '')],
  ['an empty folder', 'folder', (path: string) => void mkdirSync(path)],
  [
    'a folder of something else',
    'other',
    (path: string) => (mkdirSync(path), writeFileSync(join(path, 'manifest.json'), '{"name":"x"}')),
  ],
  [
    'a database of another program',
    'db',
    (path: string) => void new BetterSqlite3(path).exec('CREATE TABLE t (x)').close(),
  ],
])('%s is not restored', async (_what, name, make) => {
  make(at(name));
  const failure = await failureOf(restoreBackup({ from: at(name), to: at('to') }), 'ERR_BACKUP');
  expect(failure.message).toContain(at(name));
  expect(existsSync(at('to'))).toBe(false);
});

test('a folder that is no store is not replaced, whatever is said', async () => {
  await (await openStore({ url: `file:${at('store')}`, synchronous: 'full' })).close();
  mkdirSync(at('home'));
  writeFileSync(at('home', 'thesis.txt'), 'mine');
  const onto = { from: at('store'), to: at('home'), overwrite: true };
  expect((await failureOf(restoreBackup(onto), 'ERR_BACKUP')).message).toContain('is no store of Troupe');
  expect(readdirSync(at('home'))).toEqual(['thesis.txt']);
  expect(readdirSync(folder).toSorted()).toEqual(['home', 'store']);
});

test.each(['manifest.json', 'journal'])(
  'a folder of others that has %s as well is not replaced either',
  async (name) => {
    await (await openStore({ url: `file:${at('store')}`, synchronous: 'full' })).close();
    mkdirSync(at('app'));
    writeFileSync(at('app', name), '{"name":"My web app"}');
    writeFileSync(at('app', 'index.html'), 'mine');
    const onto = { from: at('store'), to: at('app'), overwrite: true };
    expect((await failureOf(restoreBackup(onto), 'ERR_BACKUP')).message).toContain('is no store of Troupe');
    expect(readdirSync(at('app'))).toEqual(['index.html', name]);
  },
);

test('a backup and its store do not lie one within the other', async () => {
  const within = { message: expect.stringContaining('one within the other') };
  await using troupe = await createTestSystem({ store: `file:${at('live')}` });
  for (const path of [at('live', 'copy'), at('live', 'deep', 'copy')])
    expect(await failureOf(troupe.system.backup(path), 'ERR_BACKUP')).toMatchObject(within);
  await troupe.system.backup(at('live-copy'));
  await troupe.system.stop();
  mkdirSync(at('to'));
  renameSync(at('live-copy'), at('to', 'copy'));
  const onto = { from: at('to', 'copy'), to: at('to'), overwrite: true };
  expect(await failureOf(restoreBackup(onto), 'ERR_BACKUP')).toMatchObject(within);
});

test('a backup becomes a store of its own kind', async () => {
  await (await openStore({ url: `file:${at('store')}`, synchronous: 'full' })).close();
  const failure = await failureOf(restoreBackup({ from: at('store'), to: `sqlite:${at('to')}` }), 'ERR_BACKUP');
  expect(failure.message).toContain(`'file:${at('to')}'`);
  await failureOf(restoreBackup({ from: at('store'), to: '' }), 'ERR_OPTIONS_INVALID');
  await failureOf(restoreBackup({ from: 7 as never, to: at('to') }), 'ERR_OPTIONS_INVALID');
  for (const more of [{ overwrite: 'no' }, { overwrit: true }])
    await failureOf(restoreBackup({ from: at('store'), to: at('to'), ...more } as never), 'ERR_OPTIONS_INVALID');
  await failureOf(restoreBackup(undefined as never), 'ERR_OPTIONS_INVALID');
  await using troupe = await createTestSystem({ store: `file:${at('store')}` });
  const given = await failureOf(troupe.system.backup(`file:${at('to')}`), 'ERR_BACKUP');
  expect(given.message).toContain(`Pass '${at('to')}'`);
});
