/** The part of the store contract for adapters whose rows outlive `close`: what is there after a reopen. */
import { expect, test } from 'vitest';
import { ROOT } from '../../src/actor/address.ts';
import type { Store } from '../../src/store/store.ts';
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
  waitingKeys,
} from '../support/store-commits.ts';

const A = actorAt('a');
const B = actorAt('b');

/** Registers what holds over a reopen. */
export function storeDurabilityContract(current: () => Store, reopen: () => Promise<void>): void {
  test('G1: everything acknowledged is there after a reopen', async () => {
    const large = snapshot('z'.repeat(50_000));
    await current().commit([
      firstCommit(A, {
        state: large,
        log: ['"l"'],
        idempotency: [{ id: 'i', reply: '1' }],
        inFlight: '[1]',
        meta: '{"a":"b"}',
        timers: '[1]',
        nextDue: 70,
        schedule: [{ key: 'k', dueAt: 60, text: '{}' }],
        subscribe: [{ pattern: 'a.*', event: 'A' }],
      }),
      nextCommit(A, 2, {
        state: delta('d'),
        inbox: [tell(B, 'row')],
        outbox: [{ kind: 'deliver', id: 'o', target: 't', text: '{}' }],
      }),
      nextCommit(A, 3, {
        state: delta('e'),
        deadLetters: [{ id: 'd', sender: 'x', text: '{}', error: '{}', attempts: 3 }],
        publish: [publication('p', 'a.b')],
      }),
    ]);
    await current().setCursor('reader', { pattern: '>', pos: 3 });
    await current().kvSet('key', 'value');
    await current().fence(A);
    const read = async () => ({
      actor: await current().load(A),
      inbox: await current().inbox(B),
      outbox: await current().outbox(),
      log: await current().log(A),
      idempotency: await current().idempotency(A, 'i'),
      deadLetters: await current().deadLetters(),
      kv: await current().kvGet('key', 0),
      list: await current().list(),
      recoverable: await current().recoverable(),
      due: await current().due({ until: 100 }),
      scheduled: await current().scheduled(A),
      busEvents: await current().busEvents(),
      lastBusPos: await current().lastBusPos(),
      cursor: await current().cursor('reader'),
      own: await current().inbox(A),
    });
    const before = await read();
    expect(before.actor?.deltas).toHaveLength(2);
    expect(before.own).toHaveLength(1);
    expect(before.lastBusPos).toBeGreaterThan(0);
    await reopen();
    expect(await read()).toEqual(before);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 4, { epoch: 1 })))).toBe('done');
  });

  test('rule 2, G4: positions go on growing after a reopen, also when the rows are gone', async () => {
    await current().commit([firstCommit(A), firstCommit(B, { inbox: [tell(A, '1')] })]);
    const [key] = await waitingKeys(current(), A);
    await current().commit([nextCommit(A, 2, { consumed: [key!] })]);
    for (let seq = 2; seq <= 4; seq++) {
      await reopen();
      const result = await commitOne(current(), nextCommit(B, seq, { inbox: [tell(A, String(seq))] }));
      const pos = result.outcome === 'done' ? result.positions?.[0]?.pos : undefined;
      expect(pos).toBeGreaterThan(key!.pos);
    }
    const positions = (await waitingKeys(current(), A)).map(({ pos }) => pos);
    expect(new Set(positions).size).toBe(3);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  });

  test('rule 7: what was applied before a reopen is repeated after it', async () => {
    await current().commit([firstCommit(A), nextCommit(A, 2)]);
    await reopen();
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { isResent: true })))).toBe('repeated');
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2)))).toBe('refused: seq');
    expect((await current().load(A))?.parent).toBe(ROOT);
  });

  test('G12: subscriptions, and ids that were published, are known after a reopen', async () => {
    await current().commit([
      firstCommit(A, { subscribe: [{ pattern: 'a.*', event: 'A' }] }),
      firstCommit(B, { publish: [publication('p', 'a.b')] }),
    ]);
    await reopen();
    const publish = [publication('p', 'a.b'), publication('q', 'a.c'), publication('r', 'b.c')];
    const result = await commitOne(current(), nextCommit(B, 2, { publish }));
    expect(result).toMatchObject({
      published: [{ pos: 0, receivers: [] }, { receivers: [{ receiver: A, event: 'A' }] }, { receivers: [] }],
    });
    await current().commit([nextCommit(A, 2, { unsubscribe: ['a.*'] })]);
    await reopen();
    expect(receiversOf(await commitOne(current(), nextCommit(B, 3, { publish: [publication('s', 'a.b')] })))).toEqual(
      [],
    );
  });

  test('G12: events from elsewhere, places and counts are there after a reopen', async () => {
    const received = { origin: 'store-2', source: 'session/user', time: 4 };
    const publish = [{ ...publication('s#1', 'a.b'), received, attributes: '{"a":1}' }, publication('own', 'a.c')];
    const place = { name: '#inlet', pattern: '{"stream":1}', pos: 12 };
    await current().commit([hostCommit({ at: 5, publish, place })]);
    const read = async () => [await current().scanBus(), await current().cursors(), await current().busCounts()];
    const before = await read();
    expect(before).toMatchObject([{ events: [{ ...received, at: 5 }, { origin: null }] }, [place], { events: 2 }]);
    await reopen();
    expect(await read()).toEqual(before);
    expect(publishedOf(await commitOne(current(), hostCommit({ publish })))).toMatchObject([{ pos: 0 }, { pos: 0 }]);
    await current().sweepBus({ patterns: ['a.c'] });
    await current().commit([hostCommit({ at: 9, publish: [publication('third', 'b')] })]);
    const counts = await current().busCounts();
    await reopen();
    expect(await current().busCounts()).toEqual(counts);
    expect(counts).toMatchObject({ events: 2, oldestAt: 5, newestAt: 9 });
  });

  test('G12: the last position stays known after a sweep and a reopen', async () => {
    await current().commit([firstCommit(A, { at: 5, publish: [publication('p', 'a.b')] })]);
    const lastPos = await current().lastBusPos();
    expect(await current().sweepBus({ before: 6 })).toMatchObject({ removed: 1, isEnd: true });
    await reopen();
    expect(await current().lastBusPos()).toBe(lastPos);
  });

  test('G11: downtime adds up over reopens', async () => {
    expect(await current().rise(1_000)).toBe(0);
    await current().markAlive(2_000);
    await reopen();
    expect(await current().rise(5_000)).toBe(3_000);
    await reopen();
    expect(await current().rise(5_500)).toBe(3_500);
  });
}
