/** Foreign clients of a run with a broker: they know the protocol of NATS and our documentation, none of our code. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Publication } from './broker-check.ts';
import type { LoadData } from './broker-history.ts';
import { TALLY, TOPICS } from './broker-protocol.ts';
import { connectRaw } from './nats-raw.ts';
import type { RawNats } from './nats-raw.ts';
import type { ChaosRandom } from './chaos-random.ts';

export interface ForeignOptions {
  readonly url: string;
  readonly namespace: string;
  readonly random: ChaosRandom;
  /** Time between two events of one client. */
  readonly everyMs: number;
  /** Called when something was acknowledged, with the time it was sent first. */
  readonly onAcknowledged?: (sentAt: number) => void;
}

/** Topic under which requests to the tally are judged. */
export const REQUESTS = 'request';

const TIMEOUT_MS = 1000;
const RETRY_MS = 50;

type Attempt = (raw: RawNats, data: LoadData) => Promise<void>;

/** A client that sends one after the other, each until it is acknowledged. */
export class ForeignClient {
  readonly #options: ForeignOptions;
  readonly #name: string;
  readonly #attempt: Attempt;
  readonly #topic: (n: number) => string;
  readonly #sent: { -readonly [K in keyof Publication]: Publication[K] }[] = [];
  readonly #done: Promise<void>;
  #raw: RawNats | undefined;
  #isOver = false;
  #attempts = 0;
  #lastFailure = 'none';

  constructor(name: string, options: ForeignOptions, attempt: Attempt, topic: (n: number) => string) {
    this.#name = name;
    this.#options = options;
    this.#attempt = attempt;
    this.#topic = topic;
    this.#done = this.#run();
  }

  get publications(): readonly Publication[] {
    return this.#sent;
  }

  /** Attempts beyond the first. */
  get repeats(): number {
    return this.#attempts - this.#sent.length;
  }

  get lastFailure(): string {
    return this.#lastFailure;
  }

  /** Sends no more once what is under way is acknowledged. */
  async halt(): Promise<void> {
    this.#isOver = true;
    await this.#done;
    await this.#raw?.close();
  }

  async #run(): Promise<void> {
    for (let n = 1; !this.#isOver; n++) {
      await this.#send(n);
      await sleep(this.#options.everyMs);
    }
  }

  async #send(n: number): Promise<void> {
    const publication = { from: this.#name, n, sentAt: Date.now(), topic: this.#topic(n), isSure: false };
    this.#sent.push(publication);
    const { from, sentAt } = publication;
    while (!(await this.#try({ from, n, sentAt }))) await sleep(RETRY_MS);
    publication.isSure = true;
    this.#options.onAcknowledged?.(sentAt);
  }

  async #try(data: LoadData): Promise<boolean> {
    this.#attempts++;
    try {
      if (this.#raw?.isClosed !== false) this.#raw = await connectRaw(this.#options.url);
      await this.#attempt(this.#raw, data);
      return true;
    } catch (error) {
      this.#lastFailure = `${new Date().toISOString()} ${this.#name}#${data.n}: ${String(error)}`;
      return false;
    }
  }
}

/** Publishes CloudEvents to the stream. */
export function startForeignPublisher(name: string, options: ForeignOptions): ForeignClient {
  const topics: string[] = [];
  const topicOf = (n: number): string => (topics[n] ??= options.random.pick(TOPICS));
  const attempt: Attempt = async (raw, data) => {
    const topic = topicOf(data.n);
    const event = { specversion: '1.0', id: String(data.n), source: sourceOf(name), type: topic, data };
    const { text } = await raw.request(`troupe.${options.namespace}.events.${topic}`, JSON.stringify(event), {
      timeoutMs: TIMEOUT_MS,
      headers: { 'Nats-Msg-Id': `${name}-${data.n}`, 'Content-Type': 'application/cloudevents+json' },
    });
    const { seq, error } = JSON.parse(text) as { readonly seq?: number; readonly error?: unknown };
    if (!seq) throw new Error(`The stream did not take it: ${JSON.stringify(error)}`);
  };
  return new ForeignClient(name, options, attempt, topicOf);
}

const sourceOf = (name: string): string => `/foreign/${name}`;

/** Asks an actor of A to count, over the broker. */
export function startRequester(name: string, options: ForeignOptions): ForeignClient {
  const subject = `troupe.${options.namespace}.actor.${TALLY.type}.${TALLY.key}`;
  const attempt: Attempt = async (raw, data) => {
    const { text } = await raw.request(subject, JSON.stringify({ type: 'COUNT', ...data }), {
      timeoutMs: TIMEOUT_MS,
      headers: { 'Nats-Msg-Id': `${name}:${data.n}` },
    });
    const answer = JSON.parse(text) as { readonly ok?: boolean };
    if (answer.ok !== true) throw new Error(text);
  };
  return new ForeignClient(name, options, attempt, () => REQUESTS);
}
