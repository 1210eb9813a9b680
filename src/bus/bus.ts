/** The port of topics, as the host program sees it: publish, and subscribe with a function. Adapters: embedded. */
import type { BusEvent, Priority } from './topic-event.ts';

/** Options of `publish`. */
export interface PublishOptions {
  /** @default 'normal' */
  readonly priority?: Priority;
  /** 1 to 256 characters. The same id again publishes nothing, for as long as the event is kept. @default a new one */
  readonly id?: string;
}

/**
 * Takes published events, one at a time, in the order they were published. The next one comes when this has resolved.
 */
export type BusHandler = (event: BusEvent) => void | Promise<void>;

/** Options of `subscribe`. */
export interface SubscribeOptions {
  /**
   * Makes the subscription durable: its place is kept under this name, and the next subscription of the name goes on there.
   * 1 to 128 characters of A-Z a-z 0-9 _ : - that start with a letter or digit.
   */
  readonly name?: string;
  /** Only events of these priorities. @default all */
  readonly priorities?: readonly Priority[];
}

/** A subscription of the host program. */
export interface BusSubscription extends AsyncDisposable {
  /** Normalized. */
  readonly pattern: string;
  readonly name?: string;
  /**
   * Ends it. Resolves when the handler under way is done and, with a name, its place is saved. A handler may stop its own
   * subscription; that resolves at once.
   */
  stop(): Promise<void>;
}

/** Topics, for the host program. */
export interface Bus {
  /**
   * Publishes on a topic. Resolves when that is durable.
   * @throws {TroupeError} ERR_TOPIC_INVALID, ERR_NOT_JSON, ERR_OPTIONS_INVALID, ERR_FAN_OUT, ERR_OVERLOADED, ERR_STORE_TROUBLE,
   * ERR_SYSTEM_STOPPED.
   */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<void>;
  /**
   * Hands what is published from here on to `handler`. Once this has resolved nothing is missed.
   *
   * Without a name an event comes at most once: when the handler fails the event is skipped and a warning is logged, and
   * what is published while nobody is subscribed is not seen. With a name it comes at least once: a handler that fails gets
   * the event again after 100 and 200 ms, then the event becomes a dead letter of `subscriber/NAME`; after a crash some
   * events come again, with the same id.
   * @param pattern a topic, or one with wildcards: `*` for one token, `>` for the rest, as in `task.*` or `session.>`. What the runtime says is heard
   * by those who ask for it: `system.>`
   * @throws {TroupeError} ERR_TOPIC_INVALID; ERR_OPTIONS_INVALID, also when the name is in use or has another pattern;
   * ERR_SYSTEM_STOPPED.
   */
  subscribe(pattern: string, handler: BusHandler, options?: SubscribeOptions): Promise<BusSubscription>;
  /**
   * Ends a named subscription and forgets its place. The next one of this name begins anew.
   * @throws {TroupeError} ERR_OPTIONS_INVALID when no place is kept under this name; ERR_SYSTEM_STOPPED.
   */
  unsubscribe(name: string): Promise<void>;
  /** Ends every subscription of the host program. Those with a name keep their place. */
  unsubscribeAll(): Promise<void>;
}
