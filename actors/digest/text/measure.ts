/** Measures of a draft against its document: coverage, redundancy, readability, length. All computed, none assumed. */
import type { Draft } from './compose.ts';
import type { KeyTerm } from './key-terms.ts';
import type { Sentence } from './sentences.ts';
import { cosine, round6, toVectors } from './vectors.ts';
import type { SentenceVectors } from './vectors.ts';
import { toTerms } from './words.ts';

/** What a draft is measured with. */
export type MeasureInput = {
  readonly sentences: readonly Sentence[];
  readonly keyTerms: readonly KeyTerm[];
  readonly draft: Draft;
  readonly lengthWords: number;
};

/** What was found in a draft, in its own units. */
export type Measures = {
  /** Share of the weight of the key terms that the quoted sentences mention. */
  readonly coverage: number;
  readonly missing: readonly KeyTerm[];
  /** Highest cosine over all pairs of quoted sentences. */
  readonly closest: number;
  readonly wordsPerSentence: number;
  /** Average of the document, and what a draft is held to: that average, or 20 words if it is lower. */
  readonly easyWordsPerSentence: number;
  readonly words: number;
  readonly lengthWords: number;
  /** The asked length, or what a shorter document has to say. */
  readonly targetWords: number;
};

type Coverage = Pick<Measures, 'coverage' | 'missing'>;

/** Two sentences with a higher cosine than this repeat each other. */
export const REPETITION = 0.4;
const EASY_WORDS_PER_SENTENCE = 20;
/** A digest need not name more than one key term per so many words. */
const WORDS_PER_TERM = 12;
const LEAST_TERMS = 3;

/** Measures a draft. */
export function measureDraft({ sentences, keyTerms, draft, lengthWords }: MeasureInput): Measures {
  const vectors = toVectors(sentences);
  const quoted = new Set(draft.sentenceIndexes);
  const rows = sentences.flatMap((sentence, row) => (quoted.has(sentence.index) ? [row] : []));
  const chosen = sentences.filter((sentence) => quoted.has(sentence.index));
  const prose = sentences.filter((sentence) => !sentence.heading);
  const words = countWords(chosen);
  const targetWords = findTarget(sentences, vectors, lengthWords);
  const asked = keyTerms.slice(0, Math.max(LEAST_TERMS, Math.floor(targetWords / WORDS_PER_TERM)));
  return {
    ...measureCoverage(chosen, prose, asked),
    closest: findClosest(vectors, rows),
    wordsPerSentence: round6(words / Math.max(1, chosen.length)),
    easyWordsPerSentence: Math.max(EASY_WORDS_PER_SENTENCE, round6(countWords(prose) / Math.max(1, prose.length))),
    words,
    lengthWords,
    targetWords,
  };
}

function countWords(sentences: readonly Sentence[]): number {
  return sentences.reduce((sum, sentence) => sum + sentence.words.length, 0);
}

// A document that is short, or says the same again and again, is not asked for more than it has to say.
function findTarget(sentences: readonly Sentence[], vectors: SentenceVectors, lengthWords: number): number {
  const kept: number[] = [];
  let words = 0;
  for (const [row, sentence] of sentences.entries()) {
    if (words >= lengthWords) break;
    if (sentence.heading || kept.some((other) => cosine(vectors, row, other) > REPETITION)) continue;
    kept.push(row);
    words += sentence.words.length;
  }
  return Math.min(lengthWords, words);
}

// A term that stands in headings only cannot be quoted and is not asked for.
function measureCoverage(
  chosen: readonly Sentence[],
  prose: readonly Sentence[],
  keyTerms: readonly KeyTerm[],
): Coverage {
  const quotable = collectTerms(prose);
  const mentioned = collectTerms(chosen);
  const missing = keyTerms.filter(({ stem }) => quotable.has(stem) && !mentioned.has(stem));
  const total = sumWeights(keyTerms.filter(({ stem }) => quotable.has(stem)));
  return { coverage: total === 0 ? 1 : round6(1 - sumWeights(missing) / total), missing };
}

function collectTerms(sentences: readonly Sentence[]): Set<string> {
  const cache = new Map<string, string>();
  return new Set(sentences.flatMap((sentence) => toTerms(sentence.words, cache)));
}

function sumWeights(terms: readonly KeyTerm[]): number {
  return terms.reduce((sum, { weight }) => sum + weight, 0);
}

function findClosest(vectors: SentenceVectors, rows: readonly number[]): number {
  const cosines = rows.flatMap((row, at) => rows.slice(at + 1).map((other) => cosine(vectors, row, other)));
  return cosines.reduce((highest, one) => Math.max(highest, one), 0);
}
