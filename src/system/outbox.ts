/**
 * Main's end of the outbox: replies reach the asks that wait, deliveries the handler of their channel. A row leaves the
 * store only after that; what nobody could be handed is found again by the recovery loop.
 */
import { Lane } from '../cell/lane.ts';
import type { Env } from '../env.ts';
import { TroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { OutboxRow } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Asks } from './asks.ts';
import { describeValue } from '../describe.ts';

/** Something an actor handed to the host program. `id` is the same whenever it comes again. */
export interface Delivery {
  readonly id: string;
  readonly channel: string;
  readonly from: string;
  readonly payload: unknown;
}

/** Takes deliveries of one channel, one at a time. A delivery is done when this resolves; when it rejects it comes again. */
export type DeliveryHandler = (delivery: Delivery) => void | Promise<void>;

interface Pending {
  /** Absent: it is not stored. */
  readonly pos: number | undefined;
  readonly delivery: Delivery;
}

interface Channel {
  readonly handler: DeliveryHandler;
  readonly queue: Lane<Pending>;
  isBusy: boolean;
  /** More is stored than was taken: what comes is left there, to be read in its order. */
  isBehind: boolean;
  /** The read under way takes nothing more for it. */
  isShut: boolean;
  /** Something was left in the store since the read under way began. */
  hasLeft: boolean;
}

const PAGE = 1000;

/** Deliveries of one channel that wait in memory; more wait in the store (G14). */
const MAX_QUEUED = 1000;

export class Outbox {
  readonly #env: Env;
  readonly #log: Logger;
  readonly #store: StoreClient;
  readonly #asks: Asks;
  readonly #channels = new Map<string, Channel>();
  readonly #taken = new Set<number>();
  /** Reads of the store, one after the other: two at a time would mix up the order. */
  #reading: Promise<void> = Promise.resolve();
  #nextRead: Promise<void> | undefined;
  #settling: number[] = [];
  #isScheduled = false;

  constructor(env: Env, log: Logger, store: StoreClient, asks: Asks) {
    this.#env = env;
    this.#log = log;
    this.#store = store;
    this.#asks = asks;
  }

  /**
   * Sets the handler of a channel and hands it what is pending.
   * @throws {TroupeError} ERR_OPTIONS_INVALID when the channel has one, or when these are not a channel and a handler.
   */
  handle(channel: string, handler: DeliveryHandler): () => void {
    assertHandler(channel, handler);
    if (this.#channels.has(channel)) {
      throw new TroupeError('ERR_OPTIONS_INVALID', `Channel '${channel}' has a handler. Remove that one first.`);
    }
    const state = { isBusy: false, isBehind: true, isShut: true, hasLeft: false };
    const made: Channel = { handler, queue: new Lane(), ...state };
    this.#channels.set(channel, made);
    // The recovery loop looks again; after a stop the next system does.
    this.recover().catch((error: unknown) => {
      this.#log.debug('pending deliveries could not be read', { channel, error: encodeError(error) });
    });
    return () => this.#release(channel, made);
  }

  reply(ask: string, value: unknown, pos: number | undefined): void {
    this.#asks.settle(ask, value);
    if (pos !== undefined) this.#settle(pos);
  }

  deliver(delivery: Delivery, pos: number | undefined): void {
    const channel = this.#channels.get(delivery.channel);
    if (!channel || pos === undefined || this.#taken.has(pos)) return;
    if (!channel.isBehind && channel.queue.size < MAX_QUEUED) return this.#enqueue(channel, { pos, delivery });
    channel.isBehind = true;
    channel.hasLeft = true;
  }

  /** Takes a delivery that is not stored: now or never. */
  deliverOnce(delivery: Delivery): void {
    const channel = this.#channels.get(delivery.channel);
    if (!channel || channel.queue.size >= MAX_QUEUED) {
      const fields = { channel: delivery.channel, address: delivery.from };
      return this.#log.warn('a delivery that is not stored was dropped: nobody takes it', fields);
    }
    channel.queue.push({ pos: undefined, delivery });
    void this.#work(channel);
  }

  /** Reads what is pending: after a start, for a new handler, and in the recovery loop. */
  recover(): Promise<void> {
    if (this.#nextRead) return this.#nextRead;
    const next = this.#reading.then(() => {
      this.#nextRead = undefined;
      return this.#read();
    });
    this.#nextRead = next;
    this.#reading = next.catch(() => {});
    return next;
  }

  async #read(): Promise<void> {
    for (const channel of this.#channels.values()) Object.assign(channel, { isShut: false, hasLeft: false });
    let afterPos = 0;
    for (;;) {
      const rows = await this.#store.call('outbox', { afterPos, limit: PAGE });
      for (const row of rows) this.#take(row);
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) break;
      afterPos = last.pos;
    }
    for (const channel of this.#channels.values()) this.#noteRead(channel);
  }

  #noteRead(channel: Channel): void {
    channel.isBehind = channel.isShut || channel.hasLeft;
    if (channel.isBehind && !channel.isBusy) this.#readOn();
  }

  #take(row: OutboxRow): void {
    if (row.kind === 'reply') return this.reply(row.target, JSON.parse(row.text), row.pos);
    const channel = this.#channels.get(row.target);
    if (!channel || channel.isShut || this.#taken.has(row.pos)) return;
    if (channel.queue.size >= MAX_QUEUED) return shut(channel);
    const payload: unknown = JSON.parse(row.text);
    const delivery = { id: `${row.address}#${row.id}`, channel: row.target, from: row.address, payload };
    this.#enqueue(channel, { pos: row.pos, delivery });
  }

  #enqueue(channel: Channel, pending: Pending & { readonly pos: number }): void {
    this.#taken.add(pending.pos);
    channel.queue.push(pending);
    void this.#work(channel);
  }

  async #work(channel: Channel): Promise<void> {
    if (channel.isBusy) return;
    channel.isBusy = true;
    for (let next = channel.queue.shift(); next; next = channel.queue.shift()) await this.#handOver(channel, next);
    channel.isBusy = false;
    if (channel.isBehind) this.#readOn();
  }

  /** Whatever fails here is tried again by the recovery loop. */
  #readOn(): void {
    this.recover().catch(() => {});
  }

  async #handOver(channel: Channel, { pos, delivery }: Pending): Promise<void> {
    try {
      await channel.handler(delivery);
      if (pos !== undefined) this.#settle(pos);
    } catch (error) {
      if (pos !== undefined) this.#taken.delete(pos);
      this.#log.warn('a delivery handler failed; the delivery comes again', {
        channel: delivery.channel,
        address: delivery.from,
        error: encodeError(error),
      });
    }
  }

  #release(name: string, channel: Channel): void {
    for (const { pos } of channel.queue.takeAll()) if (pos !== undefined) this.#taken.delete(pos);
    if (this.#channels.get(name) === channel) this.#channels.delete(name);
  }

  /** Removes rows in batches: one transaction for all that were done within a turn of the event loop. */
  #settle(pos: number): void {
    this.#settling.push(pos);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#env.defer(() => {
      this.#isScheduled = false;
      const positions = this.#settling;
      this.#settling = [];
      this.#store.call('settleOutbox', positions).then(
        () => positions.forEach((done) => this.#taken.delete(done)),
        () => positions.forEach((failed) => this.#taken.delete(failed)),
      );
    });
  }
}

function shut(channel: Channel): void {
  channel.isShut = true;
  channel.isBehind = true;
}

function assertHandler(channel: unknown, handler: unknown): void {
  if (typeof channel !== 'string' || channel === '') {
    throw new TroupeError(
      'ERR_OPTIONS_INVALID',
      `The channel given to onDelivery() is ${describeValue(channel)}. Pass the name that actors deliver to: a string of at least one character.`,
      { details: { option: 'channel' } },
    );
  }
  if (typeof handler === 'function') return;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The handler given to onDelivery('${channel}') is ${describeValue(handler)}. Pass a function that takes a delivery.`,
    { details: { option: 'handler' } },
  );
}
