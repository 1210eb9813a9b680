/** Who is charged when a worker thread dies, and how long its successor waits when nobody can be named. */
import type { Address } from '../actor/address.ts';
import { isEventId } from '../cell/items.ts';
import type { BeatMark } from '../thread/beat.ts';
import type { Suspect, ThreadEnd } from '../thread/protocol.ts';

/** Deaths in a row without a culprit that cost no pause. */
const FREE_DEATHS = 3;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5000;

/** Culprits remembered. */
const MAX_COUNTED = 10_000;

export interface Death {
  /** Host the thread ran. */
  readonly index: number;
  /** What it was doing. */
  readonly mark: BeatMark | undefined;
  readonly end: ThreadEnd;
  /** It served for long before, or was ended by order: no reason to hold back the next one. */
  readonly isForgiven: boolean;
}

export class Deaths {
  readonly #counts = new Map<string, number>();
  readonly #indexOf: (address: Address) => number | undefined;

  constructor(indexOf: (address: Address) => number | undefined) {
    this.#indexOf = indexOf;
  }

  /**
   * Who was in a turn when the thread died, and how often that has happened. An event comes again only if it failed, so its
   * deaths add up; a start or a timer may be hit by chance many times over, so only deaths in a row count. A culprit costs its
   * thread no pause: it waits by itself, and its neighbours have done nothing.
   */
  charge({ index, mark, end, isForgiven }: Death): { readonly suspect: Suspect | undefined; readonly pauseMs: number } {
    const key = mark ? `${mark.address}\n${mark.what}` : `thread ${index}`;
    const deaths = !mark && isForgiven ? 1 : (this.#counts.get(key) ?? 0) + 1;
    for (const other of this.#counts.keys()) {
      const [address = '', what = ''] = other.split('\n');
      const isHere = this.#indexOf(address as Address) === index;
      if (isHere && other !== key && !isEventId(what)) this.#counts.delete(other);
    }
    this.#counts.delete(key);
    this.#counts.set(key, deaths);
    // Long ago: such an event has become a dead letter, or never came again.
    for (const oldest of this.#counts.keys()) if (this.#counts.size > MAX_COUNTED) this.#counts.delete(oldest);
    const suspect = mark && { address: mark.address as Address, what: mark.what, attempts: deaths, end };
    return { suspect, pauseMs: mark ? 0 : pauseAfter(deaths) };
  }
}

function pauseAfter(deaths: number): number {
  return deaths <= FREE_DEATHS ? 0 : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (deaths - FREE_DEATHS - 1));
}
