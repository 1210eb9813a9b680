/** Histograms in shared memory. */
import { expect, test } from 'vitest';
import {
  HISTOGRAM_BYTES,
  Histogram,
  bucketOf,
  countsBetween,
  longestOf,
  sumOfCounts,
  summarize,
} from '../../../src/observe/histogram.ts';

const create = () => new Histogram(new SharedArrayBuffer(HISTOGRAM_BYTES));

const countAll = (histogram: Histogram, durations: readonly number[]): void => {
  for (const duration of durations) histogram.count(duration);
};

test('every duration is in the bucket whose longest is the first not below it, and at most an eighth above it', () => {
  for (const micros of [0, 1, 15, 16, 17, 31, 32, 33, 999, 1000, 123_456, 5_000_000, 0x7fff_ffff]) {
    const bucket = bucketOf(micros);
    expect(longestOf(bucket)).toBeGreaterThanOrEqual(micros);
    expect(bucket === 0 || longestOf(bucket - 1) < micros).toBe(true);
    expect(longestOf(bucket)).toBeLessThanOrEqual(micros * 1.125 + 1);
    expect((bucket + 1) * 4).toBeLessThan(HISTOGRAM_BYTES);
  }
});

test('quantiles are those of what was counted, at most an eighth too high; nothing counted is all 0', () => {
  const histogram = create();
  expect(histogram.summary).toEqual({ count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 });
  for (let i = 1; i <= 1000; i++) histogram.count(i / 10);
  const { count, p50Ms, p95Ms, p99Ms, maxMs } = histogram.summary;
  expect({ count, maxMs }).toEqual({ count: 1000, maxMs: 100 });
  for (const [seen, is] of [
    [p50Ms, 50],
    [p95Ms, 95],
    [p99Ms, 99],
  ] as const) {
    expect(seen).toBeGreaterThanOrEqual(is);
    expect(seen).toBeLessThanOrEqual(is * 1.125);
  }
});

test('what is off the scale counts as the longest, what is below 0 as none', () => {
  const histogram = create();
  countAll(histogram, [1e12, -5]);
  expect(histogram.summary).toMatchObject({ count: 2, p50Ms: 0, maxMs: 0x7fff_ffff / 1000 });
});

test('between two readings is what was counted between them, and together they are all of it', () => {
  const histogram = create();
  countAll(histogram, [100, 200]);
  const first = histogram.read();
  countAll(histogram, [1, 2, 3]);
  const between = countsBetween(first, histogram.read());
  expect(summarize(between)).toMatchObject({ count: 3 });
  expect(summarize(between).maxMs).toBeGreaterThanOrEqual(3);
  expect(summarize(between).maxMs).toBeLessThanOrEqual(3 * 1.125);
  expect(summarize(sumOfCounts([first, between]))).toEqual(histogram.summary);
  expect(summarize(countsBetween(first, first))).toEqual({ count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 });
});

test('a counter that has run over tells what came between all the same', () => {
  const words = new SharedArrayBuffer(HISTOGRAM_BYTES);
  const histogram = new Histogram(words);
  Atomics.store(new Int32Array(words), 5, -1);
  const before = histogram.read();
  countAll(histogram, [0.005, 0.005, 0.005]);
  expect(summarize(countsBetween(before, histogram.read()))).toMatchObject({ count: 3, maxMs: 0.005 });
});
