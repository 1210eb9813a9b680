/**
 * Reads published events for all code subscribers of one bus. Those at the end share one read that waits in the store;
 * those behind it, slow or resuming, read their own pages until they have caught up.
 *
 * Invariants: R1 whoever asks gets the events after its position, in order, without a gap; R2 one page is kept, whatever
 * is published meanwhile; R3 nobody waits for the read of one that is behind; R4 a read begins only while somebody asks.
 */
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { BusEventRow } from '../store/store.ts';
import type { BusPage, BusScan } from '../store/topics.ts';
import { encodeError } from '../thread/error-codec.ts';

/** Events of one read. */
export const PAGE_EVENTS = 256;

/** Time until a read that failed is tried again. */
const RETRY_MS = 500;

/** Somebody that asked. `isOwn`: it is behind, and a read of its own is under way. */
interface Waiter {
  readonly afterPos: number;
  readonly resolve: (events: readonly BusEventRow[]) => void;
  isOwn: boolean;
}

export interface EventReaderOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly store: StoreClient;
}

export class EventReader {
  readonly #options: EventReaderOptions;
  readonly #waiters = new Map<object, Waiter>();
  /** The latest shared page, and the position it begins after. */
  #page: readonly BusEventRow[] = [];
  #pageAfter = 0;
  /** Where the shared read under way begins. */
  #readingAfter: number | undefined;
  #isInTrouble = false;

  constructor(options: EventReaderOptions) {
    this.#options = options;
  }

  /** True when there are known to be events after a position. */
  hasAfter(afterPos: number): boolean {
    return afterPos < (this.#page.at(-1)?.pos ?? 0) || afterPos < (this.#readingAfter ?? 0);
  }

  /**
   * The events after a position: at least one, at most a page; none only when it is cancelled. Never rejects.
   * @param owner who asks; each has at most one question open
   */
  next(owner: object, afterPos: number): Promise<readonly BusEventRow[]> {
    const atHand = this.#pageFrom(afterPos);
    if (atHand.length > 0) return Promise.resolve(atHand);
    return new Promise((resolve) => {
      const waiter: Waiter = { afterPos, resolve, isOwn: false };
      this.#waiters.set(owner, waiter);
      if (afterPos < (this.#readingAfter ?? this.#pageAfter)) void this.#readOwn(owner, waiter);
      else void this.#readShared();
    });
  }

  /** A page of what is kept, however long the store is in trouble; undefined once nobody wants it any more. Never rejects. */
  scan(query: BusScan, isWanted: () => boolean): Promise<BusPage | undefined> {
    return this.#persist(() => this.#options.store.call('scanBus', query), isWanted);
  }

  /** Ends the wait of an owner with no events. */
  cancel(owner: object): void {
    this.#settle(owner, []);
  }

  /** What the kept page holds for a position; nothing when the page begins after it. */
  #pageFrom(afterPos: number): readonly BusEventRow[] {
    if (afterPos < this.#pageAfter) return [];
    return afterPos === this.#pageAfter ? this.#page : this.#page.filter(({ pos }) => pos > afterPos);
  }

  /** Reads on from the furthest position anybody waits at, for as long as somebody waits. */
  async #readShared(): Promise<void> {
    if (this.#readingAfter !== undefined) return;
    for (let from = this.#furthest(); from !== undefined; from = this.#furthest()) {
      this.#readingAfter = from;
      this.#leaveBehind(from);
      const page = await this.#read(from, () => this.#furthest() !== undefined);
      this.#page = page;
      this.#pageAfter = from;
      this.#readingAfter = undefined;
      this.#serve();
    }
  }

  #furthest(): number | undefined {
    let furthest: number | undefined;
    for (const { afterPos, isOwn } of this.#waiters.values())
      if (!isOwn && (furthest === undefined || afterPos > furthest)) furthest = afterPos;
    return furthest;
  }

  #leaveBehind(from: number): void {
    for (const [owner, waiter] of this.#waiters)
      if (!waiter.isOwn && waiter.afterPos < from) void this.#readOwn(owner, waiter);
  }

  #serve(): void {
    for (const [owner, { afterPos, isOwn }] of this.#waiters) {
      const events = isOwn ? [] : this.#pageFrom(afterPos);
      if (events.length > 0) this.#settle(owner, events);
    }
  }

  async #readOwn(owner: object, waiter: Waiter): Promise<void> {
    waiter.isOwn = true;
    const isWaiting = (): boolean => this.#waiters.get(owner) === waiter;
    const page = await this.#read(waiter.afterPos, isWaiting);
    if (isWaiting()) this.#settle(owner, page);
  }

  #settle(owner: object, events: readonly BusEventRow[]): void {
    const waiter = this.#waiters.get(owner);
    this.#waiters.delete(owner);
    waiter?.resolve(events);
  }

  /** A page that is not empty, however long the store is in trouble; an empty one once nobody wants it any more. */
  async #read(afterPos: number, isWanted: () => boolean): Promise<readonly BusEventRow[]> {
    const query = { afterPos, limit: PAGE_EVENTS, wait: true };
    for (;;) {
      const page = await this.#persist(() => this.#options.store.call('busEvents', query), isWanted);
      if (!page || page.length > 0) return page ?? [];
    }
  }

  /** Asks until there is an answer; undefined once nobody wants it any more. */
  async #persist<T>(ask: () => Promise<T>, isWanted: () => boolean): Promise<T | undefined> {
    const { env } = this.#options;
    while (isWanted()) {
      const answer = await ask().catch((error: unknown) => this.#note(error, isWanted));
      if (answer !== undefined) this.#isInTrouble = false;
      if (answer !== undefined) return answer;
      if (isWanted()) await new Promise<void>((resolve) => env.setTimeout(resolve, RETRY_MS));
    }
    return undefined;
  }

  /** Says once that reading fails, until it succeeds again. */
  #note(error: unknown, isWanted: () => boolean): undefined {
    if (this.#isInTrouble || !isWanted()) return;
    this.#isInTrouble = true;
    this.#options.log.warn('published events cannot be read; trying again', {
      retryInMs: RETRY_MS,
      error: encodeError(error),
    });
  }
}
