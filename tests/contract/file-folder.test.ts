/** The folder of a file store: who may hold it, what a person reads in it, and what damage does. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FORMAT, decodeDocument, encodeDocument } from '../../src/store/file/document.ts';
import { openFileStore } from '../../src/store/file/file-store.ts';
import type { Manifest } from '../../src/store/file/folder.ts';
import type { TopicsImage } from '../../src/store/memory/topics.ts';
import {
  actorAt,
  commitOne,
  delta,
  firstCommit,
  hostCommit,
  nextCommit,
  outcomeOf,
  publication,
  snapshot,
} from '../support/store-commits.ts';
import { tempStoreFile } from '../support/store-files.ts';

const holderUrl = new URL('../support/store-holder.ts', import.meta.url);
const A = actorAt('a');
const B = actorAt('b');

describe('file store: the folder', () => {
  let files: ReturnType<typeof tempStoreFile>;
  beforeEach(() => void (files = tempStoreFile()));
  afterEach(() => files.clean());

  const open = () => openFileStore({ folder: files.file });
  const namesIn = (inner: string): readonly string[] => readdirSync(join(files.file, inner)).toSorted();
  /** Path of the one file in a folder whose name begins like this. */
  const find = (inner: string, start: string): string => {
    const name = namesIn(inner).find((found) => found.startsWith(start));
    return join(files.file, inner, name ?? `no ${start} in ${namesIn(inner).join()}`);
  };

  /** Two actors in files of their own, and two changes in the journal. */
  async function fill(): Promise<void> {
    const first = await open();
    const history = { text: '{"event":"born"}', checksum: 3 };
    await first.commit([
      firstCommit(A, { state: snapshot('{"mood":"good"}'), log: ['"line"'], history }),
      firstCommit(B),
    ]);
    await first.kvSet('key', 'value');
    await first.close();
    const second = await open();
    await second.commit([nextCommit(A, 2, { state: delta('{"mood":"bad"}') })]);
    await second.kvSet('other', 'value');
    // The journal as it is after a kill.
    copyFolder(files.file, join(files.folder, 'kept'));
    await second.close();
  }

  /** The folder as `fill` left it. */
  function killed(): void {
    rmSync(files.file, { recursive: true });
    renameSync(join(files.folder, 'kept'), files.file);
  }

  test('a person reads an actor as JSON, and its files are private', async () => {
    await fill();
    killed();
    const path = find('actors/counter', 'a.');
    const { data, troupe } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, Record<string, unknown>>;
    expect(troupe).toBe('actor');
    expect(data).toMatchObject({
      actor: { address: A, seq: 1, status: 'active' },
      snapshots: [{ seq: 1, json: { mood: 'good' } }],
      log: [{ n: 1, json: 'line' }],
      events: [{ seq: 1, json: { event: 'born' } }],
    });
    expect(readFileSync(path, 'utf8')).toContain('\n  "data": {\n');
    const store = await open();
    await store.commit([nextCommit(B, 2)]);
    for (const name of readdirSync(files.file, { recursive: true, encoding: 'utf8' })) {
      const { mode } = statSync(join(files.file, name));
      expect((mode & 0o777).toString(8), name).toBe(statSync(join(files.file, name)).isDirectory() ? '700' : '600');
    }
    await store.close();
  });

  test('what is above 100 KB is compressed', async () => {
    const store = await open();
    await store.commit([firstCommit(A, { state: snapshot('x'.repeat(200_000)) }), firstCommit(B)]);
    expect(namesIn('journal')).toEqual(['0000000001.json.gz']);
    await store.close();
    expect(namesIn('journal')).toEqual([]);
    const path = find('actors/counter', 'a.');
    expect(path).toMatch(/\.json\.gz$/);
    expect(gunzipSync(readFileSync(path)).toString()).toContain('xxx');
    expect(find('actors/counter', 'b.')).toMatch(/\.json$/);
    const reopened = await open();
    expect((await reopened.load(A))?.snapshot.text).toHaveLength(200_000);
    await reopened.close();
  });

  test('keys that differ in case, or have colons, have files of their own', async () => {
    const addresses = ['Case', 'case', 'a:b', 'a_b', 'a-b'].map(actorAt);
    const store = await open();
    await store.commit(addresses.map((address) => firstCommit(address, { meta: `{"of":"${address}"}` })));
    await store.close();
    const names = namesIn('actors/counter').map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(addresses.length);
    const reopened = await open();
    for (const address of addresses)
      expect(await reopened.load(address)).toMatchObject({ meta: `{"of":"${address}"}` });
    await reopened.close();
  });

  test('the longest keys there are have files of their own as well, whatever they become in a name', async () => {
    const keys = ['b', 'c'].map((end) => `a${':'.repeat(126)}${end}`);
    const store = await open();
    await store.commit(keys.map((key) => firstCommit(actorAt(key), { meta: `{"of":"${key}"}` })));
    await store.close();
    expect(namesIn('journal')).toEqual([]);
    const reopened = await open();
    for (const key of keys) expect(await reopened.load(actorAt(key))).toMatchObject({ meta: `{"of":"${key}"}` });
    await reopened.close();
  });

  test('the journal is written away when the store is idle, and before it grows too long', async () => {
    const store = await openFileStore({ folder: files.file, synchronous: 'normal' });
    for (let n = 1; n <= 99; n++) await store.kvSet('n', String(n));
    await store.idle();
    expect(namesIn('journal')).toHaveLength(99);
    await store.kvSet('n', '100');
    await store.idle();
    expect(namesIn('journal')).toEqual([]);
    for (let n = 1; n <= 2_001; n++) await store.kvSet('n', String(n));
    await store.idle();
    expect(namesIn('journal').length).toBeLessThan(100);
    await store.close();
    const reopened = await open();
    expect(await reopened.kvGet('n', 0)).toBe('2001');
    await reopened.close();
  });

  test('G14: what was refused under one limit is refused when it is done again under another', async () => {
    const subscribe = [{ pattern: 'a.*', event: 'E' }];
    const strict = await openFileStore({ folder: files.file, maxFanOut: 1 });
    await strict.commit([firstCommit(A, { subscribe }), firstCommit(B, { subscribe })]);
    const refused = nextCommit(A, 2, { publish: [publication('p', 'a.b')] });
    expect(outcomeOf(await commitOne(strict, refused))).toBe('refused: fan-out');
    copyFolder(files.file, join(files.folder, 'kept'));
    await strict.close();
    killed();
    const store = await openFileStore({ folder: files.file, maxFanOut: 9 });
    expect(await store.load(A)).toMatchObject({ seq: 1 });
    expect(outcomeOf(await commitOne(store, refused))).toBe('done');
    await store.close();
  });

  test('a removed actor leaves no file, and what was cut off is cleared away', async () => {
    await fill();
    killed();
    writeFileSync(join(files.file, 'tables/kv.77.json'), 'left over');
    writeFileSync(join(files.file, 'journal/0000000009.json.tmp'), 'left over');
    writeFileSync(join(files.file, 'actors/counter/notes.txt'), 'mine');
    const store = await open();
    expect(namesIn('tables')).not.toContain('kv.77.json');
    expect(namesIn('journal')).not.toContain('0000000009.json.tmp');
    await store.commit([nextCommit(A, 3, { isRemoval: true })]);
    await store.close();
    expect(namesIn('actors/counter').map((name) => name.split('.')[0])).toEqual(['b', 'notes']);
  });

  describe('one process writes one folder', () => {
    async function startHolder() {
      const child = spawn(process.execPath, [holderUrl.pathname, `file:${files.file}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      return {
        pid: child.pid ?? 0,
        kill: async () => {
          child.kill('SIGKILL');
          await once(child, 'exit');
        },
      };
    }

    test('the second is told who holds it, and takes over when that one was killed', async () => {
      const holder = await startHolder();
      try {
        await expect(open()).rejects.toMatchObject({
          code: 'ERR_STORE_LOCKED',
          message: expect.stringContaining(`process ${holder.pid}`),
          details: { file: files.file, pid: holder.pid },
        });
      } finally {
        await holder.kill();
      }
      const store = await open();
      expect(await store.load(actorAt('held'))).toMatchObject({ seq: 1 });
      await store.close();
    });

    test('a second store in the same process is refused too, by any path to the folder', async () => {
      const store = await open();
      const link = join(files.folder, 'link');
      symlinkSync(files.file, link);
      for (const folder of [files.file, link, join(files.folder, 'x', '..', 'store.db')])
        await expect(openFileStore({ folder }), folder).rejects.toMatchObject({
          code: 'ERR_STORE_LOCKED',
          message: expect.stringContaining(`this process (pid ${process.pid})`),
        });
      expect(outcomeOf(await commitOne(store, firstCommit(A)))).toBe('done');
      await store.close();
      await (await open()).close();
    });

    test.each(['exit', 'terminate'] as const)('a store thread that ends by %s lets its replacement in', async (way) => {
      const worker = new Worker(holderUrl, { workerData: { file: `file:${files.file}` } });
      await once(worker, 'message');
      await expect(open()).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED' });
      if (way === 'exit') worker.postMessage('exit');
      else void worker.terminate();
      await once(worker, 'exit');
      const store = await open();
      expect(await store.load(actorAt('held'))).toMatchObject({ seq: 1 });
      await store.close();
    });
  });

  describe('damage', () => {
    const spoilings: readonly (readonly [string, (path: string) => void])[] = [
      ['a changed digit', (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('"seq": 1', '"seq": 2'))],
      ['a cut end', (path) => writeFileSync(path, readFileSync(path).subarray(0, 200))],
      ['nothing in it', (path) => writeFileSync(path, '')],
      ['a flipped bit', (path) => flip(path)],
      ['no file', (path) => rmSync(path)],
    ];

    test.each(spoilings)('an actor whose file has %s is held, and nobody else is concerned', async (_what, spoil) => {
      await fill();
      killed();
      const path = find('actors/counter', 'b.');
      spoil(path);
      const spoilt = existsSync(path) ? readFileSync(path) : undefined;
      const store = await open();
      const damaged = await store.load(B);
      expect(damaged).toMatchObject({ address: B, seq: 1, snapshot: { text: '', checksum: 1 }, deltas: [] });
      expect(await store.states(B, { until: 1 })).toBeUndefined();
      expect(await store.load(A)).toMatchObject({ seq: 2, deltas: [{ text: '{"mood":"bad"}' }] });
      expect(await store.kvGet('key', 0)).toBe('value');
      expect((await store.list()).items).toHaveLength(2);
      // Held: its cell says so in a commit. It stays damaged, and its file as it is, over checkpoints.
      expect(outcomeOf(await commitOne(store, nextCommit(B, 2, { status: 'quarantined' })))).toBe('done');
      await store.close();
      const reopened = await open();
      expect(await reopened.load(B)).toMatchObject({ seq: 2, status: 'quarantined', snapshot: { checksum: 1 } });
      if (spoilt) expect(readFileSync(path).equals(spoilt)).toBe(true);
      await reopened.commit([nextCommit(B, 3, { isRemoval: true }), firstCommit(B)]);
      expect(await reopened.load(B)).toMatchObject({ seq: 1, snapshot: { text: '{"n":0}' } });
      await reopened.close();
      expect(existsSync(path)).toBe(false);
      const last = await open();
      expect(await last.load(B)).toMatchObject({ seq: 1, snapshot: { text: '{"n":0}' } });
      await last.close();
    });

    test('a file that is put back before its actor was touched counts again', async () => {
      await fill();
      killed();
      const path = find('actors/counter', 'b.');
      const bytes = readFileSync(path);
      writeFileSync(path, 'spoilt');
      const store = await open();
      await store.commit([nextCommit(A, 3)]);
      await store.close();
      writeFileSync(path, bytes);
      const reopened = await open();
      expect(await reopened.load(B)).toMatchObject({ seq: 1, snapshot: { text: '{"n":0}' } });
      await reopened.close();
    });

    const vital: readonly (readonly [string, () => string])[] = [
      ['the manifest', () => join(files.file, 'manifest.json')],
      ['the index', () => find('tables', 'index.')],
      ['a table', () => find('tables', 'kv.')],
      ['the first journal file', () => find('journal', namesIn('journal')[0]!)],
      ['the last journal file', () => find('journal', namesIn('journal').at(-1)!)],
    ];

    test.each(vital)(
      'damage of %s is said, with the file and the next step, and nothing is changed',
      async (_what, find) => {
        await fill();
        killed();
        const path = find();
        flip(path);
        const before = readFileSync(path);
        for (let tries = 0; tries < 2; tries++)
          await expect(open()).rejects.toMatchObject({
            code: 'ERR_STORE_OPEN',
            message: expect.stringMatching(/restoreBackup\(\)/),
            details: { file: path },
          });
        expect(readFileSync(path).equals(before)).toBe(true);
      },
    );

    test.each(vital.slice(0, 4))('%s that is gone is missed', async (_what, find) => {
      await fill();
      killed();
      rmSync(find());
      await expect(open()).rejects.toMatchObject({
        code: 'ERR_STORE_OPEN',
        message: expect.stringContaining('restoreBackup()'),
      });
    });

    test('a journal file of another time does not follow, and is noticed', async () => {
      await fill();
      killed();
      const [first, second] = namesIn('journal').map((name) => join(files.file, 'journal', name));
      copyFileSync(first!, second!);
      await expect(open()).rejects.toMatchObject({
        code: 'ERR_STORE_OPEN',
        message: expect.stringContaining('does not follow'),
      });
    });

    test('a newer store is left as it is', async () => {
      await fill();
      killed();
      const path = join(files.file, 'manifest.json');
      writeFileSync(path, readFileSync(path, 'utf8').replace(`"format": ${FORMAT}`, `"format": ${FORMAT + 1}`));
      await expect(open()).rejects.toMatchObject({
        code: 'ERR_STORE_NEWER',
        details: { stored: FORMAT + 1, supported: FORMAT },
      });
    });

    test('G12: a folder of format 1 opens: its events were published here, and a sweep is done as it was written', async () => {
      const store = await open();
      await store.commit([5, 15].map((at) => hostCommit({ at, publish: [publication(`p${at}`, 'a.b')] })));
      await store.close();
      writeAsFormat1();
      const reopened = await open();
      expect(await reopened.busEvents()).toMatchObject([
        { id: 'p15', at: 15, time: 15, attributes: null, origin: null },
      ]);
      expect(await reopened.busCounts()).toMatchObject({ events: 1, chars: 12 });
      await reopened.close();
    });

    /** Its events have no more than they had then, and its journal the sweep of that time. */
    function writeAsFormat1(): void {
      const path = join(files.file, 'manifest.json');
      const { data: manifest } = decodeDocument<Manifest>('manifest', readFileSync(path), path);
      const file = join(files.file, manifest.tables.topics?.file ?? '');
      const { data } = decodeDocument<TopicsImage>('table', readFileSync(file), file);
      const events = data.events.map(({ time: _t, attributes: _a, origin: _o, ...event }) => event);
      const { sum, bytes } = encodeDocument('table', { ...data, events });
      writeFileSync(file, bytes);
      const topics = { file: manifest.tables.topics?.file, sum, bytes: bytes.length };
      const whole = { ...manifest, tables: { ...manifest.tables, topics } };
      writeFileSync(path, encodeDocument('manifest', whole, { isPretty: true, isPlain: true }).bytes);
      const change = { method: 'sweepBus', args: [10] };
      const entry = { n: manifest.journalFrom, after: manifest.tip, change, maxFanOut: 1_000 };
      const name = `${String(entry.n).padStart(10, '0')}.json`;
      writeFileSync(join(files.file, 'journal', name), encodeDocument('journal', entry).bytes);
    }

    test('a folder of something else, and a file, are refused with what to do', async () => {
      mkdirSync(files.file);
      writeFileSync(join(files.file, 'thesis.txt'), 'mine');
      await expect(open()).rejects.toMatchObject({
        code: 'ERR_STORE_OPEN',
        message: expect.stringMatching(/'thesis\.txt'.*empty folder/s),
      });
      expect(namesIn('.')).toContain('thesis.txt');
      const path = join(files.folder, 'file');
      writeFileSync(path, '');
      for (const folder of [path, join(path, 'below')])
        await expect(openFileStore({ folder })).rejects.toMatchObject({
          code: 'ERR_STORE_OPEN',
          message: expect.stringContaining(`'sqlite:${folder}'`),
        });
    });
  });
});

function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length * 0.8);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function copyFolder(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyFolder(source, target);
    else copyFileSync(source, target);
  }
}
