/** The part of the store contract that is about the log of published events: pages, sweeps, counts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toAddress } from '../../src/actor/address.ts';
import { matchesPattern } from '../../src/bus/subjects.ts';
import { PRIORITIES } from '../../src/bus/topic-event.ts';
import { sweepAll } from '../../src/store/bus-log.ts';
import type { BusEventRow, Commit, NewPublication, Store } from '../../src/store/store.ts';
import type { BusScan, BusSweep } from '../../src/store/topics.ts';
import { hostCommit, publication } from '../support/store-commits.ts';

const FOREIGN = { origin: 'store-2', source: 'session/user-42', time: 500 };

/** Registers what reads, sweeps and counts published events. */
export function storeBusLogContract(current: () => Store): void {
  pages(current);
  sweeps(current);
  counts(current);
}

/** Publishes many, a thousand at a time. Event n comes at time n. */
async function publishMany(store: Store, count: number, more: (n: number) => Partial<NewPublication> = () => ({})) {
  for (let from = 1; from <= count; from += 1_000) {
    const numbers = Array.from({ length: Math.min(1_000, count - from + 1) }, (_, index) => from + index);
    await store.commit(
      numbers.map((n) => hostCommit({ at: n, publish: [{ ...publication(`e${n}`, 'many', '1'), ...more(n) }] })),
    );
  }
}

/** Every page of a scan. */
async function scanAll(store: Store, query: BusScan) {
  const events: BusEventRow[] = [];
  for (let calls = 1, { afterPos = 0 } = query; ; calls++) {
    const page = await store.scanBus({ ...query, afterPos });
    expect(page.reachedPos).toBeGreaterThanOrEqual(afterPos);
    events.push(...page.events);
    if (page.isEnd) return { events, calls, reachedPos: page.reachedPos };
    expect(page.reachedPos, 'it goes on').toBeGreaterThan(afterPos);
    afterPos = page.reachedPos;
  }
}

const someTopics = ['a.b', 'a.c', 'b.b', 'system.x'] as const;
const someEvents = fc.array(
  fc.record({
    topic: fc.constantFrom(...someTopics),
    at: fc.integer({ min: 1, max: 12 }),
    priority: fc.constantFrom(...PRIORITIES),
    isForeign: fc.boolean(),
  }),
  { maxLength: 20 },
);
const sometimes = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const someTime = sometimes(fc.integer({ min: 0, max: 13 }));
const someIndex = sometimes(fc.integer({ min: 0, max: 22 }));
const somePatterns = sometimes(fc.subarray(['a.*', '>', 'b.b', 'system.>']));

type SomeEvents = typeof someEvents extends fc.Arbitrary<infer T> ? T : never;

/** The log of a story of its own: what was there before goes. */
async function publishSome(store: Store, some: SomeEvents): Promise<readonly BusEventRow[]> {
  await sweepAll((sweep) => store.sweepBus(sweep), {});
  const before = await store.lastBusPos();
  const commits = some.map(({ topic, at, priority, isForeign }, index) =>
    hostCommit({
      at,
      publish: [
        { ...publication(`e${before}.${index}`, topic), priority, ...(isForeign && { received: FOREIGN }) },
        ...(index % 3 === 0 ? [{ ...publication(`f${before}.${index}`, topic), priority }] : []),
      ],
    }),
  );
  await store.commit(commits);
  return store.busEvents({ limit: 10_000 });
}

/** The same without what is undefined. */
function toQuery<T>(query: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as T;
}

function pages(current: () => Store): void {
  const scans = fc.record({
    after: someIndex,
    until: someIndex,
    sinceAt: someTime,
    untilAt: someTime,
    patterns: somePatterns,
    priorities: sometimes(fc.subarray([...PRIORITIES])),
    isOwn: sometimes(fc.boolean()),
    limit: fc.integer({ min: 1, max: 5 }),
  });

  test('G12: a scan gives what a plain filter gives, in order, by pages of any size', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(someEvents, scans, async (some, { after, until, ...rest }) => {
        const all = await publishSome(current(), some);
        const positionOf = (index: number | undefined) =>
          index === undefined ? undefined : (all[index]?.pos ?? all.at(-1)?.pos);
        const query = toQuery<BusScan>({ ...rest, afterPos: positionOf(after), untilPos: positionOf(until) });
        const { events, reachedPos } = await scanAll(current(), query);
        expect(events).toEqual(all.filter((event) => fits(event, query)));
        const lastPos = await current().lastBusPos();
        expect(reachedPos).toBe(Math.max(query.afterPos ?? 0, Math.min(query.untilPos ?? Infinity, lastPos)));
      }),
      { numRuns: 60 },
    );
  });

  test('G12: a scan looks at 10,000 events at a time, however few of them fit', { timeout: 60_000 }, async () => {
    await publishMany(current(), 20_500, (n) => (n === 20_300 ? { topic: 'rare', priority: 'critical' } : {}));
    for (const query of [{ priorities: ['critical'] }, { patterns: ['rare'] }] satisfies BusScan[]) {
      const first = await current().scanBus(query);
      expect(first).toMatchObject({ events: [], isEnd: false });
      expect((await current().busEvents({ afterPos: first.reachedPos, limit: 1 }))[0]?.id).toBe('e10001');
      expect(await scanAll(current(), query)).toMatchObject({ events: [{ id: 'e20300' }], calls: 3 });
    }
    const late = await current().scanBus({ sinceAt: 20_499 });
    expect(
      late.events.map(({ id }) => id),
      'found by its time, in one call',
    ).toEqual(['e20499', 'e20500']);
    expect(late.isEnd).toBe(true);
    const early = await scanAll(current(), { untilAt: 2 });
    expect([early.events.map(({ id }) => id), early.calls]).toEqual([['e1', 'e2'], 2]);
    expect(await current().scanBus({ sinceAt: 30_000 })).toMatchObject({ events: [], isEnd: true });
  });

  test('a page of large events ends early, with one at least', async () => {
    const text = `"${'x'.repeat(3_000_000)}"`;
    await current().commit(['a', 'b', 'c'].map((id) => hostCommit({ publish: [publication(id, 't', text)] })));
    const page = await current().scanBus();
    expect([page.events.map(({ id }) => id), page.isEnd]).toEqual([['a', 'b'], false]);
    expect(await current().scanBus({ afterPos: page.reachedPos })).toMatchObject({
      events: [{ id: 'c' }],
      isEnd: true,
    });
  });

  test('a scan of nothing ends where it began, and a wrong limit is named', async () => {
    expect(await current().scanBus()).toEqual({ events: [], reachedPos: 0, isEnd: true });
    expect(await current().scanBus({ afterPos: 7, untilPos: 3 })).toEqual({ events: [], reachedPos: 7, isEnd: true });
    await expect(current().scanBus({ limit: 0 })).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
    await expect(current().sweepBus({ limit: 10_001 })).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
  });
}

function fits(event: BusEventRow, query: BusScan): boolean {
  const { afterPos = 0, untilPos = Infinity, sinceAt = 0, untilAt = Infinity, patterns, priorities, isOwn } = query;
  return (
    event.pos > afterPos &&
    event.pos <= untilPos &&
    event.at >= sinceAt &&
    event.at <= untilAt &&
    (patterns?.some((pattern) => matchesPattern(pattern, event.topic)) ?? true) &&
    (priorities?.includes(event.priority) ?? true) &&
    (isOwn !== true || event.origin === null)
  );
}

function sweeps(current: () => Store): void {
  const idsNow = async () => (await current().busEvents()).map(({ id }) => id);
  const sweepsOf = fc.record({
    before: someTime,
    patterns: somePatterns,
    unsent: someIndex,
    limit: sometimes(fc.integer({ min: 1, max: 4 })),
  });

  test(
    'G12: a sweep takes what a plain filter takes, by pieces of any size, and counts it',
    { timeout: 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(someEvents, sweepsOf, async (some, { unsent, ...rest }) => {
          const all = await publishSome(current(), some);
          const unsentAfter = unsent === undefined ? undefined : (all[unsent]?.pos ?? 0);
          const sweep = toQuery<BusSweep>({ ...rest, unsentAfter });
          const { before = Infinity, patterns } = sweep;
          const goes = ({ pos, at, topic, origin }: BusEventRow) =>
            at < before &&
            (patterns?.some((pattern) => matchesPattern(pattern, topic)) ?? true) &&
            (origin !== null || pos <= (unsentAfter ?? Infinity));
          const { removed } = await sweepAll((piece) => current().sweepBus(piece), sweep);
          const left = all.filter((event) => !goes(event));
          expect(removed).toBe(all.length - left.length);
          expect(await current().busEvents({ limit: 10_000 })).toEqual(left);
          expect(await current().busCounts()).toMatchObject(countsOf(left));
          expect(await current().lastBusPos(), 'stays known').toBe(all.at(-1)?.pos ?? (await current().lastBusPos()));
        }),
        { numRuns: 60 },
      );
    },
  );

  test('G12: a sweep takes so many at a time, and says where it is', async () => {
    await publishMany(current(), 10);
    const first = await current().sweepBus({ before: 9, limit: 5 });
    expect(first).toMatchObject({ removed: 5, isEnd: false });
    expect(await idsNow()).toEqual(['e6', 'e7', 'e8', 'e9', 'e10']);
    expect(await current().sweepBus({ before: 9, limit: 5, afterPos: first.reachedPos })).toMatchObject({
      removed: 3,
      isEnd: true,
    });
    const afterPos = (await current().busEvents({ limit: 1 }))[0]?.pos ?? 0;
    expect(await current().sweepBus({ afterPos })).toMatchObject({ removed: 1, isEnd: true });
    expect(await idsNow()).toEqual(['e9']);
  });

  test('G12: what is still to be sent stays, what came from elsewhere goes', async () => {
    await publishMany(current(), 6, (n) => (n % 2 === 0 ? { received: FOREIGN } : {}));
    const unsentAfter = (await current().busEvents())[2]?.pos ?? 0;
    expect(await current().sweepBus({ before: 100, unsentAfter })).toMatchObject({ removed: 5, isEnd: true });
    expect(await idsNow()).toEqual(['e5']);
    expect(await current().sweepBus({ before: 100, unsentAfter: 0 })).toMatchObject({ removed: 0, isEnd: true });
    expect(await current().sweepBus({ before: 100 })).toMatchObject({ removed: 1 });
  });

  test('G12: a sweep names the readers that had not come to what it took, and how much they wanted of it', async () => {
    await publishMany(current(), 6, (n) => ({ topic: n % 2 === 0 ? 'even.n' : 'odd.n' }));
    const all = await current().busEvents();
    const positionOf = (n: number) => (n === 0 ? 0 : (all[n - 1]?.pos ?? 0));
    const readers = {
      ahead: [6, '>'],
      all: [0, '>'],
      even: [2, 'even.*'],
      none: [0, 'system.>'],
      '#relay': [0, '>'],
    } as const;
    for (const [name, [n, pattern]] of Object.entries(readers))
      await current().setCursor(name, { pattern, pos: positionOf(n) });
    const { missed } = await current().sweepBus({ before: 5 });
    expect(missed).toEqual([
      { name: 'all', count: 4 },
      { name: 'even', count: 1 },
    ]);
    expect((await current().sweepBus({ before: 5 })).missed, 'said once').toEqual([]);
    const rest = await sweepAll((piece) => current().sweepBus(piece), { limit: 1 });
    expect(rest).toEqual({
      removed: 2,
      missed: [
        { name: 'all', count: 2 },
        { name: 'even', count: 1 },
      ],
    });
  });

  test('G12: a sweep over many that stay looks at a bounded number at a time', { timeout: 60_000 }, async () => {
    await publishMany(current(), 20_500, (n) => (n === 20_300 ? { topic: 'rare' } : {}));
    const pieces: number[] = [];
    const { removed } = await sweepAll(
      async (piece) => {
        const swept = await current().sweepBus(piece);
        pieces.push(swept.removed);
        return swept;
      },
      { patterns: ['rare'], limit: 10_000 },
    );
    expect([removed, pieces]).toEqual([1, [0, 0, 1]]);
  });
}

function countsOf(events: readonly BusEventRow[]) {
  const times = events.map(({ at }) => at);
  return {
    events: events.length,
    chars: events.reduce((sum, { text }) => sum + [...text].length, 0),
    oldestAt: events.length === 0 ? null : Math.min(...times),
    newestAt: events.length === 0 ? null : Math.max(...times),
  };
}

function counts(current: () => Store): void {
  test('what is kept of published events is counted, in characters, after a rollback as well', async () => {
    expect(await current().busCounts()).toEqual({ events: 0, chars: 0, oldestAt: null, newestAt: null, lastPos: 0 });
    await current().commit([
      hostCommit({ at: 7, publish: [publication('p', 't', '"𝒜é"'), publication('p', 't', '"again"')] }),
      hostCommit({ at: 3, publish: [publication('q', 't', '1')] }),
    ]);
    const counted = { events: 2, chars: 5, oldestAt: 3, newestAt: 7, lastPos: await current().lastBusPos() };
    expect(await current().busCounts()).toEqual(counted);
    const wrong = { place: { name: 'x', pattern: '>', pos: {} } } as unknown as Partial<Commit>;
    await current().commit([hostCommit({ publish: [publication('r', 't', '2')] }), hostCommit(wrong)]);
    expect(await current().busCounts()).toMatchObject({ events: 3, chars: 6, oldestAt: 3, newestAt: 1_000 });
  });

  test('events are counted by place, age and origin, although positions have gaps', async () => {
    const received = { origin: 'x', source: 'far', time: 1 };
    const inbox = [{ receiver: toAddress('test', 'a'), kind: 'event', id: 'i', text: '{}' }] as const;
    await current().commit([
      hostCommit({ at: 10, publish: [publication('p', 't', '1')], inbox }),
      hostCommit({ at: 20, publish: [{ ...publication('q', 't', '2'), received }], inbox: [{ ...inbox[0], id: 'j' }] }),
      hostCommit({ at: 15, publish: [publication('r', 't', '3')] }),
    ]);
    const [first, , last] = (await current().scanBus()).events.map(({ pos }) => pos);
    expect(last! - first!).toBeGreaterThan(2);
    expect(await current().countBus({})).toBe(3);
    expect(await current().countBus({ afterPos: first! })).toBe(2);
    expect(await current().countBus({ afterPos: first!, isOwn: true })).toBe(1);
    expect(await current().countBus({ sinceAt: 15 })).toBe(2);
    expect(await current().countBus({ sinceAt: 21 })).toBe(0);
    expect(await current().countBus({ afterPos: last! })).toBe(0);
  });
}
