/** Logs that are trimmed, snapshots that are packed, and what an adapter says of itself, in the store contract. */
import { zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { textOfRow } from '../../src/state/codec.ts';
import type { LooseQuery } from '../../src/store/queries.ts';
import type { Store, StoreFeatures } from '../../src/store/store.ts';
import { actorAt, delta, firstCommit, nextCommit, snapshot } from '../support/store-commits.ts';
import { told } from '../support/store-states.ts';

const A = actorAt('a');
const B = actorAt('b');

/** Registers what holds of rows that a store may thin out or compress. */
export function storeRowsContract(current: () => Store, features: Partial<StoreFeatures> = {}): void {
  test('a store says what it survives and what it shares', async () => {
    expect(current().features).toMatchObject(features);
    expect(['nothing', 'process-kill', 'power-loss']).toContain(current().features.survives);
    expect(['nothing', 'reads', 'writes']).toContain(current().features.shares);
  });
  logs(current);
  packing(current);
}

function logs(current: () => Store): void {
  const numbers = async (): Promise<readonly number[]> => (await current().log(A)).map(({ n }) => n);

  test('a trim leaves the newest rows of a log, with their numbers', async () => {
    await current().commit([firstCommit(A, { log: ['1', '2', '3', '4'] })]);
    await current().commit([nextCommit(A, 2, { keepLog: 3 })]);
    expect(await numbers()).toEqual([2, 3, 4]);
    await current().commit([nextCommit(A, 3, { log: ['5', '6'], keepLog: 3 })]);
    expect(await numbers()).toEqual([4, 5, 6]);
    await current().commit([nextCommit(A, 4, { keepLog: 0 })]);
    expect(await numbers()).toEqual([]);
    await current().commit([nextCommit(A, 5, { log: ['7'] })]);
    expect(await current().log(A)).toEqual([{ n: 7, at: 1_005, text: '7' }]);
  });

  test('a trim in a first commit, in a commit without state, in the last; more than there are is all', async () => {
    await current().commit([firstCommit(A, { log: ['1', '2', '3'], keepLog: 2 }), firstCommit(B, { log: ['b'] })]);
    expect(await numbers()).toEqual([2, 3]);
    const { state: _state, ...stateless } = nextCommit(A, 2, { keepLog: 9 });
    await current().commit([stateless]);
    expect(await numbers()).toEqual([2, 3]);
    await current().commit([nextCommit(A, 3, { status: 'done', log: ['4'], keepLog: 1 })]);
    expect(await numbers()).toEqual([4]);
    expect(await current().log(B)).toHaveLength(1);
  });

  test('a refused commit trims nothing', async () => {
    await current().commit([firstCommit(A, { log: ['1', '2'] }), nextCommit(A, 5, { keepLog: 0 })]);
    expect(await numbers()).toEqual([1, 2]);
  });
}

function packing(current: () => Store): void {
  const large = (letter: string): string => letter.repeat(9_000);
  const namesOf = async (query: Partial<LooseQuery> = {}) =>
    (await current().looseSnapshots({ minChars: 5_000, before: Infinity, ...query })).map(
      ({ address, seq }) => `${address}@${seq}`,
    );

  test('large snapshots are found, oldest first, by length and age, and as many as asked for', async () => {
    await current().commit([
      firstCommit(B, { at: 5, state: snapshot(large('b')), history: { text: '{}', checksum: 1 } }),
      firstCommit(A, { at: 9, state: snapshot(large('a')) }),
      nextCommit(B, 2, { at: 7, state: snapshot(large('c') + large('c')), history: { text: '{}', checksum: 1 } }),
      nextCommit(B, 3, { at: 8, state: delta(large('d')) }),
      firstCommit(actorAt('small'), { at: 6 }),
    ]);
    expect(await namesOf()).toEqual([`${B}@1`, `${B}@2`, `${A}@1`]);
    expect(await namesOf({ before: 9 })).toEqual([`${B}@1`, `${B}@2`]);
    expect(await namesOf({ minChars: 9_000 })).toHaveLength(3);
    expect(await namesOf({ minChars: 9_001 })).toEqual([`${B}@2`]);
    expect(await namesOf({ limit: 1 })).toEqual([`${B}@1`]);
    const [found] = await current().looseSnapshots({ minChars: 5_000, before: 6 });
    expect(found).toEqual({ address: B, seq: 1, text: large('b') });
    await expect(namesOf({ limit: 0 })).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
  });

  test('a packed snapshot is read as it was packed, everywhere, and is loose no more', async () => {
    await current().commit([firstCommit(A, { state: snapshot(large('a')) }), nextCommit(A, 2, { state: delta('x') })]);
    const packed = zstdCompressSync(large('a'));
    expect(await current().packSnapshot(A, 1, packed)).toBe(true);
    expect(await current().packSnapshot(A, 1, packed)).toBe(false);
    expect(await namesOf()).toEqual([]);
    for (const rows of [await current().load(A), await current().states(A, { until: 2 })]) {
      expect(rows?.snapshot).toMatchObject({ seq: 1, checksum: 9_000 });
      expect(Buffer.from(rows!.snapshot.text as Uint8Array).equals(packed)).toBe(true);
      expect(textOfRow(rows!.snapshot)).toBe(large('a'));
      expect(rows?.deltas).toMatchObject([{ seq: 2, text: 'x' }]);
    }
  });

  test('a snapshot that is gone, of nobody, or of another commit is not packed', async () => {
    await current().commit([firstCommit(A, { state: snapshot(large('a')) })]);
    await current().commit([nextCommit(A, 2, { state: snapshot(large('b')) })]);
    const packed = zstdCompressSync(large('a'));
    for (const [address, seq] of [
      [A, 1],
      [A, 3],
      [B, 1],
    ] as const)
      // prettier-ignore
      expect(await current().packSnapshot(address, seq, packed)).toBe(false);
    expect(await current().load(A)).toMatchObject({ snapshot: { seq: 2, text: large('b') } });
  });

  test('what is written after a packed snapshot follows it, and takes its place as any other', async () => {
    await current().commit([told(A, 1, 'snapshot'), nextCommit(A, 2, { state: snapshot(large('a')), history: { text: '{}', checksum: 1 } })]); // prettier-ignore
    const packed = zstdCompressSync(large('a'));
    expect(await current().packSnapshot(A, 2, packed)).toBe(true);
    await current().commit([nextCommit(A, 3, { state: snapshot('s'), step: { text: 'd', checksum: 1 } })]);
    expect(await current().load(A)).toMatchObject({ snapshot: { seq: 3, text: 's' }, deltas: [] });
    const before = await current().states(A, { until: 3, before: 3 });
    expect(textOfRow(before!.snapshot)).toBe(large('a'));
    expect(before?.deltas).toMatchObject([{ seq: 3, text: 'd' }]);
    await current().commit([nextCommit(A, 4)]);
    expect(await current().states(A, { until: 4, before: 4 })).toBeUndefined();
  });
}
