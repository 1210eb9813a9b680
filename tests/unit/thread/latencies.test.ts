/** What is timed in every thread. */
import { expect, test } from 'vitest';
import { LATENCIES_BYTES, Latencies } from '../../../src/thread/latencies.ts';
import type { Address } from '../../../src/index.ts';

const create = () => new Latencies(new SharedArrayBuffer(LATENCIES_BYTES));

test('restores of sessions are counted, of others not', () => {
  const latencies = create();
  latencies.restored('session/a' as Address, 5);
  latencies.restored('counter/a' as Address, 1);
  expect(latencies.restores).toMatchObject({ count: 1, maxMs: 5 });
});

test('each is counted apart, up to the end of the memory', () => {
  const latencies = create();
  latencies.saved(1);
  latencies.restored('session/a' as Address, 2);
  latencies.handled.count(1e12);
  expect([latencies.saves, latencies.restores, latencies.handled.summary].map(({ maxMs }) => maxMs)).toEqual([
    1,
    2,
    0x7fff_ffff / 1000,
  ]);
});
