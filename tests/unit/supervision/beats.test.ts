/** Which threads are ended for what main sees of them, and that a late main accuses nobody. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inspectBeats } from '../../../src/supervision/beats.ts';
import type { Look, Quiet, SeenThread } from '../../../src/supervision/beats.ts';

const LIMITS = { beatMs: 100, maxBufferBytes: 1000 };

const watchedFor = (growth: readonly number[], threads: (at: number) => readonly SeenThread[]) => {
  let known: ReadonlyMap<number, Quiet> = new Map();
  return growth.map((rssBytes, at) => {
    const result = inspectBeats(known, look(threads(at), { rssBytes }), LIMITS);
    known = result.known;
    return result.verdicts.map(({ index, end }) => `${index} ${end}`).join();
  });
};

const thread = (changes: Partial<SeenThread> = {}): SeenThread => ({
  index: 0,
  incarnation: 0,
  beats: 7,
  externalBytes: 0,
  heapRoomBytes: 0,
  isInTurn: true,
  hangMs: 500,
  ...changes,
});

const silent = (quietMs: number, changes: Partial<Quiet> = {}): Quiet => ({
  incarnation: 0,
  beats: 7,
  quietMs,
  ceilingBytes: 1000,
  ...changes,
});

const look = (threads: readonly SeenThread[], changes: Partial<Look> = {}): Look => ({
  elapsedMs: 100,
  rssBytes: 0,
  threads,
  ...changes,
});

describe('one thread', () => {
  test.each([
    { what: 'one that beats', quiet: silent(450, { beats: 6 }), seen: {}, expected: undefined },
    { what: 'one below its limit', quiet: silent(399), seen: {}, expected: undefined },
    {
      what: 'one at its limit',
      quiet: silent(400),
      seen: {},
      expected: { end: 'hang', blockedMs: 500, isCaught: true },
    },
    {
      what: 'one between turns',
      quiet: silent(400),
      seen: { isInTurn: false },
      expected: { end: 'hang', isCaught: false },
    },
    { what: 'a patient one', quiet: silent(400), seen: { hangMs: 501 }, expected: undefined },
    { what: 'one never seen before', quiet: undefined, seen: {}, expected: undefined },
    { what: 'the next one in its place', quiet: silent(400), seen: { incarnation: 1 }, expected: undefined },
    { what: 'one whose limit is under two beats', quiet: silent(50), seen: { hangMs: 50 }, expected: undefined },
    { what: 'one after two beats', quiet: silent(100), seen: { hangMs: 50 }, expected: { end: 'hang' } },
    { what: 'one at its buffer limit', quiet: undefined, seen: { externalBytes: 1000 }, expected: undefined },
    {
      what: 'one over its buffer limit, whoever runs now',
      quiet: undefined,
      seen: { externalBytes: 1001 },
      expected: { end: 'memory', isCaught: false },
    },
  ])('$what', ({ quiet, seen, expected }) => {
    const { verdicts } = inspectBeats(new Map(quiet && [[0, quiet]]), look([thread(seen)]), LIMITS);
    if (expected) expect(verdicts).toMatchObject([{ index: 0, ...expected }]);
    else expect(verdicts).toEqual([]);
  });
});

describe('a process that grows while threads are silent', () => {
  const other = (changes: Partial<SeenThread> = {}) => thread({ index: 1, ...changes });
  test.each([
    { what: 'the only one, in a turn, is blamed', known: [silent(60)], seen: [thread()], ends: [0] },
    { what: 'not for less', known: [silent(60, { ceilingBytes: 1500 })], seen: [thread()], ends: [] },
    { what: 'not one between turns', known: [silent(60)], seen: [thread({ isInTurn: false })], ends: [] },
    { what: 'not one that has just beaten', known: [silent(40)], seen: [thread()], ends: [] },
    {
      what: 'beside one that beats',
      known: [silent(60), silent(0, { beats: 6 })],
      seen: [thread(), other()],
      ends: [0],
    },
    { what: 'nobody where two are silent', known: [silent(60), silent(60)], seen: [thread(), other()], ends: [] },
    {
      what: 'nobody where the other silent one is between turns',
      known: [silent(60), silent(60)],
      seen: [thread(), other({ isInTurn: false })],
      ends: [],
    },
  ])('$what', ({ known, seen, ends }) => {
    const { verdicts } = inspectBeats(new Map(known.entries()), look(seen, { rssBytes: 1001 }), LIMITS);
    expect(verdicts.map(({ index }) => index)).toEqual(ends);
    for (const { end } of verdicts) expect(end).toBe('memory');
  });
});

describe('what heaps may hold explains what a process has grown by', () => {
  const beating = (at: number, changes: Partial<SeenThread> = {}) =>
    thread({ index: 1, beats: 10 + at, isInTurn: false, ...changes });
  const own = (changes: Partial<SeenThread> = {}) => thread({ hangMs: 10_000, ...changes });
  test.each([
    { what: 'its own heap', seen: () => [own({ heapRoomBytes: 3000 })], rss: 4000, over: 4001 },
    { what: 'buffers it had before', seen: () => [own({ externalBytes: 400 })], rss: 600, over: 601 },
    {
      what: 'the heap and the buffers of one that beats',
      seen: (at: number) => [own(), beating(at, { heapRoomBytes: at > 0 ? 0 : 3000, externalBytes: at > 0 ? 900 : 0 })],
      rss: 5000,
      over: 5001,
    },
    {
      what: 'a thread that was not there before',
      seen: (at: number) => (at < 2 ? [own()] : [own(), beating(at, { heapRoomBytes: at > 2 ? 0 : 500 })]),
      rss: 2500,
      over: 2501,
    },
  ])('$what', ({ seen, rss, over }) => {
    expect(watchedFor([0, 0, 0, rss], seen)).toEqual(['', '', '', '']);
    expect(watchedFor([0, 0, 0, over], seen)).toEqual(['', '', '', '0 memory']);
  });
});

/** Looks at a thread that beats at the given times, or not at all. Returns the time of the look that condemned it. */
function watch(lookAt: readonly number[], beatsBy: (at: number) => number, hangMs: number): number | undefined {
  let known: ReadonlyMap<number, Quiet> = new Map();
  let before = 0;
  for (const at of lookAt) {
    const seen = thread({ beats: beatsBy(at), hangMs });
    const result = inspectBeats(known, look([seen], { elapsedMs: at - before }), LIMITS);
    if (result.verdicts.length > 0) return at;
    known = result.known;
    before = at;
  }
  return undefined;
}

const toTimes = (steps: readonly number[]): readonly number[] => {
  let at = 0;
  return steps.map((step) => (at += step));
};

test('property: however late main looks, a thread is not accused that never pauses for as long as its limit', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 200, max: 2000 }),
      fc.infiniteStream(fc.double({ min: 0.01, max: 0.999, noNaN: true })),
      (steps, hangMs, pauses) => {
        const looks = toTimes(steps);
        const beats: number[] = [];
        const end = looks.at(-1) ?? 0;
        for (let at = 0; at <= end; at += pauses.next().value * hangMs) beats.push(at);
        expect(watch(looks, (at) => beats.filter((beat) => beat <= at).length, hangMs)).toBeUndefined();
      },
    ),
    { numRuns: 200 },
  );
});

test('property: main and thread asleep together, for however long, accuse nobody', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 201, max: 1e9 }), { minLength: 1, maxLength: 30 }), (sleeps) => {
      // The thread has not had its turn yet when main looks for the first time after each sleep; it has at the next look.
      const looks = toTimes(sleeps.flatMap((sleepMs) => [sleepMs, 100]));
      expect(watch(looks, (at) => Math.floor(looks.indexOf(at) / 2), 300)).toBeUndefined();
    }),
  );
});

test('property: a thread that has stopped is accused within its limit and two beats of a punctual main', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 100, max: 130 }), { minLength: 60, maxLength: 60 }),
      fc.integer({ min: 200, max: 2000 }),
      fc.integer({ min: 0, max: 1000 }),
      (steps, hangMs, stopsAt) => {
        const condemnedAt = watch(toTimes(steps), (at) => Math.floor(Math.min(at, stopsAt) / 100), hangMs);
        expect(condemnedAt).toBeLessThanOrEqual(stopsAt + hangMs + 2 * 130);
      },
    ),
  );
});

test('a main that is late at every look still ends a blocked thread, later', () => {
  const looks = toTimes(Array.from({ length: 20 }, () => 1000));
  expect(watch(looks, () => 7, 500)).toBe(6000);
});
