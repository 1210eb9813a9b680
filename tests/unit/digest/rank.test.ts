import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyTerms } from '../../../actors/digest/text/key-terms.ts';
import { rankSentences } from '../../../actors/digest/text/rank.ts';
import { splitSentences } from '../../../actors/digest/text/sentences.ts';
import { runs } from '../state/random.ts';

const rank = (text: string) => rankSentences(splitSentences(text));

describe('ranking', () => {
  test('puts the sentence that shares most with the others first', () => {
    const ranked = rank(
      'Cats hunt mice. Dogs chase cats. Birds eat seeds. Cats, dogs and birds hunt, chase and eat. Rain fell yesterday.',
    );
    expect(ranked[0]).toEqual({ index: 3, score: 1 });
    expect(ranked.at(-1)?.index).toBe(4);
  });

  test('follows TextRank as written with the full matrix', () => {
    const sentences = splitSentences(
      'Red fox runs. Red dog runs home. Blue dog sleeps. Home is far. Nothing alike here.',
    );
    const terms = [
      ['red', 'fox', 'run'],
      ['red', 'dog', 'run', 'home'],
      ['blue', 'dog', 'sleep'],
      ['home', 'far'],
      ['alike'],
    ];
    const dense = denseTextRank(terms);
    for (const { index, score } of rankSentences(sentences)) expect(score).toBeCloseTo(dense[index] ?? NaN, 4);
  });

  test('of nothing is nothing, and of one sentence that sentence', () => {
    expect(rank('')).toEqual([]);
    expect(rank('Only this.')).toEqual([{ index: 0, score: 1 }]);
  });

  test('gives identical sentences one score and keeps their order', () => {
    const ranked = rank('All the same. '.repeat(50));
    expect(ranked.map(({ index }) => index)).toEqual([...Array(50).keys()]);
    expect(new Set(ranked.map(({ score }) => score))).toEqual(new Set([1]));
  });

  test('gives sentences of function words only a low score instead of failing', () => {
    expect(rank('It is so. It was not. Cats hunt mice. Cats eat mice.')[0]?.index).toBe(2);
  });

  test('keeps the indexes of a part of a document', () => {
    const part = splitSentences('One cat. Two cats. Three cats. A dog.').slice(1, 3);
    expect(rankSentences(part).map(({ index }) => index)).toEqual([1, 2]);
  });

  test('of 50,000 sentences ends within the time limit of a test', () => {
    const ranked = rankSentences(splitSentences(longDocument(50_000)));
    expect(ranked).toHaveLength(50_000);
  });

  test('of any text has each index once, falling scores from 1, the same each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'abcde .\n漢。'), maxLength: 300 }), (text) => {
        const sentences = splitSentences(text);
        const ranked = rankSentences(sentences);
        expect(ranked.map(({ index }) => index).sort((a, b) => a - b)).toEqual(sentences.map(({ index }) => index));
        for (const [at, { score }] of ranked.entries()) expect(score).toBeLessThanOrEqual(ranked[at - 1]?.score ?? 1);
        expect(rankSentences(sentences)).toEqual(ranked);
        expect(JSON.parse(JSON.stringify(ranked))).toStrictEqual(ranked);
      }),
      runs(300),
    );
  });
});

describe('key terms', () => {
  test('are the heaviest, in the form the document uses most, each form counted together', () => {
    const terms = keyTerms(
      splitSentences('Actors restart. An actor restarts. Actors wait. The mailbox waits. Rain.'),
      3,
    );
    expect(terms.map(({ term }) => term)).toEqual(['actors', 'restart', 'wait']);
    expect(terms[0]).toMatchObject({ stem: 'actor', weight: 1 });
  });

  test('leave out numbers and short words', () => {
    const terms = keyTerms(splitSentences('In 2024 ab ab ab 17 17 grew. Growth of 2024 was 17.'), 10);
    expect(terms.map(({ term }) => term)).not.toContain('17');
    expect(terms.map(({ term }) => term)).not.toContain('ab');
  });

  test('of another language leave out its short function words', () => {
    const german =
      'Der Hund jagt die Katze und der Hund bellt laut. Die Katze und der Vogel schlafen gern auf dem Baum vor dem Haus. ' +
      'Der Vogel singt und die Katze hört ihm zu. Nachts gehen die Kinder nach Hause und die Katze bleibt bei dem Vogel. ' +
      'Der Regen fällt auf das Dach und der Wind weht durch den Garten hinter dem Haus.';
    expect(keyTerms(splitSentences(german), 2).map(({ term }) => term)).toEqual(['katze', 'vogel']);
  });

  test('may be fewer than asked, or none', () => {
    expect(keyTerms(splitSentences('Cats hunt mice.'), 10)).toHaveLength(3);
    expect(keyTerms(splitSentences('Cats hunt mice.'), 0)).toEqual([]);
    expect(keyTerms([], 5)).toEqual([]);
  });
});

/** TextRank by the book: cosine matrix, damping 0.85, isolated sentences jump anywhere; scaled to a highest score of 1. */
function denseTextRank(terms: readonly (readonly string[])[]): number[] {
  const size = terms.length;
  const weight = (term: string) => Math.log(1 + size / terms.filter((row) => row.includes(term)).length);
  const length = (row: readonly string[]) => Math.hypot(...row.map(weight));
  const similar = terms.map((one, i) =>
    terms.map((other, j) => {
      const shared = one.filter((term) => other.includes(term)).reduce((sum, term) => sum + weight(term) ** 2, 0);
      return i === j ? 0 : shared / length(one) / length(other);
    }),
  );
  const degrees = similar.map((row) => row.reduce((sum, value) => sum + value, 0));
  let scores = terms.map(() => 1 / size);
  for (let step = 0; step < 200; step += 1) {
    scores = scores.map((_, to) =>
      scores.reduce((sum, score, from) => {
        const degree = degrees[from] ?? 0;
        return sum + 0.85 * score * (degree > 0 ? (similar[from]?.[to] ?? 0) / degree : 1 / size);
      }, 0.15 / size),
    );
  }
  return scores.map((score) => score / Math.max(...scores));
}

/** Prose of a vocabulary where few words are frequent and most are rare; the same each time. */
function longDocument(sentences: number): string {
  let state = 7;
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const word = () => `w${Math.floor(20_000 * random() ** 3).toString(26)}x`;
  return Array.from({ length: sentences }, () => `A ${Array.from({ length: 15 }, word).join(' ')}.`).join(' ');
}
