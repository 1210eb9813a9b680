/** A foreign JetStream consumer of a run with a broker: the library of NATS and nothing of ours. */
import { jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Hearing } from './broker-check.ts';
import type { LoadData } from './broker-history.ts';

/** What the server says about a stream and its durable consumers. */
export interface StreamLook {
  readonly lastSeq: number;
  /** Messages that durable consumers have not come to. */
  readonly pending: number;
  /** Messages that are given out and not acknowledged. */
  readonly unacknowledged: number;
}

/** Looks at a stream, and reads it. */
export class StreamReader implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #stream: string;

  private constructor(connection: NatsConnection, manager: JetStreamManager, stream: string) {
    this.#connection = connection;
    this.#manager = manager;
    this.#stream = stream;
  }

  static async connect(url: string, namespace: string): Promise<StreamReader> {
    const connection = await connect({ servers: url });
    return new StreamReader(connection, await jetstreamManager(connection), `TROUPE_${namespace}`);
  }

  async look(): Promise<StreamLook> {
    const { state } = await this.#manager.streams.info(this.#stream);
    let [pending, unacknowledged] = [0, 0];
    for await (const { config, num_pending, num_ack_pending } of this.#manager.consumers.list(this.#stream)) {
      if (config.durable_name === undefined) continue;
      pending += num_pending;
      unacknowledged += num_ack_pending;
    }
    return { lastSeq: state.last_seq, pending, unacknowledged };
  }

  /** The load in the stream, all of it, in order. */
  async read(): Promise<readonly Hearing[]> {
    const { lastSeq } = await this.look();
    const hearings: Hearing[] = [];
    const consumer = await this.#manager.jetstream().consumers.get(this.#stream);
    const messages = await consumer.consume();
    for await (const message of messages) {
      hearings.push(...toHearing(message.json<StoredEvent>()));
      if (message.seq >= lastSeq) break;
    }
    return hearings;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection.close();
  }
}

interface StoredEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly data: LoadData;
}

/** Ids as Troupe has them: those of a foreign event are its source and its id. What Troupe says of itself is left out. */
function toHearing({ id, source, type, data }: StoredEvent): readonly Hearing[] {
  if (!type.startsWith('load.')) return [];
  const { from, n, sentAt } = data;
  return [{ from, n, sentAt, id: source.startsWith('/foreign/') ? `${source}#${id}` : id }];
}
