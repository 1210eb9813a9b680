/** First in, first out, over thousands of items. */
import { expect, test } from 'vitest';
import { Lane } from '../../../src/cell/lane.ts';

test('keeps its order over more items than it compacts at, pushed and taken in turn', () => {
  const lane = new Lane<number>();
  const taken: (number | undefined)[] = [];
  for (let n = 0; n < 5000; n++) {
    lane.push(2 * n);
    lane.push(2 * n + 1);
    taken.push(lane.shift());
  }
  expect(lane.size).toBe(5000);
  while (lane.size > 0) taken.push(lane.shift());
  expect(taken).toEqual(Array.from({ length: 10_000 }, (_, n) => n));
  expect([lane.shift(), lane.peek()]).toEqual([undefined, undefined]);
});

test('what is put back comes first; what fits can be found and taken out', () => {
  const lane = new Lane<number>();
  for (const n of [3, 4, 5, 6]) lane.push(n);
  lane.unshift([1, 2]);
  expect(lane.find((n) => n > 3)).toBe(4);
  expect(lane.removeWhere((n) => n % 2 === 0)).toEqual([2, 4, 6]);
  expect(lane.removeWhere((n) => n > 9)).toEqual([]);
  expect([lane.some((n) => n === 4), lane.size]).toEqual([false, 3]);
  expect(lane.takeAll()).toEqual([1, 3, 5]);
  expect(lane.size).toBe(0);
});
