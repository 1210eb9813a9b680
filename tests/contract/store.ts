/**
 * What every store must do, whatever keeps its rows. An adapter's test file is one call of `storeContract`.
 *
 * Names cite the rules of design.md section 5 and the guarantees: G1 nothing acknowledged is lost, G2 effects go with
 * the state, G3 effectively once, G4 order.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Commit, Store, StoreFeatures } from '../../src/store/store.ts';
import {
  actorAt,
  commitOne,
  delta,
  firstCommit,
  nextCommit,
  outcomeOf,
  publication,
  receiversOf,
  snapshot,
  tell,
  waitingIds,
} from '../support/store-commits.ts';
import { storeAdoptionContract } from './store-adoption.ts';
import { storeBrokerContract } from './store-broker.ts';
import { storeBusLogContract } from './store-bus-log.ts';
import { storeDurabilityContract } from './store-durability.ts';
import { storeHistoryContract } from './store-history.ts';
import { storeKeysContract } from './store-keys.ts';
import { storePagesContract } from './store-pages.ts';
import { storeQueriesContract } from './store-queries.ts';
import { storeRowsContract } from './store-rows.ts';
import { storeRulesContract } from './store-rules.ts';
import { storeSegmentsContract } from './store-segments.ts';
import { storeTimeContract } from './store-time.ts';
import { storeTopicsContract } from './store-topics.ts';

/** What a test may set of a store. */
export interface StoreLimits {
  readonly maxFanOut?: number;
}

/** How the contract gets stores. */
export interface StoreMaker {
  /** Opens the store of this test; called again after `close` to reopen it. */
  open(limits?: StoreLimits): Promise<Store>;
  /** Removes what the test left. */
  clean(): Promise<void>;
}

/** What an adapter promises. */
export interface ContractFeatures {
  /** Rows outlive `close`. */
  readonly durable: boolean;
  /** What the adapter says of itself. */
  readonly says?: StoreFeatures;
}

const A = actorAt('a');
const B = actorAt('b');
const C = actorAt('c');

/** Registers the suite for one adapter. */
export function storeContract(name: string, makeStore: () => StoreMaker, features: ContractFeatures): void {
  describe(`store contract: ${name}`, () => {
    let maker: StoreMaker;
    let store: Store;
    const current = (): Store => store;
    const reopen = async (limits?: StoreLimits): Promise<void> => {
      await store.close();
      store = await maker.open(limits);
    };

    beforeEach(async () => {
      maker = makeStore();
      store = await maker.open();
    });
    afterEach(async () => {
      await store.close();
      await maker.clean();
    });

    commits(current);
    storeRulesContract(current);
    states(current);
    storeQueriesContract(current);
    storeTimeContract(current);
    storeTopicsContract(current, reopen);
    storeBrokerContract(current, reopen);
    storeBusLogContract(current);
    storeHistoryContract(current);
    storeAdoptionContract(current);
    storeRowsContract(current, features.says);
    storeSegmentsContract(current);
    storeKeysContract(current);
    storePagesContract(current);
    if (features.durable) storeDurabilityContract(current, reopen);
  });
}

function commits(current: () => Store): void {
  test('a first commit creates the actor with everything it says', async () => {
    const actor = { type: 'counter', parent: B, meta: '{"user":"ada"}', spawned: 9 };
    const more = {
      actor,
      marks: '{"boot":3}',
      inFlight: '[1]',
      supervision: '{"attempts":1}',
      version: 7,
      shape: '0a1b2c3d',
      sum: 99,
    };
    const future = { timers: '[{"id":1}]', nextDue: 5, subscribe: [{ pattern: 'a.*', event: 'A' }] };
    expect(await current().commit([firstCommit(A, { ...more, ...future })])).toEqual([{ outcome: 'done' }]);
    expect(await current().load(A)).toEqual({
      address: A,
      spawned: 9,
      type: 'counter',
      parent: B,
      epoch: 0,
      seq: 1,
      version: 7,
      status: 'active',
      error: null,
      shape: '0a1b2c3d',
      sum: 99,
      snapshot: { seq: 1, text: '{"n":0}', checksum: 7 },
      deltas: [],
      marks: '{"boot":3}',
      supervision: '{"attempts":1}',
      inFlight: '[1]',
      timers: '[{"id":1}]',
      subscriptions: [{ pattern: 'a.*', event: 'A' }],
      meta: '{"user":"ada"}',
      createdAt: 1_000,
      updatedAt: 1_000,
    });
  });

  test('an actor that was never committed is not there', async () => {
    expect(await current().load(A)).toBeUndefined();
  });

  test('an empty batch is nothing', async () => {
    expect(await current().commit([])).toEqual([]);
  });

  test('absent fields leave what is stored, null clears it', async () => {
    const texts = { marks: '{"m":1}', inFlight: '[1]', supervision: '{}', error: '{"e":1}', meta: '{"k":"v"}' };
    const all = { ...texts, timers: '[1]' };
    await current().commit([firstCommit(A, { ...all, nextDue: 9 })]);
    const { state: _state, ...stateless } = nextCommit(A, 2);
    await current().commit([stateless]);
    expect(await current().load(A)).toMatchObject({ ...all, seq: 2, updatedAt: 1_002, snapshot: { text: '{"n":0}' } });
    await current().commit([
      nextCommit(A, 3, { inFlight: null, supervision: null, error: null, timers: null, nextDue: null }),
    ]);
    expect(await current().load(A)).toMatchObject({
      marks: '{"m":1}',
      meta: '{"k":"v"}',
      inFlight: null,
      supervision: null,
      error: null,
      timers: null,
    });
    expect(await current().due({ until: Infinity })).toEqual([]);
  });

  test('status, error and version follow the commits', async () => {
    await current().commit([firstCommit(A), nextCommit(A, 2, { status: 'quarantined', error: '{"m":1}', version: 2 })]);
    expect(await current().load(A)).toMatchObject({ status: 'quarantined', error: '{"m":1}', version: 2, seq: 2 });
  });

  test('rule 5, G4: a commit whose seq is not the next is refused, in every direction', async () => {
    await current().commit([firstCommit(A), nextCommit(A, 2)]);
    for (const seq of [0, 1, 2, 4, 100]) {
      expect(outcomeOf(await commitOne(current(), nextCommit(A, seq))), `seq ${seq}`).toBe('refused: seq');
    }
    expect(outcomeOf(await commitOne(current(), firstCommit(A)))).toBe('refused: seq');
    expect(await current().load(A)).toMatchObject({ seq: 2, snapshot: { text: '{"n":2}' } });
  });

  test('rule 5: an actor begins with seq 1 and says what it is', async () => {
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2)))).toBe('refused: seq');
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 1)))).toBe('refused: seq');
    expect(await current().load(A)).toBeUndefined();
  });

  test('rule 5: after a fence, commits of the former owner are refused and those of the new one apply', async () => {
    await current().commit([firstCommit(A)]);
    const epoch = await current().fence(A);
    expect(epoch).toBe(1);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2)))).toBe('refused: epoch');
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { isResent: true })))).toBe('refused: epoch');
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { epoch })))).toBe('done');
    expect(await current().load(A)).toMatchObject({ seq: 2, epoch: 1 });
  });

  test('fencing an actor that is not there changes nothing and says 0', async () => {
    expect(await current().fence(A)).toBe(0);
    expect(await current().load(A)).toBeUndefined();
  });

  test.each(refusedCommits())(
    'rule 5, G2: $reason refused: nothing of that commit applies, all of the others do',
    async ({ reason, commit }) => {
      const held = { schedule: [{ key: 'kept', dueAt: 50, text: '{}' }], subscribe: [{ pattern: 'kept', event: 'K' }] };
      await current().commit([
        firstCommit(A, { idempotency: [{ id: 'taken' }], ...held }),
        firstCommit(B),
        firstCommit(C, { subscribe: [{ pattern: '>', event: 'ANY' }] }),
      ]);
      const scheduled = await current().scheduled(A);
      const everything: Partial<Commit> = {
        inbox: [tell(C, 'from-refused')],
        outbox: [{ kind: 'deliver', id: 'o', target: 'channel', text: '{}' }],
        log: ['"line"'],
        deadLetters: [{ id: 'd', sender: 'x', text: '{}', error: '{}', attempts: 3 }],
        meta: '{"changed":"yes"}',
        marks: '{"changed":1}',
        timers: '[1]',
        nextDue: 1,
        unschedule: ['kept'],
        schedule: [{ key: 'changed', dueAt: 2, text: '{}' }],
        unsubscribe: ['kept'],
        subscribe: [{ pattern: 'changed', event: 'X' }],
        publish: [publication('p', 'kept')],
      };
      const before = await current().load(A);
      const results = await current().commit([
        nextCommit(B, 2, { inbox: [tell(C, 'before')] }),
        { ...everything, ...commit, idempotency: [...(commit.idempotency ?? []), { id: 'fresh' }] },
        nextCommit(B, 3, { inbox: [tell(C, 'after')] }),
      ]);
      expect(results.map(outcomeOf)).toEqual(['done', `refused: ${reason}`, 'done']);
      expect(await current().load(A)).toEqual(before);
      expect(await waitingIds(current(), C)).toEqual(['before', 'after']);
      expect(await current().outbox()).toEqual([]);
      expect(await current().log(A)).toEqual([]);
      expect(await current().deadLetters()).toEqual([]);
      expect(await current().idempotency(A, 'fresh')).toBeUndefined();
      expect(await current().scheduled(A)).toEqual(scheduled);
      expect(await current().due({ until: 100 })).toEqual([{ address: A, dueAt: 50 }]);
      expect(await current().busEvents()).toEqual([]);
      const later = await commitOne(current(), nextCommit(B, 4, { publish: [publication('l', 'changed')] }));
      expect(receiversOf(later)).toEqual([`${C} ANY`]);
    },
  );

  test('rule 5: a malformed commit is refused as invalid and holds up nobody', async () => {
    await current().commit([firstCommit(A), firstCommit(B)]);
    const broken = nextCommit(A, 2, { marks: { not: 'text' } as never, inbox: [null as never] });
    const results = await current().commit([nextCommit(B, 2), broken, nextCommit(B, 3, { inbox: [tell(C, 'x')] })]);
    expect(results.map(outcomeOf)).toEqual(['done', 'refused: invalid', 'done']);
    expect(await current().load(B)).toMatchObject({ seq: 3 });
    expect(await waitingIds(current(), C)).toEqual(['x']);
  });

  test('G2: many actors, many commits, one batch', async () => {
    const addresses = Array.from({ length: 50 }, (_, index) => actorAt(`many-${index}`));
    const batch = addresses.flatMap((address) => [
      firstCommit(address),
      nextCommit(address, 2),
      nextCommit(address, 3),
    ]);
    const results = await current().commit(batch);
    expect(results).toHaveLength(150);
    expect(new Set(results.map(outcomeOf))).toEqual(new Set(['done']));
    for (const address of addresses)
      expect(await current().load(address)).toMatchObject({ seq: 3, snapshot: { text: '{"n":3}' } });
  });
}

function refusedCommits(): { readonly reason: string; readonly commit: Commit }[] {
  return [
    { reason: 'seq', commit: nextCommit(A, 3) },
    { reason: 'epoch', commit: nextCommit(A, 2, { epoch: 4 }) },
    { reason: 'inbox', commit: nextCommit(A, 2, { consumed: [{ sender: B, pos: 999 }] }) },
    { reason: 'idempotency', commit: nextCommit(A, 2, { idempotency: [{ id: 'taken' }] }) },
    { reason: 'timer', commit: nextCommit(A, 2, { fired: [{ key: 'kept', pos: 999_999 }] }) },
    { reason: 'timer', commit: nextCommit(A, 2, { status: 'done', fired: [{ key: 'other', pos: 1 }] }) },
  ];
}

function states(current: () => Store): void {
  const sizes = [10, 3_499, 3_500, 3_501, 20_000, 1_000_000];

  test.each(sizes)(
    'G1: a snapshot of %i characters comes back as it was written, and deltas after it in order',
    async (size) => {
      const text = 'x'.repeat(size);
      await current().commit([firstCommit(A, { state: snapshot(text) })]);
      await current().commit([nextCommit(A, 2, { state: delta('one') }), nextCommit(A, 3, { state: delta('three!') })]);
      expect(await current().load(A)).toMatchObject({
        snapshot: { text, checksum: size },
        deltas: [
          { text: 'one', checksum: 3 },
          { text: 'three!', checksum: 6 },
        ],
      });
    },
  );

  test('a snapshot removes the deltas before it, whatever its size and that of the one before', async () => {
    await current().commit([firstCommit(A)]);
    let seq = 1;
    for (const size of [...sizes, ...sizes.toReversed()]) {
      const commit = (state: Commit['state']) => nextCommit(A, ++seq, state && { state });
      await current().commit([
        commit(delta(`before ${size}`)),
        commit(snapshot('y'.repeat(size))),
        commit(delta(`after ${size}`)),
      ]);
      const stored = await current().load(A);
      expect(stored?.snapshot).toEqual({ seq: seq - 1, text: 'y'.repeat(size), checksum: size });
      expect(stored?.deltas.map(({ text }) => text)).toEqual([`after ${size}`]);
    }
    await current().commit([nextCommit(A, ++seq)]);
    expect(await current().load(A)).toMatchObject({ seq, deltas: [], snapshot: { text: `{"n":${seq}}` } });
  });

  test('text of every kind survives: empty, quotes, line breaks, emoji', async () => {
    for (const [index, text] of ['', "it's", 'a\nb\r\n', '🚀é漢', '\u0001'].entries()) {
      const address = actorAt(`text-${index}`);
      await current().commit([firstCommit(address, { state: snapshot(text), log: [text], marks: text })]);
      expect(await current().load(address)).toMatchObject({ snapshot: { text }, marks: text });
      expect(await current().log(address)).toMatchObject([{ text }]);
    }
  });
}
