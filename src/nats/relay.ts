/**
 * Sends what is published in this store to the stream: a reader of the log with a saved place, which needs no row of its own per
 * event (decision 0019). Owned by main.
 *
 * Invariants: O1 events leave in the order of the log, and after a failure it begins again behind the last one that is known to be there, so that the
 * order is kept by a server that takes messages of one connection in their order; O2 the place is never ahead of what the stream acknowledged;
 * O3 an event the stream can never take becomes a dead letter, and the next one goes; O4 everything else is tried until it succeeds.
 */
import type { EventReader } from '../bus/event-reader.ts';
import { Place } from '../bus/place.ts';
import type { Env } from '../env.ts';
import { isTroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { BusEventRow } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import { withTimeout } from '../with-timeout.ts';
import type { NatsClient } from './client.ts';
import { toOutgoing } from './cloud-event.ts';
import type { EventPlace } from './cloud-event.ts';
import { tooLarge } from './faults.ts';
import { LinkGate } from './link-state.ts';
import { SendWindow } from './window.ts';

/** Name of its place in the store. */
export const RELAY_PLACE = '#relay';

/** Most events without an acknowledgement. */
const MAX_UNACKNOWLEDGED = 512;

/** Time the server gets to acknowledge an event. */
const ACK_MS = 2500;

/** Before it begins again after a failure; a lost connection is waited for. */
const RETRY_MS = 500;

/** Between two saves of the place: what is sent twice after a crash is stored once. */
const SAVE_MS = 100;

/** Time a call of the server that is under way gets when it is stopped. */
const END_MS = 1000;

export interface RelayOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly store: StoreClient;
  /** That of the bus: those at the end of the log share one read. */
  readonly reader: EventReader;
  readonly client: NatsClient;
  readonly place: EventPlace;
  /** Makes or checks the stream, before anything is sent on a new connection. */
  readonly ensureStream: () => Promise<unknown>;
  /** Makes an event that cannot be sent a dead letter; resolves when that is durable. */
  readonly bury: (row: BusEventRow, error: unknown) => Promise<void>;
}

/** What a relay has done. */
export interface RelayStats {
  /** Position of the log up to which everything is on the stream. */
  readonly sentSeq: number;
  readonly sent: number;
  readonly resent: number;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #gate: LinkGate;
  readonly #reader: EventReader;
  readonly #saved: Place;
  #window: SendWindow;
  /** The furthest position that ever left. */
  #furthest = 0;
  #sent = 0;
  #resent = 0;
  #isFailing = false;
  #saveTimer: unknown;
  #running: Promise<void> | undefined;

  private constructor(options: RelayOptions, pos: number) {
    const { env, store, client } = options;
    const log = options.log.with({ component: 'nats-relay' });
    this.#options = { ...options, log };
    this.#gate = new LinkGate(client, env);
    this.#reader = options.reader;
    this.#saved = new Place({ store, log, name: RELAY_PLACE, pattern: '>', pos });
    this.#window = new SendWindow(pos);
  }

  /** A relay at its saved place; a new one is at the end of the log. Nothing published from here on is missed. */
  static async open(options: RelayOptions): Promise<Relay> {
    const { store } = options;
    const kept = await store.call('cursor', RELAY_PLACE);
    const pos = kept?.pos ?? (await store.call('lastBusPos'));
    if (!kept) await store.call('setCursor', RELAY_PLACE, { pattern: '>', pos });
    return new Relay(options, pos);
  }

  /** Begins to send. */
  start(): void {
    this.#running ??= this.#run();
  }

  get stats(): RelayStats {
    return { sentSeq: this.#window.donePos, sent: this.#sent, resent: this.#resent };
  }

  /** Resolves when what was published before is on the stream, the connection is lost, or the time is up. */
  async sent(timeoutMs: number): Promise<void> {
    if (this.#options.client.state === 'connected') await this.#drain(timeoutMs);
  }

  /** Gives what is published a while to reach the stream, then ends. What has not left is sent after the next start. */
  async stop(timeoutMs: number): Promise<void> {
    if (this.#running) await this.sent(timeoutMs);
    this.#gate.stop();
    this.#reader.cancel(this);
    const { env } = this.#options;
    await withTimeout(env, END_MS, (done) => void (this.#running ?? Promise.resolve()).then(done, done));
    env.clearTimeout(this.#saveTimer);
    await this.#saved.settle(this.#window.donePos);
  }

  async #drain(timeoutMs: number): Promise<void> {
    const { env, store } = this.#options;
    const lastPos = await store.call('lastBusPos').catch(() => 0);
    let isOver = false;
    await withTimeout(env, timeoutMs, (done) => void this.#reached(lastPos, () => isOver).then(done, done));
    isOver = true;
  }

  async #reached(pos: number, isOver: () => boolean): Promise<void> {
    while (!isOver() && this.#window.donePos < pos && this.#options.client.state === 'connected')
      await this.#gate.changed(SAVE_MS);
  }

  async #run(): Promise<void> {
    while (!this.#gate.isStopped) {
      await this.#gate.connected();
      if (this.#gate.isStopped) return;
      try {
        await this.#options.ensureStream();
        await this.#sendAll();
      } catch (error) {
        this.#note(error);
        await this.#gate.changed(RETRY_MS);
      }
    }
  }

  /** Sends until it is stopped, the connection changes, or something fails. Rejects with what failed. */
  async #sendAll(): Promise<void> {
    const pass = new Pass(this.#gate.epoch);
    const window = new SendWindow(this.#window.donePos);
    this.#window = window;
    let readPos = window.donePos;
    while (this.#goesOn(pass)) {
      const rows = await this.#next(readPos, pass);
      for (const row of rows) {
        // Only when there is none: what is sent in one turn leaves in one write.
        if (window.open >= this.#most) await this.#room(window, pass);
        if (!this.#goesOn(pass)) break;
        this.#send(row, window, pass);
        readPos = row.pos;
      }
    }
    // On the same connection what is still under way could overtake what is sent again.
    while (window.open > 0 && pass.epoch === this.#gate.epoch && !this.#gate.isStopped)
      await this.#gate.changed(SAVE_MS);
    pass.isOver = true;
    if (pass.failure) throw pass.failure.error;
  }

  #goesOn(pass: Pass): boolean {
    return !this.#gate.isStopped && pass.failure === undefined && pass.epoch === this.#gate.epoch;
  }

  /** The next rows, or none when it does not go on: a read that waits is given up then. */
  async #next(afterPos: number, pass: Pass): Promise<readonly BusEventRow[]> {
    let isRead = false;
    const giveUp = async (): Promise<void> => {
      while (this.#goesOn(pass) && !isRead) await this.#gate.changed();
      if (!isRead) this.#reader.cancel(this);
    };
    const reading = this.#reader.next(this, afterPos);
    const givingUp = giveUp();
    const rows = await reading;
    isRead = true;
    this.#gate.nudge();
    await givingUp;
    return rows;
  }

  async #room(window: SendWindow, pass: Pass): Promise<void> {
    while (window.open >= this.#most && this.#goesOn(pass)) await this.#gate.changed();
  }

  /** After a failure one event goes ahead: a server that mends in the middle of a window would keep the rest of it before what it refused. */
  get #most(): number {
    return this.#isFailing ? 1 : MAX_UNACKNOWLEDGED;
  }

  #send(row: BusEventRow, window: SendWindow, pass: Pass): void {
    if (row.origin !== null) {
      window.pass(row.pos);
      return this.#saveSoon();
    }
    if (row.pos <= this.#furthest) this.#resent++;
    this.#furthest = Math.max(this.#furthest, row.pos);
    const answer = window.enter(row.pos);
    this.#publish(row).then(
      () => {
        if (pass.isOver) return;
        this.#sent++;
        this.#isFailing = false;
        answer(true);
        this.#saveSoon();
        this.#gate.nudge();
      },
      (error: unknown) => {
        pass.failure ??= { error };
        answer(false);
        this.#gate.nudge();
      },
    );
  }

  /** Rejects with what may succeed when it is tried again. */
  async #publish(row: BusEventRow): Promise<void> {
    const { client, place, bury } = this.#options;
    const { subject, messageId: id, headers, text } = toOutgoing(row, place);
    try {
      await client.jet.publish(subject, text, { id, headers, timeoutMs: ACK_MS });
    } catch (error) {
      if (!isTroupeError(error, 'ERR_EVENT_TOO_LARGE')) throw error;
      const { maxPayload } = client.info;
      await bury(row, tooLarge(`the event on '${row.topic}'`, Buffer.byteLength(text), maxPayload, error));
    }
  }

  /** Says once that it cannot send, until it can again. */
  #note(error: unknown): void {
    if (this.#isFailing || this.#gate.isStopped) return;
    this.#isFailing = true;
    this.#options.log.warn(
      'published events cannot be sent to the NATS server; they wait in the store and are sent again',
      {
        retryInMs: RETRY_MS,
        error: encodeError(error),
      },
    );
  }

  #saveSoon(): void {
    this.#saveTimer ??= this.#options.env.setTimeout(() => {
      this.#saveTimer = undefined;
      this.#saved.save(this.#window.donePos);
    }, SAVE_MS);
  }
}

/** One stretch of sending, over one connection. */
class Pass {
  readonly epoch: number;
  failure: { readonly error: unknown } | undefined;
  /** What is answered later counts no more. */
  isOver = false;

  constructor(epoch: number) {
    this.epoch = epoch;
  }
}
