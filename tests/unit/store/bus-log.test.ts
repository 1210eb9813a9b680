/** What every adapter counts alike of the log of published events. */
import { expect, test } from 'vitest';
import { charsOf } from '../../../src/store/bus-log.ts';

test.each(['', 'plain', 'größer', '漢字', '🎭', 'a🎭b🎭🎭', '🎭'.repeat(1_000)])(
  'the characters of %j are counted as SQLite counts them',
  (text) => {
    expect(charsOf(text)).toBe([...text].length);
  },
);

test('half a character counts as one', () => {
  expect(['\uD83C', '\uDFAD', '\uDFAD\uD83C', 'a\uD83Cb'].map(charsOf)).toEqual([1, 1, 2, 3]);
});
