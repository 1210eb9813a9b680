/**
 * The port of topics, as the host program sees it: publish, subscribe with a function, and read again what was published. One
 * contract suite (tests/contract/bus.ts) is every engine's test. Engines: the log of the store, alone or beside a NATS server.
 */
import type { Address } from '../actor/address.ts';
import type { BusStats } from './bus-stats.ts';
import type { BusEvent, Priority } from './topic-event.ts';

/** Attributes of an event beside those of every event, in the words of CloudEvents. */
export type EventAttributes = Readonly<Record<string, string | number | boolean>>;

/** Options of `publish`. */
export interface PublishOptions {
  /** @default 'normal' */
  readonly priority?: Priority;
  /** 1 to 256 characters. The same id again publishes nothing, for as long as the event is kept. @default a new one */
  readonly id?: string;
  /**
   * Attributes of CloudEvents that travel with the event, at most 32. Names have 1 to 20 characters of a-z 0-9, and are none of those
   * every event has; values are strings of at most 1,024 characters, whole numbers of 32 bits, or booleans. @default none
   */
  readonly attributes?: EventAttributes;
}

/** An event as handlers and replays get it. */
export interface ReceivedEvent<TData = unknown> extends BusEvent<TData> {
  /** Its position in the log of this system, from 1 on: later events have higher ones. */
  readonly seq: number;
  /** 1 for the first time this subscription tries it; one more after each failure. A restart begins anew. */
  readonly attempt: number;
}

/** What a handler gets beside the event. */
export interface HandlerContext {
  /** Aborts when the handler has taken longer than `handlerTimeoutMs`, or the system stops without waiting any longer. */
  readonly signal: AbortSignal;
  /**
   * Earlier attempts at this very event whose handlers still run, since they did not heed their signal. 0 for every handler that
   * does; with more, the work may be done twice at once.
   */
  readonly unfinished: number;
}

/**
 * Takes published events, one at a time, in the order they were published. The next one comes when this has resolved, or its time is up.
 */
export type BusHandler = (event: ReceivedEvent, context: HandlerContext) => void | Promise<void>;

/** Which of the events that were published before are handed over: none, all, or those of priority `critical`. */
export const REPLAY_POLICIES = ['none', 'full', 'critical-only'] as const;
export type ReplayPolicy = (typeof REPLAY_POLICIES)[number];

/** Chooses among the events that are kept. What is left out chooses nothing away. */
export interface ReplayQuery {
  /** Only events that came into the log at this time or later: a Date, or milliseconds since the epoch. */
  readonly since?: number | Date;
  /** Only events after this position. */
  readonly afterSeq?: number;
  /** Only events that came into the log at this time or before. */
  readonly until?: number | Date;
  /** Patterns of topics, at most 32: events that fit one of them. What the runtime says is chosen by `system.>`. */
  readonly topics?: readonly string[];
  readonly priorities?: readonly Priority[];
  /** The first so many of those chosen, 1 to 1,000,000,000. */
  readonly limit?: number;
}

/** Chooses what a subscription gets of what was published before it began. */
export interface ReplayWindow extends ReplayQuery {
  /** @default 'critical-only' */
  readonly policy?: ReplayPolicy;
}

/** Pauses between the attempts at one event. */
export interface RetryBackoff {
  /** Before the second attempt, 1 to 3,600,000 ms. @default 100 */
  readonly minMs?: number;
  /** The longest, `minMs` to 86,400,000 ms. @default 10000 */
  readonly maxMs?: number;
  /** Each pause is so many times the one before, 1 to 10. @default 2 */
  readonly factor?: number;
}

/** Options of `subscribe`. */
export interface SubscribeOptions {
  /**
   * Makes the subscription durable: its place is kept under this name, and the next subscription of the name goes on there.
   * 1 to 128 characters of A-Z a-z 0-9 _ : - that start with a letter or digit.
   */
  readonly name?: string;
  /**
   * Makes it a member of a queue group: each event goes to one of the members, who handle side by side, so in no order. The group is durable under
   * this name, which has the form of `name` and excludes it.
   */
  readonly queue?: string;
  /** Only events of these priorities. @default all */
  readonly priorities?: readonly Priority[];
  /**
   * What comes before the events that are published from here on: those kept in the log that a policy or a window chooses. With a name or a group
   * that was there before, it chooses among those after its place. `{}` means `critical-only`.
   * @default 'none', or 'full' for a name or group that goes on
   */
  readonly replay?: ReplayPolicy | ReplayWindow;
  /**
   * Time a handler gets for one event, 100 to 86,400,000 ms. When it is up, its `signal` aborts and the attempt has failed. The subscription goes
   * on without waiting for a handler that does not heed its signal; a log line says that it still runs. @default 30000
   */
  readonly handlerTimeoutMs?: number;
  /** With a name or a group: how often an event is tried before it becomes a dead letter, 1 to 100. @default 3 */
  readonly maxAttempts?: number;
  /** With a name or a group: pauses between attempts. */
  readonly backoff?: RetryBackoff;
}

/** A subscription of the host program. */
export interface BusSubscription extends AsyncDisposable {
  /** Normalized. */
  readonly pattern: string;
  readonly name?: string;
  /** The group it is a member of. */
  readonly queue?: string;
  /**
   * Ends it. Resolves when the handler under way is done (or its time is up) and, with a name, its place is saved. A handler may stop its own
   * subscription; that resolves at once.
   */
  stop(): Promise<void>;
}

/** What `replayInto` did. */
export interface ReplayedInto {
  /** Events that were sent and are durable. */
  readonly replayed: number;
}

/** What `clear` removes: what fits both, and at least one is given. */
export interface ClearQuery {
  /** Patterns of topics, at most 32. */
  readonly topics?: readonly string[];
  /** Only events that came into the log before this time: a Date, or milliseconds since the epoch. */
  readonly before?: number | Date;
}

/** What `exportTo` wrote. */
export interface ExportedEvents {
  readonly events: number;
  /** Paths of the files, one per topic, in the order they were begun. */
  readonly files: readonly string[];
}

/** What was published and is kept: the log of a system. */
export interface EventLog {
  /**
   * The events that are kept, in order, read while they are taken: a page is in memory at a time, however many there are. It ends with what was there when
   * the loop began. Breaking out of the loop is all there is to ending it.
   * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_TOPIC_INVALID, ERR_SYSTEM_STOPPED at once; ERR_STORE_UNAVAILABLE and, at an event that
   * is damaged, ERR_DATA_CORRUPT in the loop.
   */
  replay(query?: ReplayQuery): AsyncIterable<ReceivedEvent>;
  /**
   * Sends events that are kept to an actor, in order, as events of type `eventType` in the form of a `TopicEvent`, each under its own id: what it had of them
   * by an earlier call it does not handle again, as long as ids are remembered.
   * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_TOPIC_INVALID, ERR_ADDRESS, ERR_SYSTEM_STOPPED, and what `ref.send` throws, with the position of
   * the event as `details.seq`: everything before it was sent, and `afterSeq` goes on behind it.
   */
  replayInto(to: Address | string, eventType: string, query?: ReplayQuery): Promise<ReplayedInto>;
  /**
   * Removes events that are kept. Those that wait to be sent to a NATS server stay. Resolves with how many went; inboxes of actors are untouched.
   * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_TOPIC_INVALID, ERR_SYSTEM_STOPPED, ERR_STORE_TROUBLE.
   */
  clear(query: ClearQuery): Promise<number>;
  /**
   * Writes events that are kept into a folder, which is made if need be: one file of JSON lines per topic, each line a CloudEvent. A file that is
   * there already is refused.
   * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_TOPIC_INVALID, ERR_SYSTEM_STOPPED, ERR_STORE_UNAVAILABLE.
   */
  exportTo(folder: string, query?: ReplayQuery): Promise<ExportedEvents>;
  /** What has been published and handled since this system began, what is kept, and how far each subscription is. */
  stats(): Promise<BusStats>;
}

/** Topics, for the host program. */
export interface Bus extends EventLog {
  /**
   * Publishes on a topic. Resolves when that is durable.
   * @throws {TroupeError} ERR_TOPIC_INVALID, ERR_NOT_JSON, ERR_OPTIONS_INVALID, ERR_FAN_OUT, ERR_OVERLOADED, ERR_STORE_TROUBLE,
   * ERR_SYSTEM_STOPPED; beside a NATS server also ERR_EVENT_TOO_LARGE.
   */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<void>;
  /**
   * Hands what is published from here on to `handler`. Once this has resolved nothing is missed.
   *
   * Without a name an event comes at most once: when the handler fails the event is skipped and a warning is logged, and
   * what is published while nobody is subscribed is not seen. With a name it comes at least once: a handler that fails gets
   * the event again after 100 and 200 ms (see `backoff`), then the event becomes a dead letter of `subscriber/NAME`; after a crash some
   * events come again, with the same id. A queue group is the same, shared: each event goes to one member. (G20)
   * @param pattern a topic, or one with wildcards: `*` for one token, `>` for the rest, as in `task.*` or `session.>`. What the runtime says is heard
   * by those who ask for it: `system.>`
   * @throws {TroupeError} ERR_TOPIC_INVALID; ERR_OPTIONS_INVALID, also when the name is in use or has another pattern;
   * ERR_SYSTEM_STOPPED.
   */
  subscribe(pattern: string, handler: BusHandler, options?: SubscribeOptions): Promise<BusSubscription>;
  /**
   * Ends a named subscription or a queue group, and forgets its place. The next one of this name begins anew.
   * @throws {TroupeError} ERR_OPTIONS_INVALID when no place is kept under this name; ERR_SYSTEM_STOPPED.
   */
  unsubscribe(name: string): Promise<void>;
  /** Ends every subscription of the host program. Those with a name keep their place. */
  unsubscribeAll(): Promise<void>;
}
