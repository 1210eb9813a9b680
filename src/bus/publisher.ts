/** Publications of the host program on their way into the store. At most 10,000 wait for their answer; more are rejected. */
import { toAddress } from '../actor/address.ts';
import type { Env } from '../env.ts';
import { TroupeError } from '../errors.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { Commit, CommitResult, NewPublication, Published } from '../store/store.ts';

/** Who publishes when the host program does. */
export const HOST = toAddress('bus', 'host');

/** Most publications without an answer. */
const MAX_UNANSWERED = 10_000;

/** Told what became of a publication, so that the hosts of its receivers can be hinted. */
export type HintReceivers = (published: Published, publication: NewPublication, at: number) => void;

export interface PublisherOptions {
  readonly env: Env;
  readonly store: StoreClient;
  readonly hint: HintReceivers;
}

interface Unanswered {
  readonly publication: NewPublication;
  readonly at: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #unanswered = new Set<Unanswered>();
  #onSettled: (() => void)[] = [];

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the publication is durable.
   * @throws {TroupeError} ERR_FAN_OUT, ERR_OVERLOADED, ERR_SYSTEM_STOPPED.
   */
  publish(publication: NewPublication): Promise<void> {
    if (this.#unanswered.size >= MAX_UNANSWERED) return Promise.reject(overloaded(publication));
    const at = this.#options.env.now();
    return new Promise((resolve, reject) => {
      const unanswered = { publication, at, resolve, reject };
      this.#unanswered.add(unanswered);
      this.#options.store.post(toCommit(publication, at), (result) => this.#answer(unanswered, result));
    });
  }

  /** Resolves when every publication has been answered. */
  settled(): Promise<void> {
    if (this.#unanswered.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onSettled.push(resolve));
  }

  /** Rejects whatever still waits. */
  abandon(): void {
    for (const { publication, reject } of this.#unanswered) reject(abandoned(publication));
    this.#unanswered.clear();
    this.#noteSettled();
  }

  #answer(unanswered: Unanswered, result: CommitResult): void {
    if (!this.#unanswered.delete(unanswered)) return;
    const { publication, at, resolve, reject } = unanswered;
    if (result.outcome === 'refused') reject(refused(publication, result));
    else resolve();
    // A repeated commit no longer knows its receivers; the recovery loop finds them.
    const published = result.outcome === 'done' ? result.published?.[0] : undefined;
    if (published) this.#options.hint(published, publication, at);
    if (this.#unanswered.size === 0) this.#noteSettled();
  }

  #noteSettled(): void {
    for (const settled of this.#onSettled.splice(0)) settled();
  }
}

function toCommit(publication: NewPublication, at: number): Commit {
  return { address: HOST, seq: 0, epoch: 1, version: 1, at, status: 'active', publish: [publication] };
}

function overloaded({ topic }: NewPublication): TroupeError {
  return new TroupeError(
    'ERR_OVERLOADED',
    `The publication on '${topic}' was not accepted: ${MAX_UNANSWERED} wait for the store already. Await some of them first.`,
    { details: { topic, limit: MAX_UNANSWERED } },
  );
}

function abandoned({ id, topic }: NewPublication): TroupeError {
  return new TroupeError(
    'ERR_SYSTEM_STOPPED',
    `The system stopped before the publication on '${topic}' was acknowledged. Whether it was saved is unknown; publish it again with the id '${id}'.`,
    { details: { topic, id } },
  );
}

function refused(
  { id, topic }: NewPublication,
  { reason, detail = reason }: Extract<CommitResult, { readonly outcome: 'refused' }>,
): TroupeError {
  const isFanOut = reason === 'fan-out';
  const next = isFanOut ? 'Use a narrower topic or fewer subscribers, or raise maxFanOut.' : 'Mend what it names.';
  return new TroupeError(
    isFanOut ? 'ERR_FAN_OUT' : 'ERR_INTERNAL',
    `The store refused the publication on '${topic}': ${detail}. ${next}`,
    { details: { topic, id, reason } },
  );
}
