/**
 * The NATS engine of a system: the connection, the stream, what goes out (relay) and what comes in (inlet). The log of the store stays the
 * bus (decision 0019): nobody local waits for any of this. Owned by main.
 */
import type { Env } from '../env.ts';
import type { NatsBusStats } from '../bus/bus-stats.ts';
import type { EmbeddedBusOptions } from '../bus/embedded-bus.ts';
import type { EventReader } from '../bus/event-reader.ts';
import { hintSubscribers } from '../cell/release.ts';
import { TroupeError } from '../errors.ts';
import type { NatsClient, NatsOptions, StreamInfo, StreamSettings } from '../nats/client.ts';
import { toEventBytes } from '../nats/cloud-event.ts';
import type { EventPlace } from '../nats/cloud-event.ts';
import { noJetStream, tooLarge } from '../nats/faults.ts';
import { Inlet, NATS_ADDRESS } from '../nats/inlet.ts';
import { connectNats } from '../nats/nats-client.ts';
import { resolveNatsOptions } from '../nats/options.ts';
import type { ResolvedNatsOptions } from '../nats/options.ts';
import { createNatsQueues } from '../nats/queues.ts';
import { Relay } from '../nats/relay.ts';
import { storeIdOf } from '../nats/store-id.ts';
import { ensureStream, wantedStream } from '../nats/stream.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { BusEventRow, NewPublication, Published } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import { hintText } from '../thread/outgoing.ts';
import type { Tells } from './tells.ts';

/** Time JetStream gets to come up with its server. */
const JETSTREAM_MS = 5000;
const JETSTREAM_POLL_MS = 100;

/** Time a server gets to remove the files of a stream. */
const LET_GO_MS = 500;

/** Most of the time of a stop that goes into sending what is published. */
const DRAIN_MS = 5000;

/** What a group that is new waits for what was published before it. */
const SENT_MS = 2000;

/** Names on a message beside its payload: subject, headers, protocol. */
const OVERHEAD_BYTES = 1024;

export interface NatsContext {
  readonly env: Env;
  readonly log: Logger;
  /** How long events are kept, in milliseconds. */
  readonly keepMs: number;
}

/** What is there once the system has its store. */
export interface NatsParts {
  readonly store: StoreClient;
  readonly reader: EventReader;
  readonly tells: Tells;
}

/**
 * Connects, and makes or checks the stream.
 * @throws {TroupeError} ERR_NATS_UNAVAILABLE, ERR_NATS_AUTH, ERR_NATS_JETSTREAM, ERR_NATS_STREAM. Nothing is left open then.
 */
export async function connectEngine(options: NatsOptions | string, context: NatsContext): Promise<NatsEngine> {
  const client = await connectNats(options, context);
  const engine = new NatsEngine(client, resolveNatsOptions(options), context);
  try {
    if (client.state === 'connected') await engine.stream();
    return engine;
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** The NATS engine of one system. */
export class NatsEngine {
  readonly client: NatsClient;
  readonly options: ResolvedNatsOptions;
  readonly context: NatsContext;
  readonly #wanted: StreamSettings;
  #relay: Relay | undefined;
  #inlet: Inlet | undefined;
  #store: StoreClient | undefined;
  #storeId = '';
  #isMade = false;

  constructor(client: NatsClient, options: ResolvedNatsOptions, context: NatsContext) {
    this.client = client;
    this.options = options;
    this.context = context;
    this.#wanted = wantedStream(options, context.keepMs);
  }

  /** Id of the store, once it is open. */
  get storeId(): string {
    return this.#storeId;
  }

  /** The stream, made or checked. A server that has only just begun gets a while for it. */
  async stream(): Promise<StreamInfo> {
    const { env } = this.context;
    const giveUpAt = env.monotonicMs() + JETSTREAM_MS;
    const how = { isUpdated: this.options.stream.update, server: this.client.info.url };
    for (;;) {
      try {
        await this.#letGo();
        this.#isMade = true;
        return await ensureStream(this.client.jet, this.#wanted, how);
      } catch (error) {
        if (!isWithoutJetStream(error)) throw error;
        if (!this.client.info.hasJetStream) throw noJetStream(this.client.info.url, error);
        if (env.monotonicMs() > giveUpAt) throw error;
      }
      await new Promise<void>((resolve) => env.setTimeout(resolve, JETSTREAM_POLL_MS));
    }
  }

  /** A stream that somebody removes is made again a moment later: server 2.9 would remove the files of the new one as well. */
  async #letGo(): Promise<void> {
    if (!this.#isMade || (await this.client.jet.streamInfo(this.#wanted.name))) return;
    await new Promise<void>((resolve) => this.context.env.setTimeout(resolve, LET_GO_MS));
  }

  /** Sets the places where they are new: from here on nothing that is published is missed. */
  async open({ store, reader, tells }: NatsParts): Promise<void> {
    const { env, log } = this.context;
    const { client } = this;
    this.#store = store;
    this.#storeId = await storeIdOf(store, env);
    const place: EventPlace = { namespace: client.namespace, storeId: this.#storeId };
    const shared = { env, log, store, client, place, ensureStream: () => this.stream() };
    const bury = (row: BusEventRow, error: unknown): Promise<void> => this.#bury(store, row, error);
    this.#relay = await Relay.open({ ...shared, reader, bury });
    const hint = (published: Published, publication: NewPublication, at: number): void =>
      hintReceivers(tells, published, publication, at);
    this.#inlet = await Inlet.open({ ...shared, hint });
    if (client.state === 'connected') await this.#inlet.begin();
  }

  /** Begins to send and to take in. */
  start(): void {
    this.#relay?.start();
    this.#inlet?.start();
  }

  /** Sends what is published, as far as there is time; takes nothing more in; closes the connection. */
  async stop(timeoutMs: number): Promise<void> {
    await Promise.all([this.#relay?.stop(Math.min(timeoutMs, DRAIN_MS)), this.#inlet?.stop()]);
    await this.client.close();
  }

  /**
   * Refuses what the server would never take.
   * @throws {TroupeError} ERR_EVENT_TOO_LARGE.
   */
  assertFits(publication: NewPublication): void {
    const { maxPayload } = this.client.info;
    // Most are far below: their bytes are counted only when they may be too many.
    if (publication.text.length * 3 + OVERHEAD_BYTES < maxPayload) return;
    const bytes = toEventBytes(publication);
    if (bytes + OVERHEAD_BYTES > maxPayload)
      throw tooLarge(`the event on '${publication.topic}'`, bytes + OVERHEAD_BYTES, maxPayload);
  }

  /** Up to where events are on the stream: those after it are not to be removed. */
  get unsentAfter(): number | undefined {
    return this.#relay?.stats.sentSeq;
  }

  /** How it stands with the server. */
  async stats(): Promise<NatsBusStats> {
    const { state, info } = this.client;
    const relay = this.#relay?.stats ?? { sentSeq: 0, sent: 0, resent: 0 };
    const unsent = this.#store?.call('countBus', { afterPos: relay.sentSeq, isOwn: true });
    const inlet = this.#inlet?.stats ?? { streamSeq: 0, behind: 0, received: 0, refused: 0 };
    return {
      state,
      server: `${info.url} ${info.version}`.trim(),
      relay: { ...relay, behind: (await unsent) ?? 0 },
      inlet,
    };
  }

  /** What the bus asks of it. */
  get busHooks(): Pick<EmbeddedBusOptions, 'assertFits' | 'unsentAfter' | 'natsStats' | 'createQueues'> {
    return {
      assertFits: (publication) => this.assertFits(publication),
      unsentAfter: () => this.unsentAfter,
      createQueues: (services) => {
        const { client } = this;
        const sent = async (): Promise<void> => this.#relay?.sent(SENT_MS);
        return createNatsQueues({ client, ensureStream: () => this.stream(), sent }, services);
      },
      natsStats: () => this.stats(),
    };
  }

  /** Makes an event that the server cannot take a dead letter. */
  #bury(store: StoreClient, row: BusEventRow, error: unknown): Promise<void> {
    const { env, log } = this.context;
    const { id, topic, source: sender } = row;
    log.error('an event is too large for the NATS server; it becomes a dead letter of bus/nats', {
      component: 'nats-relay',
      event: id,
      topic,
      error: encodeError(error),
    });
    const letter = { id, sender, text: toLetterText(row), error: JSON.stringify(encodeError(error)), attempts: 1 };
    const orphan = { address: NATS_ADDRESS, seq: 0, epoch: 1, version: 1, at: env.now(), status: 'active' } as const;
    return new Promise((resolve, reject) => {
      store.post({ ...orphan, deadLetters: [letter] }, (result) => {
        if (result.outcome !== 'refused') return resolve();
        reject(
          new TroupeError('ERR_INTERNAL', `The store refused a dead letter of '${NATS_ADDRESS}': ${result.reason}.`),
        );
      });
    });
  }
}

function toLetterText({ id, topic, source, time, priority, text }: BusEventRow): string {
  const head = JSON.stringify({ id, topic, source, time, priority });
  return `${head.slice(0, -1)},"data":${text}}`;
}

function isWithoutJetStream(error: unknown): boolean {
  if (!(error instanceof TroupeError)) return false;
  return error.code === 'ERR_NATS_JETSTREAM' || error.details['reason'] === 'no-responders';
}

function hintReceivers(tells: Tells, published: Published, publication: NewPublication, at: number): void {
  const result = { outcome: 'done', published: [published] } as const;
  hintSubscribers(NATS_ADDRESS, [publication], result, at, (sender, row, position) => {
    if (position) tells.hint(row.receiver, hintText(sender, row, position, at));
  });
}
