/** Which sentences enter a draft: by score alone at first, then by maximal marginal relevance as the reviewer asks. */
import { toCandidates } from './candidates.ts';
import type { Candidate, Material } from './candidates.ts';
import { cosine, round6, toVectors } from './vectors.ts';
import type { SentenceVectors } from './vectors.ts';
import { toTerms } from './words.ts';

/** What the reviewer asks of the next draft: plain weights, each following from a score. */
export type Feedback = {
  /** 0 looks at the score of a sentence only, 1 only at novelty; no two sentences may be closer than 1 - diversity. */
  readonly diversity: number;
  /** Longest sentence to quote, in words, as long as others fill the digest. */
  readonly maxSentenceWords: number;
  /** Terms to mention, by stem. A term that was missing weighs more. */
  readonly mustCover: readonly { readonly stem: string; readonly weight: number }[];
};

type Choice = Candidate & { readonly stems: ReadonlySet<string>; closeness: number; sameSection: number };
type Selection = { readonly rows: number[]; words: number; readonly uncovered: Map<string, number>; open: Choice[] };

/** How far over the asked length a revised draft may go, and below which part it takes long sentences again. */
const MOST_WORDS = 1.1;
const LEAST_WORDS = 0.85;
/** What each sentence already chosen from a section takes off the others of that section, times the diversity. */
const SAME_SECTION = 0.3;

/** Rows of the best sentences, in document order, until the length is reached: the naive first draft. */
export function selectByScore(material: Material): number[] {
  const rows: number[] = [];
  let words = 0;
  for (const { row, sentence } of toCandidates(material)) {
    if (words >= material.lengthWords && rows.length > 0) break;
    rows.push(row);
    words += sentence.words.length;
  }
  return rows.sort((a, b) => a - b);
}

/** Rows chosen one by one for score, novelty and terms still to cover, in document order. */
export function selectByFeedback(material: Material, feedback: Feedback): number[] {
  const candidates = toCandidates(material);
  const vectors = toVectors(material.sentences);
  const selection = openSelection(candidates, feedback);
  const pickUpTo = (maxSentenceWords: number): void => {
    const fits = (choice: Choice): boolean =>
      choice.sentence.words.length <= Math.min(maxSentenceWords, material.lengthWords * MOST_WORDS - selection.words) &&
      choice.closeness <= 1 - feedback.diversity;
    while (selection.words < material.lengthWords) {
      const best = findBest(selection.open.filter(fits), selection.uncovered, feedback);
      if (best === undefined) return;
      pick(selection, best, vectors);
    }
  };
  pickUpTo(feedback.maxSentenceWords);
  if (selection.words < material.lengthWords * LEAST_WORDS) pickUpTo(Infinity);
  const rows = selection.rows.length > 0 ? selection.rows : closestInLength(candidates, material.lengthWords);
  return rows.sort((a, b) => a - b);
}

function openSelection(candidates: readonly Candidate[], feedback: Feedback): Selection {
  const total = feedback.mustCover.reduce((sum, { weight }) => sum + weight, 0);
  const uncovered = new Map(feedback.mustCover.map(({ stem, weight }) => [stem, weight / total]));
  const open = candidates.map((candidate) => ({
    ...candidate,
    stems: new Set(toTerms(candidate.sentence.words)),
    closeness: 0,
    sameSection: 0,
  }));
  return { rows: [], words: 0, uncovered, open };
}

function pick(selection: Selection, best: Choice, vectors: SentenceVectors): void {
  selection.rows.push(best.row);
  selection.words += best.sentence.words.length;
  selection.open = selection.open.filter((choice) => choice !== best);
  for (const stem of best.stems) selection.uncovered.delete(stem);
  for (const choice of selection.open) {
    choice.closeness = Math.max(choice.closeness, cosine(vectors, best.row, choice.row));
    if (choice.section === best.section) choice.sameSection += 1;
  }
}

function findBest(
  choices: readonly Choice[],
  uncovered: ReadonlyMap<string, number>,
  feedback: Feedback,
): Choice | undefined {
  let best: Choice | undefined;
  let highest = -Infinity;
  for (const choice of choices) {
    const value = rate(choice, uncovered, feedback.diversity);
    if (value <= highest) continue;
    best = choice;
    highest = value;
  }
  return best;
}

// Maximal marginal relevance, plus the share of the asked terms that the sentence would add.
function rate(choice: Choice, uncovered: ReadonlyMap<string, number>, diversity: number): number {
  let covers = 0;
  for (const [stem, share] of uncovered) if (choice.stems.has(stem)) covers += share;
  const repeats = choice.closeness + SAME_SECTION * choice.sameSection;
  return round6((1 - diversity) * choice.score - diversity * repeats + covers);
}

// Nothing fits a very short digest, which then is the one sentence nearest to the length.
function closestInLength(candidates: readonly Candidate[], lengthWords: number): number[] {
  const distance = ({ sentence }: Candidate): number => Math.abs(sentence.words.length - lengthWords);
  const [first] = [...candidates].sort((a, b) => distance(a) - distance(b) || a.row - b.row);
  return first === undefined ? [] : [first.row];
}
