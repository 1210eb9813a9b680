/** The file store on a disk that fails at every call there is, that fills up, and that loses what was not synced. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isTroupeError } from '../../src/errors.ts';
import { openFileStore } from '../../src/store/file/file-store.ts';
import type { Commit, Store } from '../../src/store/store.ts';
import {
  actorAt,
  delta,
  firstCommit,
  hostCommit,
  nextCommit,
  publication,
  snapshot,
  tell,
} from '../support/store-commits.ts';
import { createFaultyDisk } from '../support/store-disk.ts';
import type { FaultyDisk } from '../support/store-disk.ts';
import { dumpStore } from '../support/store-dump.ts';
import { tempStoreFile } from '../support/store-files.ts';
import { createRandom } from '../support/store-random.ts';

const PATIENCE_MS = 180_000;

const FAILURES = [
  { kind: 'fail', code: 'EIO' },
  { kind: 'late', code: 'EIO' },
  { kind: 'fail', code: 'ENOSPC' },
] as const;

/** What the disk has after a crash of what was not synced. */
const LOSSES = ['all', 'none', 'some'] as const;

const A = actorAt('a');
const B = actorAt('b:colon');
const C = actorAt('c');

const history = { text: '{"e":1}', checksum: 1 };

type Step = (store: Store, isResent: boolean) => Promise<unknown>;
const batch =
  (...commits: readonly Commit[]): Step =>
  (store, isResent) =>
    store.commit(commits.map((commit) => ({ ...commit, isResent })));

/** Between two of them the store may be closed, which writes a checkpoint. */
const STORY: readonly (Step | 'reopen')[] = [
  batch(
    firstCommit(A, { history, log: ['"1"'], subscribe: [{ pattern: 'a.*', event: 'E' }] }),
    firstCommit(B, { inbox: [tell(A, 'one'), tell(C, 'two')], publish: [publication('p', 'a.b')] }),
  ),
  (store) => store.kvSet('key', 'value', 50),
  batch(nextCommit(A, 2, { state: delta('{"d":1}'), history, schedule: [{ key: 'k', dueAt: 5, text: '{}' }] })),
  'reopen',
  batch(nextCommit(A, 3, { state: snapshot('x'.repeat(120_000)), history }), nextCommit(B, 2, { isRemoval: true })),
  (store) => store.adopt([{ commit: firstCommit(C), logFrom: { address: A, untilSeq: 1 } }]),
  'reopen',
  (store) => store.markAlive(70),
  batch(
    hostCommit({
      publish: [{ ...publication('s#1', 'b.c'), received: { origin: 'store-2', source: 'x', time: 3 } }],
      place: { name: '#inlet', pattern: '>', pos: 4 },
    }),
  ),
  (store) => store.sweepBus({ patterns: ['a.*'] }),
  batch(nextCommit(C, 2, { log: ['"2"'], outbox: [{ kind: 'deliver', id: 'o', target: 't', text: '{}' }] })),
];

const dump = (store: Store) => dumpStore(store, { addresses: [A, B, C], ids: ['i'] });

describe('file store: a disk that fails', () => {
  let files: ReturnType<typeof tempStoreFile>;
  let disk: FaultyDisk;
  beforeEach(() => begin());
  afterEach(() => files.clean());

  function begin(): void {
    files = tempStoreFile();
    disk = createFaultyDisk();
  }
  const open = (synchronous: 'full' | 'normal' = 'full') => openFileStore({ folder: files.file, disk, synchronous });

  /** Tells the story as the writer would: what failed is tried again, marked as resent when its outcome is unknown. */
  async function tellAll(
    isStopped: () => boolean,
    told: (store: Store) => Promise<void> = async () => undefined,
  ): Promise<Store | undefined> {
    let store = await openPatiently(isStopped);
    for (const step of STORY) {
      if (!store) return undefined;
      if (step === 'reopen') {
        await store.close();
        store = await openPatiently(isStopped);
        continue;
      }
      const isDone = await doPatiently(store, step, isStopped);
      if (!isDone) {
        await store.close();
        return undefined;
      }
      await told(store);
    }
    return store;
  }

  async function openPatiently(isStopped: () => boolean): Promise<Store | undefined> {
    for (let tries = 0; tries < 4; tries++) {
      try {
        return await open();
      } catch (error) {
        expect(isTroupeError(error, 'ERR_STORE_OPEN'), String(error)).toBe(true);
        if (isStopped()) return undefined;
      }
    }
    throw new Error('The store does not open although the disk is sound');
  }

  async function doPatiently(store: Store, step: Step, isStopped: () => boolean): Promise<boolean> {
    let isUnknown = false;
    for (let tries = 0; tries < 4; tries++) {
      try {
        await step(store, isUnknown);
        return true;
      } catch (error) {
        if (!isTroupeError(error, 'ERR_STORE_UNAVAILABLE')) throw error;
        isUnknown ||= error.details['isOutcomeUnknown'] === true;
        if (isStopped()) return false;
      }
    }
    throw new Error('The store does not save although the disk is sound');
  }

  /** What the store has after each step, and how many calls the whole story takes. */
  async function tellWell() {
    const after: unknown[] = [];
    const first = await open();
    after.push(await dump(first));
    await first.close();
    begin();
    const store = await tellAll(
      () => false,
      async (current) => void after.push(await dump(current)),
    );
    await store?.close();
    const { calls } = disk;
    return { after, calls };
  }

  test('G1: one call that fails, whichever it is, costs nothing in the end', { timeout: PATIENCE_MS }, async () => {
    const { after, calls } = await tellWell();
    expect(calls).toBeGreaterThan(100);
    for (const { at, way } of eachCall(calls, FAILURES)) {
      files.clean();
      begin();
      disk.fault = { at, ...way };
      const store = await tellAll(() => false);
      const where = `${way.kind} ${way.code} at call ${at}, ${disk.failed}`;
      expect(await dump(store as Store), where).toEqual(after.at(-1));
      await store?.close();
      const reopened = await open();
      expect(await dump(reopened), `reopened after ${where}`).toEqual(after.at(-1));
      await reopened.close();
    }
  });

  test(
    'G1, G2: a crash at any call, with and without the power, leaves before or after',
    { timeout: PATIENCE_MS },
    async () => {
      const { after, calls } = await tellWell();
      for (const { at, way } of eachCall(calls, LOSSES)) {
        files.clean();
        begin();
        let steps = 0;
        disk.fault = { at, kind: 'stop', code: 'EIO' };
        const store = await tellAll(
          () => disk.calls >= at,
          async () => void steps++,
        );
        await store?.close();
        const where = `${way} is kept, stopped at call ${at}, ${disk.failed}, after ${steps} steps`;
        const random = createRandom(at);
        disk.powerLoss(() => way === 'all' || (way === 'some' && random() < 0.5));
        const reopened = await open();
        expect([after[steps], after[steps + 1] ?? after[steps]], where).toContainEqual(await dump(reopened));
        await reopened.close();
      }
    },
  );

  test('a full disk: nothing is saved or lost, reads go on, and work goes on once there is room', async () => {
    const store = await open();
    await store.commit([firstCommit(A)]);
    const before = await dump(store);
    disk.fault = { at: disk.calls + 1, kind: 'stop', code: 'ENOSPC' };
    for (let tries = 0; tries < 3; tries++) {
      await expect(store.commit([nextCommit(A, 2)])).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        message: expect.stringContaining('ENOSPC'),
        details: { isOutcomeUnknown: false },
      });
    }
    expect(await dump(store)).toEqual(before);
    await store.idle();
    disk.fault = undefined;
    expect(await store.commit([nextCommit(A, 2)])).toEqual([{ outcome: 'done' }]);
    await store.close();
  });

  test('rule 7: after a sync of the folder that failed the outcome is unknown, and the same commit again is known', async () => {
    const store = await open();
    await store.commit([firstCommit(A)]);
    // create, write, sync, close, rename, syncFolder
    disk.fault = { at: disk.calls + 6, kind: 'fail', code: 'EIO' };
    await expect(store.commit([nextCommit(A, 2)])).rejects.toMatchObject({ details: { isOutcomeUnknown: true } });
    expect(disk.failed).toBe('syncFolder');
    expect(await store.commit([nextCommit(A, 2, { isResent: true })])).toEqual([{ outcome: 'repeated' }]);
    // What was read back is written anew: it outlives the power.
    await store.close();
    disk.powerLoss(() => false);
    const reopened = await open();
    expect(await reopened.load(A)).toMatchObject({ seq: 2 });
    await reopened.close();
  });

  test.each([true, false])(
    'G1: what is saved while a checkpoint is written is there after it, which fails: %s',
    async (fails) => {
      const store = await open();
      const seqOf = async (current: Store) => (await current.load(A))?.seq;
      await store.commit([firstCommit(A), firstCommit(B)]);
      for (let n = 0; n < 100; n++) await store.kvSet(`k${n}`, 'v');
      const tidied = store.idle();
      for (let seq = 2; seq <= 30; seq++) {
        if (fails && seq === 4) disk.fault = { at: disk.calls + 1, kind: 'stop', code: 'EIO' };
        const saved = store.commit([nextCommit(A, seq)]);
        if (fails && seq === 4) {
          await expect(saved).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
          await tidied;
          disk.fault = undefined;
          await store.commit([nextCommit(A, seq)]);
        } else await saved;
      }
      await tidied;
      disk.powerLoss(() => false);
      disk.fault = { at: disk.calls + 1, kind: 'stop', code: 'EIO' };
      await store.close();
      disk.fault = undefined;
      const reopened = await open();
      expect(await seqOf(reopened)).toBe(30);
      expect(await reopened.kvKeys({ prefix: 'k', now: 0 })).toHaveLength(100);
      await reopened.close();
    },
  );

  test('no permission: opening says where', async () => {
    disk.fault = { at: 1, kind: 'fail', code: 'EACCES' };
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_STORE_OPEN',
      message: expect.stringMatching(/store\.db.*EACCES.*permissions/s),
    });
  });

  test('a store written without syncs is written anew when it is opened with them', async () => {
    const loose = await open('normal');
    await loose.commit([firstCommit(A)]);
    await loose.close();
    await (await open('full')).close();
    disk.powerLoss(() => false);
    const store = await open();
    expect(await store.load(A)).toMatchObject({ seq: 1 });
    await store.close();
  });
});

/** Every call goes wrong in one of the ways in turn; with FAULTS=all in each of them. */
function* eachCall<W>(calls: number, ways: readonly W[]): Generator<{ readonly at: number; readonly way: W }> {
  const isAll = process.env['FAULTS'] === 'all';
  for (let at = 1; at <= calls; at++)
    for (const [index, way] of ways.entries()) if (isAll || index === at % ways.length) yield { at, way };
}
