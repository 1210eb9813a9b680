/**
 * How long it takes to save and to restore actors of one type, in shared memory: hosts count where it happens, main reads without
 * asking. Two histograms, whose size does not grow: buckets are an eighth of a power of two wide, so that a quantile is at most that
 * much too high. What was counted stays when a thread is replaced.
 */
import type { Address } from '../actor/address.ts';
import type { CellStore } from '../cell/services.ts';
import type { Env } from '../env.ts';

/** Buckets per power of two. */
const FINE = 8;
const BUCKETS = 2 * FINE + 28 * FINE;
/** Words of a histogram: its buckets, and the longest, in microseconds. */
const WORDS = BUCKETS + 1;
const MAX_MICROS = 0x7fff_ffff;

/** Bytes of shared memory for both. */
export const LATENCIES_BYTES = 2 * WORDS * Int32Array.BYTES_PER_ELEMENT;

/** Actors whose latencies are counted. */
const COUNTED = 'session/';

/** How long something took, in milliseconds; all 0 where nothing was counted. Quantiles are at most an eighth too high. */
export interface LatencySummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Both histograms. Any thread may count, and any read. */
export class Latencies {
  readonly #saves: Int32Array;
  readonly #restores: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#saves = new Int32Array(memory, 0, WORDS);
    this.#restores = new Int32Array(memory, WORDS * Int32Array.BYTES_PER_ELEMENT, WORDS);
  }

  /** Counts how long a commit took, from being posted to being acknowledged. */
  saved(tookMs: number): void {
    count(this.#saves, tookMs);
  }

  /** Counts how long an actor took to live, from the begin of its load, when it is one of those that are counted. */
  restored(address: Address, tookMs: number): void {
    if (address.startsWith(COUNTED)) count(this.#restores, tookMs);
  }

  get saves(): LatencySummary {
    return summarize(this.#saves);
  }

  get restores(): LatencySummary {
    return summarize(this.#restores);
  }
}

/** A store that counts how long commits take of those actors that are counted. */
export function countSaves(store: CellStore, latencies: Latencies, env: Env): CellStore {
  return {
    call: (method, ...args) => store.call(method, ...args),
    post: (commit, onResult) => {
      if (!commit.address.startsWith(COUNTED)) return store.post(commit, onResult);
      const fromMs = env.monotonicMs();
      store.post(commit, (result) => {
        if (result.outcome !== 'refused') latencies.saved(env.monotonicMs() - fromMs);
        onResult(result);
      });
    },
  };
}

function count(histogram: Int32Array, tookMs: number): void {
  const micros = Math.min(MAX_MICROS, Math.max(0, Math.round(tookMs * 1000)));
  Atomics.add(histogram, bucketOf(micros), 1);
  for (let longest = Atomics.load(histogram, BUCKETS); micros > longest;) {
    const seen = Atomics.compareExchange(histogram, BUCKETS, longest, micros);
    if (seen === longest) return;
    longest = seen;
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

function summarize(histogram: Int32Array): LatencySummary {
  const counts = Array.from({ length: BUCKETS }, (_, bucket) => Atomics.load(histogram, bucket));
  const total = counts.reduce((sum, one) => sum + one, 0);
  const longest = Atomics.load(histogram, BUCKETS);
  const quantile = (part: number): number => Math.min(longest, longestOf(findRank(counts, part * total))) / 1000;
  if (total === 0) return { count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 };
  return { count: total, p50Ms: quantile(0.5), p95Ms: quantile(0.95), p99Ms: quantile(0.99), maxMs: longest / 1000 };
}

/** The bucket in which so many have been seen. */
function findRank(counts: readonly number[], rank: number): number {
  let seen = 0;
  return counts.findIndex((one) => (seen += one) >= rank && seen > 0);
}
