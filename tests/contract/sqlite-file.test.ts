/** The SQLite file itself: who may hold it, who may read it, which versions it has. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toCursor } from '../../src/store/queries.ts';
import { connectFile } from '../../src/store/sqlite/connect.ts';
import { NEXT_IN_TIME, REMOVABLE, WANTED } from '../../src/store/sqlite/bus-log.ts';
import { toListSql } from '../../src/store/sqlite/list.ts';
import { RECOVERABLE } from '../../src/store/sqlite/reads.ts';
import { DUE } from '../../src/store/sqlite/scheduled-rows.ts';
import { SCHEMA_VERSION, migrate } from '../../src/store/sqlite/schema.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import {
  actorAt,
  commitOne,
  firstCommit,
  hostCommit,
  nextCommit,
  outcomeOf,
  publication,
  receiversOf,
} from '../support/store-commits.ts';
import { tempStoreFile } from '../support/store-files.ts';

const holderUrl = new URL('../support/store-holder.ts', import.meta.url);

describe('sqlite store: the file', () => {
  let files: ReturnType<typeof tempStoreFile>;
  beforeEach(() => void (files = tempStoreFile()));
  afterEach(() => files.clean());

  /** A process that holds the store until it is killed. */
  async function startHolder(): Promise<{ readonly pid: number; kill(): Promise<void> }> {
    const child = spawn(process.execPath, [holderUrl.pathname, files.file], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    return {
      pid: child.pid ?? 0,
      kill: async () => {
        child.kill('SIGKILL');
        await once(child, 'exit');
      },
    };
  }

  test('one process writes one file: the second is told who holds it, and takes over when that one was killed', async () => {
    const holder = await startHolder();
    try {
      expect(() => openSqliteStore({ file: files.file })).toThrow(
        expect.objectContaining({
          code: 'ERR_STORE_LOCKED',
          message: expect.stringContaining(`process ${holder.pid}`),
          details: { file: files.file, pid: holder.pid },
        }),
      );
    } finally {
      await holder.kill();
    }
    expect(existsSync(`${files.file}.lock`)).toBe(true);
    const store = openSqliteStore({ file: files.file });
    expect(await store.load(actorAt('held'))).toMatchObject({ seq: 1 });
    await store.close();
  });

  test('a pid in the lock file means nothing by itself: a stale one that was reused does not lock', async () => {
    await openSqliteStore({ file: files.file }).close();
    const lock = new BetterSqlite3(`${files.file}.lock`);
    lock.prepare('UPDATE holder SET pid = ?').run(1);
    lock.close();
    await openSqliteStore({ file: files.file }).close();
  });

  test('a second store in the same process is refused too, by any path to the file', async () => {
    const store = openSqliteStore({ file: files.file });
    const link = join(files.folder, 'link.db');
    symlinkSync(files.file, link);
    for (const file of [files.file, link, join(files.folder, '.', 'x', '..', 'store.db')]) {
      expect(() => openSqliteStore({ file }), file).toThrow(
        expect.objectContaining({
          code: 'ERR_STORE_LOCKED',
          message: expect.stringContaining(`this process (pid ${process.pid})`),
        }),
      );
    }
    expect(outcomeOf(await commitOne(store, firstCommit(actorAt('a'))))).toBe('done');
    await store.close();
    await openSqliteStore({ file: files.file }).close();
  });

  test.each(['exit', 'terminate'] as const)('a store thread that ends by %s lets its replacement in', async (way) => {
    const worker = new Worker(holderUrl, { workerData: { file: files.file } });
    await once(worker, 'message');
    expect(() => openSqliteStore({ file: files.file })).toThrow(expect.objectContaining({ code: 'ERR_STORE_LOCKED' }));
    if (way === 'exit') worker.postMessage('exit');
    else void worker.terminate();
    await once(worker, 'exit');
    const store = openSqliteStore({ file: files.file });
    expect(await store.load(actorAt('held'))).toMatchObject({ seq: 1 });
    await store.close();
  });

  test('files are private to their user', async () => {
    const file = join(files.folder, 'deep', 'er', 'store.db');
    const store = openSqliteStore({ file });
    await store.commit([firstCommit(actorAt('a'))]);
    for (const name of readdirSync(join(files.folder, 'deep', 'er'))) {
      expect(statSync(join(files.folder, 'deep', 'er', name)).mode & 0o777, name).toBe(0o600);
    }
    expect(readdirSync(join(files.folder, 'deep', 'er'))).toContain('store.db-wal');
    expect(statSync(join(files.folder, 'deep')).mode & 0o777).toBe(0o700);
    expect(statSync(join(files.folder, 'deep', 'er')).mode & 0o777).toBe(0o700);
    await store.close();
  });

  test('a file of a newer Troupe is refused with both versions, and left untouched', async () => {
    await openSqliteStore({ file: files.file }).close();
    const db = new BetterSqlite3(files.file);
    db.pragma(`user_version = ${SCHEMA_VERSION + 3}`);
    db.close();
    const before = readFileSync(files.file);
    expect(() => openSqliteStore({ file: files.file })).toThrow(
      expect.objectContaining({
        code: 'ERR_STORE_NEWER',
        message: expect.stringMatching(new RegExp(`version ${SCHEMA_VERSION + 3}.*version ${SCHEMA_VERSION}`)),
        details: { file: files.file, stored: SCHEMA_VERSION + 3, supported: SCHEMA_VERSION },
      }),
    );
    expect(readFileSync(files.file).equals(before)).toBe(true);
  });

  test('G1: a file of schema version 1 opens with everything in it, and learns time and topics', async () => {
    const db = new BetterSqlite3(files.file);
    migrate(db, 1);
    expect(db.pragma('user_version', { simple: true })).toBe(1);
    db.exec(`
      INSERT INTO actors (address, type, parent, epoch, seq, version, status, extra, created_at, updated_at, checksum, meta, snapshot)
        VALUES ('counter/a', 'counter', 'troupe/root', 2, 5, 1, 'active', 1, 10, 20, 7, '{}', '{"n":1}');
      INSERT INTO deltas (address, seq, checksum, text) VALUES ('counter/a', 5, 3, '[1]');
      INSERT INTO inbox (receiver, pos, sender, kind, id, at, text) VALUES ('counter/a', 4, 'counter/b', 'event', 'i', 9, '{}');
      INSERT INTO meta (key, value) VALUES ('positions', 1000);
    `);
    db.close();
    const store = openSqliteStore({ file: files.file });
    const A = actorAt('a');
    expect(await store.load(A)).toMatchObject({
      seq: 5,
      snapshot: { text: '{"n":1}' },
      deltas: [{ text: '[1]' }],
      timers: null,
      subscriptions: [],
    });
    expect(await store.inbox(A)).toMatchObject([{ pos: 4, id: 'i' }]);
    expect([await store.due({ until: Infinity }), await store.rise(5)]).toEqual([[], 0]);
    const future = { timers: '[1]', nextDue: 30, schedule: [{ key: 'k', dueAt: 25, text: '{}' }] };
    const topics = { subscribe: [{ pattern: 't', event: 'T' }], publish: [publication('p', 't')] };
    const result = await commitOne(store, nextCommit(A, 6, { epoch: 2, ...future, ...topics }));
    expect(receiversOf(result)).toEqual([`${A} T`]);
    expect(await store.due({ until: 25 })).toEqual([{ address: A, dueAt: 25 }]);
    expect(await store.load(A)).toMatchObject({
      timers: '[1]',
      subscriptions: [{ pattern: 't', event: 'T' }],
      deltas: [],
    });
    await store.close();
  });

  test('G12: a file of schema version 7 opens with its events, published here, and counts them', async () => {
    const db = new BetterSqlite3(files.file);
    migrate(db, 7);
    db.exec(`
      INSERT INTO bus_events (pos, id, topic, source, at, priority, text)
        VALUES (4, 'p', 'a.b', 'counter/a', 9, 'high', '"é"'), (6, 'q', 'a.c', 'bus/host', 12, 'low', '22');
      INSERT INTO meta (key, value) VALUES ('positions', 1000), ('last_bus_pos', 5);
    `);
    db.close();
    const store = openSqliteStore({ file: files.file });
    const own = { attributes: null, origin: null };
    expect(await store.busEvents()).toEqual([
      { pos: 4, id: 'p', topic: 'a.b', source: 'counter/a', at: 9, time: 9, priority: 'high', text: '"é"', ...own },
      { pos: 6, id: 'q', topic: 'a.c', source: 'bus/host', at: 12, time: 12, priority: 'low', text: '22', ...own },
    ]);
    expect(await store.busCounts()).toEqual({ events: 2, chars: 5, oldestAt: 9, newestAt: 12, lastPos: 6 });
    expect(await store.sweepBus({ before: 10 })).toMatchObject({ removed: 1 });
    await commitOne(store, hostCommit({ publish: [publication('r', 't', '1')] }));
    expect(await store.busCounts()).toMatchObject({ events: 2, chars: 3 });
    await store.close();
  });

  test('G12: a page of the log and a sweep of it walk it by position, whatever they look for', () => {
    const db = new BetterSqlite3(files.file);
    migrate(db);
    for (const sql of [WANTED, REMOVABLE]) {
      const bounds = { startPos: 1, boundPos: 9, endPos: 9, sinceAt: 0, untilAt: 9 };
      const query = { ...bounds, isOwn: 1, priorities: '[]', unsentAfter: 3 };
      const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(query);
      const steps = (rows as { readonly detail: string }[]).map(({ detail }) => detail);
      const [first] = steps.filter((step) => !step.startsWith('CO-ROUTINE'));
      expect(first).toBe('SEARCH bus_events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)');
      // Rows that were made first and looked at then would be ten thousand for each page.
      expect(steps.join()).not.toContain('MATERIALIZE');
      expect(steps.join()).not.toContain('TEMP B-TREE');
    }
    const [step] = db.prepare(`EXPLAIN QUERY PLAN ${NEXT_IN_TIME}`).all(0, 9, 1) as { readonly detail: string }[];
    expect(step?.detail).toMatch(/^SEARCH bus_events USING COVERING INDEX bus_events_by_age \(at>\? AND at<\?\)/);
    db.close();
  });

  test('G11: finding what is due reads indexes only, however many actors sleep', async () => {
    const db = new BetterSqlite3(files.file);
    migrate(db);
    const rows = db.prepare(`EXPLAIN QUERY PLAN ${DUE}`).all({ until: 1, dueAt: 0, address: '', limit: 10 });
    db.close();
    const steps = (rows as { readonly detail: string }[]).map(({ detail }) => detail);
    expect(steps.filter((step) => /^SCAN (?!\(subquery)/.test(step))).toEqual([]);
    expect(steps).toContainEqual(expect.stringMatching(/^SEARCH actor USING COVERING INDEX actors_due/));
    expect(steps).toContainEqual(expect.stringMatching(/^SEARCH event USING COVERING INDEX scheduled_due/));
    expect(steps).toContainEqual(expect.stringMatching(/^SEARCH earlier USING COVERING INDEX scheduled_by_actor/));
  });

  test('rule 8, R11: looking for work seeks the inboxes of those who have some, however many rows wait', async () => {
    const db = new BetterSqlite3(files.file);
    migrate(db);
    const rows = db.prepare(`EXPLAIN QUERY PLAN ${RECOVERABLE}`).all({ after: '', limit: 10 });
    db.close();
    const steps = (rows as { readonly detail: string }[]).map(({ detail }) => detail);
    expect(steps.filter((step) => /^SCAN (inbox|actors|oldest)/.test(step))).toEqual([]);
    expect(steps).toContainEqual(expect.stringMatching(/^SEARCH oldest USING PRIMARY KEY \(receiver=\? AND pos=\?\)/));
    expect(steps).toContainEqual('SEARCH inbox USING PRIMARY KEY (receiver=?)');
    expect(steps).toContainEqual(expect.stringMatching(/^SEARCH actors USING INDEX actors_in_flight/));
  });

  test('R11: a list by parent, type or age walks one index and sorts nothing, however many actors there are', async () => {
    const db = new BetterSqlite3(files.file);
    migrate(db);
    const cursor = toCursor({ createdAt: 5, n: 3 });
    for (const order of ['oldest', 'newest'] as const) {
      for (const [query, index] of [
        [{ parent: actorAt('a') }, 'actors_by_parent'],
        [{ type: 'counter' }, 'actors_by_type'],
        [{}, 'actors_by_creation'],
      ] as const) {
        const { sql, values } = toListSql({ ...query, order, cursor });
        const steps = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...values, 10);
        expect(steps).toHaveLength(1);
        expect(steps[0]?.detail).toMatch(new RegExp(`^SEARCH actors USING INDEX ${index} \\(.*created_at`));
      }
    }
    db.close();
  });

  test('a database of another program is refused and left untouched', async () => {
    const db = new BetterSqlite3(files.file);
    db.exec('CREATE TABLE theirs (x)');
    db.close();
    const before = readFileSync(files.file);
    expect(() => openSqliteStore({ file: files.file })).toThrow(expect.objectContaining({ code: 'ERR_STORE_OPEN' }));
    expect(readFileSync(files.file).equals(before)).toBe(true);
  });

  test('a file that is no database, and a path that is a folder, are refused by name', () => {
    writeFileSync(files.file, 'this is not a database, however long it is '.repeat(100));
    expect(() => openSqliteStore({ file: files.file })).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_OPEN', message: expect.stringContaining(files.file) }),
    );
    const folder = join(files.folder, 'folder');
    mkdirSync(folder);
    expect(() => openSqliteStore({ file: folder })).toThrow(expect.objectContaining({ code: 'ERR_STORE_OPEN' }));
  });

  test('a refused store leaves no lock behind', async () => {
    writeFileSync(files.file, 'not a database '.repeat(100));
    expect(() => openSqliteStore({ file: files.file })).toThrow(expect.objectContaining({ code: 'ERR_STORE_OPEN' }));
    writeFileSync(files.file, '');
    await openSqliteStore({ file: files.file }).close();
  });

  test('G1: the write-ahead log of a store that never closed is read back', async () => {
    const store = openSqliteStore({ file: files.file });
    await store.commit([firstCommit(actorAt('a'))]);
    const copy = join(files.folder, 'copy.db');
    copyFileSync(files.file, copy);
    copyFileSync(`${files.file}-wal`, `${copy}-wal`);
    await store.close();
    const again = openSqliteStore({ file: copy });
    expect(await again.load(actorAt('a'))).toMatchObject({ seq: 1 });
    await again.close();
  });

  test('a file whose maker was killed before it had a write-ahead log is taken back to nothing, and opened', async () => {
    const maker = connectFile(join(files.folder, 'maker.db'));
    maker.pragma('cache_size = 1');
    maker.exec('BEGIN; CREATE TABLE t (a); CREATE TABLE u (a)');
    for (let i = 0; i < 100; i++) maker.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(1_000));
    // As a kill leaves it: some pages written, and the journal that takes them back.
    copyFileSync(maker.name, files.file);
    copyFileSync(`${maker.name}-journal`, `${files.file}-journal`);
    maker.close();
    const looking = connectFile(files.file, { readonly: true });
    expect(() => looking.pragma('user_version')).toThrow(
      expect.objectContaining({ code: 'SQLITE_READONLY_ROLLBACK' }) as Error,
    );
    looking.close();
    const store = openSqliteStore({ file: files.file });
    expect(await store.stats()).toMatchObject({ actors: 0 });
    await store.close();
  });

  test('the writing connection syncs every commit at full, and says what it promises', async () => {
    for (const [synchronous, survives, level] of [
      ['full', 'power-loss', 2],
      ['normal', 'process-kill', 1],
    ] as const) {
      let seen: unknown;
      const connect = (file: string, options?: BetterSqlite3.Options) => {
        const db = new BetterSqlite3(file, options);
        seen = () => [db.pragma('synchronous', { simple: true }), db.pragma('journal_mode', { simple: true })];
        return db;
      };
      const store = openSqliteStore({ file: files.file, synchronous, connect });
      await store.commit([firstCommit(actorAt(synchronous))]);
      expect(store.features).toEqual({ survives, shares: 'reads', packsHistory: true });
      expect((seen as () => unknown)()).toEqual([level, 'wal']);
      await store.close();
    }
  });
});
