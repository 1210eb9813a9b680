import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { composeDraft, type Draft } from '../../../actors/digest/text/compose.ts';
import { keyTerms } from '../../../actors/digest/text/key-terms.ts';
import { rankSentences } from '../../../actors/digest/text/rank.ts';
import { reviewDraft, THRESHOLDS, type Review } from '../../../actors/digest/text/review.ts';
import { splitSentences, type Sentence } from '../../../actors/digest/text/sentences.ts';
import { runs } from '../state/random.ts';

type Round = { draft: Draft; review: Review };

const LICENSE = readFileSync(new URL('../../../LICENSE', import.meta.url), 'utf8');

/** Draft, review, revise, until the reviewer is content or the rounds are spent. */
function digest(text: string, lengthWords: number, rounds = 3): Round[] {
  const sentences = splitSentences(text);
  const ranked = rankSentences(sentences);
  const terms = keyTerms(sentences, 12);
  const done: Round[] = [];
  for (let revision = 0; revision < rounds; revision += 1) {
    const feedback = done.at(-1)?.review.feedback ?? null;
    const draft = composeDraft({ sentences, ranked, lengthWords, revision, feedback });
    const review = reviewDraft({ sentences, keyTerms: terms, draft, lengthWords });
    done.push({ draft, review });
    if (review.passed) break;
  }
  return done;
}

function reviewOf(text: string, sentenceIndexes: number[], lengthWords: number): Review {
  const sentences = splitSentences(text);
  const draft: Draft = { text: '', sentenceIndexes, words: 0, feedback: null };
  return reviewDraft({ sentences, keyTerms: keyTerms(sentences, 12), draft, lengthWords });
}

const words = (count: number, word = 'p'): string =>
  `The ${Array.from({ length: count - 1 }, (_, at) => `${word}${'abcdefghij'[at % 10]}${'klmnopqrst'[Math.floor(at / 10)]}`).join(' ')}.`;

describe('the digest of a licence', () => {
  const rounds = digest(LICENSE, 200);
  const last = rounds.at(-1) as Round;

  test('is accepted within three rounds, and not at once', () => {
    expect(last.review.passed).toBe(true);
    expect(rounds.length).toBeGreaterThan(1);
  });

  test('gets better by its revision, in the quality that fell short and overall', () => {
    const [first] = rounds as [Round];
    expect(first.review.scores.readability.passed).toBe(false);
    expect(last.review.scores.readability.value).toBeGreaterThan(first.review.scores.readability.value);
    expect(last.review.overall).toBeGreaterThan(first.review.overall);
  });

  test('has the title, sections in their order, key terms, and about the asked length', () => {
    expect(last.draft.text).toMatch(/^# Apache License Version 2\.0, January 2004\n\n\*\*Definitions\.\*\* /u);
    expect(last.draft.text.indexOf('**Definitions.**')).toBeLessThan(last.draft.text.indexOf('**Redistribution.**'));
    expect(last.draft.text).toMatch(/\n\n\*\*Key terms:\*\* work, license, /u);
    expect(Math.abs(last.draft.words - 200)).toBeLessThanOrEqual(20);
  });

  test('is the same byte for byte each time', () => {
    expect(JSON.stringify(digest(LICENSE, 200))).toBe(JSON.stringify(rounds));
  });
});

describe('scores', () => {
  const document =
    'Cats hunt mice at night. Cats hunt mice at night. Dogs guard the house by day. Birds build nests in spring.';

  test('coverage falls when a key term is missing, and the feedback asks for it', () => {
    const all = reviewOf(document, [0, 1, 2, 3], 20);
    const few = reviewOf(document, [2], 20);
    expect(all.scores.coverage.value).toBe(1);
    expect(few.scores.coverage.passed).toBe(false);
    const asked = new Map(few.feedback.mustCover.map(({ stem, weight }) => [stem, weight]));
    const before = new Map(all.feedback.mustCover.map(({ stem, weight }) => [stem, weight]));
    expect(asked.get('cat')).toBeGreaterThan(before.get('cat') ?? Infinity);
    expect(few.note).toMatch(/^Needs another draft: it covers \d+ % of the key terms and misses cats, /u);
  });

  test('redundancy is that of the closest two sentences, and raises diversity', () => {
    const twice = reviewOf(document, [0, 1, 2], 20);
    const once = reviewOf(document, [0, 2, 3], 20);
    expect(twice.scores.redundancy).toEqual({ value: 1, threshold: THRESHOLDS.redundancy, passed: false });
    expect(once.scores.redundancy).toMatchObject({ value: 0, passed: true });
    expect(twice.feedback.diversity).toBeGreaterThan(once.feedback.diversity);
  });

  test('readability falls with sentences longer than those of the document, and caps them', () => {
    const text = [words(60), ...Array.from({ length: 9 }, (_, at) => words(10, 'bcdefghij'[at]))].join(' ');
    expect(reviewOf(text, [1, 2, 3], 40).scores.readability.value).toBe(1);
    const long = reviewOf(text, [0], 60);
    expect(long.scores.readability.value).toBeCloseTo(20 / 60, 5);
    expect(long.feedback.maxSentenceWords).toBeLessThan(60);
  });

  test('length compares with what was asked, or with what a shorter document can give', () => {
    expect(reviewOf(document, [0, 2, 3], 15).scores.length).toMatchObject({ value: 0.9375, passed: true });
    expect(reviewOf(document, [0, 2, 3], 1000).scores.length.value).toBe(1);
    expect(reviewOf(document, [0, 2, 3], 8).scores.length).toMatchObject({ value: 0.5, passed: false });
  });

  test('an accepted draft says why in a sentence', () => {
    const review = reviewOf(document, [0, 2, 3], 16);
    expect(review.passed).toBe(true);
    expect(review.note).toBe(
      'Accepted: it covers 100 % of the key terms in 16 words, similarity of sentences at most 0.00.',
    );
  });
});

describe('feedback changes the next draft', () => {
  const sentences = splitSentences(
    'Cats hunt mice at night in the barn. Cats hunt mice at night in barns. Cats and dogs hunt. Birds build nests in spring. Fish swim.',
  );
  const ranked = rankSentences(sentences);
  const revise = (feedback: Partial<Draft['feedback']>, lengthWords = 12) =>
    composeDraft({
      sentences,
      ranked,
      lengthWords,
      revision: 1,
      feedback: { diversity: 0, maxSentenceWords: 400, mustCover: [], ...feedback },
    });

  test('the first draft takes the top scores, repetition and all', () => {
    const first = composeDraft({ sentences, ranked, lengthWords: 12, revision: 0, feedback: null });
    expect(first.sentenceIndexes).toEqual(
      ranked
        .slice(0, 2)
        .map(({ index }) => index)
        .sort((a, b) => a - b),
    );
    expect(first.feedback).toBeNull();
  });

  test('diversity keeps sentences out that repeat one another', () => {
    expect(revise({ diversity: 0.7 }, 16).sentenceIndexes).not.toEqual(expect.arrayContaining([0, 1]));
  });

  const chooseFrom = (text: string, lengthWords: number, feedback: Draft['feedback']) => {
    const level = splitSentences(text);
    const ranks = level.map(({ index }) => ({ index, score: 1 - index / 100 }));
    return composeDraft({ sentences: level, ranked: ranks, lengthWords, revision: 1, feedback }).sentenceIndexes;
  };

  test('diversity prefers a sentence with other words, a little lower in rank', () => {
    const text = 'Cats hunt mice at night. Cats hunt birds at dawn. Fish swim in clear water.';
    const weights = { maxSentenceWords: 400, mustCover: [] };
    expect(chooseFrom(text, 10, { ...weights, diversity: 0 })).toEqual([0, 1]);
    expect(chooseFrom(text, 10, { ...weights, diversity: 0.3 })).toEqual([0, 2]);
  });

  test('diversity sets a limit to closeness that no term to cover overrides', () => {
    const text = 'Cats hunt mice at night indoors. Cats hunt mice at night outdoors. Fish swim.';
    const mustCover = [
      { stem: 'indoor', weight: 1 },
      { stem: 'outdoor', weight: 1 },
    ];
    expect(chooseFrom(text, 12, { diversity: 0.3, maxSentenceWords: 400, mustCover })).toEqual([0, 1]);
    expect(chooseFrom(text, 12, { diversity: 0.4, maxSentenceWords: 400, mustCover })).toEqual([0, 2]);
  });

  test('diversity prefers a section that was not quoted yet', () => {
    const text = '# A\n\nCats hunt mice. Dogs guard farms.\n\n# B\n\nBirds build nests.';
    const weights = { maxSentenceWords: 400, mustCover: [] };
    expect(chooseFrom(text, 6, { ...weights, diversity: 0 })).toEqual([1, 2]);
    expect(chooseFrom(text, 6, { ...weights, diversity: 0.5 })).toEqual([1, 4]);
  });

  test('a term to cover brings in a sentence that mentions it', () => {
    expect(revise({ mustCover: [{ stem: 'bird', weight: 5 }] }).sentenceIndexes).toContain(3);
  });

  test('a cap on length keeps long sentences out', () => {
    const draft = revise({ maxSentenceWords: 5 }, 9);
    for (const index of draft.sentenceIndexes) expect(sentences[index]?.words.length).toBeLessThanOrEqual(5);
  });

  test('a revised draft stays within a tenth of the length', () => {
    for (const length of [8, 12, 20]) expect(revise({}, length).words).toBeLessThanOrEqual(length * 1.1);
  });
});

describe('the text of a draft', () => {
  const render = (text: string, lengthWords = 100) => digest(text, lengthWords, 1)[0]?.draft.text;

  test('turns list items into sentences', () => {
    const text = render(
      'You must act on it as told here:\n\n(a) you give others a copy of it; and\n\n(b) you say so clearly.',
    );
    expect(text).toContain('You give others a copy of it.');
  });

  test('takes its title from the first words when there is no heading', () => {
    expect(render('Cats hunt mice.')).toMatch(/^# Cats hunt mice\n/u);
    expect(render(`${'long words '.repeat(30)}end.`)).toMatch(/^# (?:long words )+(?:long )?…\n/u);
  });

  test('quotes no heading', () => {
    expect(render('# Cats\n\nThey hunt mice at night.\n\n## Dogs\n\nThey guard houses.')).toBe(
      '# Cats\n\nThey hunt mice at night.\n\n**Dogs.** They guard houses.\n\n**Key terms:** cats, hunt, mice, night, dogs, guard, houses\n',
    );
  });

  test('of an empty document says so', () => {
    expect(composeDraft({ sentences: [], ranked: [], lengthWords: 100, revision: 0, feedback: null })).toEqual({
      text: '# Untitled document\n',
      sentenceIndexes: [],
      words: 0,
      feedback: null,
    });
  });
});

describe('any document', () => {
  const prose = fc
    .array(
      fc.constantFrom(
        'Cats',
        'hunt',
        'mice',
        'dogs.',
        'Birds',
        'build;',
        'nests,',
        '\n\n',
        '\n# Head\n',
        '漢字。',
        'e.g.',
      ),
      {
        maxLength: 200,
      },
    )
    .map((parts) => parts.join(' '));
  const anyText = fc.oneof(prose, fc.string({ unit: 'binary', maxLength: 200 }));

  test('gets drafts of its own sentences, in order, once each, and reviews in plain JSON', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 300 }), (text, lengthWords) => {
        const sentences: Sentence[] = splitSentences(text);
        for (const { draft, review } of digest(text, lengthWords)) {
          expect(draft.sentenceIndexes).toEqual([...new Set(draft.sentenceIndexes)].sort((a, b) => a - b));
          for (const index of draft.sentenceIndexes) expect(sentences[index]?.heading).toBe(false);
          expect(JSON.parse(JSON.stringify({ draft, review }))).toStrictEqual({ draft, review });
          for (const { value } of Object.values(review.scores)) {
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThanOrEqual(1);
          }
        }
      }),
      runs(300),
    );
  });

  test('gets the same digest twice, also from copies that went through JSON', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const sentences = splitSentences(text);
        const input = { sentences, ranked: rankSentences(sentences), lengthWords: 50, revision: 1, feedback: null };
        expect(composeDraft(JSON.parse(JSON.stringify(input)))).toEqual(composeDraft(input));
      }),
      runs(300),
    );
  });
});
