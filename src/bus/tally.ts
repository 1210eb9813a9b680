/** What a bus counts of its subscribers: each one's own, under its name also after it ended, and all together. */
import type { BusEventRow } from '../store/store.ts';
import type { BusMeter } from './meter.ts';

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
  readonly #meter: BusMeter;

  constructor(all: Counted, meter: BusMeter) {
    this.#all = all;
    this.#meter = meter;
  }

  add(what: keyof Counted, count = 1): void {
    this.own[what] += count;
    this.#all[what] += count;
  }

  /** @param isLive it was published while it was subscribed */
  handled(row: BusEventRow, isLive: boolean): void {
    this.add('handled');
    if (isLive) this.#meter.handled(row);
  }
}

export class Tallies {
  readonly all: Counted = nothing();
  readonly #meter: BusMeter;
  readonly #byName = new Map<string, Tally>();

  constructor(meter: BusMeter) {
    this.#meter = meter;
  }

  /** That of a subscription; a new one without a name. */
  of(name: string | undefined): Tally {
    const known = name === undefined ? undefined : this.#byName.get(name);
    const tally = known ?? new Tally(this.all, this.#meter);
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
