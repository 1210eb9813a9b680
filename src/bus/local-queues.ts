/** Queue groups over the log of this store: each is shared by its members in this system. */
import type { BusSubscription } from './bus.ts';
import type { SubscriberStats } from './bus-stats.ts';
import { Feed } from './feed.ts';
import { assertAgrees } from './group-agreement.ts';
import type { MemberRequest, QueueEngine, QueueServices } from './queue-engine.ts';
import { QueueGroup } from './queue-group.ts';
import type { EventsAfter } from './stats.ts';
import { openPlace } from './start.ts';

/** Makes the engine of a bus that has no broker. */
export function createLocalQueues(services: QueueServices): QueueEngine {
  return new LocalQueues(services);
}

class LocalQueues implements QueueEngine {
  readonly #services: QueueServices;
  /** From the moment somebody asks for one until its place is saved at the end. */
  readonly #groups = new Map<string, Promise<QueueGroup>>();
  /** Those that are there. */
  readonly #open = new Map<string, QueueGroup>();

  constructor(services: QueueServices) {
    this.#services = services;
  }

  async join(request: MemberRequest): Promise<BusSubscription> {
    const { queue } = request;
    for (;;) {
      const group = await (this.#groups.get(queue) ?? this.#begin(request));
      assertAgrees(group.request, request);
      if (!group.closed) return group.join(request);
      await group.closed;
    }
  }

  has(queue: string): boolean {
    return this.#groups.has(queue);
  }

  async forget(queue: string): Promise<boolean> {
    const group = await this.#groups.get(queue)?.catch(() => undefined);
    if (!group) return false;
    await group.stop(true);
    return true;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#groups.keys()].map((queue) => this.#end(queue)));
  }

  async savePlaces(): Promise<void> {
    await Promise.all([...this.#open.values()].map((group) => group.savePlaceNow()));
  }

  abort(reason: Error): void {
    for (const group of this.#open.values()) group.abort(reason);
  }

  stats(eventsAfter: EventsAfter): Promise<readonly SubscriberStats[]> {
    return Promise.all([...this.#open.values()].map((group) => group.stats(eventsAfter)));
  }

  async #end(queue: string): Promise<void> {
    const group = await this.#groups.get(queue)?.catch(() => undefined);
    await group?.stop();
  }

  #begin(request: MemberRequest): Promise<QueueGroup> {
    const { queue } = request;
    const opening = this.#openGroup(request);
    this.#groups.set(queue, opening);
    opening.catch(() => this.#groups.delete(queue));
    return opening;
  }

  async #openGroup(request: MemberRequest): Promise<QueueGroup> {
    const services = this.#services;
    const { queue, pattern, priorities, replay } = request;
    const { place, ...start } = await openPlace(services, { name: queue, pattern, replay });
    services.assertRunning();
    const feed = new Feed({ ...start, reader: services.reader, pattern, priorities });
    const liveAfter = start.replay?.untilPos ?? start.pos;
    const tally = services.tallies.of(queue);
    const onEnd = (): void => this.#forget(queue);
    const group = new QueueGroup({ services, request, feed, place, liveAfter, tally, onEnd });
    this.#open.set(queue, group);
    return group;
  }

  #forget(queue: string): void {
    this.#open.delete(queue);
    this.#groups.delete(queue);
  }
}
