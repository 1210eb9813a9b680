/** Histories in the store contract: which rows of state and of events are kept, how they are read, what a trim leaves. */
import { expect, test } from 'vitest';
import type { Commit, Store } from '../../src/store/store.ts';
import { actorAt, commitOne, firstCommit, nextCommit, tell } from '../support/store-commits.ts';
import { readAt, told } from '../support/store-states.ts';

const A = actorAt('a');
const B = actorAt('b');

/** An actor of eight commits, a snapshot at 1, 4 and 6, with the history of each. */
const STORY = ['snapshot', 'delta', 'delta', 'snapshot', 'delta', 'snapshot', 'none', 'delta'] as const;

/** Registers what holds of histories. */
export function storeHistoryContract(current: () => Store): void {
  keeping(current);
  reading(current);
  trimming(current);
  sweeping(current);
}

async function tell8(store: Store, more: (seq: number) => Partial<Commit> = () => ({})): Promise<void> {
  for (const [index, kind] of STORY.entries()) {
    const result = await commitOne(store, told(A, index + 1, kind, { ...more(index + 1) }));
    expect(result.outcome).toBe('done');
  }
}

const seqsOf = async (store: Store, query?: Parameters<Store['history']>[1]): Promise<readonly number[]> =>
  (await store.history(A, query)).map(({ seq }) => seq);

function keeping(current: () => Store): void {
  test('every commit with history stands in it, with what it changed', async () => {
    await tell8(current());
    const rows = await current().history(A);
    expect(rows.map(({ seq, at, text, checksum, delta }) => ({ seq, at, text, checksum, delta }))).toEqual(
      STORY.map((kind, index) => ({
        seq: index + 1,
        at: 1_001 + index,
        text: `{"e":${index + 1}}`,
        checksum: index + 1,
        delta: kind === 'delta' ? `,${index + 1}` : null,
      })),
    );
    expect(await current().history(B)).toEqual([]);
    expect((await current().stats()).historyRows).toBe(8);
  });

  test('the state at each commit is what it was then, from the nearest snapshot and from those before', async () => {
    await tell8(current());
    const states = ['1', '1,2', '1,2,3', '1,2,3,4', '1,2,3,4,5', '1,2,3,4,5,6', '1,2,3,4,5,6', '1,2,3,4,5,6,8'];
    for (const [index, state] of states.entries()) {
      expect(await readAt(current(), A, index + 1), `until ${index + 1}`).toBe(state);
    }
    expect((await current().states(A, { until: 8 }))?.snapshot.seq).toBe(6);
    expect((await current().states(A, { until: 8, before: 6 }))?.snapshot.seq).toBe(4);
    expect((await current().states(A, { until: 8, before: 4 }))?.snapshot.seq).toBe(1);
    expect(await current().states(A, { until: 8, before: 1 })).toBeUndefined();
    expect(await current().states(A, { until: 0 })).toBeUndefined();
    expect(await current().states(B, { until: 8 })).toBeUndefined();
  });

  test('a snapshot with its step can be made again from the one before it', async () => {
    await current().commit([told(A, 1, 'snapshot', {}, false), told(A, 2, 'delta', {}, false)]);
    await current().commit([told(A, 3, 'step', {}, false), told(A, 4, 'delta', {}, false)]);
    expect(await current().load(A)).toMatchObject({ snapshot: { seq: 3, text: '1,2,3' }, deltas: [{ text: ',4' }] });
    expect(await readAt(current(), A, 4, 3)).toBe('1,2,3,4');
    expect(await readAt(current(), A, 3, 3)).toBe('1,2,3');
  });

  test('with steps alone, the snapshot before is kept and what is before that goes', async () => {
    await current().commit([told(A, 1, 'snapshot', {}, false), told(A, 2, 'step', {}, false)]);
    await current().commit([told(A, 3, 'step', {}, false)]);
    expect((await current().states(A, { until: 3, before: 3 }))?.snapshot.seq).toBe(2);
    expect(await readAt(current(), A, 3, 3)).toBe('1,2,3');
    expect(await current().states(A, { until: 3, before: 2 })).toBeUndefined();
  });

  test('a snapshot without step or history takes the place of all before it, and of the events they told', async () => {
    await tell8(current());
    await current().commit([told(A, 9, 'snapshot', {}, false)]);
    expect(await current().states(A, { until: 8 })).toBeUndefined();
    expect(await readAt(current(), A, 9)).toBe('1,2,3,4,5,6,8,9');
    expect(await current().history(A)).toEqual([]);
    await current().commit([told(A, 10, 'delta')]);
    expect(await readAt(current(), A, 10)).toBe('1,2,3,4,5,6,8,9,10');
    expect((await current().history(A)).at(-1)).toMatchObject({ seq: 10, delta: ',10' });
  });

  test('events that no row tells any more go, whatever led to that', async () => {
    await current().commit([firstCommit(A)]);
    await current().commit([told(A, 2, 'none')]);
    await current().commit([told(A, 3, 'snapshot', {}, false)]);
    expect(await current().history(A)).toEqual([]);
    await current().commit([told(A, 4, 'delta'), told(A, 5, 'snapshot'), told(A, 6, 'delta')]);
    const step = { text: ',7', checksum: 7 };
    await current().commit([told(A, 7, 'snapshot', { step }, false)]);
    expect(await seqsOf(current())).toEqual([6]);
    await current().commit([told(A, 8, 'snapshot', { step }, false)]);
    expect(await seqsOf(current())).toEqual([]);
  });

  test('large and small snapshots take turns, and each is there', async () => {
    for (let seq = 1; seq <= 12; seq++) {
      const text = `${'x'.repeat(seq % 3 === 0 ? 9_000 : 5)}${seq}`;
      const state = { kind: 'snapshot', text, checksum: seq } as const;
      const make =
        seq === 1 ? firstCommit : (address: typeof A, more: Partial<Commit>) => nextCommit(address, seq, more);
      await current().commit([make(A, { state, history: { text: '{}', checksum: 1 } })]);
    }
    for (let seq = 1; seq <= 12; seq++) {
      const text = `${'x'.repeat(seq % 3 === 0 ? 9_000 : 5)}${seq}`;
      expect((await current().states(A, { until: seq }))?.snapshot).toEqual({ seq, text, checksum: seq });
    }
  });

  test('a removal takes the whole history along, and the next of the name has its own', async () => {
    await tell8(current());
    await current().commit([nextCommit(A, 9, { isRemoval: true })]);
    expect(await current().history(A)).toEqual([]);
    expect(await current().states(A, { until: 9 })).toBeUndefined();
    expect((await current().stats()).historyRows).toBe(0);
    await current().commit([told(A, 1, 'snapshot'), told(A, 2, 'delta')]);
    expect(await seqsOf(current())).toEqual([1, 2]);
    expect(await readAt(current(), A, 2)).toBe('1,2');
  });

  test('shape comes with a snapshot and the sum with each commit', async () => {
    await current().commit([firstCommit(A, { shape: 's1', sum: 1 })]);
    await current().commit([
      nextCommit(A, 2, { state: { kind: 'delta', text: 'd', checksum: 1 }, shape: 's2', sum: 2 }),
    ]);
    expect(await current().load(A)).toMatchObject({ shape: 's1', sum: 2 });
    await current().commit([nextCommit(A, 3, { shape: 's3', sum: 3 })]);
    expect(await current().load(A)).toMatchObject({ shape: 's3', sum: 3 });
    await current().commit([nextCommit(A, 4)]);
    expect(await current().load(A)).toMatchObject({ shape: null, sum: null });
  });

  test('a refused commit leaves nothing in the history', async () => {
    await current().commit([told(A, 1, 'snapshot')]);
    await current().commit([told(A, 3, 'snapshot'), told(A, 2, 'step', { epoch: 7 })]);
    expect(await seqsOf(current())).toEqual([1]);
    expect(await readAt(current(), A, 9)).toBe('1');
  });
}

function reading(current: () => Store): void {
  test('pages of a history, from either end', async () => {
    await tell8(current());
    expect(await seqsOf(current(), { limit: 3 })).toEqual([1, 2, 3]);
    expect(await seqsOf(current(), { after: 3, limit: 3 })).toEqual([4, 5, 6]);
    expect(await seqsOf(current(), { after: 6, limit: 3 })).toEqual([7, 8]);
    expect(await seqsOf(current(), { direction: 'backward', limit: 3 })).toEqual([6, 7, 8]);
    expect(await seqsOf(current(), { direction: 'backward', before: 6, limit: 3 })).toEqual([3, 4, 5]);
    expect(await seqsOf(current(), { after: 2, before: 5 })).toEqual([3, 4]);
    expect(await seqsOf(current(), { after: 8 })).toEqual([]);
    expect(await seqsOf(current(), { before: 1 })).toEqual([]);
  });

  test('beforePos tells what stood in the store before a position', async () => {
    const positions: number[] = [];
    await current().commit([firstCommit(B)]);
    for (let seq = 1; seq <= 4; seq++) {
      await current().commit([told(A, seq, seq === 1 ? 'snapshot' : 'delta')]);
      const result = await commitOne(current(), nextCommit(B, seq + 1, { inbox: [tell(B, String(seq))] }));
      positions.push(result.outcome === 'done' ? (result.positions?.[0]?.pos ?? 0) : 0);
    }
    for (const [index, beforePos] of positions.entries()) {
      expect(await seqsOf(current(), { beforePos })).toEqual([1, 2, 3, 4].slice(0, index + 1));
      expect(await seqsOf(current(), { beforePos, direction: 'backward', limit: 1 })).toEqual([index + 1]);
    }
    const rows = await current().history(A);
    expect(rows.map(({ pos }) => pos)).toEqual(rows.map(({ pos }) => pos).toSorted((a, b) => a - b));
    expect(await seqsOf(current(), { beforePos: rows[0]!.pos })).toEqual([]);
  });

  test.each([0, 1_001, 1.5, Number.NaN])('a page of %s events is refused', async (limit) => {
    await expect(current().history(A, { limit })).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
  });
}

function trimming(current: () => Store): void {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1_000])(
    'a trim before commit %i: those events go, every other can be told, the state and its former snapshot stay',
    async (beforeSeq) => {
      await tell8(current());
      await current().commit([told(A, 9, 'delta', { trimHistory: { beforeSeq } })]);
      const kept = [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((seq) => seq >= beforeSeq);
      await expectTold(current(), kept);
      const rows = await current().history(A);
      const withDelta = rows.filter(({ delta }) => delta !== null).map(({ seq }) => seq);
      expect(withDelta).toEqual(kept.filter((seq) => seq === 9 || STORY[seq - 1] === 'delta'));
    },
  );

  test.each([0, 1_001, 1_004, 1_005, 1_009, 1_010, 9_999])(
    'a trim before the time %i does the same',
    async (beforeAt) => {
      await tell8(current());
      await current().commit([told(A, 9, 'delta', { trimHistory: { beforeAt } })]);
      await expectTold(
        current(),
        [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((seq) => 1_000 + seq >= beforeAt),
      );
    },
  );

  test('of two bounds the later one counts', async () => {
    await tell8(current());
    await current().commit([told(A, 9, 'delta', { trimHistory: { beforeSeq: 3, beforeAt: 1_006 } })]);
    await expectTold(current(), [6, 7, 8, 9]);
    await current().commit([told(A, 10, 'delta', { trimHistory: { beforeSeq: 9, beforeAt: 0 } })]);
    await expectTold(current(), [9, 10]);
  });

  test('a trim without new history, in a commit without state, and in the last commit of an actor', async () => {
    await tell8(current());
    await current().commit([told(A, 9, 'none', { trimHistory: { beforeSeq: 5 } }, false)]);
    await expectTold(current(), [5, 6, 7, 8]);
    await current().commit([told(A, 10, 'none', { trimHistory: { beforeSeq: 8 }, status: 'done' }, false)]);
    await expectTold(current(), [8]);
  });

  async function expectTold(store: Store, kept: readonly number[]): Promise<void> {
    expect(await seqsOf(store)).toEqual(kept);
    for (const seq of kept) expect(await readAt(store, A, seq), `state at ${seq}`).toBeDefined();
    const actor = await store.load(A);
    const whole = await readAt(store, A, actor!.seq);
    expect(whole).toBe([actor!.snapshot.text, ...actor!.deltas.map(({ text }) => text)].join(''));
    // The snapshot before the current one is what a damaged current one is made again from.
    expect((await store.states(A, { until: actor!.seq, before: actor!.snapshot.seq }))?.snapshot).toBeDefined();
  }
}

function sweeping(current: () => Store): void {
  test('a sweep takes the events of one type before a time, and says how many', async () => {
    await tell8(current());
    const other = 'counter2/a' as typeof A;
    const more = 'counte/a' as typeof A;
    for (const address of [other, more])
      await current().commit([told(address, 1, 'snapshot'), told(address, 2, 'delta')]);
    expect(await current().sweepHistory('counter', 1_004)).toBe(3);
    expect(await seqsOf(current())).toEqual([4, 5, 6, 7, 8]);
    expect(await readAt(current(), A, 4)).toBe('1,2,3,4');
    for (const address of [other, more]) expect(await current().history(address)).toHaveLength(2);
    expect(await current().sweepHistory('counter', 1_004)).toBe(0);
    expect(await current().sweepHistory('nobody', 9_999)).toBe(0);
    expect(await current().sweepHistory('counter', 9_999)).toBe(5);
    expect(await current().load(A)).toMatchObject({ seq: 8, snapshot: { seq: 6 }, deltas: [{ seq: 8 }] });
  });

  test('a sweep that finds no old event leaves the rows of state as they are', async () => {
    await current().commit([told(A, 1, 'snapshot', {}, false), told(A, 2, 'step'), told(A, 3, 'snapshot')]);
    expect(await current().sweepHistory('counter', 1_002)).toBe(0);
    expect((await current().states(A, { until: 1 }))?.snapshot.seq).toBe(1);
  });
}
