/** Which rows of a history are worth packing together. */
import { expect, test } from 'vitest';
import { findRun } from '../../../src/store/sqlite/history-runs.ts';
import type { RowHead } from '../../../src/store/sqlite/history-runs.ts';
import { MAX_SEGMENT_BYTES } from '../../../src/store/sqlite/segment-text.ts';

const rows = (from: number, to: number, bytes = 100): RowHead[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ seq: from + index, at: from + index, bytes }));

const HALF = MAX_SEGMENT_BYTES / 2;

test.each<[string, readonly RowHead[], number, readonly [number, number] | undefined]>([
  ['nothing', [], Infinity, undefined],
  ['too few', rows(1, 63), Infinity, undefined],
  ['just enough', rows(1, 64), Infinity, [1, 64]],
  ['as many as fit', rows(1, 400), Infinity, [1, 256]],
  ['what is old enough', rows(1, 100), 81, [1, 80]],
  ['too few that are old enough', rows(1, 100), 64, undefined],
  ['one that is young ends it, whatever follows', [...rows(1, 70), { seq: 71, at: 999, bytes: 1 }, ...rows(72, 200)], 500, [1, 70]], // prettier-ignore
  ['what comes after a gap', [...rows(1, 63), ...rows(65, 130)], Infinity, [65, 130]],
  ['what comes before a gap', [...rows(1, 64), ...rows(70, 300)], Infinity, [1, 64]],
  ['few that are large', rows(1, 3, HALF / 2), Infinity, [1, 3]],
  ['as much as fits', rows(1, 9, HALF), Infinity, [1, 2]],
  ['one as large as a segment', rows(7, 7, MAX_SEGMENT_BYTES), Infinity, [7, 7]],
  ['none that is larger', rows(7, 7, MAX_SEGMENT_BYTES + 1), Infinity, undefined],
  ['what comes after one that is larger', [...rows(1, 9), ...rows(10, 10, MAX_SEGMENT_BYTES + 1), ...rows(11, 90)], Infinity, [11, 90]], // prettier-ignore
])('a run of %s', (_, heads, before, expected) => {
  expect(findRun(heads, 64, before)).toEqual(expected && { firstSeq: expected[0], lastSeq: expected[1] });
});
