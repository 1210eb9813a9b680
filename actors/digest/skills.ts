/**
 * What the three agents do, as pure functions: the same work and the same document give the same result, byte for byte, so
 * a turn that a crash cut off may run again. Each sees the work as it was when its turn was called.
 */
import { composeDraft } from './text/compose.ts';
import { keyTerms } from './text/key-terms.ts';
import type { KeyTerm } from './text/key-terms.ts';
import { rankSentences } from './text/rank.ts';
import { reviewDraft } from './text/review.ts';
import type { Review, Score } from './text/review.ts';
import type { Sentence } from './text/sentences.ts';
import { toTerms } from './text/words.ts';
import type { Work } from './work.ts';

/** What came of a turn: a line for people, what changes in the work, and whether the aim is reached. */
export interface Outcome {
  readonly text: string;
  readonly changes: Partial<Work>;
  readonly isOver: boolean;
}

/** Turns the work and its document into an outcome. */
export type Craft = (work: Work, sentences: readonly Sentence[]) => Outcome;

type Findings = NonNullable<Work['findings']>;
type Draft = NonNullable<Work['draft']>;
type Ranked = Findings['ranking'][number];

/** Sentences the researcher passes on; the others have no chance. */
const RANKED = 200;
/** Sentences looked up for each key term that a draft left out. */
const PER_TERM = 5;
const WORDS_PER_TERM = 12;
const LEAST_TERMS = 8;
const MOST_TERMS = 40;
const NAMED_TERMS = 6;
const QUOTED_CHARS = 90;

/** The researcher: ranks the sentences, and later looks up those on key terms that the last draft left out. */
export const research: Craft = (work, sentences) => {
  const { findings, draft, lengthWords } = work;
  if (!findings || !draft) return rank(lengthWords, sentences);
  return isUnreviewed(work) ? wait(draft) : lookUp(findings, draft, sentences);
};

function rank(lengthWords: number, sentences: readonly Sentence[]): Outcome {
  const ranked = rankProse(sentences);
  const count = Math.min(MOST_TERMS, Math.max(LEAST_TERMS, Math.floor(lengthWords / WORDS_PER_TERM)));
  const terms = keyTerms(sentences, count);
  const words = sentences.reduce((sum, sentence) => sum + sentence.words.length, 0);
  const strongest = sentences.find(({ index }) => index === ranked[0]?.[0])?.text ?? '';
  return {
    text: `ranked ${quantity(ranked.length, 'sentence')} of ${quantity(words, 'word')}. It is about ${name(terms)}. Strongest sentence: “${cut(strongest)}”`,
    changes: { findings: { ranking: ranked.slice(0, RANKED), keyTerms: terms } },
    isOver: false,
  };
}

function lookUp(findings: Findings, draft: Draft, sentences: readonly Sentence[]): Outcome {
  const termsOf = new Map(sentences.map(({ index, words }) => [index, new Set(toTerms(words))]));
  const covered = new Set(draft.sentenceIndexes.flatMap((index) => [...(termsOf.get(index) ?? [])]));
  const missing = findings.keyTerms.filter(({ stem }) => !covered.has(stem));
  const known = new Set(findings.ranking.map(([index]) => index));
  const others = sentences.length > known.size ? rankProse(sentences).filter(([index]) => !known.has(index)) : [];
  const mention = (stem: string) => (pair: Ranked) => termsOf.get(pair[0])?.has(stem);
  const found = new Map(missing.flatMap(({ stem }) => others.filter(mention(stem)).slice(0, PER_TERM)));
  const offered = findings.ranking.filter((pair) => missing.some(({ stem }) => mention(stem)(pair)));
  const ranking = [...findings.ranking, ...found].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const text =
    missing.length === 0
      ? 'the draft leaves out no key term; the ranking stands.'
      : `the draft leaves out ${name(missing)}; ${quantity(offered.length + found.size, 'sentence')} could fill that, ${found.size} of them new to the writer.`;
  return { text, changes: { findings: { ...findings, ranking } }, isOver: false };
}

/** Headings are never quoted. */
function rankProse(sentences: readonly Sentence[]): Ranked[] {
  const quotable = new Set(sentences.filter(({ heading }) => !heading).map(({ index }) => index));
  return rankSentences(sentences).flatMap(({ index, score }): Ranked[] =>
    quotable.has(index) ? [[index, score]] : [],
  );
}

/** The writer: composes a draft out of the ranking, after the reviewer's feedback on the one before. */
export const write: Craft = (work, sentences) => {
  const { findings, draft: former, feedback, lengthWords } = work;
  if (!findings) throw new Error('There is no ranking to write from.');
  if (former && isUnreviewed(work)) return wait(former);
  const revision = former ? former.revision + 1 : 0;
  const ranked = findings.ranking.map(([index, score]) => ({ index, score }));
  const draft = composeDraft({ sentences, ranked, lengthWords, revision, feedback });
  const indexes = new Set(former?.sentenceIndexes);
  const fresh = draft.sentenceIndexes.filter((index) => !indexes.has(index)).length;
  const change = former ? `, ${fresh} of them not in the draft before` : '';
  return {
    text: `draft ${revision + 1}: ${quantity(draft.words, 'word')} in ${quantity(draft.sentenceIndexes.length, 'sentence')}${change}.`,
    changes: { draft: { revision, ...structuredClone(draft) } as Draft },
    isOver: false,
  };
};

/** True while a reviewer that has lost its turn owes an answer: whatever changed before that would change the digest. */
function isUnreviewed({ draft, reviewed }: Work): boolean {
  return draft !== null && draft.revision !== reviewed;
}

function wait({ revision }: Draft): Outcome {
  return { text: `nothing to add before draft ${revision + 1} is reviewed.`, changes: {}, isOver: false };
}

/** The reviewer: scores the draft, keeps the best, and ends the rounds when one passes. */
export const review: Craft = ({ findings, draft, best, lengthWords }, sentences) => {
  if (!findings || !draft) throw new Error('There is no draft to review.');
  const verdict = reviewDraft({ sentences, keyTerms: findings.keyTerms, draft, lengthWords });
  const { passed, overall } = verdict;
  const isBetter = passed || !best || overall > best.overall;
  const { revision, text, words } = draft;
  return {
    text: `draft ${revision + 1}: ${scoreLine(verdict)}. ${verdict.note}`,
    changes: {
      reviewed: revision,
      feedback: structuredClone(verdict.feedback) as Work['feedback'],
      ...(isBetter && { best: { revision, text, words, overall, passed } }),
    },
    isOver: passed,
  };
};

function scoreLine({ scores }: Review): string {
  const parts = Object.entries(scores).map(([quality, score]: [string, Score]) => {
    return `${quality} ${score.value.toFixed(2)}${score.passed ? '' : ' (falls short)'}`;
  });
  return parts.join(', ');
}

function name(terms: readonly KeyTerm[]): string {
  const named = terms.slice(0, NAMED_TERMS).map(({ term }) => term);
  const rest = terms.length - named.length;
  return named.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function quantity(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

function cut(text: string): string {
  if (text.length <= QUOTED_CHARS) return text;
  const head = text.slice(0, QUOTED_CHARS);
  return `${head.slice(0, Math.max(head.lastIndexOf(' '), 40)).replace(/[\uD800-\uDBFF]$/u, '')} …`;
}
