/**
 * The adapter of `NatsClient` over @nats-io/transport-node. The library reconnects by itself; should it give up, or should there
 * have been no server to begin with, a new connection is made here, and every subscription is made again on it.
 *
 * Invariants: N1 it goes on trying until it is closed; N2 no secret reaches a log or an error; N3 listeners hear of each change once.
 */
import { connect, headers as createHeaders } from '@nats-io/transport-node';
import type { ConnectionOptions, Msg, MsgHdrs, NatsConnection, Status, Subscription } from '@nats-io/transport-node';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import { encodeError } from '../thread/error-codec.ts';
import { withTimeout } from '../with-timeout.ts';
import type {
  Jet,
  NatsClient,
  NatsHeaders,
  NatsMessage,
  NatsOptions,
  NatsServerInfo,
  NatsState,
  NatsStateListener,
  NatsSubscription,
} from './client.ts';
import { RECONNECT_MS, toLibraryOptions } from './connect-options.ts';
import { isAuthFault, notConnected, reasonOf, toCallError, toConnectError, tooLarge } from './faults.ts';
import { fromHeaders } from './headers.ts';
import { createJet } from './jetstream.ts';
import { resolveNatsOptions } from './options.ts';
import type { ResolvedNatsOptions } from './options.ts';
import { Seldom } from './seldom.ts';

/** What `close` gives to what waits to be sent. */
const FLUSH_MS = 1000;

/** Least payload every server takes; until one has said more. */
const UNKNOWN_MAX_PAYLOAD = 1_048_576;

/** An error of the server is said again after so long, and so many are told apart. */
const FAULT_EVERY_MS = 60_000;
const MAX_FAULTS = 100;

const encoder = new TextEncoder();

export interface ConnectContext {
  readonly env: Env;
  readonly log: Logger;
}

/**
 * Connects to a NATS server.
 * @throws {TroupeError} ERR_OPTIONS_INVALID; ERR_NATS_AUTH when the credentials are not accepted; ERR_NATS_UNAVAILABLE when no
 * server answers, unless `required` is false.
 */
export async function connectNats(options: NatsOptions | string, context: ConnectContext): Promise<NatsClient> {
  const resolved = resolveNatsOptions(options);
  const client = new Client(resolved, await toLibraryOptions(resolved), context);
  await client.open();
  return client;
}

/** A subscription as asked for, over all connections. */
interface Interest {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly handler: (message: NatsMessage) => void;
  current: Subscription | undefined;
}

class Client implements NatsClient {
  readonly namespace: string;
  readonly jet: Jet;
  readonly #options: ResolvedNatsOptions;
  readonly #library: ConnectionOptions;
  readonly #env: Env;
  readonly #log: Logger;
  readonly #interests = new Set<Interest>();
  readonly #listeners = new Set<NatsStateListener>();
  #connection: NatsConnection | undefined;
  #state: NatsState = 'reconnecting';
  #info: NatsServerInfo;
  #retry: unknown;
  #isAuthTold = false;
  readonly #faults = new Map<string, Seldom>();

  constructor(options: ResolvedNatsOptions, library: ConnectionOptions, { env, log }: ConnectContext) {
    this.namespace = options.namespace;
    this.#options = options;
    this.#library = library;
    this.#env = env;
    this.#log = log.with({ component: 'nats' });
    this.#info = unknownServer(options);
    const connection = (what: string): NatsConnection => this.#need(what);
    this.jet = createJet({ env, connection, toHeaders, url: () => this.info.url });
  }

  /** The first connection. */
  async open(): Promise<void> {
    try {
      await this.#dial();
    } catch (cause) {
      const error = toConnectError(cause, this.#options.servers);
      if (this.#options.required || isAuthFault(cause)) throw error;
      this.#log.warn('no NATS server answers; the system starts without one and goes on trying', {
        error: encodeError(error),
      });
      this.#redial();
    }
  }

  get state(): NatsState {
    return this.#state;
  }

  get info(): NatsServerInfo {
    const connection = this.#connection;
    if (connection?.info) this.#info = toInfo(connection, this.#info.url);
    return this.#info;
  }

  publish(
    subject: string,
    text: string,
    { headers, reply }: { readonly headers?: NatsHeaders; readonly reply?: string } = {},
  ): void {
    const what = `'${subject}'`;
    const connection = this.#need(what);
    const data = this.#encode(text, what);
    try {
      connection.publish(subject, data, { ...(headers && { headers: toHeaders(headers) }), ...(reply && { reply }) });
    } catch (cause) {
      throw toCallError(cause, what, this.info.url);
    }
  }

  async request(
    subject: string,
    text: string,
    { timeoutMs, headers }: { readonly timeoutMs: number; readonly headers?: NatsHeaders },
  ): Promise<NatsMessage> {
    const what = `the request on '${subject}'`;
    const connection = this.#need(what);
    const data = this.#encode(text, what);
    try {
      const options = { timeout: timeoutMs, ...(headers && { headers: toHeaders(headers) }) };
      return toMessage(await connection.request(subject, data, options));
    } catch (cause) {
      throw toCallError(cause, what, this.info.url);
    }
  }

  async requestMany(
    subject: string,
    text: string,
    { timeoutMs, most }: { readonly timeoutMs: number; readonly most?: number },
  ): Promise<readonly NatsMessage[]> {
    const what = `the request on '${subject}'`;
    const connection = this.#need(what);
    const found: NatsMessage[] = [];
    try {
      const limit =
        most === undefined ? { strategy: 'timer' as const } : { strategy: 'count' as const, maxMessages: most };
      const answers = await connection.requestMany(subject, this.#encode(text, what), { maxWait: timeoutMs, ...limit });
      for await (const answer of answers) found.push(toMessage(answer));
    } catch (cause) {
      const error = toCallError(cause, what, this.info.url);
      if (error.details['reason'] !== 'no-responders') throw error;
    }
    return found;
  }

  subscribe(
    subject: string,
    handler: (message: NatsMessage) => void,
    { queue }: { readonly queue?: string } = {},
  ): NatsSubscription {
    const interest: Interest = { subject, queue, handler, current: undefined };
    this.#interests.add(interest);
    if (this.#connection) this.#take(interest, this.#connection);
    return {
      stop: async () => {
        this.#interests.delete(interest);
        const current = interest.current;
        if (!current || current.isClosed()) return;
        if (this.#state === 'connected') await current.drain().catch(() => {});
        else current.unsubscribe();
      },
    };
  }

  onState(listener: NatsStateListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async flush(): Promise<void> {
    const what = 'a flush';
    await this.#need(what)
      .flush()
      .catch((cause: unknown) => {
        throw toCallError(cause, what, this.info.url);
      });
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const wasConnected = this.#state === 'connected';
    this.#become('closed');
    this.#env.clearTimeout(this.#retry);
    const connection = this.#connection;
    if (!connection) return;
    if (wasConnected) await withTimeout(this.#env, FLUSH_MS, (done) => void connection.flush().then(done, done));
    await connection.close();
    discardSocket(connection);
  }

  #encode(text: string, what: string): Uint8Array {
    const data = encoder.encode(text);
    const { maxPayload } = this.info;
    if (data.length > maxPayload) throw tooLarge(what, data.length, maxPayload);
    return data;
  }

  #need(what: string): NatsConnection {
    const connection = this.#connection;
    if (!connection || this.#state === 'closed') throw notConnected(what, this.#options.servers);
    return connection;
  }

  async #dial(): Promise<void> {
    const connection = await connect({ ...this.#library });
    if (this.#state === 'closed') return void (await connection.close());
    this.#connection = connection;
    this.#isAuthTold = false;
    void this.#watch(connection);
    for (const interest of this.#interests) this.#take(interest, connection);
    this.#become('connected');
  }

  /** Tries again in a while, until there is a connection or it is closed. */
  #redial(): void {
    if (this.#state === 'closed') return;
    const waitMs = RECONNECT_MS * (1 + this.#env.random());
    this.#retry = this.#env.setTimeout(() => {
      this.#dial().catch((error: unknown) => {
        this.#noteAuth(error);
        this.#redial();
      });
    }, waitMs);
  }

  #take(interest: Interest, connection: NatsConnection): void {
    const { subject, queue, handler } = interest;
    const callback = (error: Error | null, message: Msg): void => {
      if (error)
        return this.#log.warn('the NATS server refuses a subscription', { subject, error: encodeError(error) });
      try {
        handler(toMessage(message));
      } catch (thrown) {
        this.#log.error('a handler of a NATS message threw', { subject, error: encodeError(thrown) });
      }
    };
    interest.current = connection.subscribe(subject, { callback, ...(queue !== undefined && { queue }) });
  }

  /** Follows what the library says of a connection, until that is closed. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) this.#note(status);
    const why = await connection.closed();
    if (this.#state === 'closed' || this.#connection !== connection) return;
    this.#connection = undefined;
    this.#become('reconnecting', why ? reasonOf(why) : undefined);
    this.#redial();
  }

  #note(status: Status): void {
    if (status.type === 'disconnect') return this.#become('reconnecting', `lost ${status.server}`);
    if (status.type === 'reconnect') {
      this.#isAuthTold = false;
      return this.#become('connected');
    }
    if (status.type === 'staleConnection') this.#log.warn('the NATS server does not answer; connecting anew');
    if (status.type !== 'error') return;
    if (isAuthFault(status.error)) return this.#noteAuth(status.error);
    this.#noteFault(status.error);
  }

  /** What is tried again and again fails with the same words each time. */
  #noteFault(error: Error): void {
    if (this.#faults.size >= MAX_FAULTS) this.#faults.clear();
    const known = this.#faults.get(error.message) ?? new Seldom(this.#env, FAULT_EVERY_MS);
    this.#faults.set(error.message, known);
    known.note((count) => this.#log.warn('the NATS server reports an error', { count, error: encodeError(error) }));
  }

  /** Said once until it is accepted again: every try of the connection fails with it. */
  #noteAuth(error: unknown): void {
    if (this.#isAuthTold || !isAuthFault(error)) return;
    this.#isAuthTold = true;
    const told = toConnectError(error, this.#options.servers);
    this.#log.error('the NATS server does not accept the credentials; trying again', { error: encodeError(told) });
  }

  #become(state: NatsState, detail?: string): void {
    if (this.#state === state || this.#state === 'closed') return;
    const wasConnected = this.#state === 'connected';
    this.#state = state;
    if (state === 'connected')
      this.#log.info('connected to a NATS server', { server: this.info.url, version: this.info.version });
    if (state === 'reconnecting' && wasConnected)
      this.#log.warn('the connection to the NATS server is lost; trying again', { detail });
    for (const listener of this.#listeners) {
      try {
        listener(state, detail);
      } catch (error) {
        this.#log.error('a listener to the NATS connection threw', { error: encodeError(error) });
      }
    }
  }
}

function unknownServer({ servers }: ResolvedNatsOptions): NatsServerInfo {
  const url = servers.map(withoutScheme).join(', ');
  return { version: '', name: '', maxPayload: UNKNOWN_MAX_PAYLOAD, hasHeaders: true, hasJetStream: false, url };
}

/**
 * The library leaves the socket open on which it waits for the first words of a server: one that stands still would keep the process from
 * ending. Nothing public reaches it.
 */
function discardSocket(connection: NatsConnection): void {
  const { protocol } = connection as { readonly protocol?: { readonly transport?: { discard?(): void } } };
  protocol?.transport?.discard?.();
}

const withoutScheme = (server: string): string => server.replace(/^[a-z]+:\/\//, '');

function toInfo(connection: NatsConnection, lastUrl: string): NatsServerInfo {
  const {
    version = '',
    server_name: name = '',
    max_payload: maxPayload,
    headers,
    jetstream,
    cluster,
  } = connection.info ?? {};
  return {
    version,
    name,
    maxPayload: maxPayload ?? UNKNOWN_MAX_PAYLOAD,
    hasHeaders: headers === true,
    hasJetStream: jetstream === true,
    url: connection.isClosed() ? lastUrl : connection.getServer(),
    ...(cluster !== undefined && { cluster }),
  };
}

/** Headers in the words of the library. */
function toHeaders(headers: NatsHeaders): MsgHdrs {
  const made = createHeaders();
  for (const [name, value] of Object.entries(headers)) made.set(name, value);
  return made;
}

function toMessage(message: Msg): NatsMessage {
  const { subject, data, reply } = message;
  return {
    subject,
    data,
    text: () => message.string(),
    headers: fromHeaders(message.headers),
    ...(reply !== undefined && reply !== '' && { reply }),
    respond: (text, headers) => message.respond(text, headers && { headers: toHeaders(headers) }),
  };
}
