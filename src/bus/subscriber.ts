/**
 * One code subscription: takes events by pages, hands them to its handler one at a time, and keeps its place if it has a
 * name. Whatever it does, no other subscription waits for it.
 */
import type { Env } from '../env.ts';
import type { BusEventRow } from '../store/store.ts';
import type { BusSubscription } from './bus.ts';
import type { SubscriberStats } from './bus-stats.ts';
import { PAGE_EVENTS } from './event-reader.ts';
import type { Feed, FeedPage } from './feed.ts';
import type { Place } from './place.ts';
import { pauseAfter } from './retries.ts';
import type { Retries } from './retries.ts';
import type { EventsAfter } from './stats.ts';
import type { Tally } from './tally.ts';
import type { Trial } from './trial.ts';

export interface SubscriberOptions {
  readonly env: Env;
  readonly pattern: string;
  readonly name: string | undefined;
  readonly retries: Retries;
  readonly feed: Feed;
  readonly trial: Trial;
  readonly tally: Tally;
  /** Present with a name. */
  readonly place?: Place;
  /** Called once, when it has ended. */
  readonly onEnd: (subscriber: Subscriber) => void;
}

export class Subscriber implements BusSubscription {
  readonly pattern: string;
  readonly name?: string;
  readonly #options: SubscriberOptions;
  readonly #ended: Promise<void>;
  /** Everything up to here is done. */
  #pos: number;
  /** The position that was last given to be saved, and events handled since. */
  #savedPos: number;
  #handledCount = 0;
  #isStopped = false;
  #endPause: (() => void) | undefined;

  /** Begins at once. */
  constructor(options: SubscriberOptions) {
    this.pattern = options.pattern;
    if (options.name !== undefined) this.name = options.name;
    this.#options = options;
    this.#pos = options.feed.pos;
    this.#savedPos = this.#pos;
    this.#ended = this.#follow();
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    this.#options.feed.cancel();
    this.#endPause?.();
    return this.#options.trial.isWithin ? Promise.resolve() : this.#ended;
  }

  /** Ends it like `stop`, without saving its place any more. */
  stopForGood(): Promise<void> {
    this.#options.place?.drop();
    return this.stop();
  }

  /** Saves its place as it is, when it has one. */
  async savePlaceNow(): Promise<void> {
    await this.#options.place?.settle(this.#pos);
  }

  /** Aborts the signal of the handler under way. */
  abort(reason: Error): void {
    this.#options.trial.abort(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async stats(eventsAfter: EventsAfter): Promise<SubscriberStats> {
    const { trial, tally } = this.#options;
    const { handled, failed, redelivered, missed } = tally.own;
    return {
      ...(this.name !== undefined && { name: this.name }),
      pattern: this.pattern,
      members: 1,
      behind: await eventsAfter(this.#pos),
      handled,
      failed,
      redelivered,
      missed,
      isStalled: trial.lateCount > 0,
    };
  }

  async #follow(): Promise<void> {
    const { feed, place, onEnd } = this.#options;
    for (let page = await feed.next(); page && (await this.#takePage(page)); page = await feed.next())
      this.#savePlace();
    await place?.settle(this.#pos);
    onEnd(this);
  }

  /** Returns false when it was stopped before it was done with the page. */
  async #takePage({ rows, reachedPos }: FeedPage): Promise<boolean> {
    for (const row of rows) {
      if (this.#isStopped || !(await this.#handle(row))) return false;
      this.#pos = row.pos;
      this.#handledCount++;
    }
    if (!this.#isStopped || rows.length === 0) this.#pos = reachedPos;
    return !this.#isStopped;
  }

  /** Once a page, or when there is nothing more to do. Events it did not want are passed over again, so they can wait. */
  #savePlace(): void {
    const isIdle = this.#handledCount > 0 && !this.#options.feed.hasMore;
    if (!isIdle && this.#pos - this.#savedPos < PAGE_EVENTS) return;
    this.#saveAt(this.#pos);
  }

  #saveAt(pos: number): void {
    this.#savedPos = pos;
    this.#handledCount = 0;
    this.#options.place?.save(pos);
  }

  /** Returns false when it was stopped before it was done with the event. */
  async #handle(row: BusEventRow): Promise<boolean> {
    const { trial, retries } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const verdict = await trial.try(row, attempt);
      // An event that was given up on shall not come again.
      if (verdict === 'buried') this.#saveAt(row.pos);
      if (verdict !== 'again') return true;
      await this.#pause(pauseAfter(retries, attempt));
      if (this.#isStopped) return false;
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    const { env } = this.#options;
    return new Promise((resolve) => {
      const timer = env.setTimeout(resolve, ms);
      this.#endPause = () => {
        env.clearTimeout(timer);
        resolve();
      };
    });
  }
}
