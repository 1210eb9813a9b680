/**
 * What is timed in every thread, in shared memory: hosts count where it happens, main reads without asking. How long it takes to save and
 * to restore actors of one type, and how long published events take to be handled. What was counted stays when a thread is replaced.
 */
import type { Address } from '../actor/address.ts';
import type { CellStore } from '../cell/services.ts';
import type { Env } from '../env.ts';
import { HISTOGRAM_BYTES, Histogram } from '../observe/histogram.ts';
import type { LatencySummary } from '../observe/histogram.ts';

/** Bytes of shared memory for all of them. */
export const LATENCIES_BYTES = 3 * HISTOGRAM_BYTES;

/** Actors whose saves and restores are counted. */
const COUNTED = 'session/';

/** The histograms. Any thread may count, and any read. */
export class Latencies {
  readonly #saves: Histogram;
  readonly #restores: Histogram;
  /** From the publication of an event to its end in the handler of a subscriber, or to the commit of an actor that took it. */
  readonly handled: Histogram;

  constructor(memory: SharedArrayBuffer) {
    this.#saves = new Histogram(memory);
    this.#restores = new Histogram(memory, HISTOGRAM_BYTES);
    this.handled = new Histogram(memory, 2 * HISTOGRAM_BYTES);
  }

  /** Counts how long a commit took, from being posted to being acknowledged. */
  saved(tookMs: number): void {
    this.#saves.count(tookMs);
  }

  /** Counts how long an actor took to live, from the begin of its load, when it is one of those that are counted. */
  restored(address: Address, tookMs: number): void {
    if (address.startsWith(COUNTED)) this.#restores.count(tookMs);
  }

  get saves(): LatencySummary {
    return this.#saves.summary;
  }

  get restores(): LatencySummary {
    return this.#restores.summary;
  }
}

/** Counts published events that actors of a host have taken. Those from before it began waited for it, which says nothing of the bus. */
export function countHandled({ handled }: Latencies, env: Env): (publishedAt: readonly number[]) => void {
  const beganAt = env.now();
  return (publishedAt) => {
    const now = env.now();
    for (const at of publishedAt) if (at >= beganAt) handled.count(now - at);
  };
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
