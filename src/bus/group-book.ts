/**
 * What a queue group has in hand, and how far it has come. Members finish out of order, so the place is before the first event that is not
 * done. Pure: it owns no timer, and nobody waits here.
 */
import type { BusEventRow } from '../store/store.ts';
import type { FeedPage } from './feed.ts';

/** Most events that are read and not done. */
const MAX_OPEN = 1_024;

/**
 * Most positions the group may read on past an event that is not done: after a crash all of them may come again. As many ids as are
 * remembered, so that within a process none is handled twice.
 */
const MAX_AHEAD = 10_000;

/** An event in its `attempt`th try. */
export interface GroupItem {
  readonly row: BusEventRow;
  readonly attempt: number;
}

export class GroupBook {
  /** Events nobody has, in order; those that failed and are due again come first. */
  readonly #fresh: GroupItem[] = [];
  readonly #again: GroupItem[] = [];
  /** Positions of events that are not done, in order, since they are read in order. */
  readonly #open = new Set<number>();
  #readPos: number;

  constructor(pos: number) {
    this.#readPos = pos;
  }

  /** Everything up to here is done. */
  get pos(): number {
    const [first] = this.#open;
    return first === undefined ? this.#readPos : first - 1;
  }

  /** Nothing is in hand. */
  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  /** It waits for an event before it reads on. */
  get isHeld(): boolean {
    return this.#open.size >= MAX_OPEN || this.#readPos - this.pos >= MAX_AHEAD;
  }

  /** Members could do more than it has. */
  get wantsMore(): boolean {
    return this.#fresh.length === 0 && !this.isHeld;
  }

  add({ rows, reachedPos }: FeedPage): void {
    for (const row of rows) {
      this.#open.add(row.pos);
      this.#fresh.push({ row, attempt: 1 });
    }
    this.#readPos = reachedPos;
  }

  /** The next event for a member. */
  take(): GroupItem | undefined {
    return this.#again.shift() ?? this.#fresh.shift();
  }

  /** An event is due for its next attempt. */
  giveBack(item: GroupItem): void {
    this.#again.push(item);
  }

  /** An event is done with, whatever came of it. */
  done({ pos }: BusEventRow): void {
    this.#open.delete(pos);
  }
}
