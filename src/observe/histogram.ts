/**
 * How long something took, in shared memory: any thread counts, any reads, none waits. Its size does not grow: buckets are an eighth of
 * a power of two wide, so that a quantile is at most that much too high.
 */

/** Buckets per power of two. */
const FINE = 8;
const BUCKETS = 2 * FINE + 28 * FINE;
/** Words of a histogram: its buckets, the longest, in microseconds, and how many there were. */
const TOTAL = BUCKETS + 1;
const WORDS = TOTAL + 1;
const MAX_MICROS = 0x7fff_ffff;

/** Bytes of shared memory of one histogram. */
export const HISTOGRAM_BYTES = WORDS * Int32Array.BYTES_PER_ELEMENT;

/** How long something took, in milliseconds; all 0 where nothing was counted. Quantiles are at most an eighth too high. */
export interface LatencySummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What a histogram held at a moment, or came to between two. */
export interface Counts {
  /** By bucket. */
  readonly counts: Float64Array;
  readonly longestMicros: number;
}

/** Nothing counted. */
export const NO_COUNTS: Counts = { counts: new Float64Array(BUCKETS), longestMicros: 0 };

/** A histogram in its piece of shared memory. */
export class Histogram {
  readonly #words: Int32Array;

  /** @param offset where its `HISTOGRAM_BYTES` begin */
  constructor(memory: SharedArrayBuffer, offset = 0) {
    this.#words = new Int32Array(memory, offset, WORDS);
  }

  /** Counts one duration. One off the scale counts as the longest, one below 0 as none. */
  count(tookMs: number): void {
    const words = this.#words;
    const micros = Math.min(MAX_MICROS, Math.max(0, Math.round(tookMs * 1000)));
    Atomics.add(words, bucketOf(micros), 1);
    Atomics.add(words, TOTAL, 1);
    for (let longest = Atomics.load(words, BUCKETS); micros > longest;) {
      const seen = Atomics.compareExchange(words, BUCKETS, longest, micros);
      if (seen === longest) return;
      longest = seen;
    }
  }

  /** How many were ever counted, from 0 again after 2^32: what differs from before has changed. */
  get total(): number {
    return Atomics.load(this.#words, TOTAL) >>> 0;
  }

  /** What it holds now. */
  read(): Counts {
    const counts = new Float64Array(BUCKETS);
    for (let bucket = 0; bucket < BUCKETS; bucket++) counts[bucket] = Atomics.load(this.#words, bucket) >>> 0;
    return { counts, longestMicros: Atomics.load(this.#words, BUCKETS) };
  }

  get summary(): LatencySummary {
    return summarize(this.read());
  }
}

/** The bucket of a duration: exact up to 16 µs, then eight to a power of two. */
export function bucketOf(micros: number): number {
  if (micros < 2 * FINE) return micros;
  const power = 31 - Math.clz32(micros);
  return (power - 3) * FINE + (micros >>> (power - 3));
}

/** The longest duration of a bucket, in microseconds. */
export function longestOf(bucket: number): number {
  if (bucket < 2 * FINE) return bucket;
  const power = Math.floor(bucket / FINE) + 2;
  return (FINE + (bucket % FINE) + 1) * 2 ** (power - 3) - 1;
}

/** What came between two readings of one histogram, also when a counter began again at 0. Its longest is known to its bucket. */
export function countsBetween(before: Counts, after: Counts): Counts {
  const counts = after.counts.map((count, bucket) => (count - (before.counts[bucket] ?? 0)) >>> 0);
  const last = counts.findLastIndex((count) => count > 0);
  return { counts, longestMicros: last < 0 ? 0 : Math.min(longestOf(last), after.longestMicros) };
}

/** All of them together. */
export function sumOfCounts(parts: readonly Counts[]): Counts {
  const counts = new Float64Array(BUCKETS);
  for (const part of parts)
    for (const [bucket, count] of part.counts.entries()) counts[bucket] = (counts[bucket] ?? 0) + count;
  return { counts, longestMicros: Math.max(0, ...parts.map(({ longestMicros }) => longestMicros)) };
}

/** Quantiles of what was counted. */
export function summarize({ counts, longestMicros }: Counts): LatencySummary {
  const total = counts.reduce((sum, one) => sum + one, 0);
  const quantile = (part: number): number => Math.min(longestMicros, longestOf(findRank(counts, part * total))) / 1000;
  if (total === 0) return { count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 };
  return {
    count: total,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    maxMs: longestMicros / 1000,
  };
}

/** The bucket in which so many have been seen. */
function findRank(counts: Float64Array, rank: number): number {
  let seen = 0;
  return counts.findIndex((one) => (seen += one) >= rank && seen > 0);
}
