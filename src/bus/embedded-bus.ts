/** The bus over the embedded store: a publication is a commit, and subscribers read what was committed. Owned by main. */
import { toAddress } from '../actor/address.ts';
import type { Env } from '../env.ts';
import { TroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { encodeJson } from '../state/json.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { Announce, SystemEvents, SystemTopic } from '../supervision/events.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Bus, BusHandler, BusSubscription, PublishOptions, SubscribeOptions } from './bus.ts';
import { checkHandler, checkId, checkKeys, checkName, checkPriorities, checkPriority } from './checks.ts';
import { EventReader } from './event-reader.ts';
import { Place } from './place.ts';
import { Publisher } from './publisher.ts';
import type { HintReceivers } from './publisher.ts';
import { parsePattern, parseTopic } from './subjects.ts';
import { Subscriber } from './subscriber.ts';
import type { SubscriberRequest } from './subscriber.ts';
import type { BusEvent } from './topic-event.ts';

export interface EmbeddedBusOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly store: StoreClient;
  /** Throws ERR_SYSTEM_STOPPED once the system stops. */
  readonly assertRunning: () => void;
  /** Throws ERR_STORE_TROUBLE while the store cannot save. */
  readonly assertSaves: (what: string) => void;
  readonly hint: HintReceivers;
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
}

const DEFAULT_STOP_TIMEOUT_MS = 10_000;

/** Makes the bus of a system. */
export function createEmbeddedBus(options: EmbeddedBusOptions): EmbeddedBus {
  return new StoreBus({ ...options, log: options.log.with({ component: 'bus' }) });
}

class StoreBus implements EmbeddedBus {
  readonly #options: EmbeddedBusOptions;
  readonly #publisher: Publisher;
  readonly #reader: EventReader;
  readonly #subscribers = new Set<Subscriber>();
  /** Named subscriptions, from the moment somebody asks for the name until the place is saved at the end. */
  readonly #named = new Map<string, Promise<Subscriber>>();
  #isStopped = false;

  constructor(options: EmbeddedBusOptions) {
    this.#options = options;
    this.#publisher = new Publisher(options);
    this.#reader = new EventReader(options);
  }

  async publish(topic: string, data: unknown, options: PublishOptions = {}): Promise<void> {
    this.#assertRunning();
    const parsed = parseTopic(topic);
    checkKeys('publish', options, ['priority', 'id']);
    const { priority = 'normal', id } = options;
    this.#options.assertSaves(`the publication on '${parsed}'`);
    await this.#publisher.publish({
      id: checkId(id) ?? this.#options.env.randomUuid(),
      topic: parsed,
      priority: checkPriority('publish', 'priority', priority),
      text: encodeJson(data, `The data published on '${parsed}'`, 'data'),
    });
  }

  announce<T extends SystemTopic>(topic: T, data: SystemEvents[T]): void {
    if (this.#isStopped) return;
    const { env, log } = this.#options;
    const publication = { id: env.randomUuid(), topic, priority: 'high', text: JSON.stringify(data) } as const;
    this.#publisher.publish(publication).catch((error: unknown) => {
      log.warn('an event of the runtime was not published', { topic, error: encodeError(error) });
    });
  }

  async subscribe(pattern: string, handler: BusHandler, options: SubscribeOptions = {}): Promise<BusSubscription> {
    this.#assertRunning();
    const request = toRequest(pattern, handler, options);
    const { name } = request;
    if (name === undefined) return this.#begin(request, await this.#options.store.call('lastBusPos'));
    if (this.#named.has(name)) throw inUse(name);
    const opening = this.#beginNamed(name, request);
    this.#named.set(name, opening);
    opening.catch(() => this.#named.delete(name));
    return opening;
  }

  async unsubscribe(name: string): Promise<void> {
    this.#assertRunning();
    checkName(name);
    const live = await this.#named.get(name)?.catch(() => undefined);
    await live?.stopForGood();
    if (!(await this.#options.store.call('deleteCursor', name))) throw unknownName(name);
  }

  async unsubscribeAll(): Promise<void> {
    await Promise.all([...this.#subscribers].map((subscriber) => subscriber.stop()));
  }

  async stop({ timeoutMs = DEFAULT_STOP_TIMEOUT_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#isStopped = true;
    const { env, log } = this.#options;
    const atRest = Promise.all([this.unsubscribeAll(), this.#publisher.settled()]);
    await new Promise<void>((resolve) => {
      const timer = env.setTimeout(() => {
        log.warn('the bus did not come to rest in time; handlers may still run', { timeoutMs });
        resolve();
      }, timeoutMs);
      void atRest.then(() => {
        env.clearTimeout(timer);
        resolve();
      });
    });
    this.#publisher.abandon();
  }

  async #beginNamed(name: string, request: SubscriberRequest): Promise<Subscriber> {
    const { store, log } = this.#options;
    const { pattern } = request;
    const kept = await store.call('cursor', name);
    if (kept && kept.pattern !== pattern) throw otherPattern(name, kept.pattern, pattern);
    const pos = kept?.pos ?? (await store.call('lastBusPos'));
    // Saved before anything is handled: from here on the name misses nothing, whatever happens to this process.
    if (!kept) await store.call('setCursor', name, { pattern, pos });
    return this.#begin(request, pos, new Place({ store, log, name, pattern, pos }));
  }

  #begin(request: SubscriberRequest, pos: number, place?: Place): Subscriber {
    this.#assertRunning();
    const { env, log } = this.#options;
    const subscriber = new Subscriber({
      ...request,
      env,
      log,
      reader: this.#reader,
      pos,
      ...(place && { place }),
      giveUp: (name, event, error, attempts) => this.#bury(name, event, error, attempts),
      onEnd: (ended) => this.#forget(ended),
    });
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  #forget(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    if (subscriber.name !== undefined) this.#named.delete(subscriber.name);
  }

  /** Makes an event a dead letter of its subscriber. */
  #bury(name: string, event: BusEvent, error: unknown, attempts: number): Promise<void> {
    const { env, log, store } = this.#options;
    const address = toAddress('subscriber', name);
    const { id, source: sender } = event;
    const letter = { id, sender, text: JSON.stringify(event), error: JSON.stringify(encodeError(error)), attempts };
    const orphan = { address, seq: 0, epoch: 1, version: 1, at: env.now(), status: 'active' } as const;
    return new Promise((resolve) => {
      store.post({ ...orphan, deadLetters: [letter] }, (result) => {
        if (result.outcome === 'refused')
          log.error('a dead letter was refused by the store', {
            address,
            event: id,
            detail: result.detail ?? result.reason,
          });
        resolve();
      });
    });
  }

  #assertRunning(): void {
    this.#options.assertRunning();
    if (!this.#isStopped) return;
    throw new TroupeError('ERR_SYSTEM_STOPPED', 'The bus has been stopped with its system. Create a new system.');
  }
}

function toRequest(pattern: unknown, handler: unknown, options: SubscribeOptions): SubscriberRequest {
  const parsed = parsePattern(pattern);
  checkKeys('subscribe', options, ['name', 'priorities']);
  return {
    pattern: parsed,
    handler: checkHandler(parsed, handler),
    name: options.name === undefined ? undefined : checkName(options.name),
    priorities: checkPriorities(options.priorities),
  };
}

function inUse(name: string): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The subscription '${name}' is in use in this system. Stop it first, or use another name.`,
    { details: { option: 'name', name } },
  );
}

function otherPattern(name: string, kept: string, given: string): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The subscription '${name}' keeps its place for '${kept}', not for '${given}'. Call unsubscribe('${name}') to give that up and begin anew, or use another name.`,
    { details: { option: 'name', name, kept, given } },
  );
}

function unknownName(name: string): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `No place is kept for a subscription '${name}', so there is none to forget. Pass the name that subscribe() was given.`,
    { details: { option: 'name', name } },
  );
}
