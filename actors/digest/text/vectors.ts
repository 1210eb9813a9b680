/**
 * Sentences as TF-IDF vectors of length 1, so that a dot product is their cosine. The rows lie one after another in
 * typed arrays: 50,000 sentences take about 15 MB, and sums always run in the same order.
 */
import type { Sentence } from './sentences.ts';
import { toTerms } from './words.ts';

/** Sparse unit vectors: row r holds the entries from `starts[r]` up to `starts[r + 1]`, ordered by term. */
export type SentenceVectors = {
  readonly rows: number;
  readonly starts: Int32Array;
  readonly terms: Int32Array;
  readonly weights: Float64Array;
  readonly vocabularySize: number;
};

/** Rounds to six decimals, so that a comparison never hangs on the last bits of a sum. */
export function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** Builds the vector of each sentence; a sentence of function words only gets an empty one. */
export function toVectors(sentences: readonly Sentence[]): SentenceVectors {
  const vocabulary = new Map<string, number>();
  const cache = new Map<string, string>();
  const counts = sentences.map((sentence) => countTerms(toTerms(sentence.words, cache), vocabulary));
  const spread = new Int32Array(vocabulary.size);
  for (const count of counts) for (const term of count.keys()) spread[term] = at(spread, term) + 1;
  return fillRows(counts, spread);
}

function countTerms(terms: readonly string[], vocabulary: Map<string, number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const term of terms) {
    const id = vocabulary.get(term) ?? vocabulary.size;
    vocabulary.set(term, id);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

function fillRows(counts: readonly ReadonlyMap<number, number>[], spread: Int32Array): SentenceVectors {
  const entries = counts.reduce((sum, count) => sum + count.size, 0);
  const starts = new Int32Array(counts.length + 1);
  const terms = new Int32Array(entries);
  const weights = new Float64Array(entries);
  let entry = 0;
  for (const [row, count] of counts.entries()) {
    const weigh = (id: number, times: number): number => times * round6(Math.log(1 + counts.length / at(spread, id)));
    let square = 0;
    for (const [id, times] of count) square += weigh(id, times) * weigh(id, times);
    for (const [id, times] of [...count].sort((a, b) => a[0] - b[0])) {
      terms[entry] = id;
      weights[entry] = weigh(id, times) / Math.sqrt(square);
      entry += 1;
    }
    starts[row + 1] = entry;
  }
  return { rows: counts.length, starts, terms, weights, vocabularySize: spread.length };
}

/** For each row, the sum over all rows of cosine times that row's share, in time linear in the entries. */
export function gatherCosines(vectors: SentenceVectors, shares: Float64Array): Float64Array {
  const byTerm = new Float64Array(vectors.vocabularySize);
  for (let row = 0; row < vectors.rows; row += 1) addRow(vectors, row, at(shares, row), byTerm);
  return Float64Array.from({ length: vectors.rows }, (_, row) => dotRow(vectors, row, byTerm));
}

function addRow(vectors: SentenceVectors, row: number, factor: number, byTerm: Float64Array): void {
  const end = at(vectors.starts, row + 1);
  for (let entry = at(vectors.starts, row); entry < end; entry += 1) {
    const term = at(vectors.terms, entry);
    byTerm[term] = at(byTerm, term) + factor * at(vectors.weights, entry);
  }
}

function dotRow(vectors: SentenceVectors, row: number, byTerm: Float64Array): number {
  const end = at(vectors.starts, row + 1);
  let sum = 0;
  for (let entry = at(vectors.starts, row); entry < end; entry += 1) {
    sum += at(vectors.weights, entry) * at(byTerm, at(vectors.terms, entry));
  }
  return sum;
}

/** The cosine of two rows. */
export function cosine(vectors: SentenceVectors, one: number, other: number): number {
  const { starts, terms, weights } = vectors;
  let left = at(starts, one);
  let right = at(starts, other);
  let sum = 0;
  while (left < at(starts, one + 1) && right < at(starts, other + 1)) {
    const apart = at(terms, left) - at(terms, right);
    if (apart === 0) sum += at(weights, left) * at(weights, right);
    if (apart <= 0) left += 1;
    if (apart >= 0) right += 1;
  }
  return round6(sum);
}

/** Reads a typed array within its bounds. */
export function at(values: Float64Array | Int32Array, index: number): number {
  return values[index] as number;
}
