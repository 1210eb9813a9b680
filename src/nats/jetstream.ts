/**
 * The adapter of `Jet` over @nats-io/jetstream and @nats-io/kv. It holds no connection: each call takes the one there is.
 * A reader that loses its consumer on the server, or is held up for long, ends and says so: whoever reads knows from where to go on.
 */
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type {
  ConsumerConfig,
  ConsumerInfo,
  ConsumerMessages,
  JetStreamClient,
  JetStreamManager,
  JsMsg,
  StreamConfig,
  StreamInfo as LibraryStreamInfo,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { KV } from '@nats-io/kv';
import type { Env } from '../env.ts';
import type {
  Bucket,
  FollowOptions,
  Jet,
  NatsHeaders,
  NatsSubscription,
  QueueMembership,
  QueueOptions,
  StreamInfo,
  StreamMessage,
  StreamSettings,
} from './client.ts';
import { isNoJetStream, isStreamMissing, noJetStream, otherGroup, reasonOf, toCallError } from './faults.ts';
import { fromHeaders } from './headers.ts';
import { Membership, isConsumerMissing } from './jetstream-group.ts';
import { toStreamMessage } from './jetstream-message.ts';

/** Messages asked for in advance, so that a reader need not wait for the server. */
const PREFETCH = 256;

/** How long one request for messages stands on the server; then the next takes its place. */
const PULL_MS = 10_000;

/** How often the server says that it is there while it has nothing. Two that are missed are looked into. */
const IDLE_MS = 2500;

/** A consumer that nobody asks is removed by the server. */
const FORGET_MS = 60_000;

/** Said by the library of a consumer that is not there any more, or not heard of. */
const LOST: readonly string[] = [
  'heartbeats_missed',
  'consumer_deleted',
  'consumer_not_found',
  'stream_not_found',
  'no_responders',
];

/** A reader that was held up for so long begins anew: meanwhile the library asked the server again and again. */
const HELD_UP_MS = 4000;

/** Time for a call of the API. */
const CALL_MS = 1500;

const NANOS_PER_MS = 1_000_000;

/** Of the server: the last revision of a key is another; the key exists. */
const WRONG_REVISION_CODES = [10_071, 10_164];

type Connection = Parameters<typeof jetstream>[0];
type LibraryHeaders = NonNullable<NonNullable<Parameters<JetStreamClient['publish']>[2]>['headers']>;

export interface JetOptions {
  readonly env: Env;
  /** The connection there is. @throws {TroupeError} ERR_NATS_UNAVAILABLE when there is none. */
  readonly connection: (what: string) => Connection;
  readonly toHeaders: (headers: NatsHeaders) => LibraryHeaders;
  readonly url: () => string;
}

/** Makes the streams of a client. */
export function createJet(options: JetOptions): Jet {
  return new JetStream(options);
}

class JetStream implements Jet {
  readonly #options: JetOptions;
  #client: { readonly connection: Connection; readonly stream: JetStreamClient } | undefined;

  constructor(options: JetOptions) {
    this.#options = options;
  }

  streamInfo(name: string): Promise<StreamInfo | undefined> {
    return this.#call(`a question about stream '${name}'`, async (manager) => {
      try {
        return toInfo(await manager.streams.info(name));
      } catch (error) {
        if (isStreamMissing(error)) return undefined;
        throw error;
      }
    });
  }

  createStream(settings: StreamSettings): Promise<StreamInfo> {
    return this.#call(`stream '${settings.name}' with ${describe(settings)}`, async (manager) =>
      toInfo(await manager.streams.add(toConfig(settings))),
    );
  }

  updateStream(settings: StreamSettings): Promise<StreamInfo> {
    return this.#call(`stream '${settings.name}' with ${describe(settings)}`, async (manager) =>
      toInfo(await manager.streams.update(settings.name, toConfig(settings))),
    );
  }

  deleteStream(name: string): Promise<boolean> {
    return this.#call(`the removal of stream '${name}'`, async (manager) => {
      try {
        return await manager.streams.delete(name);
      } catch (error) {
        if (isStreamMissing(error)) return false;
        throw error;
      }
    });
  }

  async publish(
    subject: string,
    text: string,
    { id, headers, timeoutMs }: { readonly id: string; readonly headers?: NatsHeaders; readonly timeoutMs: number },
  ): Promise<{ readonly seq: number; readonly isDuplicate: boolean }> {
    const what = `the event '${id}' on '${subject}'`;
    try {
      const { seq, duplicate } = await this.#stream(what).publish(subject, text, {
        msgID: id,
        timeout: timeoutMs,
        ...(headers && { headers: this.#options.toHeaders(headers) }),
      });
      return { seq, isDuplicate: duplicate };
    } catch (cause) {
      throw toCallError(cause, what, this.#options.url());
    }
  }

  async follow(stream: string, options: FollowOptions): Promise<NatsSubscription> {
    const { afterSeq, subjects } = options;
    const messages = await this.#call(`the reading of stream '${stream}'`, async (manager) => {
      const consumer = await manager.jetstream().consumers.get(stream, {
        opt_start_seq: afterSeq + 1,
        inactive_threshold: FORGET_MS,
        ...(subjects && { filter_subjects: subjects.length === 1 ? subjects[0] : [...subjects] }),
      } as Parameters<JetStreamClient['consumers']['get']>[1]);
      return consumer.consume({
        max_messages: PREFETCH,
        expires: PULL_MS,
        idle_heartbeat: IDLE_MS,
        abort_on_missing_resource: true,
      });
    });
    return new Reading(this.#options.env, messages, options);
  }

  async queue(stream: string, options: QueueOptions): Promise<QueueMembership> {
    const { name, filters } = options;
    const floorSeq = await this.#call(`group '${name}' of stream '${stream}'`, async (manager) => {
      const found = await findConsumer(manager, stream, name);
      const subjects = subjectsOf(found);
      if (subjects && subjects.join() !== filters.join()) throw otherGroup(name, subjects, filters);
      if (found) return found.ack_floor.stream_seq;
      const made = await manager.consumers.add(stream, toConsumer(options));
      return options.afterSeq ?? made.ack_floor.stream_seq;
    });
    return new Membership(this.#options.env, { ...options, floorSeq }, (take) =>
      this.#call(`a message for group '${name}'`, async (manager) => {
        const consumer = await manager.jetstream().consumers.get(stream, name);
        await take(() => consumer.next({ expires: PULL_MS }));
      }),
    );
  }

  deleteQueue(stream: string, name: string): Promise<boolean> {
    return this.#call(`the removal of group '${name}'`, async (manager) => {
      try {
        return await manager.consumers.delete(stream, name);
      } catch (error) {
        if (isConsumerMissing(error) || isStreamMissing(error)) return false;
        throw error;
      }
    });
  }

  message(stream: string, seq: number): Promise<StreamMessage | undefined> {
    return this.#call(`message ${seq} of stream '${stream}'`, async (manager) => {
      const found = await manager.streams.getMessage(stream, { seq });
      if (!found) return undefined;
      const { subject, data, header, time } = found;
      const text = (): string => found.string();
      return { subject, seq, time: time.getTime(), data, text, headers: fromHeaders(header), pending: 0 };
    });
  }

  bucket(name: string, { ttlMs }: { readonly ttlMs: number }): Promise<Bucket> {
    return this.#call(`bucket '${name}'`, async (manager) => {
      const bucket = await new Kvm(manager.jetstream()).create(name, { ttl: ttlMs, history: 1 });
      return toBucket(bucket, (what, run) => this.#call(`${what} in bucket '${name}'`, run));
    });
  }

  #stream(what: string): JetStreamClient {
    const connection = this.#options.connection(what);
    if (this.#client?.connection !== connection)
      this.#client = { connection, stream: jetstream(connection, { timeout: CALL_MS }) };
    return this.#client.stream;
  }

  async #call<T>(what: string, run: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const connection = this.#options.connection(what);
    const url = this.#options.url();
    try {
      return await run(await jetstreamManager(connection, { checkAPI: false, timeout: CALL_MS }));
    } catch (cause) {
      throw isNoJetStream(cause) ? noJetStream(url, cause) : toCallError(cause, what, url);
    }
  }
}

/** One reader of a stream: hands on one message after the other, until it is stopped or has to begin anew. */
class Reading implements NatsSubscription {
  readonly #env: Env;
  readonly #messages: ConsumerMessages;
  readonly #options: FollowOptions;
  readonly #ended: Promise<void>;
  #isStopped = false;

  constructor(env: Env, messages: ConsumerMessages, options: FollowOptions) {
    this.#env = env;
    this.#messages = messages;
    this.#options = options;
    this.#ended = this.#run();
    void this.#watch();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#messages.stop();
    await this.#ended;
  }

  /** The library would try for long to go on with a consumer that is gone. */
  async #watch(): Promise<void> {
    for await (const { type } of this.#messages.status()) if (LOST.includes(type)) this.#messages.stop();
  }

  async #run(): Promise<void> {
    let why = 'the server ended it';
    try {
      for await (const message of this.#messages) {
        if (this.#isStopped) break;
        if (await this.#isHeldUpBy(message)) {
          why = 'it was held up for a while';
          break;
        }
      }
    } catch (error) {
      why = reasonOf(error);
    }
    this.#messages.stop();
    if (!this.#isStopped) this.#options.onTrouble({ text: why, isOver: true });
  }

  async #isHeldUpBy(message: JsMsg): Promise<boolean> {
    const taken = this.#options.onMessage(toStreamMessage(message));
    if (!taken) return false;
    const since = this.#env.monotonicMs();
    await taken;
    return this.#env.monotonicMs() - since > HELD_UP_MS;
  }
}

async function findConsumer(
  manager: JetStreamManager,
  stream: string,
  name: string,
): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(stream, name);
  } catch (error) {
    if (isConsumerMissing(error)) return undefined;
    throw error;
  }
}

function subjectsOf(consumer: ConsumerInfo | undefined): readonly string[] | undefined {
  if (!consumer) return undefined;
  const { filter_subject: one, filter_subjects: several } = consumer.config;
  return several ?? [one ?? '>'];
}

function toConsumer({
  name,
  filters,
  ackWaitMs,
  most,
  afterSeq,
}: QueueOptions): Partial<ConsumerConfig> & { durable_name: string } {
  return {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ackWaitMs * NANOS_PER_MS,
    max_deliver: -1,
    max_ack_pending: Math.max(1000, most),
    ...(filters.length === 1 ? { filter_subject: filters[0] ?? '>' } : { filter_subjects: [...filters] }),
    ...(afterSeq === undefined
      ? { deliver_policy: DeliverPolicy.New }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: afterSeq + 1 }),
  };
}

function toConfig(settings: StreamSettings): Partial<StreamConfig> & { name: string } {
  const { name, subjects, storage, retention, discard, maxAgeMs, maxBytes, maxMessages, maxMessageBytes, replicas } =
    settings;
  return {
    name,
    subjects: [...subjects],
    storage,
    retention,
    discard,
    max_age: maxAgeMs * NANOS_PER_MS,
    max_bytes: maxBytes,
    max_msgs: maxMessages,
    max_msg_size: maxMessageBytes,
    num_replicas: replicas,
    duplicate_window: settings.duplicateWindowMs * NANOS_PER_MS,
    allow_direct: settings.isDirect,
  } as Partial<StreamConfig> & { name: string };
}

function toInfo({ config, state, created }: LibraryStreamInfo): StreamInfo {
  return {
    name: config.name,
    subjects: config.subjects ?? [],
    storage: config.storage,
    retention: config.retention,
    discard: config.discard,
    maxAgeMs: config.max_age / NANOS_PER_MS,
    maxBytes: config.max_bytes,
    maxMessages: config.max_msgs,
    maxMessageBytes: config.max_msg_size ?? -1,
    replicas: config.num_replicas,
    duplicateWindowMs: config.duplicate_window / NANOS_PER_MS,
    isDirect: config.allow_direct ?? false,
    created: String(created),
    firstSeq: state.first_seq,
    lastSeq: state.last_seq,
    messages: state.messages,
    bytes: state.bytes,
  };
}

const describe = ({ subjects, storage, replicas, maxAgeMs }: StreamSettings): string =>
  `subjects ${subjects.join(', ')}, storage ${storage}, replicas ${replicas}, max age ${maxAgeMs} ms`;

type Call = <T>(what: string, run: () => Promise<T>) => Promise<T>;

function toBucket(bucket: KV, call: Call): Bucket {
  return {
    get: (key) =>
      call(`the value of '${key}'`, async () => {
        const entry = await bucket.get(key);
        return entry?.operation === 'PUT' ? { text: entry.string(), revision: entry.revision } : undefined;
      }),
    create: (key, text) => call(`the creation of '${key}'`, () => unlessChanged(() => bucket.create(key, text))),
    update: (key, text, revision) =>
      call(`the update of '${key}'`, () => unlessChanged(() => bucket.update(key, text, revision))),
    put: (key, text) => call(`the value of '${key}'`, () => bucket.put(key, text)),
    delete: (key, revision) =>
      call(`the removal of '${key}'`, async () => {
        const remove = (): Promise<void> => bucket.delete(key, revision === undefined ? {} : { previousSeq: revision });
        return (await unlessChanged(() => remove().then(() => true))) ?? false;
      }),
    keys: () =>
      call('the keys', async () => {
        const found: string[] = [];
        for await (const key of await bucket.keys()) found.push(key);
        return found;
      }),
  };
}

/** What a write that depends on a revision gives; undefined when it is another. */
async function unlessChanged<T>(write: () => Promise<T>): Promise<T | undefined> {
  try {
    return await write();
  } catch (error) {
    const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined;
    if (WRONG_REVISION_CODES.some((wrong) => wrong === code)) return undefined;
    throw error;
  }
}
