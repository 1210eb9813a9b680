/**
 * A NATS server in memory, for tests with simulated time: subjects, requests, and buckets whose keys go by themselves. Several clients
 * share it; each can be cut off and come back. What is published reaches its receivers at once, in order.
 */
import { TroupeError } from '../../src/errors.ts';
import type { Env } from '../../src/env.ts';
import type {
  Bucket,
  BucketEntry,
  Jet,
  NatsClient,
  NatsHeaders,
  NatsMessage,
  NatsState,
  NatsStateListener,
} from '../../src/nats/client.ts';

type Handler = (message: NatsMessage) => void;

interface Listener {
  readonly pattern: string;
  readonly handler: Handler;
  readonly client: MemoryNatsClient;
}

interface Key extends BucketEntry {
  readonly endsMs: number;
}

const encoder = new TextEncoder();
const SERVER = { version: '2.15.1', name: 'memory', hasHeaders: true, hasJetStream: true, url: 'memory:0' };

export class MemoryNats {
  readonly #env: Env;
  readonly #listeners = new Set<Listener>();
  readonly #buckets = new Map<string, Map<string, Key>>();
  #revision = 0;
  #inboxes = 0;
  maxPayload = 1024 * 1024;

  constructor(env: Env) {
    this.#env = env;
  }

  connect(namespace = 'default'): MemoryNatsClient {
    return new MemoryNatsClient(this, namespace);
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  newInbox(): string {
    return `_INBOX.${++this.#inboxes}`;
  }

  deliver(subject: string, data: Uint8Array, headers: NatsHeaders, reply: string | undefined): number {
    const receivers = [...this.#listeners].filter(({ pattern, client }) => client.isUp && fits(pattern, subject));
    for (const { handler, client } of receivers) {
      handler({
        subject,
        data,
        headers,
        text: () => new TextDecoder().decode(data),
        ...(reply !== undefined && { reply }),
        respond: (text, more) => reply !== undefined && client.isUp && this.#respond(reply, text, more),
      });
    }
    return receivers.length;
  }

  #respond(reply: string, text: string, headers: NatsHeaders = {}): boolean {
    this.deliver(reply, encoder.encode(text), toLower(headers), undefined);
    return true;
  }

  bucket(name: string, ttlMs: number, client: MemoryNatsClient): Bucket {
    const keys = this.#buckets.get(name) ?? new Map<string, Key>();
    this.#buckets.set(name, keys);
    const live = (key: string): Key | undefined => {
      if (!client.isUp) throw new TroupeError('ERR_INTERNAL', 'the server does not answer');
      const found = keys.get(key);
      return found && found.endsMs > this.#env.monotonicMs() ? found : undefined;
    };
    const write = (key: string, text: string): number => {
      keys.set(key, { text, revision: ++this.#revision, endsMs: this.#env.monotonicMs() + ttlMs });
      return this.#revision;
    };
    return {
      get: async (key) => live(key),
      create: async (key, text) => (live(key) ? undefined : write(key, text)),
      update: async (key, text, revision) => (live(key)?.revision === revision ? write(key, text) : undefined),
      put: async (key, text) => write(key, text),
      delete: async (key, revision) => {
        if (revision !== undefined && live(key)?.revision !== revision) return false;
        return keys.delete(key);
      },
      keys: async () => [...keys.keys()].filter((key) => live(key)),
    };
  }
}

export class MemoryNatsClient implements NatsClient {
  readonly namespace: string;
  readonly #hub: MemoryNats;
  readonly #onState = new Set<NatsStateListener>();
  #state: NatsState = 'connected';

  constructor(hub: MemoryNats, namespace: string) {
    this.#hub = hub;
    this.namespace = namespace;
  }

  get info(): NatsClient['info'] {
    return { ...SERVER, maxPayload: this.#hub.maxPayload };
  }

  get state(): NatsState {
    return this.#state;
  }

  get isUp(): boolean {
    return this.#state === 'connected';
  }

  get jet(): Jet {
    const bucket: Jet['bucket'] = async (name, { ttlMs }) => this.#hub.bucket(name, ttlMs, this);
    return { bucket } as Partial<Jet> as Jet;
  }

  /** Cuts it off, or lets it come back. */
  set(state: NatsState): void {
    this.#state = state;
    for (const listener of this.#onState) listener(state);
  }

  publish(subject: string, text: string, { headers = {}, reply }: Parameters<NatsClient['publish']>[2] = {}): void {
    this.send(subject, encoder.encode(text), headers, reply);
  }

  send(subject: string, data: Uint8Array, headers: NatsHeaders = {}, reply?: string): number {
    return this.#hub.deliver(subject, data, toLower(headers), reply);
  }

  request(subject: string, text: string, { headers = {} }: { readonly headers?: NatsHeaders }): Promise<NatsMessage> {
    return this.ask(subject, encoder.encode(text), headers);
  }

  /** A request with any bytes. */
  ask(subject: string, data: Uint8Array, headers: NatsHeaders = {}): Promise<NatsMessage> {
    const reply = this.#hub.newInbox();
    return new Promise((resolve, reject) => {
      const end = this.#listen(reply, (message) => {
        end();
        resolve(message);
      });
      if (this.send(subject, data, headers, reply) === 0) reject(new Error(`nobody listens on ${subject}`));
    });
  }

  async requestMany(subject: string, text: string): Promise<readonly NatsMessage[]> {
    const reply = this.#hub.newInbox();
    const answers: NatsMessage[] = [];
    const end = this.#listen(reply, (message) => void answers.push(message));
    this.send(subject, encoder.encode(text), {}, reply);
    await Promise.resolve();
    end();
    return answers;
  }

  subscribe(subject: string, handler: Handler): { stop(): Promise<void> } {
    const end = this.#listen(subject, handler);
    return { stop: async () => void end() };
  }

  onState(listener: NatsStateListener): () => void {
    this.#onState.add(listener);
    return () => this.#onState.delete(listener);
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.set('closed');
  }

  #listen(pattern: string, handler: Handler): () => void {
    return this.#hub.listen({ pattern, handler, client: this });
  }
}

function toLower(headers: NatsHeaders): NatsHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Patterns end with `>`, or are subjects. */
function fits(pattern: string, subject: string): boolean {
  return pattern.endsWith('>') ? subject.startsWith(pattern.slice(0, -1)) : pattern === subject;
}
