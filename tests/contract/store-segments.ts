/** Old events that are packed together, in the store contract: which are, that nobody notices, and what is refused. */
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Address } from '../../src/actor/address.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { HistoryQuery, LooseHistoryQuery } from '../../src/store/queries.ts';
import type { Commit, HistoryRun, Store } from '../../src/store/store.ts';
import { actorAt, firstCommit, nextCommit } from '../support/store-commits.ts';
import { readAt, told } from '../support/store-states.ts';
import type { Change } from '../support/store-states.ts';

const A = actorAt('a');
const B = actorAt('b');

/** Ten commits with snapshots at 1, 5 and 8: those before 5 lie before the former snapshot. */
const STORY = ['snapshot', 'delta', 'delta', 'none', 'step', 'delta', 'none', 'step', 'delta', 'delta'] as const;

async function tell10(store: Store, address: Address = A): Promise<void> {
  await store.commit(STORY.map((change, index) => told(address, index + 1, change)));
}

const look = (store: Store, query: Partial<LooseHistoryQuery> = {}) =>
  store.looseHistory({ minEvents: 2, before: Infinity, ...query });

async function findRun(store: Store, query?: Partial<LooseHistoryQuery>): Promise<HistoryRun> {
  const { run } = await look(store, query);
  if (!run) throw new Error('there is no run to pack');
  return run;
}

const packRun = (store: Store, run: HistoryRun, text = run.text): Promise<boolean> =>
  store.packHistory(run.address, run, zstdCompressSync(text));

/** Registers what holds of packed events, for stores that pack them; others never have any. */
export function storeSegmentsContract(current: () => Store): void {
  test('a store that packs no history has no run to pack, and packs none', async () => {
    await tell10(current());
    const { run } = await look(current());
    expect(run !== undefined).toBe(current().features.packsHistory);
    const key = { firstSeq: 1, lastSeq: 4, events: 4 };
    expect(await current().packHistory(A, key, zstdCompressSync('x'))).toBe(false);
  });
  const whenPacking = (name: string, body: () => Promise<void>): void =>
    test(name, async () => {
      // Nothing to show for the others; the test above holds them to it.
      if (current().features.packsHistory) await body();
    });
  finding(current, whenPacking);
  refusing(current, whenPacking);
  whenPacking('packed at random places, a random history answers everything as its unpacked twin does', async () => {
    await compareWithTwin(current());
  });
}

type When = (name: string, body: () => Promise<void>) => void;

function finding(current: () => Store, whenPacking: When): void {
  const nameOf = (run?: HistoryRun): string | undefined => run && `${run.address} ${run.firstSeq}-${run.lastSeq}`;
  const found = async (query?: Partial<LooseHistoryQuery>) => nameOf((await look(current(), query)).run);

  whenPacking(
    'a run ends before the former snapshot, before what is too young, and where numbers are left out',
    async () => {
      await tell10(current());
      expect(await found()).toBe(`${A} 1-4`);
      expect(await found({ before: 1_004 })).toBe(`${A} 1-3`);
      expect(await found({ before: 1_002 }), 'one event').toBeUndefined();
      expect(await found({ minEvents: 4 })).toBe(`${A} 1-4`);
      expect(await found({ minEvents: 5 })).toBeUndefined();
      expect(await look(current(), { after: A })).toEqual({});
      await current().commit([
        told(B, 1, 'snapshot'),
        told(B, 2, 'delta', {}, false),
        ...[3, 4, 5].map((seq) => told(B, seq, 'delta')),
        ...[6, 7].map((seq) => told(B, seq, 'snapshot')),
      ]);
      expect(await found({ after: A })).toBe(`${B} 3-5`);
    },
  );

  whenPacking('runs come in order of addresses, and what is packed does not come again', async () => {
    for (const address of [B, A]) await tell10(current(), address);
    const names: unknown[] = [];
    let after: Address | undefined;
    for (let looks = 0; looks < 9; looks++) {
      const { run, after: next } = await look(current(), { ...(after && { after }) });
      names.push(nameOf(run));
      if (run) expect(await packRun(current(), run)).toBe(true);
      after = next;
      if (!run && !next) break;
    }
    expect(names).toEqual([`${A} 1-4`, `${B} 1-4`, undefined]);
  });

  whenPacking(
    'few events are worth it when they are large, and one larger than all that may be packed stays as it is',
    async () => {
      const large = (seq: number, length: number): Commit =>
        nextCommit(A, seq, { history: { text: JSON.stringify('x'.repeat(length)), checksum: 1 } });
      await current().commit([firstCommit(A, { history: { text: '{}', checksum: 1 } })]);
      await current().commit([large(2, 2_000_000), ...[3, 4, 5, 6].map((seq) => large(seq, 300_000))]);
      await current().commit([7, 8].map((seq) => told(A, seq, 'snapshot')));
      const run = await findRun(current(), { minEvents: 64 });
      expect(nameOf(run)).toBe(`${A} 3-5`);
      expect(await packRun(current(), run)).toBe(true);
      expect(await found({ minEvents: 64 })).toBeUndefined();
      expect((await current().history(A)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    },
  );

  whenPacking('what leads from the former snapshot on is read as before, and so is every state before it', async () => {
    await tell10(current());
    const before = await Promise.all(STORY.map((_, index) => readAt(current(), A, index + 1)));
    const loaded = await current().load(A);
    expect(await packRun(current(), await findRun(current()))).toBe(true);
    expect(await Promise.all(STORY.map((_, index) => readAt(current(), A, index + 1)))).toEqual(before);
    expect(await current().load(A)).toEqual(loaded);
    expect(await readAt(current(), A, 10, 8)).toBe(before[9]);
  });
}

function refusing(current: () => Store, whenPacking: When): void {
  const answer = () => current().history(A);

  whenPacking(
    'a run that was trimmed, removed, or made anew after it was found is refused, and nothing is changed',
    async () => {
      await tell10(current());
      const run = await findRun(current());
      await current().commit([told(A, 11, 'delta', { trimHistory: { beforeSeq: 2 } })]);
      const trimmed = await answer();
      expect(await packRun(current(), run)).toBe(false);
      expect(await answer()).toEqual(trimmed);
      await current().commit([nextCommit(A, 12, { isRemoval: true })]);
      expect(await packRun(current(), run)).toBe(false);
      await tell10(current());
      const anew = await answer();
      expect(await packRun(current(), run), 'the same numbers, and another life').toBe(false);
      expect(await answer()).toEqual(anew);
    },
  );

  whenPacking('a run is packed once, and by its own packed form only', async () => {
    for (const address of [A, B]) await tell10(current(), address);
    const run = await findRun(current());
    const before = await answer();
    expect(await packRun(current(), run, `${run.text} `)).toBe(false);
    expect(await packRun(current(), run, (await findRun(current(), { after: A })).text)).toBe(false);
    expect(await current().packHistory(A, run, zstdCompressSync(run.text).subarray(0, -1)), 'cut off').toBe(false);
    expect(await current().packHistory(A, run, Buffer.from(run.text)), 'not compressed').toBe(false);
    expect(await current().packHistory(A, { ...run, events: 3 }, zstdCompressSync(run.text))).toBe(false);
    expect(await answer()).toEqual(before);
    expect(await packRun(current(), run)).toBe(true);
    expect(await packRun(current(), run)).toBe(false);
    expect(await answer()).toEqual(before);
  });
}

const commitStep = fc.record({
  kind: fc.constant('commit' as const),
  change: fc.constantFrom<Change>('none', 'delta', 'delta', 'delta', 'step', 'snapshot'),
  /** One without a history breaks the run, and a snapshot without one ends what states before it are told from. */
  hasHistory: fc.integer({ min: 0, max: 24 }).map((n) => n < 24),
  /** Clocks are set back now and then. */
  late: fc.constantFrom(0, 0, 0, 0, 3),
  trim: fc.oneof(
    { weight: 14, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.record({ back: fc.integer({ min: 0, max: 20 }), byTime: fc.boolean() }) },
  ),
});
const step = fc.oneof(
  { weight: 40, arbitrary: commitStep },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('pack' as const), minEvents: fc.integer({ min: 1, max: 5 }), young: fc.integer({ min: 0, max: 15 }) }) }, // prettier-ignore
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sweep' as const), back: fc.integer({ min: 0, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const CASES = Number(process.env['CASES'] ?? 20);
const SEED = process.env['SEED'];

async function compareWithTwin(store: Store): Promise<void> {
  let stories = 0;
  let packed = 0;
  const property = fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 100, size: 'max' }), async (steps) => {
    const twin = createMemoryStore();
    // Each story has a type of its own: a sweep is of a type.
    packed += await tellBoth(steps, { store, twin, type: `story${(stories += 1)}.` });
  });
  await fc.assert(property, { numRuns: CASES, endOnFailure: true, ...(SEED !== undefined && { seed: Number(SEED) }) });
  expect(packed, 'runs that were packed').toBeGreaterThan(CASES);
}

interface Twins {
  readonly store: Store;
  readonly twin: Store;
  readonly type: string;
}

async function tellBoth(steps: readonly Step[], { store, twin, type }: Twins): Promise<number> {
  const address = `${type}/x` as Address;
  let seq = 0;
  let packed = 0;
  for (const one of steps) {
    if (one.kind === 'pack') {
      const query = { minEvents: one.minEvents, before: 1_000 + seq - one.young, after: `${type}/` as Address };
      const { run } = await store.looseHistory(query);
      if (run?.address === address && (await packRun(store, run))) packed += 1;
      continue;
    }
    const answers: unknown[] = [];
    const work = toWork(one, address, seq);
    for (const each of [store, twin]) answers.push(await work(each));
    expect(answers[0], one.kind).toEqual(answers[1]);
    seq = one.kind === 'commit' ? seq + 1 : one.kind === 'remove' ? 0 : seq;
    // Reading everything at every step would take long, and after each sweep and trim is where it matters.
    if (one.kind !== 'commit' || one.trim) await compare(address, { store, twin, type });
  }
  await compare(address, { store, twin, type });
  return packed;
}

function toWork(one: Exclude<Step, { readonly kind: 'pack' }>, address: Address, last: number) {
  if (one.kind === 'sweep') {
    const type = address.slice(0, address.indexOf('/'));
    return (store: Store) => store.sweepHistory(type, 1_000 + last - one.back);
  }
  if (one.kind === 'remove')
    return async (store: Store) => last > 0 && (await store.commit([nextCommit(address, last + 1, { isRemoval: true })])).length; // prettier-ignore
  const { change, hasHistory, late, trim } = one;
  const seq = last + 1;
  const bound = trim?.byTime === true ? { beforeAt: 1_000 + seq - trim.back } : { beforeSeq: seq - (trim?.back ?? 0) };
  const more = { at: 1_000 + seq - late, ...(trim && { trimHistory: bound }) };
  const commit = told(address, seq, seq === 1 ? 'snapshot' : change, more, hasHistory);
  return async (store: Store) => (await store.commit([commit])).map(({ outcome }) => outcome);
}

async function compare(address: Address, { store, twin }: Twins): Promise<void> {
  expect(await tellAll(store, address)).toEqual(await tellAll(twin, address));
}

/** Everything that can be read of a history; positions differ from store to store, so only what they order is told. */
async function tellAll(store: Store, address: Address) {
  const all = await store.history(address, { limit: 1_000 });
  const read = async (query: HistoryQuery) => (await store.history(address, query)).map(({ pos: _pos, ...row }) => row);
  const middle = all[all.length >> 1] ?? { seq: 3, pos: 0 };
  const bounds: HistoryQuery[] = [{}, { after: middle.seq }, { before: middle.seq }, { beforePos: middle.pos + 1 }];
  const pages: unknown[] = [];
  for (const bound of [...bounds, { after: middle.seq - 5, before: middle.seq + 6, beforePos: middle.pos + 3 }])
    for (const direction of ['forward', 'backward'] as const)
      for (const limit of [1, 3, 7, 1_000]) pages.push(await read({ ...bound, direction, limit }));
  const states: unknown[] = [];
  for (const { seq } of all) {
    const rows = await store.states(address, { until: seq });
    states.push([rows, rows && (await store.states(address, { until: seq, before: rows.snapshot.seq }))]);
  }
  return { pages, states, actor: await store.load(address) };
}
