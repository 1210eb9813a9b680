/**
 * Sends of the host program. Each gets a number that grows; until it is acknowledged it is kept, and when its thread is
 * replaced all that were kept for it go out again, in order, before new ones (rule 3). A rejected send takes a new number
 * when it is tried again.
 */
import type { Address } from '../actor/address.ts';
import { TroupeError } from '../errors.ts';
import { decodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';

/** Something a host has not answered yet, and its place among all of them. */
export interface Unanswered {
  readonly order: number;
  readonly to: Address;
  readonly text: string;
}

interface Unacknowledged extends Unanswered {
  readonly to: Address;
  readonly text: string;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface SendOptions {
  /** Id the caller chose. */
  readonly id?: string | undefined;
  /** JSON text of `create`, when the actor may be created. */
  readonly create: string | undefined;
}

export class Sends {
  readonly #sender: string;
  readonly #post: (to: Address, text: string) => void;
  readonly #nextOrder: () => number;
  readonly #unacknowledged = new Map<number, Unacknowledged>();
  #n = 0;
  #onEmpty: (() => void)[] = [];

  /** @param nextOrder numbers everything that goes out to hosts, other requests included */
  constructor(sender: string, post: (to: Address, text: string) => void, nextOrder: () => number) {
    this.#nextOrder = nextOrder;
    this.#sender = sender;
    this.#post = post;
  }

  get pending(): number {
    return this.#unacknowledged.size;
  }

  /** Number the next send will have; names asks. */
  get nextNumber(): number {
    return this.#n + 1;
  }

  /** Resolves when the state the event led to is durable; with the recorded reply when the id had been answered before. */
  send(to: Address, eventText: string, { id, create }: SendOptions): Promise<unknown> {
    const n = ++this.#n;
    const idPart = id === undefined ? '' : `"id":${JSON.stringify(id)},`;
    const createPart = create === undefined ? '' : `"create":${create},`;
    const text = `{"k":"send","to":"${to}","from":"${this.#sender}","n":${n},${idPart}${createPart}"event":${eventText}}`;
    return new Promise((resolve, reject) => {
      this.#unacknowledged.set(n, { order: this.#nextOrder(), to, text, resolve, reject });
      this.#post(to, text);
    });
  }

  acknowledge(n: number, error: EncodedError | undefined, reply: unknown): void {
    const send = this.#unacknowledged.get(n);
    if (!send) return;
    this.#unacknowledged.delete(n);
    if (error) send.reject(decodeError(error));
    else send.resolve(reply);
    if (this.#unacknowledged.size === 0) for (const done of this.#onEmpty.splice(0)) done();
  }

  /** What waits for its acknowledgement. */
  get unanswered(): Iterable<Unanswered> {
    return this.#unacknowledged.values();
  }

  /** Resolves when nothing is unacknowledged. */
  settled(): Promise<void> {
    if (this.#unacknowledged.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** Rejects whatever still waits. */
  abandon(): void {
    for (const { to, reject } of this.#unacknowledged.values()) {
      reject(
        new TroupeError(
          'ERR_SYSTEM_STOPPED',
          `The system stopped before '${to}' acknowledged. Whether the event was processed is unknown; send it again with an id.`,
          { details: { address: to } },
        ),
      );
    }
    this.#unacknowledged.clear();
    for (const done of this.#onEmpty.splice(0)) done();
  }
}
