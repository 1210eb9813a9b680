/** Packed events of the SQLite store on a disk that does not keep them: what is damaged is told, and costs nothing else. */
import { zstdCompressSync } from 'node:zlib';
import type { Database } from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectFile } from '../../src/store/sqlite/connect.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { actorAt } from '../support/store-commits.ts';
import { tempStoreFile } from '../support/store-files.ts';
import { readAt, told } from '../support/store-states.ts';

const A = actorAt('a');
const B = actorAt('b');

/** Commits with snapshots at 1, 12 and 14; of those before 12, events 1 to 4, 5 to 8 and 9 to 11 are packed. */
const COMMITS = 16;

let temp: ReturnType<typeof tempStoreFile>;
let store: Store;
let db: Database;

beforeEach(async () => {
  temp = tempStoreFile();
  store = openSqliteStore({ file: temp.file, synchronous: 'normal' });
  db = connectFile(temp.file);
  for (const address of [A, B]) await tellAndPack(address);
});
afterEach(async () => {
  db.close();
  await store.close();
  temp.clean();
});

async function tellAndPack(address: typeof A): Promise<void> {
  for (let seq = 1; seq <= COMMITS; seq++)
    await store.commit([told(address, seq, seq === 1 ? 'snapshot' : [12, 14].includes(seq) ? 'step' : 'delta')]);
  for (const before of [1_005, 1_009, 1_012]) {
    const { run } = await store.looseHistory({ minEvents: 3, before });
    expect(await store.packHistory(run!.address, run!, zstdCompressSync(run!.text))).toBe(true);
  }
}

const seqsOf = async (query?: Parameters<Store['history']>[1]) => (await store.history(A, query)).map(({ seq }) => seq);

const DAMAGED = { code: 'ERR_STATE_CORRUPT', details: { owner: A, firstSeq: 5, lastSeq: 8 } };

test.each([
  ['a byte of it changed', "packed = substr(packed, 1, 9) || x'55' || substr(packed, 11)"],
  ['its end is missing', 'packed = substr(packed, 1, length(packed) - 3)'],
  ['there is nothing in it', "packed = x''"],
  ['it is that of another actor', 'packed = (SELECT packed FROM segments AS s WHERE s.address = :other AND s.first_seq = 5)'], // prettier-ignore
  ['it is an older one of the same actor', 'packed = (SELECT packed FROM segments AS s WHERE s.address = :a AND s.first_seq = 1), checksum = (SELECT checksum FROM segments AS s WHERE s.address = :a AND s.first_seq = 1)'], // prettier-ignore
])('a segment where %s: its events are refused by name, all others are there, and so is the actor', async (_, set) => {
  const loaded = await store.load(A);
  db.prepare(`UPDATE segments SET ${set} WHERE address = :a AND first_seq = 5 AND :other IS NOT NULL`).run({ a: A, other: B }); // prettier-ignore
  await expect(seqsOf()).rejects.toMatchObject(DAMAGED);
  await expect(seqsOf({ after: 5, limit: 1 })).rejects.toMatchObject(DAMAGED);
  await expect(seqsOf({ before: 9, limit: 1, direction: 'backward' })).rejects.toMatchObject(DAMAGED);
  await expect(readAt(store, A, 10), 'a state that is told by way of it').rejects.toMatchObject(DAMAGED);
  expect(await seqsOf({ before: 5 })).toEqual([1, 2, 3, 4]);
  expect(await seqsOf({ after: 8 })).toEqual([9, 10, 11, 12, 13, 14, 15, 16]);
  expect(await seqsOf({ limit: 4 }), 'a page that does not reach it').toEqual([1, 2, 3, 4]);
  expect(await readAt(store, A, 4)).toBe('1,2,3,4');
  expect(await readAt(store, A, 13)).toMatch(/,12,13$/);
  expect(await store.load(A)).toEqual(loaded);
  expect(await readAt(store, A, 16, 14), 'what repairs the state').toMatch(/^1,2,.*,16$/);
});

test('commits, trims and sweeps of an actor go on over a damaged segment, which goes when all of it is too old', async () => {
  db.prepare("UPDATE segments SET packed = x'00' WHERE address = ? AND first_seq = 5").run(A);
  const trim = (seq: number, beforeAt: number) => store.commit([told(A, seq, 'delta', { trimHistory: { beforeAt } })]);
  expect(await trim(17, 1_007)).toMatchObject([{ outcome: 'done' }]);
  expect((await store.stats()).historyRows, 'the damaged one is kept whole').toBe(COMMITS + 13);
  await expect(seqsOf()).rejects.toMatchObject(DAMAGED);
  expect(await trim(18, 1_009)).toMatchObject([{ outcome: 'done' }]);
  expect(await seqsOf()).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
  expect(await store.sweepHistory('counter', 9_999)).toBe(10 + COMMITS);
  expect(await store.load(A)).toMatchObject({ seq: 18, snapshot: { seq: 14 } });
});

test('a segment leaves the file when none of its events is kept and no state is told from it', async () => {
  const count = db.prepare<[string], number>('SELECT count(*) FROM segments WHERE address = ?').pluck();
  await store.commit([told(A, 17, 'delta', { trimHistory: { beforeSeq: 11 } })]);
  expect(count.get(A), 'the states at 11 and 12 are told from the first snapshot on').toBe(3);
  expect(await readAt(store, A, 11)).toBe('1,2,3,4,5,6,7,8,9,10,11');
  await store.commit([told(A, 18, 'delta', { trimHistory: { beforeSeq: 13 } })]);
  expect(count.get(A)).toBe(0);
  expect(count.get(B)).toBe(3);
  await store.commit([{ ...told(B, 17, 'none'), isRemoval: true }]);
  expect(count.get(B)).toBe(0);
});
