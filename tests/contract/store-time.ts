/** The part of the store contract that is about time: scheduled events, timers, what is due, downtime. */
import { expect, test } from 'vitest';
import type { Address } from '../../src/actor/address.ts';
import type { DueRow } from '../../src/store/queries.ts';
import type { Commit, ScheduleWrite, Store } from '../../src/store/store.ts';
import { actorAt, commitOne, firstCommit, nextCommit, outcomeOf, tell, waitingIds } from '../support/store-commits.ts';
import { createRandom, pick } from '../support/store-random.ts';

const A = actorAt('a');
const B = actorAt('b');
const C = actorAt('c');

const at = (key: string, dueAt: number, text = `{"type":"${key}"}`): ScheduleWrite => ({ key, dueAt, text });
const timers = (nextDue: number): Partial<Commit> => ({ timers: `[${nextDue}]`, nextDue });

/** Registers rule 9 and the reads that go with it. `current` is the store of the running test. */
export function storeTimeContract(current: () => Store): void {
  scheduling(current);
  firing(current);
  endings(current);
  dueness(current);
  downtime(current);
}

function scheduling(current: () => Store): void {
  const keysOf = async (address: Address) => (await current().scheduled(address)).map(({ key }) => key);

  test('G11: scheduled events come back as they were written, in order of time, then position', async () => {
    const text = '{"type":"HELLO","text":"Grüße 🚀"}';
    await current().commit([
      firstCommit(A, { schedule: [at('late', 30), at('tie-1', 20), at('tie-0', 20), at('early', 10, text)] }),
      firstCommit(B, { schedule: [at('other', 15)] }),
    ]);
    const rows = await current().scheduled(A);
    expect(rows.map(({ key, dueAt }) => [key, dueAt])).toEqual([
      ['early', 10],
      ['tie-1', 20],
      ['tie-0', 20],
      ['late', 30],
    ]);
    expect(rows[0]).toEqual({ key: 'early', dueAt: 10, text, pos: rows[0]?.pos });
    expect(new Set(rows.map(({ pos }) => pos)).size).toBe(4);
    expect((await current().scheduled(A, { until: 20 })).map(({ key }) => key)).toEqual(['early', 'tie-1', 'tie-0']);
    expect((await current().scheduled(A, { until: 20, limit: 2 })).map(({ key }) => key)).toEqual(['early', 'tie-1']);
    expect(await current().scheduled(C)).toEqual([]);
    await expect(current().scheduled(A, { limit: 0 })).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
  });

  test('G11: scheduling a key again moves it, under a new position', async () => {
    await current().commit([firstCommit(A, { schedule: [at('k', 10)] })]);
    const [before] = await current().scheduled(A);
    await current().commit([nextCommit(A, 2, { schedule: [at('k', 99, '{"n":2}')] })]);
    const [after, ...more] = await current().scheduled(A);
    expect(more).toEqual([]);
    expect(after).toMatchObject({ key: 'k', dueAt: 99, text: '{"n":2}' });
    expect(after!.pos).toBeGreaterThan(before!.pos);
    expect(await current().due({ until: 98 })).toEqual([]);
  });

  test('G11: what is taken back is gone, an unknown key is nothing, and taking back comes before scheduling', async () => {
    await current().commit([firstCommit(A, { schedule: [at('a', 1), at('b', 2)] })]);
    await current().commit([nextCommit(A, 2, { unschedule: ['a', 'unknown'] })]);
    expect(await keysOf(A)).toEqual(['b']);
    await current().commit([nextCommit(A, 3, { unschedule: ['b'], schedule: [at('b', 3)] })]);
    expect(await current().scheduled(A)).toMatchObject([{ key: 'b', dueAt: 3 }]);
    expect(await current().stats()).toMatchObject({ scheduled: 1 });
  });
}

function firing(current: () => Store): void {
  const firedOf = async (address: Address) =>
    (await current().scheduled(address)).map(({ key, pos }) => ({ key, pos }));

  test('rule 9, G11: a scheduled event is consumed once', async () => {
    await current().commit([firstCommit(A, { schedule: [at('one', 1), at('two', 2)] })]);
    const [one, two] = await firedOf(A);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { fired: [one!] })))).toBe('done');
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 3, { fired: [one!, two!] })))).toBe('refused: timer');
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 3, { fired: [two!, two!] })))).toBe('refused: timer');
    expect(await firedOf(A)).toEqual([two]);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 3, { fired: [two!] })))).toBe('done');
    expect(await current().scheduled(A)).toEqual([]);
    expect(await current().load(A)).toMatchObject({ seq: 3 });
  });

  test('rule 9, G11: an event that was moved or taken back meanwhile is not consumed', async () => {
    await current().commit([firstCommit(A, { schedule: [at('moved', 1), at('gone', 2)] })]);
    const [moved, gone] = await firedOf(A);
    await current().commit([nextCommit(A, 2, { schedule: [at('moved', 50)], unschedule: ['gone'] })]);
    for (const key of [moved!, gone!])
      expect(outcomeOf(await commitOne(current(), nextCommit(A, 3, { fired: [key] })))).toBe('refused: timer');
    expect(await current().scheduled(A)).toMatchObject([{ key: 'moved', dueAt: 50 }]);
  });

  test('rule 9: nobody consumes the events of another', async () => {
    await current().commit([firstCommit(A, { schedule: [at('k', 1)] }), firstCommit(B)]);
    const fired = await firedOf(A);
    expect(outcomeOf(await commitOne(current(), nextCommit(B, 2, { fired })))).toBe('refused: timer');
    expect(await firedOf(A)).toEqual(fired);
  });

  test('G11: an event that schedules itself again is there once, under a new position', async () => {
    await current().commit([firstCommit(A, { schedule: [at('k', 1)] })]);
    const fired = await firedOf(A);
    await current().commit([nextCommit(A, 2, { fired, schedule: [at('k', 2)] })]);
    expect(await current().scheduled(A)).toMatchObject([{ key: 'k', dueAt: 2 }]);
    expect((await firedOf(A))[0]!.pos).toBeGreaterThan(fired[0]!.pos);
  });

  test('rule 7, G11: a resent consumption is repeated, not refused', async () => {
    await current().commit([firstCommit(A, { schedule: [at('k', 1)] })]);
    const commit = nextCommit(A, 2, { fired: await firedOf(A), inbox: [tell(B, 'once')] });
    await current().commit([commit]);
    expect(outcomeOf(await commitOne(current(), { ...commit, isResent: true }))).toBe('repeated');
    expect(await waitingIds(current(), B)).toEqual(['once']);
  });
}

function endings(current: () => Store): void {
  const full: Partial<Commit> = { ...timers(5), schedule: [at('k', 6)], subscribe: [{ pattern: 'a', event: 'A' }] };
  const everything = async () => ({
    actor: await current().load(A),
    scheduled: (await current().scheduled(A)).map(({ key }) => key),
    due: await current().due({ until: 100 }),
  });

  test.each(['done', 'stopped'] as const)(
    'G11: nothing wakes an actor that is %s, whatever its commit says',
    async (status) => {
      const more = { schedule: [at('new', 7)], subscribe: [{ pattern: 'b', event: 'B' }], ...timers(8) };
      await current().commit([firstCommit(A, full), nextCommit(A, 2, { status, ...more })]);
      const { actor, scheduled, due } = await everything();
      expect(actor).toMatchObject({ status, timers: null, subscriptions: [], seq: 2 });
      expect({ scheduled, due }).toEqual({ scheduled: [], due: [] });
      expect(await current().stats()).toMatchObject({ scheduled: 0, subscriptions: 0 });
    },
  );

  test('G11: an actor that ends in its first commit leaves nothing that would wake it', async () => {
    await current().commit([firstCommit(A, { ...full, status: 'done' })]);
    const { actor, scheduled, due } = await everything();
    expect(actor).toMatchObject({ status: 'done', timers: null, subscriptions: [] });
    expect({ scheduled, due }).toEqual({ scheduled: [], due: [] });
  });

  test('G11: an event can be consumed by the commit that ends its actor', async () => {
    await current().commit([firstCommit(A, full)]);
    const fired = (await current().scheduled(A)).map(({ key, pos }) => ({ key, pos }));
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { status: 'done', fired })))).toBe('done');
  });

  test('G11: a quarantined actor keeps everything, is not due, and is due again once revived', async () => {
    await current().commit([firstCommit(A, full), nextCommit(A, 2, { status: 'quarantined' })]);
    const { actor, scheduled, due } = await everything();
    expect(actor).toMatchObject({ timers: '[5]', subscriptions: [{ pattern: 'a', event: 'A' }] });
    expect({ scheduled, due }).toEqual({ scheduled: ['k'], due: [] });
    await current().commit([nextCommit(A, 3)]);
    expect((await everything()).due).toEqual([{ address: A, dueAt: 5 }]);
  });

  test('G11: a removal takes scheduled events, timers and subscriptions along', async () => {
    await current().commit([firstCommit(A, full), nextCommit(A, 2, { isRemoval: true })]);
    expect(await everything()).toEqual({ actor: undefined, scheduled: [], due: [] });
    await current().commit([firstCommit(A)]);
    expect(await everything()).toMatchObject({ actor: { timers: null, subscriptions: [] }, scheduled: [], due: [] });
  });
}

function dueness(current: () => Store): void {
  test('G11: who is due comes once, at its first time, in order of time, then address', async () => {
    await current().commit([
      firstCommit(C, timers(10)),
      firstCommit(A, { ...timers(40), schedule: [at('x', 30), at('y', 20), at('z', 20)] }),
      firstCommit(B, { ...timers(20), schedule: [at('x', 20), at('y', 50)] }),
      firstCommit(actorAt('later'), timers(60)),
      firstCommit(actorAt('never')),
    ]);
    const expected = [
      { address: C, dueAt: 10 },
      { address: A, dueAt: 20 },
      { address: B, dueAt: 20 },
    ];
    expect(await current().due({ until: 59 })).toEqual(expected);
    expect(await current().due({ until: 20 })).toEqual(expected);
    expect(await current().due({ until: 19 })).toEqual(expected.slice(0, 1));
    expect(await current().due({ until: 9 })).toEqual([]);
    expect(await current().due({ until: 59, limit: 2 })).toEqual(expected.slice(0, 2));
    expect(await current().due({ until: 59, after: expected[1]! })).toEqual(expected.slice(2));
    await expect(current().due({ until: 1, limit: 10_001 })).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
  });

  test('G11: a timer that moves or goes changes what is due; a commit that says nothing of timers does not', async () => {
    await current().commit([firstCommit(A, timers(10))]);
    await current().commit([nextCommit(A, 2)]);
    expect(await current().due({ until: 50 })).toEqual([{ address: A, dueAt: 10 }]);
    await current().commit([nextCommit(A, 3, timers(30))]);
    expect(await current().due({ until: 50 })).toEqual([{ address: A, dueAt: 30 }]);
    expect(await current().load(A)).toMatchObject({ timers: '[30]' });
    await current().commit([nextCommit(A, 4, { timers: null, nextDue: null })]);
    expect(await current().due({ until: 50 })).toEqual([]);
  });

  test.each([1, 2, 3])('G11: pages of due actors agree with a model, seed %i', async (seed) => {
    const random = createRandom(seed);
    const expected: DueRow[] = [];
    const commits = Array.from({ length: 60 }, (_, index): Commit => {
      const address = actorAt(`due-${String(index).padStart(2, '0')}`);
      const schedule = Array.from({ length: pick(random, 4) }, (_row, key) => at(`k${key}`, pick(random, 12)));
      const own = pick(random, 2) === 1 ? timers(pick(random, 12)) : {};
      const status = pick(random, 5) === 0 ? 'quarantined' : 'active';
      const dueAt = Math.min(own.nextDue ?? Infinity, ...schedule.map((write) => write.dueAt));
      if (status === 'active' && dueAt <= 9) expected.push({ address, dueAt });
      return firstCommit(address, { ...own, schedule, status });
    });
    await current().commit(commits);
    expected.sort((a, b) => a.dueAt - b.dueAt || (a.address < b.address ? -1 : 1));
    const found: DueRow[] = [];
    for (;;) {
      const after = found.at(-1);
      const page = await current().due({ until: 9, limit: 7, ...(after && { after }) });
      found.push(...page);
      if (page.length < 7) break;
    }
    expect(found, `seed ${seed}`).toEqual(expected);
  });
}

function downtime(current: () => Store): void {
  test('G11: the time between the last sign of life and the next rise is downtime; a clock set back adds none', async () => {
    expect(await current().rise(1_000), 'the first time').toBe(0);
    await current().markAlive(4_000);
    expect(await current().rise(4_700)).toBe(700);
    expect(await current().rise(4_800), 'a rise is a sign of life').toBe(800);
    expect(await current().rise(1_000), 'an hour back').toBe(800);
    expect(await current().rise(1_050)).toBe(850);
  });
}
