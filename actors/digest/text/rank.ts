/**
 * TextRank: a sentence matters when sentences that matter resemble it. The graph joins every two sentences by the
 * cosine of their TF-IDF vectors, and it is never built: with X the matrix of unit rows, one step of the power
 * iteration is X(Xᵀv) - v, which is linear in the words of the document. So 50,000 sentences are ranked as exactly
 * as 50, with no cap on neighbours and no ranking section by section.
 */
import type { Sentence } from './sentences.ts';
import { at, gatherCosines, round6, toVectors } from './vectors.ts';
import type { SentenceVectors } from './vectors.ts';

/** A sentence by index, with its rank: 1 for the most central, 0 for none. */
export type RankedSentence = { readonly index: number; readonly score: number };

const DAMPING = 0.85;
const MAX_ITERATIONS = 60;
const TOLERANCE = 1e-7;
// Below this a sum of cosines is rounding noise, and the sentence has no neighbour.
const NO_NEIGHBOURS = 1e-9;

/** Ranks sentences by centrality, best first; ties go to the earlier one. */
export function rankSentences(sentences: readonly Sentence[]): RankedSentence[] {
  const scores = textRank(toVectors(sentences));
  const best = scores.reduce((high, score) => Math.max(high, score), 0);
  return sentences
    .map((sentence, row) => ({ index: sentence.index, score: round6(at(scores, row) / best) }))
    .sort((a, b) => b.score - a.score || a.index - b.index);
}

function textRank(vectors: SentenceVectors): Float64Array {
  const degrees = sumOthers(vectors, new Float64Array(vectors.rows).fill(1));
  let scores = new Float64Array(vectors.rows).fill(1 / vectors.rows);
  for (let step = 0; step < MAX_ITERATIONS; step += 1) {
    const next = iterate(vectors, scores, degrees);
    const moved = next.reduce((sum, score, row) => sum + Math.abs(score - at(scores, row)), 0);
    scores = next;
    if (moved < TOLERANCE) break;
  }
  return scores;
}

function iterate(vectors: SentenceVectors, scores: Float64Array, degrees: Float64Array): Float64Array<ArrayBuffer> {
  const shares = scores.map((score, row) => (at(degrees, row) > 0 ? score / at(degrees, row) : 0));
  const received = sumOthers(vectors, shares);
  // What sentences without neighbours hold is lost here: it would raise all alike, and the scores are scaled anyway.
  return Float64Array.from(received, (sum) => (1 - DAMPING) / vectors.rows + DAMPING * sum);
}

// The cosine of a sentence with itself is 1 and is taken out again.
function sumOthers(vectors: SentenceVectors, shares: Float64Array): Float64Array {
  return gatherCosines(vectors, shares).map((sum, row) => {
    const isEmpty = at(vectors.starts, row) === at(vectors.starts, row + 1);
    const others = isEmpty ? 0 : sum - at(shares, row);
    return others > NO_NEIGHBOURS * at(shares, row) ? others : 0;
  });
}
