/** What comes from elsewhere and is shown on a terminal. */
import { describe, expect, test } from 'vitest';
import { parseSpan, shorten, toLine, toSafeJson, toSize, toSpan } from '../../../src/cli/text.ts';

describe('text from elsewhere', () => {
  test.each([
    ['a\r\nb', 'a b'],
    ['\u001B[31mred\u001B[0m', '[31mred [0m'],
    ['\u009B2Jgone', '2Jgone'],
    ['left\u202Eright', 'left right'],
    ['lone \uD800 half', 'lone   half'],
    ['two\u2028lines', 'two lines'],
  ])('%j is shown as %j', (text, shown) => {
    expect(toLine(text)).toBe(shown);
  });

  test('JSON means the same, and holds nothing that moves the cursor', () => {
    const value = { text: '\u001B[2J \u009B \u202E \u2028 \u{E0041} é' };
    const json = toSafeJson(value);
    expect(json).toMatch(/^[ -~é]+$/u);
    expect(JSON.parse(json)).toEqual(value);
  });
});

test.each([
  ['abc', 3, 'abc'],
  ['abcd', 3, 'ab…'],
  ['日本語', 6, '日本語'],
  ['日本語', 5, '日本…'],
  ['e\u0301e\u0301e\u0301', 3, 'e\u0301e\u0301e\u0301'],
  ['🎭🎭🎭', 4, '🎭…'],
])('%j in %i columns is %j', (text, columns, shown) => {
  expect(shorten(text, columns)).toBe(shown);
});

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['10m', 600_000],
  ['1.5h', 5_400_000],
  ['7d', 604_800_000],
  ['10', undefined],
  ['m', undefined],
  ['-1s', undefined],
  ['10 m', undefined],
  ['1e3s', undefined],
])('the span %j has %s ms', (text, ms) => {
  expect(parseSpan(text)).toBe(ms);
});

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1 KiB'],
  [1_500_000, '1.4 MiB'],
  [2 ** 30, '1 GiB'],
  [2 ** 60, '1048576 TiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(toSize(bytes)).toBe(text);
});

test.each([
  [5, '5 ms'],
  [1500, '1.5 s'],
  [120_000, '2 min'],
  [5_400_000, '1.5 h'],
  [86_400_000, '24 h'],
  [172_800_000, '2 days'],
])('%i ms are %s', (ms, text) => {
  expect(toSpan(ms)).toBe(text);
});
