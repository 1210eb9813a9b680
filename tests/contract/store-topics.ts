/** The part of the store contract that is about topics: publications, subscriptions, fan-out, cursors. */
import { expect, test } from 'vitest';
import type { Store, Subscription } from '../../src/store/store.ts';
import {
  actorAt,
  commitOne,
  delta,
  firstCommit,
  hostCommit,
  nextCommit,
  outcomeOf,
  publication,
  publishedOf,
  receiversOf,
  snapshot,
  tell,
  waitingIds,
  waitingKeys,
} from '../support/store-commits.ts';

const A = actorAt('a');
const B = actorAt('b');
const C = actorAt('c');

const to = (pattern: string, event = 'HEARD'): Subscription => ({ pattern, event });

/** Registers rule 10 and the reads that go with it. `reopen` opens the store anew, with other limits. */
export function storeTopicsContract(
  current: () => Store,
  reopen: (limits?: { readonly maxFanOut?: number }) => Promise<void>,
): void {
  publications(current);
  subscriptions(current);
  fanOut(current, reopen);
  strangers(current);
  busReads(current);
}

function publications(current: () => Store): void {
  test('rule 10, G12: a publication is kept, and each subscriber has a row of it in the same transaction', async () => {
    await current().commit([firstCommit(A, { subscribe: [to('task.*', 'TASK')] }), firstCommit(B)]);
    const event = { ...publication('p-1', 'task.done', '{"n":1}'), priority: 'high' } as const;
    const result = await commitOne(current(), nextCommit(B, 2, { publish: [event] }));
    const [published] = publishedOf(result);
    const [row] = await current().inbox(A);
    expect(published?.receivers).toEqual([{ receiver: A, event: 'TASK', pos: row?.pos, previousPos: 0 }]);
    expect(row).toMatchObject({ receiver: A, sender: B, kind: 'event', at: 1_002 });
    expect(JSON.parse(row?.text ?? '')).toEqual({
      type: 'TASK',
      id: 'p-1',
      topic: 'task.done',
      source: B,
      time: 1_002,
      priority: 'high',
      data: { n: 1 },
    });
    expect(await current().busEvents()).toEqual([
      { ...event, pos: published?.pos, source: B, at: 1_002, time: 1_002, attributes: null, origin: null },
    ]);
    expect(await current().stats()).toMatchObject({ busEvents: 1, subscriptions: 1, inboxRows: 1 });
  });

  test('G12, G4: rows of publications stand in line with those of tells', async () => {
    await current().commit([firstCommit(A, { subscribe: [to('t')] }), firstCommit(B, { inbox: [tell(A, 'told')] })]);
    const publish = [publication('p', 't'), publication('q', 't')];
    const result = await commitOne(current(), nextCommit(B, 2, { inbox: [tell(A, 'told again')], publish }));
    const positions = (await waitingKeys(current(), A)).map(({ pos }) => pos);
    expect(positions).toHaveLength(4);
    expect(publishedOf(result).flatMap(({ receivers }) => receivers)).toMatchObject([
      { pos: positions[2], previousPos: positions[1] },
      { pos: positions[3], previousPos: positions[2] },
    ]);
  });

  test('G12: the rows of one receiver have ids of their own', async () => {
    await current().commit([firstCommit(A, { subscribe: [to('a.*', 'ONE'), to('*.b', 'TWO')] }), firstCommit(B)]);
    await current().commit([nextCommit(B, 2, { publish: [publication('p', 'a.b'), publication('q', 'a.b')] })]);
    expect(new Set(await waitingIds(current(), A)).size).toBe(4);
  });

  test('G12: an id that was published publishes nothing more, in the same commit or later', async () => {
    await current().commit([firstCommit(A, { subscribe: [to('t')] }), firstCommit(B), firstCommit(C)]);
    const publish = [publication('p', 't'), publication('p', 't'), publication('q', 't')];
    const [first, second, third] = publishedOf(await commitOne(current(), nextCommit(B, 2, { publish })));
    expect(first?.receivers).toHaveLength(1);
    expect(second).toEqual({ pos: 0, receivers: [] });
    expect(third?.pos).toBeGreaterThan(first?.pos ?? 0);
    const again = await commitOne(current(), nextCommit(C, 2, { publish: [publication('p', 'other')] }));
    expect(publishedOf(again)).toEqual([{ pos: 0, receivers: [] }]);
    expect(await current().inbox(A)).toHaveLength(2);
    expect(await current().busEvents()).toHaveLength(2);
  });

  test('rule 7, G12: a resent publication is repeated and reaches nobody twice', async () => {
    const commit = nextCommit(B, 2, { publish: [publication('p', 't')] });
    await current().commit([firstCommit(A, { subscribe: [to('t')] }), firstCommit(B), commit]);
    expect(outcomeOf(await commitOne(current(), { ...commit, isResent: true }))).toBe('repeated');
    expect(await current().inbox(A)).toHaveLength(1);
  });

  test('G12: an actor can publish its last word, and leave with it', async () => {
    await current().commit([firstCommit(A, { subscribe: [to('>')] }), firstCommit(B), firstCommit(C)]);
    const ended = nextCommit(B, 2, { status: 'done', publish: [publication('p', 'b.ended')] });
    const removed = nextCommit(C, 2, { isRemoval: true, publish: [publication('q', 'c.gone')] });
    expect((await current().commit([ended, removed])).flatMap(receiversOf)).toEqual([`${A} HEARD`, `${A} HEARD`]);
    expect((await current().busEvents()).map(({ source }) => source)).toEqual([B, C]);
  });
}

function subscriptions(current: () => Store): void {
  test.each([
    { subscribe: [to('a.b'), to('a.c', 'NO')], topic: 'a.b', events: ['HEARD'] },
    { subscribe: [to('a.*'), to('a.>'), to('>')], topic: 'a.b', events: ['HEARD'] },
    { subscribe: [to('a.*', 'TWO'), to('a.b', 'ONE'), to('>', 'TWO')], topic: 'a.b', events: ['ONE', 'TWO'] },
    { subscribe: [to('a.*'), to('a'), to('*')], topic: 'a.b.c', events: [] },
    { subscribe: [to('a.>'), to('a.*.c', 'MID')], topic: 'a.b.c', events: ['HEARD', 'MID'] },
  ])('G12: $subscribe hears $topic as $events', async ({ subscribe, topic, events }) => {
    await current().commit([firstCommit(A, { subscribe }), firstCommit(B)]);
    const result = await commitOne(current(), nextCommit(B, 2, { publish: [publication('p', topic)] }));
    expect(receiversOf(result)).toEqual(events.map((event) => `${A} ${event}`));
  });

  test('G12: receivers come in order of address, then event', async () => {
    await current().commit([
      firstCommit(C, { subscribe: [to('t')] }),
      firstCommit(A, { subscribe: [to('t', 'Z'), to('*', 'Y')] }),
      firstCommit(B, { subscribe: [to('>')], publish: [publication('p', 't')] }),
    ]);
    const result = await commitOne(current(), nextCommit(A, 2, { publish: [publication('q', 't')] }));
    expect(receiversOf(result)).toEqual([`${A} Y`, `${A} Z`, `${B} HEARD`, `${C} HEARD`]);
  });

  test('rule 10, G12: a subscription takes effect at its place in the order of commits', async () => {
    const publish = (seq: number) => nextCommit(B, seq, { publish: [publication(`p${seq}`, 't')] });
    const results = await current().commit([
      firstCommit(A),
      firstCommit(B),
      publish(2),
      nextCommit(A, 2, { subscribe: [to('t')] }),
      publish(3),
      nextCommit(A, 3, { unsubscribe: ['t', 'unknown'] }),
      publish(4),
    ]);
    expect(results.map((result) => receiversOf(result).length)).toEqual([0, 0, 0, 0, 1, 0, 0]);
    expect(await current().stats()).toMatchObject({ subscriptions: 0 });
  });

  test('G12: a publication meets the subscriptions its own commit leaves', async () => {
    const commit = (seq: number, more: object) =>
      nextCommit(A, seq, { publish: [publication(`p${seq}`, 't')], ...more });
    const results = await current().commit([
      firstCommit(A, { subscribe: [to('t')], publish: [publication('p1', 't')] }),
      commit(2, { subscribe: [to('*', 'AGAIN')] }),
      commit(3, { unsubscribe: ['t'] }),
      commit(4, { unsubscribe: ['*'], subscribe: [to('*', 'OTHER')] }),
      commit(5, { status: 'stopped' }),
    ]);
    expect(results.map((result) => receiversOf(result).map((line) => line.split(' ')[1]))).toEqual([
      ['HEARD'],
      ['AGAIN', 'HEARD'],
      ['AGAIN'],
      ['OTHER'],
      [],
    ]);
  });

  test('G12: subscriptions are loaded in order of pattern, and a pattern has one event type', async () => {
    await current().commit([firstCommit(A, { subscribe: [to('b'), to('a.*'), to('c')] })]);
    await current().commit([nextCommit(A, 2, { subscribe: [to('b', 'NEW')], unsubscribe: ['c'] })]);
    expect((await current().load(A))?.subscriptions).toEqual([to('a.*'), to('b', 'NEW')]);
    expect(await current().stats()).toMatchObject({ subscriptions: 2 });
  });

  test('G12: subscriptions stay through states of every size, and states through subscriptions', async () => {
    const large = snapshot('x'.repeat(20_000));
    const states = [snapshot('s'), delta('d'), large, delta('e'), snapshot('t'), large, snapshot('u')];
    await current().commit([firstCommit(A, { subscribe: [to('t')] })]);
    let seq = 1;
    for (const state of states) {
      const isOn = seq % 3 === 0;
      await current().commit([nextCommit(A, ++seq, { state, ...(isOn ? { subscribe: [to('t')] } : {}) })]);
      const stored = await current().load(A);
      expect(stored?.subscriptions, `after ${seq}`).toEqual([to('t')]);
      if (state.kind === 'snapshot') expect(stored).toMatchObject({ snapshot: { text: state.text }, deltas: [] });
      else expect(stored?.deltas.at(-1)).toMatchObject({ text: state.text });
    }
    const { state: _state, ...last } = nextCommit(A, ++seq, { unsubscribe: ['t'] });
    await current().commit([last]);
    expect(await current().load(A)).toMatchObject({ subscriptions: [], snapshot: { text: 'u' } });
  });

  test('G12: a removal that subscribes as well leaves no subscription', async () => {
    const subscribe = [{ pattern: 'a.*', event: 'A' }];
    await current().commit([firstCommit(A), nextCommit(A, 2, { isRemoval: true, subscribe })]);
    expect(await current().stats()).toMatchObject({ subscriptions: 0 });
  });

  test('G12: an actor that ended or was removed hears no more; a quarantined one goes on hearing', async () => {
    const subscribe = [to('t')];
    await current().commit([
      ...[A, B, C].map((address) => firstCommit(address, { subscribe })),
      nextCommit(A, 2, { status: 'done' }),
      nextCommit(B, 2, { isRemoval: true }),
      nextCommit(C, 2, { status: 'quarantined' }),
    ]);
    const result = await commitOne(current(), hostCommit({ publish: [publication('p', 't')] }));
    expect(receiversOf(result)).toEqual([`${C} HEARD`]);
  });
}

function fanOut(current: () => Store, reopen: (limits?: { readonly maxFanOut?: number }) => Promise<void>): void {
  test('G14: a publication that would reach too many is refused without a trace', async () => {
    await reopen({ maxFanOut: 2 });
    await current().commit([
      firstCommit(A, { subscribe: [to('t')] }),
      firstCommit(B, { subscribe: [to('t'), to('*', 'TOO')] }),
      firstCommit(C),
    ]);
    const more = { inbox: [tell(A, 'x')], schedule: [{ key: 'k', dueAt: 1, text: '{}' }], subscribe: [to('>')] };
    const publish = [publication('ok', 'other.topic'), publication('p', 't')];
    expect(await commitOne(current(), nextCommit(C, 2, { ...more, publish }))).toEqual({
      outcome: 'refused',
      reason: 'fan-out',
      detail: "topic 't' has 4 subscribers, more than 2",
    });
    expect(await current().load(C)).toMatchObject({ seq: 1, subscriptions: [] });
    expect([await current().inbox(A), await current().scheduled(C), await current().busEvents()]).toEqual([[], [], []]);
    expect(outcomeOf(await commitOne(current(), nextCommit(C, 2, { publish: [publication('p', 'a')] })))).toBe('done');
    expect(await waitingIds(current(), C), 'the subscription of the refused commit').toEqual([]);
  });

  test('G14: what counts are the subscriptions a commit leaves, and only what is written', async () => {
    await reopen({ maxFanOut: 1 });
    await current().commit([firstCommit(A, { subscribe: [to('t')] }), firstCommit(B)]);
    const publish = (seq: number, more: object) =>
      commitOne(current(), nextCommit(B, seq, { publish: [publication(`p${seq}`, 't')], ...more }));
    expect(outcomeOf(await publish(2, { subscribe: [to('t')] }))).toBe('refused: fan-out');
    expect(outcomeOf(await publish(2, {}))).toBe('done');
    await current().commit([nextCommit(B, 3, { subscribe: [to('t')] })]);
    expect(outcomeOf(await publish(4, {}))).toBe('refused: fan-out');
    expect(outcomeOf(await publish(4, { publish: [publication('p2', 't')] })), 'published before').toBe('done');
    expect(outcomeOf(await publish(5, { unsubscribe: ['t'] }))).toBe('done');
  });

  test('G14: 1,000 subscribers are reached, 1,001 are too many', async () => {
    const subscribe = [to('t')];
    const many = Array.from({ length: 1_000 }, (_, index) => firstCommit(actorAt(`many-${index}`), { subscribe }));
    await current().commit(many);
    const first = await commitOne(current(), hostCommit({ publish: [publication('p', 't')] }));
    expect(new Set(receiversOf(first)).size).toBe(1_000);
    await current().commit([firstCommit(A, { subscribe })]);
    expect(outcomeOf(await commitOne(current(), hostCommit({ publish: [publication('q', 't')] })))).toBe(
      'refused: fan-out',
    );
  });
}

function strangers(current: () => Store): void {
  test('G12: who is not stored can publish; coming again it publishes nothing more', async () => {
    await current().commit([firstCommit(A, { subscribe: [to('t')] })]);
    const commit = hostCommit({ publish: [publication('p', 't'), publication('q', 'u')] });
    expect(await commitOne(current(), commit)).toMatchObject({
      outcome: 'done',
      published: [{ receivers: [{ receiver: A, event: 'HEARD', previousPos: 0 }] }, { receivers: [] }],
    });
    for (const isResent of [true, false])
      expect(publishedOf(await commitOne(current(), { ...commit, isResent }))).toEqual([
        { pos: 0, receivers: [] },
        { pos: 0, receivers: [] },
      ]);
    expect(await current().load(commit.address)).toBeUndefined();
    expect(await current().inbox(A)).toHaveLength(1);
  });

  test('G12: who is not stored can send rows of every kind along, and consume', async () => {
    await current().commit([
      firstCommit(A, { subscribe: [to('t')] }),
      firstCommit(B, { inbox: [tell(hostCommit().address, 'in')] }),
    ]);
    const commit = hostCommit({
      consumed: await waitingKeys(current(), hostCommit().address),
      inbox: [tell(B, 'told')],
      outbox: [{ kind: 'deliver', id: 'o', target: 't', text: '{}' }],
      deadLetters: [{ id: 'd', sender: B, text: '{}', error: '{}', attempts: 0 }],
      publish: [publication('p', 't')],
    });
    const result = await commitOne(current(), commit);
    expect(result).toMatchObject({ outcome: 'done', positions: [{ previousPos: 0 }], outboxPositions: [{}] });
    expect(receiversOf(result)).toEqual([`${A} HEARD`]);
    expect(outcomeOf(await commitOne(current(), { ...commit, isResent: true }))).toBe('repeated');
    expect(await waitingIds(current(), B)).toEqual(['told']);
    expect(await current().inbox(commit.address)).toEqual([]);
    expect([(await current().outbox()).length, (await current().deadLetters()).length]).toEqual([1, 1]);
  });
}

function busReads(current: () => Store): void {
  const publishAt = (at: number, ...ids: readonly string[]) =>
    commitOne(current(), hostCommit({ at, publish: ids.map((id) => publication(id, `topic.${id}`)) }));
  const idsOf = async (query?: { readonly afterPos?: number; readonly limit?: number }) =>
    (await current().busEvents(query)).map(({ id }) => id);

  test('G12: published events are read in order of commit, page by page', async () => {
    await publishAt(1, 'a', 'b');
    await publishAt(2, 'c');
    await publishAt(3, 'd', 'e');
    expect(await idsOf()).toEqual(['a', 'b', 'c', 'd', 'e']);
    const page = await current().busEvents({ limit: 2 });
    expect(page.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(await idsOf({ afterPos: page[1]!.pos, limit: 2 })).toEqual(['c', 'd']);
    const lastPos = await current().lastBusPos();
    expect(lastPos).toBe((await current().busEvents()).at(-1)?.pos);
    expect(await idsOf({ afterPos: lastPos })).toEqual([]);
    expect(await current().busEvents({ afterPos: lastPos, wait: true }), 'the store itself does not wait').toEqual([]);
    await expect(current().busEvents({ limit: -1 })).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
  });

  test('G12: a sweep takes old events; the last position stays known, and their ids are new again', async () => {
    expect(await current().lastBusPos()).toBe(0);
    await publishAt(10, 'old');
    await publishAt(20, 'young');
    expect(await current().sweepBus({ before: 20 })).toMatchObject({ removed: 1, isEnd: true });
    expect(await idsOf()).toEqual(['young']);
    const lastPos = await current().lastBusPos();
    expect(await current().sweepBus({ before: 100 })).toMatchObject({ removed: 1 });
    expect(await current().lastBusPos()).toBe(lastPos);
    expect(await current().sweepBus({ before: 100 })).toMatchObject({ removed: 0 });
    expect(publishedOf(await publishAt(30, 'old'))[0]?.pos).toBeGreaterThan(lastPos);
    expect(await current().lastBusPos()).toBeGreaterThan(lastPos);
  });

  test('a cursor is set, moved and deleted by name', async () => {
    expect(await current().cursor('audit')).toBeUndefined();
    await current().setCursor('audit', { pattern: 'a.*', pos: 3 });
    await current().setCursor('other', { pattern: '>', pos: 1 });
    await current().setCursor('audit', { pattern: 'a.>', pos: 7 });
    expect(await current().cursor('audit')).toEqual({ pattern: 'a.>', pos: 7 });
    expect(await current().deleteCursor('audit')).toBe(true);
    expect(await current().deleteCursor('audit')).toBe(false);
    expect(await current().cursor('audit')).toBeUndefined();
    expect(await current().cursor('other')).toEqual({ pattern: '>', pos: 1 });
  });
}
