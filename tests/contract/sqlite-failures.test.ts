/** What the SQLite store does when the disk fails: nothing unsaved is acknowledged, nothing saved is lost. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { connectFile } from '../../src/store/sqlite/connect.ts';
import {
  actorAt,
  commitOne,
  firstCommit,
  hostCommit,
  nextCommit,
  outcomeOf,
  publication,
  receiversOf,
  snapshot,
  tell,
  waitingIds,
  waitingKeys,
} from '../support/store-commits.ts';
import { createFaults } from '../support/store-faults.ts';
import type { Faults } from '../support/store-faults.ts';
import { tempStoreFile } from '../support/store-files.ts';

const A = actorAt('a');
const B = actorAt('b');

describe('sqlite store: failures', () => {
  let faults: Faults;
  let files: ReturnType<typeof tempStoreFile>;
  let store: Store;

  beforeEach(async () => {
    files = tempStoreFile();
    faults = createFaults();
    store = openSqliteStore({ file: files.file, connect: faults.connect });
    await store.commit([firstCommit(A), firstCommit(B)]);
  });
  afterEach(async () => {
    await store.close();
    files.clean();
  });

  test.each(['SQLITE_FULL', 'SQLITE_BUSY'])(
    'G1: a COMMIT taken back with %s changed nothing, and the handle goes on',
    async (code) => {
      faults.commit = { code, when: 'before' };
      const commit = nextCommit(A, 2, { inbox: [tell(B, '1')] });
      await expect(store.commit([commit])).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        details: { isOutcomeUnknown: false, sqliteCode: code, file: files.file },
      });
      expect(await store.load(A)).toMatchObject({ seq: 1 });
      expect(await waitingIds(store, B)).toEqual([]);
      expect(outcomeOf(await commitOne(store, commit))).toBe('done');
      expect(faults.opened).toBe(1);
    },
  );

  test.each([
    { code: 'SQLITE_IOERR_FSYNC', when: 'before', outcome: 'done' },
    { code: 'SQLITE_IOERR_FSYNC', when: 'after', outcome: 'repeated' },
    { code: 'SQLITE_IOERR_WRITE', when: 'before', outcome: 'done' },
    { code: 'SQLITE_IOERR', when: 'after', outcome: 'repeated' },
  ] as const)(
    'rule 5, G1, G3: COMMIT fails with $code, $when SQLite did it: reopened, unknown, resent is $outcome',
    async ({ code, when, outcome }) => {
      faults.commit = { code, when };
      const commit = nextCommit(A, 2, { inbox: [tell(B, '1')] });
      const handle = faults.db;
      await expect(store.commit([commit])).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        details: { isOutcomeUnknown: true },
      });
      expect(handle?.open, 'the handle that failed is closed').toBe(false);
      expect(faults.opened).toBe(2);
      expect(outcomeOf(await commitOne(store, { ...commit, isResent: true }))).toBe(outcome);
      expect(await store.load(A)).toMatchObject({ seq: 2 });
      expect(await waitingIds(store, B)).toEqual(['1']);
    },
  );

  test.each([
    { code: 'SQLITE_FULL', when: 'before', isThere: false },
    { code: 'SQLITE_IOERR_FSYNC', when: 'before', isThere: false },
    { code: 'SQLITE_IOERR_FSYNC', when: 'after', isThere: true },
  ] as const)(
    'G12: COMMIT fails with $code, $when SQLite did it: an event from elsewhere and its place are there both or neither',
    async ({ code, when, isThere }) => {
      faults.commit = { code, when };
      const received = { origin: 'store-2', source: 'x', time: 1 };
      const place = { name: '#inlet', pattern: '>', pos: 5 };
      const commit = hostCommit({ publish: [{ ...publication('s#1', 't'), received }], place });
      expect(await store.busCounts()).toMatchObject({ events: 0, chars: 0 });
      await expect(store.commit([commit])).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
      const found = async () => [await store.busEvents(), await store.cursors()];
      expect((await found()).map(({ length }) => length)).toEqual(isThere ? [1, 1] : [0, 0]);
      await store.commit([{ ...commit, isResent: true }]);
      expect(await found()).toMatchObject([[{ id: 's#1', source: 'x' }], [place]]);
      expect(await store.busCounts()).toMatchObject({ events: 1 });
    },
  );

  test('rule 5: after a failed sync nothing is acknowledged until the log is written back whole', async () => {
    const reader = connectFile(files.file, { readonly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM actors').get();
    faults.commit = { code: 'SQLITE_IOERR_FSYNC', when: 'after' };
    await expect(store.commit([nextCommit(A, 2)])).rejects.toMatchObject({ details: { isOutcomeUnknown: true } });
    await expect(store.commit([nextCommit(A, 2, { isResent: true })])).rejects.toMatchObject({
      details: { isOutcomeUnknown: false },
    });
    reader.close();
    expect(outcomeOf(await commitOne(store, nextCommit(A, 2, { isResent: true })))).toBe('repeated');
  });

  test('G1: a store that cannot be reopened says so until it can', async () => {
    faults.commit = { code: 'SQLITE_IOERR_FSYNC', when: 'after' };
    faults.open = 'SQLITE_CANTOPEN';
    await expect(store.commit([nextCommit(A, 2)])).rejects.toMatchObject({ details: { isOutcomeUnknown: true } });
    await expect(store.load(A)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    await expect(store.kvSet('k', 'v')).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      details: { isOutcomeUnknown: false },
    });
    faults.open = undefined;
    expect(outcomeOf(await commitOne(store, nextCommit(A, 2, { isResent: true })))).toBe('repeated');
  });

  test.each(['SQLITE_IOERR_READ', 'SQLITE_CORRUPT', 'SQLITE_READONLY', 'SQLITE_BUSY'])(
    'a BEGIN that fails with %s changed nothing',
    async (code) => {
      faults.begin = code;
      await expect(store.commit([nextCommit(A, 2)])).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        details: { isOutcomeUnknown: false, sqliteCode: code },
      });
      expect(outcomeOf(await commitOne(store, nextCommit(A, 2)))).toBe('done');
    },
  );

  test('G1: a full disk refuses whole batches and recovers when there is room again', async () => {
    const limit = Number(faults.db?.pragma('page_count', { simple: true })) + 20;
    faults.db?.pragma(`max_page_count = ${limit}`);
    const big = (seq: number) =>
      nextCommit(A, seq, { state: snapshot('x'.repeat(40_000)), inbox: [tell(B, `row ${seq}`)] });
    let seq = 1;
    const failure = await (async () => {
      for (;;) {
        try {
          await store.commit([
            big(seq + 1),
            firstCommit(actorAt(`filler-${seq}`), { state: snapshot('y'.repeat(40_000)) }),
          ]);
          seq++;
        } catch (error) {
          return error;
        }
      }
    })();
    expect(failure).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      details: { isOutcomeUnknown: false, sqliteCode: 'SQLITE_FULL' },
    });
    expect(await store.load(A), 'reads go on').toMatchObject({ seq });
    expect(await store.inbox(B)).toHaveLength(seq - 1);
    faults.db?.pragma('max_page_count = 1000000');
    expect(outcomeOf(await commitOne(store, big(seq + 1)))).toBe('done');
    expect(await store.inbox(B)).toHaveLength(seq);
  });

  test('rule 2: positions are not given twice after a rollback or a reopen', async () => {
    const seen = new Set<number>();
    let seq = 1;
    for (const fault of [
      undefined,
      { code: 'SQLITE_FULL', when: 'before' },
      { code: 'SQLITE_IOERR_FSYNC', when: 'before' },
      undefined,
    ] as const) {
      faults.commit = fault;
      const commit = nextCommit(A, seq + 1, { inbox: [tell(B, 'x')] });
      await store.commit([commit]).catch(() => store.commit([{ ...commit, isResent: true }]));
      seq++;
      const positions = (await waitingKeys(store, B)).map(({ pos }) => pos);
      expect(positions).toHaveLength(seq - 1);
      positions.forEach((pos) => seen.add(pos));
    }
    expect(seen.size).toBe(4);
  });

  describe('who is subscribed, in memory and in the file', () => {
    const subscribe = [{ pattern: 't', event: 'HEARD' }];
    let lastId = 0;
    /** Whom a publication of B reaches: what the store has in mind. And what it says A is subscribed to: the file. */
    const heard = async (seq: number) => {
      const result = await commitOne(store, nextCommit(B, seq, { publish: [publication(`p${lastId++}`, 't')] }));
      expect(outcomeOf(result)).toBe('done');
      return { inMind: receiversOf(result), inFile: (await store.load(A))?.subscriptions.map(({ event }) => event) };
    };
    const SUBSCRIBED = { inMind: [`${A} HEARD`], inFile: ['HEARD'] };
    const NOT = { inMind: [], inFile: [] };

    test.each(['SQLITE_FULL', 'SQLITE_BUSY'])(
      'G12: a COMMIT taken back with %s leaves no subscription',
      async (code) => {
        faults.commit = { code, when: 'before' };
        const commit = nextCommit(A, 2, { subscribe });
        await expect(store.commit([commit])).rejects.toMatchObject({ details: { isOutcomeUnknown: false } });
        expect(await heard(2)).toEqual(NOT);
        expect(outcomeOf(await commitOne(store, commit))).toBe('done');
        expect(await heard(3)).toEqual(SUBSCRIBED);
      },
    );

    test.each([
      { what: 'an unsubscription', more: { unsubscribe: ['t'] } },
      { what: 'a change of event', more: { subscribe: [{ pattern: 't', event: 'OTHER' }] } },
      { what: 'an end', more: { status: 'done' } },
      { what: 'a removal', more: { isRemoval: true } },
    ] as const)('G12: $what that is taken back leaves the subscription', async ({ more }) => {
      await store.commit([nextCommit(A, 2, { subscribe })]);
      faults.commit = { code: 'SQLITE_FULL', when: 'before' };
      await expect(store.commit([nextCommit(A, 3, more)])).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
      expect(await heard(2)).toEqual(SUBSCRIBED);
    });

    test.each([
      { when: 'before', expected: NOT },
      { when: 'after', expected: SUBSCRIBED },
    ] as const)('G12: after an unknown outcome, failed $when SQLite did it, both follow the file', async (fault) => {
      faults.commit = { code: 'SQLITE_IOERR_FSYNC', when: fault.when };
      await expect(store.commit([nextCommit(A, 2, { subscribe })])).rejects.toMatchObject({
        details: { isOutcomeUnknown: true },
      });
      expect(await heard(2)).toEqual(fault.expected);
      await store.commit([nextCommit(A, 2, { subscribe, isResent: true })]);
      expect(await heard(3)).toEqual(SUBSCRIBED);
    });

    test('G12: a defective commit in the batch, which makes the rest go again, disturbs neither', async () => {
      const broken = nextCommit(B, 2, { schedule: [{ key: 'k', dueAt: NaN, text: '{}' }] });
      const results = await store.commit([
        nextCommit(A, 2, { subscribe }),
        broken,
        nextCommit(A, 3, { publish: [publication('own', 't')] }),
        nextCommit(A, 4, { unsubscribe: ['t'] }),
      ]);
      expect(results.map(outcomeOf)).toEqual(['done', 'refused: invalid', 'done', 'done']);
      expect(receiversOf(results[2])).toEqual([`${A} HEARD`]);
      expect(await heard(2)).toEqual(NOT);
    });

    test('G12: an id whose publication was taken back is published when it comes again', async () => {
      await store.commit([nextCommit(A, 2, { subscribe })]);
      const commit = nextCommit(B, 2, { publish: [publication('once', 't')] });
      faults.commit = { code: 'SQLITE_FULL', when: 'before' };
      await expect(store.commit([commit])).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
      expect([await store.busEvents(), await store.inbox(A)]).toEqual([[], []]);
      expect(receiversOf(await commitOne(store, commit))).toEqual([`${A} HEARD`]);
    });
  });

  test('tidying up swallows failures', async () => {
    faults.db?.close();
    await store.idle();
    expect(outcomeOf(await commitOne(store, nextCommit(A, 2)).catch(() => undefined))).toBe('none');
    expect(outcomeOf(await commitOne(store, nextCommit(A, 2)))).toBe('done');
  });
});
