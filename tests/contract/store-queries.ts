/** The reading half of the store contract: lists, logs, recovery, outbox, key-value. */
import { expect, test } from 'vitest';
import { ROOT } from '../../src/actor/address.ts';
import type { Address } from '../../src/actor/address.ts';
import type { DeadLetterQuery, ListQuery } from '../../src/store/queries.ts';
import type { Commit, NewOutboxRow, Store } from '../../src/store/store.ts';
import { actorAt, delta, firstCommit, nextCommit, snapshot, tell, waitingKeys } from '../support/store-commits.ts';

const A = actorAt('a');
const B = actorAt('b');
const C = actorAt('c');

/** Registers the reading half. `current` is the store of the running test. */
export function storeQueriesContract(current: () => Store): void {
  lists(current);
  tallies(current);
  logs(current);
  recovery(current);
  outboxes(current);
  rest(current);
}

function lists(current: () => Store): void {
  const born = (
    key: string,
    at: number,
    more: { type?: string; parent?: Address; meta?: string; status?: Commit['status'] } = {},
  ) =>
    firstCommit(actorAt(key), {
      at,
      status: more.status ?? 'active',
      actor: { type: more.type ?? 'counter', parent: more.parent ?? ROOT, meta: more.meta ?? '{}' },
    });
  const keysOf = async (query?: ListQuery) =>
    (await current().list(query)).items.map(({ address }) => address.slice('counter/'.length));

  test('a list shows what a caller needs, newest first', async () => {
    await current().commit([born('old', 1), born('new', 3, { meta: '{"a":"1"}' }), born('middle', 2)]);
    expect(await keysOf()).toEqual(['new', 'middle', 'old']);
    expect((await current().list({ limit: 1 })).items).toEqual([
      {
        address: actorAt('new'),
        type: 'counter',
        parent: ROOT,
        status: 'active',
        seq: 1,
        version: 1,
        meta: '{"a":"1"}',
        error: null,
        spawned: 0,
        createdAt: 3,
        updatedAt: 3,
      },
    ]);
  });

  test('filters narrow a list, alone and together', async () => {
    await current().commit([
      born('a', 1, { type: 'session', meta: '{"user":"ada","n":5}' }),
      born('b', 2, { type: 'session', parent: A, meta: '{"user":"bob"}' }),
      born('c', 3, { type: 'agent', parent: A, status: 'done' }),
      born('d', 4, { type: 'agent', status: 'stopped', meta: '{"user":"ada","it\'s":"\\"quoted\\""}' }),
      nextCommit(actorAt('a'), 2, { at: 50 }),
    ]);
    expect(await keysOf({ address: actorAt('b') })).toEqual(['b']);
    expect(await keysOf({ address: actorAt('b'), type: 'agent' })).toEqual([]);
    expect(await keysOf({ address: actorAt('nobody') })).toEqual([]);
    expect(await keysOf({ type: 'session' })).toEqual(['b', 'a']);
    expect(await keysOf({ parent: A })).toEqual(['c', 'b']);
    expect(await keysOf({ statuses: ['done', 'stopped'] })).toEqual(['d', 'c']);
    expect(await keysOf({ statuses: [] })).toEqual([]);
    expect(await keysOf({ createdAfter: 1, createdBefore: 4 })).toEqual(['c', 'b']);
    expect(await keysOf({ updatedAfter: 4 })).toEqual(['a']);
    expect(await keysOf({ updatedBefore: 3 })).toEqual(['b']);
    expect(await keysOf({ meta: { user: 'ada' } })).toEqual(['d', 'a']);
    expect(await keysOf({ meta: { user: 'ada', "it's": '"quoted"' } })).toEqual(['d']);
    expect(await keysOf({ meta: { n: '5' } })).toEqual([]);
    expect(await keysOf({ meta: { __proto__x: 'y' } })).toEqual([]);
    expect(await keysOf({ type: 'session', parent: A, statuses: ['active'], meta: { user: 'bob' } })).toEqual(['b']);
  });

  test('pages follow one another without gap or repetition, also when actors are added meanwhile', async () => {
    const keys = Array.from({ length: 25 }, (_, index) => `k${String(index).padStart(2, '0')}`);
    // Three share each moment, so that pages end between actors of the same age.
    await current().commit(keys.map((key, index) => born(key, 100 + Math.floor(index / 3))));
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 20; page++) {
      const { items, nextCursor } = await current().list({ limit: 4, ...(cursor !== undefined && { cursor }) });
      seen.push(...items.map(({ address }) => address.slice('counter/'.length)));
      await current().commit([born(`later-${page}`, 1_000 + page)]);
      if (nextCursor === undefined) break;
      cursor = nextCursor;
    }
    expect(seen.toSorted()).toEqual(keys);
    expect(new Set(seen).size).toBe(25);
  });

  test('R11: oldest first is the order of start, within one millisecond the order of first commits', async () => {
    await current().commit([born('m', 5), born('z', 5), born('late', 6), born('a', 5), born('early', 4)]);
    expect(await keysOf({ order: 'oldest' })).toEqual(['early', 'm', 'z', 'a', 'late']);
    expect(await keysOf({ order: 'newest' })).toEqual(['late', 'a', 'z', 'm', 'early']);
    expect(await keysOf()).toEqual(['late', 'a', 'z', 'm', 'early']);
    // Later commits leave the place; an actor made anew after its removal takes the last one.
    await current().commit([
      nextCommit(actorAt('m'), 2, { at: 5 }),
      nextCommit(actorAt('z'), 2, { at: 5, isRemoval: true }),
      born('z', 5),
    ]);
    expect(await keysOf({ order: 'oldest' })).toEqual(['early', 'm', 'a', 'z', 'late']);
    expect(await keysOf({ order: 'oldest', createdAfter: 4, createdBefore: 6 })).toEqual(['m', 'a', 'z']);
  });

  test.each(['oldest', 'newest'] as const)('R11: children by pages, %s first, also of one moment', async (order) => {
    const keys = Array.from({ length: 23 }, (_, index) => `k${(index * 7) % 23}`);
    const all = keys.map((key, index) => born(key, 100 + Math.floor(index / 8), { parent: A }));
    await current().commit([born('other', 100), ...all, born('another', 101, { parent: B })]);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const query = { parent: A, order, limit: 3, ...(cursor !== undefined && { cursor }) };
      const { items, nextCursor } = await current().list(query);
      seen.push(...items.map(({ address }) => address.slice('counter/'.length)));
      cursor = nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(order === 'oldest' ? keys : keys.toReversed());
  });

  test('the last page has no cursor, an empty list neither', async () => {
    expect(await current().list()).toEqual({ items: [] });
    await current().commit([born('a', 1), born('b', 2)]);
    expect(await current().list({ limit: 2 })).not.toHaveProperty('nextCursor');
    expect(await current().list({ limit: 1 })).toHaveProperty('nextCursor');
  });

  test.each([
    { limit: 0 },
    { limit: 1_001 },
    { limit: 1.5 },
    { cursor: 'nonsense' },
    { cursor: Buffer.from('5 counter/a').toString('base64url') },
    { order: 'sideways' },
  ])('a list refuses %o and says why', async (query) => {
    await expect(current().list(query as ListQuery)).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
  });
}

function tallies(current: () => Store): void {
  test('actors of a type are counted by status and a metadata field, with the bytes they hold', async () => {
    const session = { type: 'session', meta: '{"phase":"on"}' };
    const state = snapshot(`{"ä":"${'x'.repeat(5000)}"}`);
    await current().commit([
      firstCommit(actorAt('a'), { actor: { ...session, parent: ROOT }, state, log: ['"ä"', '"2"'] }),
      nextCommit(actorAt('a'), 2, { state: delta('[1]') }),
      firstCommit(actorAt('b'), { actor: { ...session, parent: ROOT } }),
      firstCommit(actorAt('c'), { actor: { ...session, parent: ROOT }, status: 'done' }),
      firstCommit(actorAt('d'), { actor: { type: 'session', meta: '{"phase":5}', parent: ROOT } }),
      firstCommit(actorAt('e'), { actor: { type: 'other', meta: '{"phase":"on"}', parent: ROOT } }),
    ]);
    const rows = await current().tally({ type: 'session', metaKey: 'phase' });
    const one = { actors: 1, stateBytes: 7, logRows: 0, logBytes: 0 };
    const on = { status: 'active', value: 'on', actors: 2, stateBytes: 5009 + 3 + 7, logRows: 2, logBytes: 7 };
    expect(rows).toHaveLength(3);
    expect(rows).toEqual(
      expect.arrayContaining([on, { ...one, status: 'done', value: 'on' }, { ...one, status: 'active', value: null }]),
    );
    expect(await current().tally({ type: 'nobody', metaKey: 'phase' })).toEqual([]);
  });
}

function logs(current: () => Store): void {
  const fill = async (count: number) => {
    await current().commit([firstCommit(A, { at: 5, log: ['"1"', '"2"'] })]);
    const more = Array.from({ length: count - 2 }, (_, index) => `"${index + 3}"`);
    await current().commit([nextCommit(A, 2, { at: 6, log: more }), firstCommit(B, { log: ['"other"'] })]);
  };
  const numbers = async (query?: Parameters<Store['log']>[1]) => (await current().log(A, query)).map(({ n }) => n);

  test('G2: log rows are numbered from 1 in the order of commits, with their time', async () => {
    await fill(4);
    expect(await current().log(A)).toEqual([
      { n: 1, at: 5, text: '"1"' },
      { n: 2, at: 5, text: '"2"' },
      { n: 3, at: 6, text: '"3"' },
      { n: 4, at: 6, text: '"4"' },
    ]);
    expect(await current().log(C)).toEqual([]);
  });

  test('windows of a log, from either end', async () => {
    await fill(10);
    expect(await numbers({ after: 3, limit: 3 })).toEqual([4, 5, 6]);
    expect(await numbers({ before: 4 })).toEqual([1, 2, 3]);
    expect(await numbers({ after: 2, before: 5 })).toEqual([3, 4]);
    expect(await numbers({ direction: 'backward', limit: 3 })).toEqual([8, 9, 10]);
    expect(await numbers({ direction: 'backward', before: 8, limit: 2 })).toEqual([6, 7]);
    expect(await numbers({ after: 10 })).toEqual([]);
  });

  test('a log gives 100 rows unless told otherwise', async () => {
    await fill(120);
    expect(await numbers()).toHaveLength(100);
    expect(await numbers({ limit: 10_000 })).toHaveLength(120);
    await expect(current().log(A, { limit: 10_001 })).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
  });
}

function recovery(current: () => Store): void {
  test('rule 8, G1, R11: recoverable names whoever has rows waiting or effects in flight, once each, by address', async () => {
    await current().commit([
      firstCommit(A, { at: 7, inFlight: '[1]', inbox: [tell(B, '1'), tell(B, '2'), tell(actorAt('unborn'), '3')] }),
      firstCommit(B, { inFlight: '[1]', status: 'quarantined' }),
      firstCommit(C, { at: 9, inbox: [tell(B, '4')] }),
    ]);
    const { pos } = (await waitingKeys(current(), B))[0]!;
    expect(await current().recoverable()).toEqual([
      { address: A, hasInFlight: true, status: 'active' },
      { address: B, oldest: { pos, at: 7 }, hasInFlight: true, status: 'quarantined' },
      { address: actorAt('unborn'), oldest: { pos: pos + 2, at: 7 }, hasInFlight: false },
    ]);
  });

  test('R11: the oldest row that waits is the next one once the first was consumed', async () => {
    await current().commit([
      firstCommit(B),
      firstCommit(A, { at: 3, inbox: [tell(B, '1')] }),
      nextCommit(A, 2, { at: 5, inbox: [tell(B, '2'), tell(B, '3')] }),
    ]);
    const [first, second] = await waitingKeys(current(), B);
    expect(await current().recoverable()).toMatchObject([{ address: B, oldest: { pos: first!.pos, at: 3 } }]);
    await current().commit([nextCommit(B, 2, { consumed: [first!] })]);
    expect(await current().recoverable()).toMatchObject([{ address: B, oldest: { pos: second!.pos, at: 5 } }]);
  });

  test('rule 8: consumed rows and finished effects need no recovery', async () => {
    await current().commit([firstCommit(A, { inFlight: '[1]' }), firstCommit(B, { inbox: [tell(A, '1')] })]);
    await current().commit([nextCommit(A, 2, { inFlight: null, consumed: await waitingKeys(current(), A) })]);
    expect(await current().recoverable()).toEqual([]);
  });

  test('recoverable says which of those that are held have an order of their parent waiting', async () => {
    await current().commit(['a', 'b', 'c'].map((key) => firstCommit(actorAt(key))));
    const held = (key: string) => ({ ...nextCommit(actorAt(key), 2), status: 'quarantined' as const, error: '{}' });
    await current().commit([held('a'), held('b')]);
    const row = (receiver: Address, kind: 'event' | 'restart') => ({ receiver, kind, id: kind + receiver, text: '{}' });
    const inbox = [row(actorAt('a'), 'event'), row(actorAt('b'), 'event'), row(actorAt('b'), 'restart')];
    await current().commit([nextCommit(actorAt('c'), 2, { inbox: [...inbox, row(actorAt('c'), 'restart')] })]);
    expect((await current().recoverable()).map(({ address, hasOrder }) => [address, hasOrder])).toEqual([
      [actorAt('a'), undefined],
      [actorAt('b'), true],
      [actorAt('c'), undefined],
    ]);
  });

  test('rule 8: recoverable pages by address', async () => {
    const receivers = Array.from({ length: 15 }, (_, index) => actorAt(`r${String(index).padStart(2, '0')}`));
    const busy = Array.from({ length: 10 }, (_, index) => actorAt(`r${String(index * 2).padStart(2, '0')}x`));
    await current().commit([
      firstCommit(A, { inbox: [...receivers, ...receivers].map((receiver, index) => tell(receiver, String(index))) }),
      ...busy.map((address) => firstCommit(address, { inFlight: '[1]' })),
    ]);
    const seen: Address[] = [];
    for (;;) {
      const afterAddress = seen.at(-1);
      const page = await current().recoverable({ limit: 4, ...(afterAddress !== undefined && { afterAddress }) });
      if (page.length === 0) break;
      expect(page.length).toBeLessThanOrEqual(4);
      seen.push(...page.map(({ address }) => address));
    }
    expect(seen).toEqual([...receivers, ...busy].toSorted());
  });
}

function outboxes(current: () => Store): void {
  const reply = (id: string, boot: string): NewOutboxRow => ({
    kind: 'reply',
    id,
    target: `ask-${id}`,
    boot,
    text: '{}',
  });
  const deliver = (id: string): NewOutboxRow => ({ kind: 'deliver', id, target: 'user:ada', text: '{"hi":1}' });
  const ids = async () => (await current().outbox()).map(({ id }) => id);

  test('G2: outbox rows wait in order of commit until they are settled', async () => {
    await current().commit([
      firstCommit(A, { at: 9, outbox: [reply('1', 'boot-1'), deliver('2')] }),
      firstCommit(B, { outbox: [deliver('3')] }),
    ]);
    const rows = await current().outbox();
    expect(rows).toMatchObject([
      { address: A, kind: 'reply', id: '1', target: 'ask-1', boot: 'boot-1', text: '{}', at: 9 },
      { address: A, kind: 'deliver', id: '2', target: 'user:ada', text: '{"hi":1}', at: 9 },
      { address: B, id: '3' },
    ]);
    expect(rows[1]).not.toHaveProperty('boot');
    expect((await current().outbox({ afterPos: rows[0]!.pos, limit: 1 })).map(({ id }) => id)).toEqual(['2']);
    await current().settleOutbox([rows[0]!.pos, rows[2]!.pos, 12_345_678]);
    expect(await ids()).toEqual(['2']);
    await current().settleOutbox([]);
    expect(await ids()).toEqual(['2']);
  });

  test('a commit is told where its outbox rows landed', async () => {
    const [first, second, third] = await current().commit([
      firstCommit(A, { outbox: [deliver('1'), deliver('2')], inbox: [tell(B, 'x')] }),
      nextCommit(A, 2, { outbox: [deliver('3')] }),
      nextCommit(A, 3, { outbox: [] }),
    ]);
    const rows = await current().outbox();
    const waiting = await waitingKeys(current(), B);
    expect(first).toMatchObject({
      outboxPositions: [rows[0]!.pos, rows[1]!.pos],
      positions: [{ pos: waiting[0]!.pos }],
    });
    expect(second).toEqual({ outcome: 'done', outboxPositions: [rows[2]!.pos] });
    expect(third).toEqual({ outcome: 'done' });
  });

  test('replies for callers of another boot are dropped; deliveries outlive a boot', async () => {
    await current().commit([
      firstCommit(A, { outbox: [reply('old', 'boot-1'), deliver('d'), reply('new', 'boot-2')] }),
    ]);
    expect(await current().dropReplies('boot-2')).toBe(1);
    expect(await ids()).toEqual(['d', 'new']);
  });
}

function rest(current: () => Store): void {
  test('dead letters are kept with their cause, oldest first', async () => {
    const letter = (id: string) => ({
      id,
      sender: B,
      text: '{"type":"BAD"}',
      error: '{"message":"boom"}',
      attempts: 3,
    });
    await current().commit([
      firstCommit(A, { at: 4, deadLetters: [letter('1'), letter('2')] }),
      firstCommit(B, { deadLetters: [letter('3')] }),
    ]);
    const all = await current().deadLetters();
    expect(all.map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect(all[0]).toEqual({ ...letter('1'), pos: all[0]!.pos, address: A, at: 4 });
    expect((await current().deadLetters({ address: B })).map(({ id }) => id)).toEqual(['3']);
    expect((await current().deadLetters({ limit: 1 })).map(({ id }) => id)).toEqual(['1']);
  });

  test('R12: a dead letter is found by its position, pages follow one another, and one is removed at a time', async () => {
    const letter = (id: string) => ({ id, sender: B, text: '{}', error: '{}', attempts: 3 });
    await current().commit([
      firstCommit(A, { deadLetters: ['1', '2', '3'].map(letter) }),
      firstCommit(B, { deadLetters: [letter('4')] }),
    ]);
    const idsOf = async (query?: DeadLetterQuery) => (await current().deadLetters(query)).map(({ id }) => id);
    const positions = (await current().deadLetters()).map(({ pos }) => pos);
    const second = positions[1]!;
    expect(await idsOf({ pos: second })).toEqual(['2']);
    expect(await idsOf({ pos: second, address: B })).toEqual([]);
    expect(await idsOf({ afterPos: second })).toEqual(['3', '4']);
    expect(await idsOf({ afterPos: second, address: A, limit: 1 })).toEqual(['3']);
    expect(await idsOf({ address: A, id: '3' })).toEqual(['3']);
    expect(await current().deleteDeadLetter(second)).toBe(true);
    expect(await current().deleteDeadLetter(second)).toBe(false);
    expect(await current().deleteDeadLetter(12_345_678)).toBe(false);
    expect(await idsOf()).toEqual(['1', '3', '4']);
    expect(await idsOf({ pos: second })).toEqual([]);
    expect(await current().stats()).toMatchObject({ deadLetters: 3 });
  });

  test('key-value: set, get, overwrite, delete', async () => {
    expect(await current().kvGet('k', 0)).toBeUndefined();
    await current().kvSet('k', 'one');
    await current().kvSet('k', 'two');
    expect(await current().kvGet('k', 0)).toBe('two');
    expect(await current().kvDelete('k', 0)).toBe(true);
    expect(await current().kvDelete('k', 0)).toBe(false);
    expect(await current().kvGet('k', 0)).toBeUndefined();
  });

  test('statistics count rows', async () => {
    await current().commit([
      firstCommit(A, {
        inbox: [tell(B, '1'), tell(B, '2')],
        outbox: [{ kind: 'deliver', id: 'o', target: 't', text: '{}' }],
      }),
    ]);
    expect(await current().stats()).toMatchObject({ actors: 1, inboxRows: 2, outboxRows: 1, deadLetters: 0 });
  });

  test('idle never throws, and a closed store says so', async () => {
    await current().commit([firstCommit(A)]);
    await current().idle();
    expect(await current().load(A)).toBeDefined();
    await current().close();
    await current().close();
    await current().idle();
    await expect(current().load(A)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    await expect(current().commit([firstCommit(B)])).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
  });
}
