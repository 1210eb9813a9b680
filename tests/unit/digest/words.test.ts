import { describe, expect, test } from 'vitest';
import { stem, tokenizeWords, toTerms } from '../../../actors/digest/text/words.ts';

describe('words', () => {
  test.each([
    ['lower-cased letters and digits', 'The 3 Quick-Foxes', ['the', '3', 'quick', 'foxes']],
    ['with their apostrophes', "Licensor's don’t", ["licensor's", 'don’t']],
    ['of any script', 'Größe café Привет हिन्दी', ['größe', 'café', 'привет', 'हिन्दी']],
    ['as pairs where no spaces part them', '今天下雨', ['今天', '天下', '下雨']],
    ['as a letter where one stands alone', '漢 abc漢', ['漢', 'abc', '漢']],
    ['none in punctuation', '... -- !', []],
  ])('are %s', (_, text, expected) => {
    expect(tokenizeWords(text)).toEqual(expected);
  });
});

describe('stems', () => {
  test.each([
    [['license', 'licenses', 'licensed', 'licensing']],
    [['party', 'parties']],
    [['work', 'works', 'worked', 'working']],
    [['stop', 'stops', 'stopped', 'stopping']],
    [['notice', 'notices']],
    [['agree', 'agreed', 'agrees']],
  ])('of %j meet', (words) => {
    expect(new Set(words.map(stem)).size).toBe(1);
  });

  test.each(['thing', 'string', 'speed', 'class', 'this', 'größe', 'abc1'])('%s keeps its root', (word) => {
    expect(word.startsWith(stem(word).slice(0, 4))).toBe(true);
    expect(stem(word).length).toBeGreaterThan(3);
  });
});

test('terms leave out function words and single letters', () => {
  expect(toTerms(tokenizeWords("The Licensor's works shall not be a b c, don't you see?"))).toEqual([
    'licensor',
    'work',
  ]);
});
