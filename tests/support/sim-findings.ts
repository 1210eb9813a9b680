/** What the checks of a simulated story share: entries by id, questions about time, and the list of what was found. */
import type { Call, FinalActor, Moment, Story, Violation } from './sim-record.ts';
import type { Did, Entry } from './sim-words.ts';

/** An entry and whose it is. */
export interface Placed {
  readonly address: string;
  readonly entry: Entry;
}

export class Findings {
  readonly story: Story;
  readonly all: Violation[] = [];
  readonly #places = new Map<string, Placed[]>();

  constructor(story: Story) {
    this.story = story;
    for (const { address, entries } of story.actors.values()) {
      for (const entry of entries) this.#place(`${entry.kind}:${entry.id}`, { address, entry });
    }
  }

  add(rule: string, text: string): void {
    this.all.push({ rule, text });
  }

  /** Entries of a kind with an id, wherever they are. */
  placesOf(kind: Entry['kind'], id: string): readonly Placed[] {
    return this.#places.get(`${kind}:${id}`) ?? [];
  }

  /** Expects entries of a kind with an id, so many, at one actor. */
  expectCount(
    rule: string,
    of: { readonly kind: Entry['kind']; readonly id: string; readonly to: string },
    count: number,
  ): void {
    const places = this.placesOf(of.kind, of.id);
    if (places.length === count && places.every(({ address }) => address === of.to)) return;
    const seen = places.map(({ address, entry }) => `${entry.place} of '${address}'`).join(', ');
    this.add(rule, `'${of.id}' was expected ${count} times at '${of.to}', seen ${places.length} times: ${seen}`);
  }

  /** What an actor did, in order, each with its entry. */
  deedsOf({ entries }: FinalActor): readonly { readonly entry: Entry; readonly did: Did }[] {
    return entries.flatMap((entry) => entry.did.map((did) => ({ entry, did })));
  }

  isActive(address: string): boolean {
    return this.story.actors.get(address)?.status === 'active';
  }

  callsOf(...kinds: readonly Call['kind'][]): readonly Call[] {
    return this.story.calls.filter(({ kind }) => kinds.includes(kind));
  }

  /** Whether the wall clock showed `dueAt` at any time between two moments. */
  wasReached(dueAt: number, from: Moment, to: Moment): boolean {
    return Math.max(to.now, from.now, ...this.story.peaks.slice(from.jumps, to.jumps)) >= dueAt;
  }

  #place(key: string, placed: Placed): void {
    const places = this.#places.get(key);
    if (places) places.push(placed);
    else this.#places.set(key, [placed]);
  }
}

/** Groups by a key, in order. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
