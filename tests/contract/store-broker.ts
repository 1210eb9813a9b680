/** The part of the store contract that a broker beside the log leans on: events from elsewhere, and places. */
import { expect, test } from 'vitest';
import type { Commit, NewPublication, Store } from '../../src/store/store.ts';
import {
  actorAt,
  commitOne,
  firstCommit,
  hostCommit,
  nextCommit,
  outcomeOf,
  publication,
  publishedOf,
} from '../support/store-commits.ts';

const A = actorAt('a');
const B = actorAt('b');

const FOREIGN = { origin: 'store-2', source: 'session/user-42', time: 500 };

/** Registers what the relay and the inlet of a broker need. */
export function storeBrokerContract(
  current: () => Store,
  reopen: (limits?: { readonly maxFanOut?: number }) => Promise<void>,
): void {
  received(current);
  places(current, reopen);
}

/** An event that came from elsewhere. */
function foreign(id: string, topic: string, more: Partial<NewPublication> = {}): NewPublication {
  return { ...publication(id, topic), received: FOREIGN, ...more };
}

const placeAt = (pos: number, name = '#inlet', pattern = '>') => ({ name, pattern, pos });

function received(current: () => Store): void {
  test('G12: an event from elsewhere keeps the source and time of its publisher, in the log and for subscribers', async () => {
    await current().commit([firstCommit(A, { subscribe: [{ pattern: 'task.*', event: 'TASK' }] })]);
    const publish = [foreign('store-2#1', 'task.done', { attributes: '{"traceid":"t-1","n":2}' })];
    const [published] = publishedOf(await commitOne(current(), hostCommit({ at: 900, publish })));
    const [row] = await current().inbox(A);
    expect(JSON.parse(row?.text ?? '')).toEqual({
      type: 'TASK',
      id: 'store-2#1',
      topic: 'task.done',
      source: 'session/user-42',
      time: 500,
      priority: 'normal',
      attributes: { traceid: 't-1', n: 2 },
      data: { id: 'store-2#1' },
    });
    expect(await current().busEvents()).toEqual([
      {
        ...publication('store-2#1', 'task.done'),
        pos: published?.pos,
        source: 'session/user-42',
        at: 900,
        time: 500,
        attributes: '{"traceid":"t-1","n":2}',
        origin: 'store-2',
      },
    ]);
  });

  test('G12: an event published here can have attributes, and comes from nowhere else', async () => {
    await current().commit([firstCommit(A, { publish: [{ ...publication('p', 't'), attributes: '{"a":true}' }] })]);
    expect(await current().busEvents()).toMatchObject([
      { source: A, at: 1_000, time: 1_000, attributes: '{"a":true}', origin: null },
    ]);
  });

  test('G12: an event that comes from elsewhere again is known by its id', async () => {
    await current().commit([firstCommit(A, { subscribe: [{ pattern: 't', event: 'T' }] })]);
    const take = (pos: number) =>
      commitOne(current(), hostCommit({ publish: [foreign('store-2#1', 't')], place: placeAt(pos) }));
    await take(1);
    expect(publishedOf(await take(2))).toEqual([{ pos: 0, receivers: [] }]);
    expect(await current().inbox(A)).toHaveLength(1);
    expect(await current().cursor('#inlet')).toEqual({ pattern: '>', pos: 2 });
  });
}

function places(current: () => Store, reopen: (limits?: { readonly maxFanOut?: number }) => Promise<void>): void {
  const place = async () => (await current().cursor('#inlet'))?.pos;

  test('G12: a place is saved with the commit it is of, whoever commits', async () => {
    await current().commit([firstCommit(A, { place: placeAt(1) })]);
    expect(await place()).toBe(1);
    await current().commit([nextCommit(A, 2, { place: placeAt(2) })]);
    expect(await place()).toBe(2);
    await current().commit([nextCommit(A, 3, { log: ['1'], place: placeAt(3) })]);
    expect(await place()).toBe(3);
    await current().commit([nextCommit(A, 4, { status: 'done', place: placeAt(4) })]);
    expect(await place()).toBe(4);
    await current().commit([nextCommit(A, 5, { isRemoval: true, place: placeAt(5) })]);
    expect(await place()).toBe(5);
    expect(await commitOne(current(), hostCommit({ place: placeAt(6) }))).toEqual({ outcome: 'done' });
    expect(await current().cursors()).toEqual([placeAt(6)]);
  });

  test('G12: the places of one batch are saved in its order, and a place can go back', async () => {
    await current().commit([3, 7, 5].map((pos) => hostCommit({ place: placeAt(pos) })));
    expect(await place()).toBe(5);
  });

  test('G12: a commit that is refused leaves the place where it was', async () => {
    await reopen({ maxFanOut: 1 });
    await current().commit([
      firstCommit(A, { subscribe: [{ pattern: 't', event: 'T' }] }),
      firstCommit(B, { subscribe: [{ pattern: 't', event: 'T' }], place: placeAt(1) }),
    ]);
    const refused: readonly (readonly [string, Commit])[] = [
      ['refused: fan-out', hostCommit({ publish: [publication('p', 't')], place: placeAt(2) })],
      ['refused: seq', nextCommit(A, 5, { place: placeAt(2) })],
      ['refused: epoch', nextCommit(A, 2, { epoch: 9, place: placeAt(2) })],
      ['refused: inbox', nextCommit(A, 2, { consumed: [{ sender: B, pos: 9 }], place: placeAt(2) })],
      ['refused: timer', nextCommit(A, 2, { fired: [{ key: 'k', pos: 9 }], place: placeAt(2) })],
      ['refused: seq', { ...hostCommit({ place: placeAt(2) }), address: A }],
    ];
    for (const [outcome, commit] of refused) {
      expect(outcomeOf(await commitOne(current(), commit))).toBe(outcome);
      expect(await place(), outcome).toBe(1);
    }
  });

  test('a commit whose place or received event cannot be written is refused, and the others go', async () => {
    const wrong = (more: object) => hostCommit({ publish: [publication('no', 't')], ...more });
    const results = await current().commit([
      wrong({ place: { name: '#inlet', pattern: '>', pos: {} } }),
      wrong({ publish: [{ ...publication('no', 't'), received: { origin: 's', source: {}, time: 1 } }] }),
      wrong({ publish: [{ ...publication('no', 't'), attributes: { a: 1 } }] }),
      hostCommit({ publish: [publication('yes', 't')], place: placeAt(4) }),
    ]);
    expect(results.map(outcomeOf)).toEqual(['refused: invalid', 'refused: invalid', 'refused: invalid', 'done']);
    expect((await current().busEvents()).map(({ id }) => id)).toEqual(['yes']);
    expect(await place()).toBe(4);
  });

  test('rule 7, G12: an event and its place that come again, resent, are there once', async () => {
    const commit = hostCommit({ publish: [foreign('s#1', 't')], place: placeAt(8) });
    await current().commit([commit]);
    const again = await commitOne(current(), { ...commit, isResent: true });
    expect(publishedOf(again)).toEqual([{ pos: 0, receivers: [] }]);
    expect(await commitOne(current(), hostCommit({ isResent: true, place: placeAt(8) }))).toEqual({ outcome: 'done' });
    expect([await current().busEvents(), await place()]).toMatchObject([[{ id: 's#1' }], 8]);
  });

  test('rule 7: an actor that resends does not move the place again', async () => {
    await current().commit([
      firstCommit(A),
      nextCommit(A, 2, { place: placeAt(2) }),
      nextCommit(A, 3, { place: placeAt(3) }),
    ]);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { place: placeAt(2), isResent: true })))).toBe(
      'repeated',
    );
    expect(await place()).toBe(3);
  });

  test('places are listed in order of name', async () => {
    expect(await current().cursors()).toEqual([]);
    for (const name of ['b', 'a', 'é', '#relay', '𝒜', '\uFFFD', 'B'])
      await current().setCursor(name, { pattern: `${name === 'a' ? 'x.*' : '>'}`, pos: name.length });
    expect((await current().cursors()).map(({ name }) => name)).toEqual(['#relay', 'B', 'a', 'b', 'é', '\uFFFD', '𝒜']);
    expect((await current().cursors())[2]).toEqual({ name: 'a', pattern: 'x.*', pos: 1 });
  });
}
