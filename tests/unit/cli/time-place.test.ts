/** Where in a stream a time is: nothing of that time on may be missed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findPlace } from '../../../src/cli/time-place.ts';
import { holdsAlwaysAsync } from '../../support/property.ts';

test('is before the first message of that time or later, whatever is gone', async () => {
  const streams = fc.record({
    firstSeq: fc.integer({ min: 1, max: 1000 }),
    gaps: fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 }),
    gone: fc.array(fc.boolean(), { minLength: 1, maxLength: 200 }),
    since: fc.integer({ min: -10, max: 3000 }),
  });
  await holdsAlwaysAsync(
    fc.asyncProperty(streams, async ({ firstSeq, gaps, gone, since }) => {
      const times = gaps.map((_, at) => gaps.slice(0, at + 1).reduce((sum, gap) => sum + gap, 0));
      const lastSeq = firstSeq + times.length - 1;
      const isGone = (seq: number): boolean => gone[(seq - firstSeq) % gone.length] ?? false;
      const timeOf = async (seq: number): Promise<number | undefined> =>
        isGone(seq) ? undefined : times[seq - firstSeq];
      const place = await findPlace({ firstSeq, lastSeq }, since, timeOf);
      const wanted = times.findIndex((time, at) => time >= since && !isGone(firstSeq + at));
      expect(place).toBeLessThan(wanted < 0 ? lastSeq + 1 : firstSeq + wanted);
      expect(place).toBeGreaterThanOrEqual(firstSeq - 1);
    }),
    1000,
  );
});

test('is exact when nothing is gone, and found with few questions', async () => {
  const asked: number[] = [];
  const timeOf = async (seq: number): Promise<number> => {
    asked.push(seq);
    return seq * 10;
  };
  expect(await findPlace({ firstSeq: 1, lastSeq: 1_000_000 }, 7_654_321, timeOf)).toBe(765_432);
  expect(asked.length).toBeLessThanOrEqual(20);
});

test.each([
  ['an empty stream', { firstSeq: 0, lastSeq: 0 }, 0],
  ['a stream of which all is gone', { firstSeq: 101, lastSeq: 100 }, 100],
])('%s is read from its end on', async (_what, stream, place) => {
  expect(await findPlace(stream, 5, async () => undefined)).toBe(place);
});
