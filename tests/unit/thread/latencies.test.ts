/** Histograms in shared memory. */
import { expect, test } from 'vitest';
import { LATENCIES_BYTES, Latencies, bucketOf, longestOf } from '../../../src/thread/latencies.ts';
import type { Address } from '../../../src/index.ts';

const create = () => new Latencies(new SharedArrayBuffer(LATENCIES_BYTES));

test('every duration is in the bucket whose longest is the first not below it, and at most an eighth above it', () => {
  for (const micros of [0, 1, 15, 16, 17, 31, 32, 33, 999, 1000, 123_456, 5_000_000, 0x7fff_ffff]) {
    const bucket = bucketOf(micros);
    expect(longestOf(bucket)).toBeGreaterThanOrEqual(micros);
    expect(bucket === 0 || longestOf(bucket - 1) < micros).toBe(true);
    expect(longestOf(bucket)).toBeLessThanOrEqual(micros * 1.125 + 1);
    expect((bucket + 1) * 4).toBeLessThan(LATENCIES_BYTES / 2);
  }
});

test('quantiles are those of what was counted, at most an eighth too high; nothing counted is all 0', () => {
  const latencies = create();
  expect(latencies.saves).toEqual({ count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 });
  for (let i = 1; i <= 1000; i++) latencies.saved(i / 10);
  const { count, p50Ms, p95Ms, p99Ms, maxMs } = latencies.saves;
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

test('restores of sessions are counted, of others not; what is off the scale counts as the longest', () => {
  const latencies = create();
  latencies.restored('session/a' as Address, 1e12);
  latencies.restored('counter/a' as Address, 1);
  expect(latencies.restores).toMatchObject({ count: 1, maxMs: 0x7fff_ffff / 1000 });
});
