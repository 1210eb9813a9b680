/** Members of a group that shares one place on the server. Part of the adapter `jetstream.ts`. */
import type { JsMsg } from '@nats-io/jetstream';
import type { Env } from '../env.ts';
import type { QueueMembership, QueueOptions } from './client.ts';
import { isStreamMissing, reasonOf } from './faults.ts';
import { toAckable } from './jetstream-message.ts';

/** Before a member of a group asks again after a failure. */
const RETRY_MS = 500;

type Take = (next: () => Promise<JsMsg | null>) => Promise<void>;

/** One member of a group: `most` hands, each of which takes a message, has it handled, and takes the next. */
export class Membership implements QueueMembership {
  readonly floorSeq: number;
  readonly #env: Env;
  readonly #options: QueueOptions;
  readonly #open: (take: Take) => Promise<void>;
  readonly #ended: Promise<unknown>;
  #isStopped = false;
  #isOver = false;
  #endPause: (() => void)[] = [];

  constructor(
    env: Env,
    { floorSeq, ...options }: QueueOptions & { readonly floorSeq: number },
    open: (take: Take) => Promise<void>,
  ) {
    this.#env = env;
    this.floorSeq = floorSeq;
    this.#options = options;
    this.#open = open;
    this.#ended = Promise.all(Array.from({ length: options.most }, () => this.#run()));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const end of this.#endPause.splice(0)) end();
    await this.#ended;
  }

  get #goesOn(): boolean {
    return !this.#isStopped && !this.#isOver;
  }

  async #run(): Promise<void> {
    while (this.#goesOn) {
      await this.#open(async (next) => {
        while (this.#goesOn) await this.#handle(await this.#unlessStopped(next()));
      }).catch((error: unknown) => this.#fail(error));
    }
  }

  /** A request that stands on the server is left behind when it is stopped; what it still brings comes again after a while. */
  #unlessStopped(next: Promise<JsMsg | null>): Promise<JsMsg | null> {
    return new Promise((resolve, reject) => {
      this.#endPause.push(() => resolve(null));
      next.then((message) => {
        if (this.#isStopped) message?.nak();
        resolve(this.#isStopped ? null : message);
      }, reject);
    });
  }

  async #handle(message: JsMsg | null): Promise<void> {
    this.#endPause.length = 0;
    if (!message || this.#isStopped) return;
    const { ackWaitMs, onMessage } = this.#options;
    let timer: unknown;
    const remind = (): void => {
      message.working();
      timer = this.#env.setTimeout(remind, ackWaitMs / 3);
    };
    timer = this.#env.setTimeout(remind, ackWaitMs / 3);
    try {
      await onMessage(toAckable(message));
    } finally {
      this.#env.clearTimeout(timer);
    }
  }

  async #fail(error: unknown): Promise<void> {
    if (!this.#goesOn) return;
    this.#isOver = isStreamMissing(causeOf(error)) || isConsumerMissing(causeOf(error));
    this.#options.onTrouble({ text: reasonOf(error), isOver: this.#isOver });
    if (this.#isOver) return;
    await new Promise<void>((resolve) => {
      this.#endPause.push(resolve);
      this.#env.setTimeout(resolve, RETRY_MS);
    });
  }
}

const causeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? error.cause : error;

/** True when the server says that there is no such consumer. */
export function isConsumerMissing(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConsumerNotFoundError';
}
