/**
 * The port of queue groups, within the bus: where their members get events from. Engines: the log of this store (`local-queues.ts`), where a group is
 * shared by the members of one system; a consumer of a NATS server, where it is shared by all systems of a namespace.
 */
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { GiveUp } from './burial.ts';
import type { BusSubscription } from './bus.ts';
import type { SubscriberStats } from './bus-stats.ts';
import type { EventReader } from './event-reader.ts';
import type { HandledRegistry } from './handled-ids.ts';
import type { SubscribeRequest } from './requests.ts';
import type { EventsAfter } from './stats.ts';
import type { Tallies } from './tally.ts';

/** Somebody who wants to be a member of a group. */
export interface MemberRequest extends SubscribeRequest {
  readonly queue: string;
}

/** The groups of one bus. */
export interface QueueEngine {
  /**
   * Adds a member. From when this has resolved on it takes its part.
   * @throws {TroupeError} ERR_OPTIONS_INVALID when the group is there with other settings.
   */
  join(request: MemberRequest): Promise<BusSubscription>;
  /** True while the group has members here. */
  has(queue: string): boolean;
  /** Ends the members of a group here, and whatever the engine itself keeps of it. True when there was something. */
  forget(queue: string): Promise<boolean>;
  /** Ends every member here; the groups keep their places. */
  stop(): Promise<void>;
  /** Saves how far groups have come whose places are in this store. */
  savePlaces(): Promise<void>;
  /** Aborts the signals of handlers under way: nobody waits for them any longer. */
  abort(reason: Error): void;
  stats(eventsAfter: EventsAfter): Promise<readonly SubscriberStats[]>;
}

/** What an engine works with: the parts all subscriptions of a bus share. */
export interface QueueServices {
  readonly env: Env;
  readonly log: Logger;
  readonly store: StoreClient;
  readonly reader: EventReader;
  readonly giveUp: GiveUp;
  readonly handled: HandledRegistry;
  readonly tallies: Tallies;
  /** Throws ERR_SYSTEM_STOPPED once the bus stops. */
  readonly assertRunning: () => void;
}
