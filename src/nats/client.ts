/**
 * The port to a NATS server, in Troupe's words: plain subjects, and the streams of JetStream. Adapter: `connectNats` in
 * `nats-client.ts`; it and `jetstream.ts` are the only files that know the library. No method puts a secret into an error.
 */

/** Options of `createSystem({ nats })`; a URL alone stands for `{ servers: URL }`. */
export interface NatsOptions {
  /** One or several, as `nats://HOST:PORT` or `tls://HOST:PORT`. The first that answers is used, the others when it goes. */
  readonly servers: string | readonly string[];
  /** First part of every subject and name on the server: systems of one namespace share their events. 1 to 32 characters of A-Z a-z 0-9 _ - that start with a letter or digit. @default 'default' */
  readonly namespace?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Path of a credentials file (`.creds`) with a JWT and its seed. */
  readonly credentialsFile?: string;
  /** Seed of an nkey, which begins with `SU`. */
  readonly nkeySeed?: string;
  readonly tls?: NatsTls;
  /** How the connection is called on the server. @default 'troupe' */
  readonly name?: string;
  /** Time for one server to answer, in milliseconds. 100 to 600,000. @default 5000 */
  readonly connectTimeoutMs?: number;
  /** False: the system starts without a server, holds what it publishes, and goes on trying. @default true */
  readonly required?: boolean;
  /**
   * Whether actors can be reached over NATS; a list names the types. With either, a type that another system of the namespace serves is an error.
   * @default all types that no other system serves when this one starts
   */
  readonly actors?: boolean | readonly string[];
  /** Settings of the stream of events. */
  readonly stream?: NatsStreamOptions;
}

/** Files in PEM. */
export interface NatsTls {
  /** Certificates of the authorities to trust, in place of those of the machine. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Speaks TLS before the server has said a word; the server must be set up for it. @default false */
  readonly handshakeFirst?: boolean;
}

/** Settings of the stream, which is made with them when it is missing. */
export interface NatsStreamOptions {
  /** Servers that keep a copy, 1 to 5. @default 1 */
  readonly replicas?: number;
  /** @default 'file' */
  readonly storage?: 'file' | 'memory';
  /** The oldest events go beyond it; without it only age counts. */
  readonly maxBytes?: number;
  /** How long the server recognises an event sent twice, in milliseconds. 1,000 to 86,400,000. @default 120000 */
  readonly duplicateWindowMs?: number;
  /** Changes a stream that has other settings, in place of refusing to start. @default false */
  readonly update?: boolean;
}

/** Headers by their names in lower case. */
export type NatsHeaders = Readonly<Record<string, string>>;

/** A message as it came. */
export interface NatsMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** The data as UTF-8. */
  text(): string;
  readonly headers: NatsHeaders;
  /** Where an answer is awaited. */
  readonly reply?: string;
  /** Answers; false when no answer is awaited or the connection is closed. */
  respond(text: string, headers?: NatsHeaders): boolean;
}

/** What is known of the server; of the last one while there is none. */
export interface NatsServerInfo {
  readonly version: string;
  readonly name: string;
  /** Most bytes of one message, headers included. */
  readonly maxPayload: number;
  readonly hasHeaders: boolean;
  readonly hasJetStream: boolean;
  /** `host:port`, without credentials. */
  readonly url: string;
  readonly cluster?: string;
}

/** `reconnecting`: no server at the moment, another try is to come. */
export type NatsState = 'connected' | 'reconnecting' | 'closed';

/** Takes changes of the connection. `detail` says why, for people. */
export type NatsStateListener = (state: NatsState, detail?: string) => void;

/** A connection that comes back by itself. */
export interface NatsClient {
  readonly namespace: string;
  readonly info: NatsServerInfo;
  readonly state: NatsState;
  readonly jet: Jet;
  /**
   * Sends without an answer. While there is no server it waits in memory, and may be lost.
   * @throws {TroupeError} ERR_NATS_UNAVAILABLE when closed; ERR_EVENT_TOO_LARGE.
   */
  publish(subject: string, text: string, options?: { readonly headers?: NatsHeaders; readonly reply?: string }): void;
  /** @throws {TroupeError} ERR_NATS_UNAVAILABLE when nobody answers in time or nobody listens (`details.reason` is `timeout` or `no-responders`). */
  request(
    subject: string,
    text: string,
    options: { readonly timeoutMs: number; readonly headers?: NatsHeaders },
  ): Promise<NatsMessage>;
  /** Every answer that comes within the time, or until there are `most`. */
  requestMany(
    subject: string,
    text: string,
    options: { readonly timeoutMs: number; readonly most?: number },
  ): Promise<readonly NatsMessage[]>;
  /** Stays in force over a reconnect. Of subscribers with the same `queue` each message reaches one. A handler that throws is logged. */
  subscribe(
    subject: string,
    handler: (message: NatsMessage) => void,
    options?: { readonly queue?: string },
  ): NatsSubscription;
  /** Calls it at every change from here on. Returns what ends that. */
  onState(listener: NatsStateListener): () => void;
  /** Resolves when the server has seen everything sent so far. */
  flush(): Promise<void>;
  /** Sends what waits, if that is possible in a second, and ends the connection. */
  close(): Promise<void>;
}

/** Something on the server that can be ended. */
export interface NatsSubscription {
  /** Resolves when no handler runs or will run. */
  stop(): Promise<void>;
}

/** Settings of a stream that Troupe cares about. */
export interface StreamSettings {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly storage: 'file' | 'memory';
  readonly retention: string;
  readonly discard: string;
  readonly maxAgeMs: number;
  /** -1: no limit; likewise the other two. */
  readonly maxBytes: number;
  readonly maxMessages: number;
  readonly maxMessageBytes: number;
  readonly replicas: number;
  readonly duplicateWindowMs: number;
  readonly isDirect: boolean;
}

/** A stream as it is. */
export interface StreamInfo extends StreamSettings {
  /** When it was made, as the server says; another one of the same name has another. */
  readonly created: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly messages: number;
  readonly bytes: number;
}

/** A message of a stream. */
export interface StreamMessage {
  readonly subject: string;
  readonly seq: number;
  /** When the stream took it, in milliseconds since the epoch, by the clock of the server. */
  readonly time: number;
  readonly data: Uint8Array;
  text(): string;
  readonly headers: NatsHeaders;
  /** How many follow in the stream that the reader wants; 0 when it is the last, or that is not known. */
  readonly pending: number;
}

/** A message that the server gives to one of a group, and again unless it is told that it was handled. */
export interface AckableMessage extends StreamMessage {
  /** How often it was given, from 1. */
  readonly attempt: number;
  /** It was handled. Resolves when the server knows; false when that is not certain. */
  ack(): Promise<boolean>;
  /** It is to come again, after a while. */
  nak(delayMs?: number): void;
  /** It is still being handled: the server shall wait on. */
  working(): void;
  /** It shall not come again although it was not handled. */
  term(reason: string): void;
}

/** Streams, consumers and buckets. Every call rejects with ERR_NATS_UNAVAILABLE when the server does not answer in time. */
export interface Jet {
  streamInfo(name: string): Promise<StreamInfo | undefined>;
  /** @throws {TroupeError} ERR_NATS_STREAM when the server refuses the settings. */
  createStream(settings: StreamSettings): Promise<StreamInfo>;
  /** @throws {TroupeError} ERR_NATS_STREAM when the server refuses the change. */
  updateStream(settings: StreamSettings): Promise<StreamInfo>;
  deleteStream(name: string): Promise<boolean>;
  /**
   * Resolves when the stream has it.
   * @throws {TroupeError} ERR_NATS_UNAVAILABLE when that is not known: send it again with the same id; ERR_EVENT_TOO_LARGE;
   * ERR_NATS_STREAM when the server refuses it.
   */
  publish(
    subject: string,
    text: string,
    options: { readonly id: string; readonly headers?: NatsHeaders; readonly timeoutMs: number },
  ): Promise<{ readonly seq: number; readonly isDuplicate: boolean }>;
  /** Reads in order, each once, from after `afterSeq` on; goes on by itself after gaps and reconnects. */
  follow(stream: string, options: FollowOptions): Promise<NatsSubscription>;
  /** Takes part in a group that shares one durable place on the server, which is made when it is missing. */
  queue(stream: string, options: QueueOptions): Promise<QueueMembership>;
  /** False when there was none. */
  deleteQueue(stream: string, name: string): Promise<boolean>;
  message(stream: string, seq: number): Promise<StreamMessage | undefined>;
  /** A bucket of keys, made when it is missing. */
  bucket(name: string, options: { readonly ttlMs: number }): Promise<Bucket>;
}

/** How a stream is followed. */
export interface FollowOptions {
  readonly afterSeq: number;
  /** @default all of the stream */
  readonly subjects?: readonly string[];
  /** The next one comes when this has resolved. */
  readonly onMessage: (message: StreamMessage) => void | Promise<void>;
  /** Told of what keeps it from going on, which it tries again by itself; and of what ends it (`isOver`): then follow anew. */
  readonly onTrouble: (trouble: { readonly text: string; readonly isOver: boolean }) => void;
}

/** A member of a group that takes part. */
export interface QueueMembership extends NatsSubscription {
  /** Sequence up to which everything of the group was done with when this member took part. */
  readonly floorSeq: number;
}

/** How a group takes its share of a stream. */
export interface QueueOptions {
  /** Name on the server: A-Z a-z 0-9 _ -. */
  readonly name: string;
  readonly filters: readonly string[];
  /** After this time without `ack` or `working` the server gives a message to another. */
  readonly ackWaitMs: number;
  /** Messages this member may have at a time. */
  readonly most: number;
  /** Sequence a new group begins after. @default the end of the stream */
  readonly afterSeq?: number;
  readonly onMessage: (message: AckableMessage) => void | Promise<void>;
  readonly onTrouble: FollowOptions['onTrouble'];
}

/** One key of a bucket. */
export interface BucketEntry {
  readonly text: string;
  readonly revision: number;
}

/** Keys with values and revisions, which the server forgets after their time. Keys: A-Z a-z 0-9 _ - . = /. */
export interface Bucket {
  get(key: string): Promise<BucketEntry | undefined>;
  /** The new revision; undefined when the key exists. */
  create(key: string, text: string): Promise<number | undefined>;
  /** The new revision; undefined when the key is not of `revision` any more. */
  update(key: string, text: string, revision: number): Promise<number | undefined>;
  put(key: string, text: string): Promise<number>;
  /** With a revision: only if it is of that. False when it is not. */
  delete(key: string, revision?: number): Promise<boolean>;
  keys(): Promise<readonly string[]>;
}
