/** The writer's work: choose sentences, quote them as a digest. */
import type { Material } from './candidates.ts';
import { renderDigest } from './render.ts';
import { selectByFeedback, selectByScore } from './select.ts';
import type { Feedback } from './select.ts';

/** What a draft is written from. Revision 0 is the first draft; later ones follow the feedback on the one before. */
export type DraftInput = Material & { readonly revision: number; readonly feedback: Feedback | null };

/** A digest and what it was made of. */
export type Draft = {
  /** Markdown: a title, paragraphs, the key terms. */
  readonly text: string;
  /** The quoted sentences, by index, in document order. */
  readonly sentenceIndexes: readonly number[];
  /** Words quoted; the title, section names and key terms come on top. */
  readonly words: number;
  /** The feedback it followed, or null for a first draft. */
  readonly feedback: Feedback | null;
};

/** How a revision is written when no feedback says otherwise. */
const CAREFUL: Feedback = { diversity: 0.4, maxSentenceWords: 400, mustCover: [] };

/** Writes a digest of about `lengthWords` words. The first draft follows the scores and looks at nothing else. */
export function composeDraft(input: DraftInput): Draft {
  const feedback = input.revision > 0 ? (input.feedback ?? CAREFUL) : null;
  const rows = feedback === null ? selectByScore(input) : selectByFeedback(input, feedback);
  const chosen = rows.flatMap((row) => input.sentences[row] ?? []);
  return {
    text: renderDigest(input.sentences, chosen),
    sentenceIndexes: chosen.map((sentence) => sentence.index),
    words: chosen.reduce((sum, sentence) => sum + sentence.words.length, 0),
    feedback,
  };
}
