/** What a bus counts of its subscribers: each one's own, under its name also after it ended, and all together. */
import type { Histogram } from '../observe/histogram.ts';

/** Counts since the bus began. */
export interface Counted {
  handled: number;
  failed: number;
  redelivered: number;
  buried: number;
  missed: number;
}

/** What a subscription reports. */
export class Tally {
  readonly own: Counted = nothing();
  readonly #all: Counted;
  readonly #latency: Histogram;

  constructor(all: Counted, latency: Histogram) {
    this.#all = all;
    this.#latency = latency;
  }

  add(what: keyof Counted, count = 1): void {
    this.own[what] += count;
    this.#all[what] += count;
  }

  /** @param tookMs since it was published; absent for one that was published before the subscription began */
  handled(tookMs: number | undefined): void {
    this.add('handled');
    if (tookMs !== undefined) this.#latency.count(tookMs);
  }
}

export class Tallies {
  readonly all: Counted = nothing();
  readonly #latency: Histogram;
  readonly #byName = new Map<string, Tally>();

  constructor(latency: Histogram) {
    this.#latency = latency;
  }

  /** That of a subscription; a new one without a name. */
  of(name: string | undefined): Tally {
    const known = name === undefined ? undefined : this.#byName.get(name);
    const tally = known ?? new Tally(this.all, this.#latency);
    if (name !== undefined) this.#byName.set(name, tally);
    return tally;
  }

  /** The counts of a name that may never have been here. */
  ofKept(name: string): Counted {
    return this.#byName.get(name)?.own ?? nothing();
  }

  forget(name: string): void {
    this.#byName.delete(name);
  }
}

function nothing(): Counted {
  return { handled: 0, failed: 0, redelivered: 0, buried: 0, missed: 0 };
}
