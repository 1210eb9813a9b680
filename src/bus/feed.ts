/**
 * One subscription's way through the log: first what a window chooses of the events up to where the log ended when it began, then everything it
 * wants of what follows. Both are one read of one log, so live events come after the replay, none is missed and none comes twice.
 */
import type { BusEventRow } from '../store/store.ts';
import { PAGE_EVENTS } from './event-reader.ts';
import type { EventReader } from './event-reader.ts';
import { isInWindow } from './replay-window.ts';
import type { Window } from './replay-window.ts';
import type { Start } from './start.ts';
import { matchesPattern } from './subjects.ts';
import type { Priority } from './topic-event.ts';

/** Events that are wanted, and how far the log was read for them. */
export interface FeedPage {
  readonly rows: readonly BusEventRow[];
  readonly reachedPos: number;
}

export interface FeedOptions extends Start {
  readonly reader: EventReader;
  readonly pattern: string;
  /** Undefined: all. */
  readonly priorities: readonly Priority[] | undefined;
}

export class Feed {
  readonly #options: FeedOptions;
  #pos: number;
  /** Events of the window still to be handed over. */
  #left: number;
  #isCancelled = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#pos = options.pos;
    this.#left = options.replay?.window.limit ?? 0;
  }

  /** How far it has read. */
  get pos(): number {
    return this.#pos;
  }

  /** True when there are known to be events after what it has read. */
  get hasMore(): boolean {
    return this.#pos < (this.#options.replay?.untilPos ?? 0) || this.#options.reader.hasAfter(this.#pos);
  }

  /** The next page, which may hold nothing that is wanted; undefined once it is cancelled. Never rejects. */
  async next(): Promise<FeedPage | undefined> {
    const { replay } = this.#options;
    const page = replay && this.#pos < replay.untilPos ? await this.#replayed(replay) : await this.#live();
    if (!page || this.#isCancelled) return undefined;
    this.#pos = page.reachedPos;
    return page;
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#options.reader.cancel(this);
  }

  async #live(): Promise<FeedPage | undefined> {
    if (this.#isCancelled) return undefined;
    const page = await this.#options.reader.next(this, this.#pos);
    const last = page.at(-1);
    return last && { rows: page.filter((row) => this.#wants(row)), reachedPos: last.pos };
  }

  async #replayed({ window, untilPos }: { readonly window: Window; readonly untilPos: number }) {
    const { reader, pattern } = this.#options;
    const query = { ...toScan(window), afterPos: this.#pos, untilPos, patterns: [pattern], limit: PAGE_EVENTS };
    const page = await reader.scan(query, () => !this.#isCancelled);
    if (!page) return undefined;
    const fitting = page.events.filter((row) => this.#wants(row) && isInWindow(window, row));
    const rows = fitting.slice(0, this.#left);
    this.#left -= rows.length;
    const isOver = page.isEnd || this.#left === 0;
    return { rows, reachedPos: isOver ? untilPos : page.reachedPos };
  }

  #wants({ topic, priority }: BusEventRow): boolean {
    const { pattern, priorities } = this.#options;
    return matchesPattern(pattern, topic) && (priorities === undefined || priorities.includes(priority));
  }
}

/** What the store can choose by. */
export function toScan({ sinceAt, untilAt, priorities }: Window) {
  return {
    ...(sinceAt !== undefined && { sinceAt }),
    ...(untilAt !== undefined && { untilAt }),
    ...(priorities && { priorities }),
  };
}
