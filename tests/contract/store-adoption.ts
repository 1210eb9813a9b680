/** Adoption in the store contract: actors that come to be whole, all of a batch or none. */
import { expect, test } from 'vitest';
import type { Adoption, Commit, Store } from '../../src/store/store.ts';
import { actorAt, commitOne, firstCommit, nextCommit, outcomeOf, tell, waitingKeys } from '../support/store-commits.ts';

const A = actorAt('a');
const B = actorAt('b');
const C = actorAt('c');

/** Registers what holds of adoptions. */
export function storeAdoptionContract(current: () => Store): void {
  wholes(current);
  refusals(current);
}

const logOf = async (store: Store, address: typeof A) =>
  (await store.log(address)).map(({ n, at, text }) => `${n}@${at} ${text}`);

function wholes(current: () => Store): void {
  test('an adopted actor is what its first commit says, and goes on from there', async () => {
    const commit = firstCommit(A, {
      meta: '{"from":"b"}',
      shape: 's',
      sum: 4,
      history: { text: '{"fork":true}', checksum: 2 },
      idempotency: [{ id: 'i', reply: '1' }],
      schedule: [{ key: 'k', dueAt: 50, text: '{}' }],
      subscribe: [{ pattern: 'a.*', event: 'A' }],
    });
    expect(await current().adopt([{ commit }])).toEqual({ outcome: 'done' });
    expect(await current().load(A)).toMatchObject({ seq: 1, meta: '{"from":"b"}', shape: 's', sum: 4 });
    expect(await current().history(A)).toMatchObject([{ seq: 1, text: '{"fork":true}', checksum: 2 }]);
    expect(await current().idempotency(A, 'i')).toMatchObject({ reply: '1' });
    expect(await current().due({ until: 50 })).toEqual([{ address: A, dueAt: 50 }]);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { log: ['"first"'] })))).toBe('done');
    expect(await logOf(current(), A)).toEqual(['1@1002 "first"']);
  });

  test('an adopted log keeps its numbers and times, and is continued after them', async () => {
    const log = [
      { n: 41, at: 7, text: '"x"' },
      { n: 42, at: 8, text: '"y"' },
    ];
    expect(await current().adopt([{ commit: firstCommit(A), log }])).toEqual({ outcome: 'done' });
    await current().commit([nextCommit(A, 2, { log: ['"z"'] })]);
    expect(await logOf(current(), A)).toEqual(['41@7 "x"', '42@8 "y"', '43@1002 "z"']);
  });

  test('a log is copied up to a commit of the other, which keeps its own', async () => {
    await current().commit([
      firstCommit(B, { log: ['"1"', '"2"'] }),
      nextCommit(B, 2, { log: ['"3"'] }),
      nextCommit(B, 3, { log: ['"4"'], keepLog: 3 }),
    ]);
    await current().adopt([
      { commit: firstCommit(A), logFrom: { address: B, untilSeq: 2 } },
      { commit: firstCommit(C), logFrom: { address: A, untilSeq: 1 } },
    ]);
    for (const address of [A, C]) expect(await logOf(current(), address)).toEqual(['2@1000 "2"', '3@1002 "3"']);
    await current().commit([nextCommit(A, 2, { log: ['"own"'] }), nextCommit(B, 4, { log: ['"5"'] })]);
    expect((await current().log(A)).map(({ n }) => n)).toEqual([2, 3, 4]);
    expect((await current().log(B)).map(({ n }) => n)).toEqual([2, 3, 4, 5]);
  });

  test('a log of nobody is empty, and begins with 1', async () => {
    await current().adopt([{ commit: firstCommit(A), logFrom: { address: B, untilSeq: 9 } }]);
    await current().commit([nextCommit(A, 2, { log: ['"z"'] })]);
    expect(await logOf(current(), A)).toEqual(['1@1002 "z"']);
  });

  test('G4: what waits arrives in order, from its senders, behind what waited already', async () => {
    await current().commit([firstCommit(B, { inbox: [tell(A, 'early')] })]);
    const waiting = [
      { sender: B, kind: 'event', id: '1', text: '{"n":1}' },
      { sender: C, kind: 'event', id: '2', text: '{"n":2}' },
      { sender: B, kind: 'stop', id: '3', text: '{}' },
    ] as const;
    await current().adopt([{ commit: firstCommit(A, { at: 77 }), waiting }]);
    const rows = await current().inbox(A);
    expect(rows.map(({ id }) => id)).toEqual(['early', '1', '2', '3']);
    expect(rows.slice(1)).toEqual(waiting.map((row, i) => ({ ...row, receiver: A, at: 77, pos: rows[i + 1]!.pos })));
    const [result] = await current().commit([nextCommit(B, 2, { inbox: [tell(A, '4')] })]);
    expect(result).toMatchObject({ positions: [{ previousPos: rows[3]!.pos }] });
    const consumed = (await waitingKeys(current(), A)).slice(0, 4);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { consumed })))).toBe('done');
  });

  test('a family is adopted in one batch, in its order', async () => {
    const family = [A, B, C].map((address) => ({ commit: firstCommit(address) }));
    expect(await current().adopt(family)).toEqual({ outcome: 'done' });
    const { items } = await current().list({ order: 'oldest' });
    expect(items.map(({ address }) => address)).toEqual([A, B, C]);
    expect(await current().adopt([])).toEqual({ outcome: 'done' });
  });
}

function refusals(current: () => Store): void {
  const defects: readonly (readonly [string, Partial<Commit>])[] = [
    ['a later seq', { seq: 2 }],
    ['no type', { actor: undefined as never }],
    ['a row it cannot consume', { consumed: [{ sender: B, pos: 9 }] }],
    ['a scheduled event it cannot consume', { fired: [{ key: 'k', pos: 9 }] }],
    ['an id twice', { idempotency: [{ id: 'x' }, { id: 'x' }] }],
    ['a removal', { isRemoval: true }],
    ['a text that is none', { marks: { not: 'text' } as never }],
    ['a row that is none', { inbox: [null as never] }],
  ];

  test.each(defects)('%s is refused, and leaves nothing of its batch', async (_what, defect) => {
    const before = await everything(current());
    const adopted: Adoption[] = [
      { commit: firstCommit(B, { inbox: [tell(C, 'x')], subscribe: [{ pattern: '>', event: 'E' }] }) },
      { commit: firstCommit(A, defect) },
    ];
    expect(await current().adopt(adopted)).toMatchObject({
      outcome: 'invalid',
      address: A,
      detail: expect.any(String),
    });
    expect(await everything(current())).toEqual(before);
  });

  test.each([
    ['one that exists', [C, A]],
    ['the same twice', [C, C]],
  ])('%s is named, and nobody is adopted', async (_what, addresses) => {
    await current().commit([firstCommit(A)]);
    const before = await everything(current());
    const batch = [{ commit: firstCommit(B), waiting: [{ sender: A, kind: 'event', id: 'w', text: '{}' } as const] }];
    const result = await current().adopt([...batch, ...addresses.map((address) => ({ commit: firstCommit(address) }))]);
    expect(result).toEqual({ outcome: 'exists', address: addresses[1] });
    expect(await everything(current())).toEqual(before);
  });

  test('after a refusal the same is adopted once nothing is in its way', async () => {
    await current().commit([firstCommit(A)]);
    const batch = [{ commit: firstCommit(B) }, { commit: firstCommit(A) }];
    expect(await current().adopt(batch)).toMatchObject({ outcome: 'exists' });
    await current().commit([nextCommit(A, 2, { isRemoval: true })]);
    expect(await current().adopt(batch)).toEqual({ outcome: 'done' });
  });

  async function everything(store: Store): Promise<unknown> {
    const { bytes: _bytes, ...stats } = await store.stats();
    return { stats, list: await store.list(), waiting: await store.recoverable() };
  }
}
