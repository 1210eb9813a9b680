/** The bus over the log of the store: a publication is a commit, and subscribers read what was committed. Owned by main. */
import type { Address } from '../actor/address.ts';
import type { Env } from '../env.ts';
import { TroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { encodeJson } from '../state/json.ts';
import { sweepAll } from '../store/bus-log.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { NewPublication } from '../store/store.ts';
import type { BusSweep } from '../store/topics.ts';
import { priorityOf } from '../supervision/events.ts';
import type { Announce, SystemEvents, SystemTopic } from '../supervision/events.ts';
import { encodeError } from '../thread/error-codec.ts';
import { withTimeout } from '../with-timeout.ts';
import { createGiveUp } from './burial.ts';
import type {
  Bus,
  BusHandler,
  BusSubscription,
  ClearQuery,
  ExportedEvents,
  PublishOptions,
  ReceivedEvent,
  ReplayQuery,
  ReplayedInto,
  SubscribeOptions,
} from './bus.ts';
import type { BusStats, NatsBusStats } from './bus-stats.ts';
import { checkAttributes, checkId, checkKeys, checkName, checkPriority } from './checks.ts';
import { EventReader } from './event-reader.ts';
import { checkFolder, exportEvents } from './export.ts';
import { HandledRegistry } from './handled-ids.ts';
import { createLocalQueues } from './local-queues.ts';
import { readLog } from './log-reader.ts';
import { createMeter } from './meter.ts';
import type { BusMeter } from './meter.ts';
import { withPolicy } from './policies.ts';
import type { BusSettings } from './policies.ts';
import { Publisher } from './publisher.ts';
import type { HintReceivers } from './publisher.ts';
import type { QueueEngine, QueueServices } from './queue-engine.ts';
import { toReceived } from './received.ts';
import { checkTarget, replayInto, toMessageId, toTopicEvent } from './replay-into.ts';
import type { SendEvent } from './replay-into.ts';
import { parseClear, parseQuery } from './replay-window.ts';
import type { Window } from './replay-window.ts';
import { toSubscribeRequest } from './requests.ts';
import { inUse, unknownName } from './faults.ts';
import { awayStats, createEventsAfter, ratePerSecond } from './stats.ts';
import { parseTopic } from './subjects.ts';
import { Subscriptions } from './subscriptions.ts';
import { Tallies } from './tally.ts';

export interface EmbeddedBusOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly store: StoreClient;
  /** Throws ERR_SYSTEM_STOPPED once the system stops. */
  readonly assertRunning: () => void;
  /** Throws ERR_STORE_TROUBLE while the store cannot save. */
  readonly assertSaves: (what: string) => void;
  readonly hint: HintReceivers;
  /** Reads the log for all who follow it. @default one of its own */
  readonly reader?: EventReader;
  /** Sends an event to an actor, for `replayInto`. */
  readonly send: SendEvent;
  /** Is told of every event that was handled by code. @default counts them in a histogram of its own */
  readonly meter?: BusMeter;
  /** What subscriptions and groups get that do not say so themselves, by name. */
  readonly policies?: BusSettings['subscribers'];
  /** Where members of queue groups get their events from. @default the log of the store */
  readonly createQueues?: (services: QueueServices) => QueueEngine;
  /** Events published here after this position are still to be sent elsewhere, and stay. */
  readonly unsentAfter?: () => number | undefined;
  /** Refuses what could never be sent elsewhere. Throws ERR_EVENT_TOO_LARGE. */
  readonly assertFits?: (publication: NewPublication) => void;
  /** How it stands with a NATS server. */
  readonly natsStats?: () => Promise<NatsBusStats>;
}

/** A bus that can be stopped. */
export interface EmbeddedBus extends Bus {
  /**
   * Ends every subscription and waits for the handlers and publications under way. The store must still be open.
   * @param options.timeoutMs time given to all of that, in milliseconds; then publications are rejected. @default 10000
   */
  stop(options?: { readonly timeoutMs?: number }): Promise<void>;
  /** Publishes what the runtime has to say, without waiting; what cannot be saved is logged. */
  announce: Announce;
  /** Removes events that came before a time, and says who lost some by it. */
  sweep(before: number): Promise<number>;
}

const DEFAULT_STOP_TIMEOUT_MS = 10_000;

/** Makes the bus of a system. */
export function createEmbeddedBus(options: EmbeddedBusOptions): EmbeddedBus {
  return new StoreBus({ ...options, log: options.log.with({ component: 'bus' }) });
}

class StoreBus implements EmbeddedBus {
  readonly #options: EmbeddedBusOptions;
  readonly #publisher: Publisher;
  readonly #meter: BusMeter;
  readonly #tallies: Tallies;
  readonly #handled: HandledRegistry;
  readonly #subscriptions: Subscriptions;
  readonly #queues: QueueEngine;
  /** Where the log ended when somebody first looked. */
  readonly #firstPos: Promise<number>;
  /** Names that are being given up: whoever took one now would lose the new place with the old. */
  readonly #leaving = new Set<string>();
  #isStopped = false;

  constructor(options: EmbeddedBusOptions) {
    const { env, log, store, createQueues = createLocalQueues } = options;
    this.#options = options;
    this.#publisher = new Publisher(options);
    this.#meter = options.meter ?? createMeter(env);
    this.#tallies = new Tallies(this.#meter);
    this.#handled = new HandledRegistry(env);
    const [giveUp, reader] = [createGiveUp(options), options.reader ?? new EventReader(options)];
    const [handled, tallies] = [this.#handled, this.#tallies];
    const assertRunning = (): void => this.#assertRunning();
    const shared = { env, log, store, reader, giveUp, handled, tallies, assertRunning };
    this.#subscriptions = new Subscriptions(shared);
    this.#queues = createQueues(shared);
    this.#firstPos = store.call('lastBusPos');
    this.#firstPos.catch(() => undefined);
  }

  async publish(topic: string, data: unknown, options: PublishOptions = {}): Promise<void> {
    this.#assertRunning();
    const parsed = parseTopic(topic);
    checkKeys('publish', options, ['priority', 'id', 'attributes']);
    const { priority = 'normal', id } = options;
    const attributes = checkAttributes(options.attributes);
    this.#options.assertSaves(`the publication on '${parsed}'`);
    const publication = {
      id: checkId(id) ?? this.#options.env.randomUuid(),
      topic: parsed,
      priority: checkPriority('publish', 'priority', priority),
      text: encodeJson(data, `The data published on '${parsed}'`, 'data'),
      ...(attributes !== undefined && { attributes }),
    };
    this.#options.assertFits?.(publication);
    await this.#publisher.publish(publication);
  }

  announce<T extends SystemTopic>(topic: T, data: SystemEvents[T]): void {
    if (this.#isStopped) return;
    const { env, log } = this.#options;
    const publication = { id: env.randomUuid(), topic, priority: priorityOf(topic), text: JSON.stringify(data) };
    this.#publisher.publish(publication).catch((error: unknown) => {
      log.warn('an event of the runtime was not published', { topic, error: encodeError(error) });
    });
  }

  async subscribe(pattern: string, handler: BusHandler, options: SubscribeOptions = {}): Promise<BusSubscription> {
    this.#assertRunning();
    const request = toSubscribeRequest(pattern, handler, withPolicy(options, this.#options.policies));
    const { name, queue } = request;
    if (queue !== undefined) {
      if (this.#subscriptions.has(queue) || this.#leaving.has(queue)) throw inUse(queue, 'queue');
      return this.#queues.join({ ...request, queue });
    }
    if (name !== undefined && this.#isInUse(name)) throw inUse(name, 'name');
    return this.#subscriptions.begin(request);
  }

  async unsubscribe(name: string): Promise<void> {
    this.#assertRunning();
    checkName(name);
    this.#leaving.add(name);
    try {
      if (!(await this.#forget(name))) throw unknownName(name);
    } finally {
      this.#leaving.delete(name);
    }
  }

  async unsubscribeAll(): Promise<void> {
    await Promise.all([this.#subscriptions.stop(), this.#queues.stop()]);
  }

  replay(query?: ReplayQuery): AsyncIterable<ReceivedEvent> {
    this.#assertRunning();
    const window = parseQuery('replay', query);
    return { [Symbol.asyncIterator]: () => this.#replayed(window) };
  }

  async replayInto(to: Address | string, eventType: string, query?: ReplayQuery): Promise<ReplayedInto> {
    this.#assertRunning();
    const address = checkTarget(to, eventType);
    const pages = this.#pages(parseQuery('replayInto', query));
    const { send } = this.#options;
    const replayed = await replayInto(pages, async (row) =>
      send(address, toTopicEvent(row, eventType), toMessageId(row)),
    );
    return { replayed };
  }

  async clear(query: ClearQuery): Promise<number> {
    this.#assertRunning();
    const sweep = parseClear(query);
    this.#options.assertSaves('the removal of published events');
    return this.#sweep(sweep, 'events were cleared before a named subscription came to them');
  }

  async exportTo(folder: string, query?: ReplayQuery): Promise<ExportedEvents> {
    this.#assertRunning();
    return exportEvents(checkFolder(folder), this.#pages(parseQuery('exportTo', query)));
  }

  async stats(): Promise<BusStats> {
    this.#assertRunning();
    const { env, store, natsStats } = this.#options;
    const [kept, cursors, firstPos] = await Promise.all([
      store.call('busCounts'),
      store.call('cursors'),
      this.#firstPos,
    ]);
    const eventsAfter = createEventsAfter(store);
    const live = [...(await this.#subscriptions.stats(eventsAfter)), ...(await this.#queues.stats(eventsAfter))];
    const names = new Set(live.map(({ name }) => name));
    const away = cursors.filter(({ name }) => !name.startsWith('#') && !names.has(name));
    const { handled, failed, redelivered, buried } = this.#tallies.all;
    const nats = await natsStats?.();
    return {
      published: await eventsAfter(firstPos),
      handled,
      failed,
      redelivered,
      buried,
      perSecond: await ratePerSecond(store, env.now()),
      latency: this.#meter.summary,
      kept,
      subscribers: [
        ...live,
        ...(await Promise.all(away.map((one) => awayStats(one, this.#tallies.ofKept(one.name), eventsAfter)))),
      ],
      ...(nats && { nats }),
    };
  }

  sweep(before: number): Promise<number> {
    return this.#sweep({ before }, 'events were past their time before a named subscription came to them');
  }

  async stop({ timeoutMs = DEFAULT_STOP_TIMEOUT_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#isStopped = true;
    const { env, log } = this.#options;
    let isAtRest = false;
    const atRest = Promise.all([this.unsubscribeAll(), this.#publisher.settled()]).then(() => void (isAtRest = true));
    await withTimeout(env, timeoutMs, (done) => void atRest.then(done, done));
    if (!isAtRest) {
      log.warn('the bus did not come to rest in time; handlers may still run', { timeoutMs });
      const reason = stopped();
      this.#subscriptions.abort(reason);
      this.#queues.abort(reason);
    }
    this.#handled.stop();
    this.#publisher.abandon();
  }

  /** True when there was something to forget. */
  async #forget(name: string): Promise<boolean> {
    // A place that is here is no group of a broker, which may be away.
    const kept = await this.#options.store.call('cursor', name);
    const wasGroup = (!kept || this.#queues.has(name)) && (await this.#queues.forget(name));
    await this.#subscriptions.forget(name);
    this.#handled.forget(name);
    this.#tallies.forget(name);
    return (await this.#options.store.call('deleteCursor', name)) || wasGroup;
  }

  #isInUse(name: string): boolean {
    return this.#subscriptions.has(name) || this.#queues.has(name) || this.#leaving.has(name);
  }

  async *#replayed(window: Window): AsyncGenerator<ReceivedEvent, void, undefined> {
    for await (const page of this.#pages(window)) for (const row of page) yield toReceived(row, 1);
  }

  #pages(window: Window) {
    return readLog(this.#options.store, window, () => this.#assertRunning());
  }

  async #sweep(sweep: BusSweep, text: string): Promise<number> {
    const { store, log, unsentAfter } = this.#options;
    const unsent = unsentAfter?.();
    // A place is saved now and then: what a subscription is done with shall not count as missed.
    await Promise.all([this.#subscriptions.savePlaces(), this.#queues.savePlaces()]);
    const whole = { ...sweep, ...(unsent !== undefined && { unsentAfter: unsent }) };
    const { removed, missed } = await sweepAll((piece) => store.call('sweepBus', piece), whole);
    for (const { name, count } of missed) {
      this.#tallies.of(name).add('missed', count);
      log.warn(text, { subscription: name, events: count });
    }
    return removed;
  }

  #assertRunning(): void {
    this.#options.assertRunning();
    if (this.#isStopped) throw stopped();
  }
}

function stopped(): TroupeError {
  return new TroupeError('ERR_SYSTEM_STOPPED', 'The bus has been stopped with its system. Create a new system.');
}
