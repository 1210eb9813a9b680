/** The reviewer's work: judge a draft by its measures and turn what fell short into weights for the next one. */
import { measureDraft, REPETITION } from './measure.ts';
import type { MeasureInput, Measures } from './measure.ts';
import type { Feedback } from './select.ts';
import { round6 } from './vectors.ts';

/** What a review looks at. */
export type ReviewInput = MeasureInput;

/** One judged quality of a draft. */
export type Score = { readonly value: number; readonly threshold: number; readonly passed: boolean };

/** The qualities a draft is judged by, each from 0 to 1. */
export type Scores = {
  /** Share of the weight of the key terms that the draft mentions; at least the threshold. */
  readonly coverage: Score;
  /** Cosine of the two most alike sentences; at most the threshold. */
  readonly redundancy: Score;
  /** 1 when sentences are on average no longer than the document's own, less when longer; at least the threshold. */
  readonly readability: Score;
  /** Closeness to the asked length; at least the threshold. */
  readonly length: Score;
};

/** The verdict on a draft. */
export type Review = {
  readonly passed: boolean;
  readonly scores: Scores;
  /** Mean of the four, redundancy turned round: for choosing among drafts that all fell short. */
  readonly overall: number;
  readonly feedback: Feedback;
  /** The verdict in words. */
  readonly note: string;
};

/** What a draft must reach; redundancy must stay below. */
export const THRESHOLDS = { coverage: 0.75, redundancy: REPETITION, readability: 0.7, length: 0.85 } as const;

const START: Feedback = { diversity: 0.3, maxSentenceWords: 400, mustCover: [] };
const MAX_DIVERSITY = 0.9;
const NAMED_TERMS = 5;

/** Scores a draft and says what the next one should do differently. */
export function reviewDraft(input: ReviewInput): Review {
  const measures = measureDraft(input);
  const scores = score(measures);
  const passed = Object.values(scores).every((one) => one.passed);
  return {
    passed,
    scores,
    overall: round6(
      (scores.coverage.value + 1 - scores.redundancy.value + scores.readability.value + scores.length.value) / 4,
    ),
    feedback: advise(input, measures, scores),
    note: passed
      ? `Accepted: ${describe(measures)}.`
      : `Needs another draft: ${complain(measures, scores).join('; ')}.`,
  };
}

function score(measures: Measures): Scores {
  const { words, targetWords, lengthWords } = measures;
  const ease = Math.min(1, measures.easyWordsPerSentence / Math.max(1, measures.wordsPerSentence));
  const fit = Math.min(1, words / Math.max(1, targetWords), lengthWords / Math.max(1, words));
  return {
    coverage: atLeast(measures.coverage, THRESHOLDS.coverage),
    redundancy: {
      value: measures.closest,
      threshold: THRESHOLDS.redundancy,
      passed: measures.closest <= THRESHOLDS.redundancy,
    },
    readability: atLeast(ease, THRESHOLDS.readability),
    length: atLeast(fit, THRESHOLDS.length),
  };
}

function atLeast(value: number, threshold: number): Score {
  return { value: round6(value), threshold, passed: round6(value) >= threshold };
}

// What passed keeps its weight and what fell short gets more of it, so asks add up over the rounds.
function advise({ draft, keyTerms }: ReviewInput, measures: Measures, scores: Scores): Feedback {
  const before = draft.feedback ?? START;
  const asked = new Map(before.mustCover.map(({ stem, weight }) => [stem, weight]));
  const missing = new Set(measures.missing.map(({ stem }) => stem));
  // With no sentence longer than this, the average passes.
  const shorter = Math.floor(measures.easyWordsPerSentence / THRESHOLDS.readability);
  return {
    diversity: scores.redundancy.passed ? before.diversity : Math.min(MAX_DIVERSITY, round6(before.diversity + 0.3)),
    maxSentenceWords: scores.readability.passed ? before.maxSentenceWords : Math.min(before.maxSentenceWords, shorter),
    mustCover: keyTerms.map(({ stem, weight }) => ({
      stem,
      weight: round6((asked.get(stem) ?? weight) * (missing.has(stem) ? 2 : 1)),
    })),
  };
}

function complain(measures: Measures, scores: Scores): string[] {
  const named = measures.missing.slice(0, NAMED_TERMS).map(({ term }) => term);
  const complaints = [
    {
      ...scores.coverage,
      text: `it covers ${percent(measures.coverage)} of the key terms and misses ${named.join(', ')}`,
    },
    { ...scores.redundancy, text: `two sentences repeat each other (similarity ${measures.closest.toFixed(2)})` },
    {
      ...scores.readability,
      text: `sentences run to ${Math.round(measures.wordsPerSentence)} words, ${Math.round(measures.easyWordsPerSentence)} would do`,
    },
    { ...scores.length, text: `it has ${measures.words} words instead of ${measures.targetWords}` },
  ];
  return complaints.filter(({ passed }) => !passed).map(({ text }) => text);
}

function describe(measures: Measures): string {
  const similarity = `similarity of sentences at most ${measures.closest.toFixed(2)}`;
  return `it covers ${percent(measures.coverage)} of the key terms in ${measures.words} words, ${similarity}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
