/** The subscriptions of one bus that are no members of groups: how they begin, which names are in use, and how they end. */
import type { SubscriberStats } from './bus-stats.ts';
import { Feed } from './feed.ts';
import type { QueueServices } from './queue-engine.ts';
import type { SubscribeRequest } from './requests.ts';
import { decideStart, openPlace } from './start.ts';
import type { Start } from './start.ts';
import type { Place } from './place.ts';
import type { EventsAfter } from './stats.ts';
import { Subscriber } from './subscriber.ts';
import { Trial } from './trial.ts';

export class Subscriptions {
  readonly #options: QueueServices;
  readonly #subscribers = new Set<Subscriber>();
  /** Named subscriptions, from the moment somebody asks for the name until the place is saved at the end. */
  readonly #named = new Map<string, Promise<Subscriber>>();

  constructor(options: QueueServices) {
    this.#options = options;
  }

  has(name: string): boolean {
    return this.#named.has(name);
  }

  async begin(request: SubscribeRequest): Promise<Subscriber> {
    const { name, replay } = request;
    if (name !== undefined) return this.#beginNamed(name, request);
    return this.#start(request, decideStart(replay, undefined, await this.#options.store.call('lastBusPos')));
  }

  /** Ends a named subscription without saving its place any more. */
  async forget(name: string): Promise<void> {
    const live = await this.#named.get(name)?.catch(() => undefined);
    await live?.stopForGood();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#subscribers].map((subscriber) => subscriber.stop()));
  }

  /** Saves every place as it is. */
  async savePlaces(): Promise<void> {
    await Promise.all([...this.#subscribers].map((subscriber) => subscriber.savePlaceNow()));
  }

  abort(reason: Error): void {
    for (const subscriber of this.#subscribers) subscriber.abort(reason);
  }

  stats(eventsAfter: EventsAfter): Promise<readonly SubscriberStats[]> {
    return Promise.all([...this.#subscribers].map((subscriber) => subscriber.stats(eventsAfter)));
  }

  #beginNamed(name: string, request: SubscribeRequest): Promise<Subscriber> {
    const { pattern, replay } = request;
    const opened = openPlace(this.#options, { name, pattern, replay });
    const opening = opened.then(({ place, ...start }) => this.#start(request, start, place));
    this.#named.set(name, opening);
    opening.catch(() => this.#named.delete(name));
    return opening;
  }

  #start(request: SubscribeRequest, start: Start, place?: Place): Subscriber {
    this.#options.assertRunning();
    const { env, log, reader, tallies, handled, giveUp } = this.#options;
    const { name, pattern, priorities, handler, timeoutMs, retries } = request;
    const tally = tallies.of(name);
    const liveAfter = start.replay?.untilPos ?? start.pos;
    const durable = name === undefined ? undefined : { name, ids: handled.of(name), giveUp };
    const common = { env, log, pattern, retries, tally };
    const trial = new Trial({ ...common, handler, timeoutMs, liveAfter, ...(durable && { durable }) });
    const feed = new Feed({ ...start, reader, pattern, priorities });
    const onEnd = (ended: Subscriber): void => this.#forget(ended);
    const subscriber = new Subscriber({ ...common, name, feed, trial, onEnd, ...(place && { place }) });
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  #forget(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    if (subscriber.name !== undefined) this.#named.delete(subscriber.name);
  }
}
