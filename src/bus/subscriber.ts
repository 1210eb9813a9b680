/**
 * One code subscription: takes events by pages, hands them to its handler one at a time, and keeps its place if it has a
 * name. Whatever it does, no other subscription waits for it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { BusEventRow } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { BusHandler, BusSubscription, ReceivedEvent } from './bus.ts';
import { PAGE_EVENTS } from './event-reader.ts';
import type { EventReader } from './event-reader.ts';
import { DEFAULT_HANDLER_TIMEOUT_MS, HandlerRun } from './handler-run.ts';
import type { Failure } from './handler-run.ts';
import type { Place } from './place.ts';
import { matchesPattern } from './subjects.ts';
import type { BusEvent, Priority } from './topic-event.ts';

/** How often a named subscriber gets an event that its handler throws at. */
const MAX_ATTEMPTS = 3;

/** Time before the second attempt; before the third it is twice as long. */
const RETRY_MS = 100;

/** What somebody subscribes with, checked. */
export interface SubscriberRequest {
  readonly pattern: string;
  readonly handler: BusHandler;
  readonly name?: string | undefined;
  /** Undefined: all. */
  readonly priorities?: readonly Priority[] | undefined;
}

export interface SubscriberOptions extends SubscriberRequest {
  readonly env: Env;
  readonly log: Logger;
  readonly reader: EventReader;
  /** The position to begin after. */
  readonly pos: number;
  /** Present with a name. */
  readonly place?: Place;
  /** Makes an event a dead letter; resolves when that is durable. */
  readonly giveUp: (name: string, event: BusEvent, error: unknown, attempts: number) => Promise<void>;
  /** Called once, when it has ended. */
  readonly onEnd: (subscriber: Subscriber) => void;
}

/** The subscription whose handler the current code runs in: waiting for oneself would never end. */
const handling = new AsyncLocalStorage<Subscriber>();

export class Subscriber implements BusSubscription {
  readonly pattern: string;
  readonly name?: string;
  readonly #options: SubscriberOptions;
  readonly #run: HandlerRun;
  readonly #ended: Promise<void>;
  #pos: number;
  /** Events read, and events handled, since the place was saved. */
  #readCount = 0;
  #handledCount = 0;
  #isStopped = false;
  #isHandling = false;
  #endPause: (() => void) | undefined;

  /** Begins at once. */
  constructor(options: SubscriberOptions) {
    this.pattern = options.pattern;
    if (options.name !== undefined) this.name = options.name;
    this.#options = options;
    this.#pos = options.pos;
    this.#run = new HandlerRun({
      env: options.env,
      handler: options.handler,
      timeoutMs: DEFAULT_HANDLER_TIMEOUT_MS,
    });
    this.#ended = this.#follow();
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    this.#options.reader.cancel(this);
    this.#endPause?.();
    const isWithin = this.#isHandling && handling.getStore() === this;
    return isWithin ? Promise.resolve() : this.#ended;
  }

  /** Ends it like `stop`, without saving its place any more. */
  stopForGood(): Promise<void> {
    this.#options.place?.drop();
    return this.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #follow(): Promise<void> {
    const { reader, place, onEnd } = this.#options;
    while (!this.#isStopped) {
      await this.#takePage(await reader.next(this, this.#pos));
      this.#savePlace();
    }
    await place?.settle(this.#pos);
    onEnd(this);
  }

  async #takePage(page: readonly BusEventRow[]): Promise<void> {
    for (const row of page) {
      if (this.#isStopped) return;
      if (this.#wants(row)) {
        if (!(await this.#handle(row))) return;
        this.#handledCount++;
      }
      this.#pos = row.pos;
      this.#readCount++;
    }
  }

  #wants({ topic, priority }: BusEventRow): boolean {
    const { pattern, priorities } = this.#options;
    return matchesPattern(pattern, topic) && (priorities === undefined || priorities.includes(priority));
  }

  /** Once a page, or when there is nothing more to do. Events it did not want are passed over again, so they can wait. */
  #savePlace(): void {
    const isIdle = this.#handledCount > 0 && !this.#options.reader.hasAfter(this.#pos);
    if (!isIdle && this.#readCount < PAGE_EVENTS) return;
    this.#readCount = 0;
    this.#handledCount = 0;
    this.#options.place?.save(this.#pos);
  }

  /** Returns false when it was stopped before it was done with the event. */
  async #handle(row: BusEventRow): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const event = toReceived(row, attempt);
      const failure = await this.#attempt(event);
      if (!failure) return true;
      if (this.name === undefined) return this.#skip(event, failure.error);
      if (attempt === MAX_ATTEMPTS) return this.#giveUp(this.name, row, failure.error);
      this.#warn('a subscriber failed; the event comes again', event, failure.error);
      await this.#pause(RETRY_MS * 2 ** (attempt - 1));
      if (this.#isStopped) return false;
    }
  }

  async #attempt(event: ReceivedEvent): Promise<Failure | undefined> {
    this.#isHandling = true;
    try {
      return await handling.run(this, () => this.#run.attempt(event));
    } finally {
      this.#isHandling = false;
    }
  }

  #skip(event: BusEvent, error: unknown): true {
    this.#warn('a subscriber failed; the event is skipped', event, error);
    return true;
  }

  /** Its place is saved at once: an event that was given up on shall not come again. */
  async #giveUp(name: string, row: BusEventRow, error: unknown): Promise<true> {
    const event = toReceived(row, MAX_ATTEMPTS);
    this.#warn('a subscriber failed too often; the event becomes a dead letter', event, error);
    await this.#options.giveUp(name, event, error, MAX_ATTEMPTS);
    this.#options.place?.save(row.pos);
    return true;
  }

  #warn(text: string, { id, topic }: BusEvent, error: unknown): void {
    const name = this.name !== undefined && { subscription: this.name };
    this.#options.log.warn(text, { ...name, pattern: this.pattern, topic, event: id, error: encodeError(error) });
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

/** Each attempt of each subscriber gets an object of its own: none can change what another sees. */
function toReceived({ pos, id, topic, source, at, priority, text }: BusEventRow, attempt: number): ReceivedEvent {
  return { id, topic, source, time: at, priority, data: JSON.parse(text) as unknown, seq: pos, attempt };
}
