/** The sentences a digest may quote. Headings are not among them, and half sentences stand back. */
import type { RankedSentence } from './rank.ts';
import type { Sentence } from './sentences.ts';

/** What a draft is chosen from. */
export type Material = {
  readonly sentences: readonly Sentence[];
  readonly ranked: readonly RankedSentence[];
  readonly lengthWords: number;
};

/** A sentence that may be quoted. */
export type Candidate = {
  /** Position in `sentences`, which need not start at index 0. */
  readonly row: number;
  /** Number of headings before it. */
  readonly section: number;
  readonly sentence: Sentence;
  /** Rank, lowered for half sentences. */
  readonly score: number;
};

/** Beyond this many of the best, a sentence has no chance; a long digest gets a larger pool. */
const MIN_POOL = 2000;
/** Half sentences are left out when the others hold this many times the asked words. */
const ENOUGH = 1.5;
const HALF = 0.5;

/** The best candidates, best first; ties go to the earlier sentence. */
export function toCandidates(material: Material): Candidate[] {
  const rows = new Map(material.sentences.map((sentence, row) => [sentence.index, row]));
  const sections = numberSections(material.sentences);
  const candidates = material.ranked.flatMap(({ index, score }) => {
    const row = rows.get(index);
    const sentence = row === undefined ? undefined : material.sentences[row];
    if (row === undefined || sentence === undefined || sentence.heading) return [];
    return [{ row, section: sections[row] ?? 0, sentence, score: score * rateWholeness(sentence.text) }];
  });
  const whole = candidates.filter(({ sentence }) => rateWholeness(sentence.text) > HALF);
  const wholeWords = whole.reduce((sum, { sentence }) => sum + sentence.words.length, 0);
  return (wholeWords >= material.lengthWords * ENOUGH ? whole : candidates)
    .sort((a, b) => b.score - a.score || a.row - b.row)
    .slice(0, Math.max(MIN_POOL, material.lengthWords));
}

function numberSections(sentences: readonly Sentence[]): number[] {
  let section = 0;
  return sentences.map((sentence) => (sentence.heading ? (section += 1) : section));
}

/** How well a sentence stands alone: 1 when whole, less when it lost its end, a half without its start or its list. */
function rateWholeness(text: string): number {
  if (/^(?:…|\p{Ll})|[:：]$/u.test(text)) return HALF;
  return /[.!?;。！？][\p{P}]*$|; (?:and|or)$/u.test(text) ? 1 : 0.8;
}
