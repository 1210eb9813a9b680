/** Requests of main that a worker host answers: committed state, and orders to stop. Repeated when their thread is replaced. */
import type { Address } from '../actor/address.ts';
import type { Order } from '../cell/items.ts';
import { TroupeError } from '../errors.ts';
import { decodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import { overloaded } from './sends.ts';
import type { Unanswered } from './sends.ts';

interface Pending extends Unanswered {
  /** What asks instead for what is saved, should the store get into trouble. */
  readonly hurried: string | undefined;
  readonly resolve: (view: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Requests {
  readonly #post: (to: Address, text: string) => void;
  readonly #nextOrder: () => number;
  readonly #maxPending: number;
  readonly #pending = new Map<number, Pending>();
  #q = 0;

  /**
   * @param nextOrder numbers everything that goes out to hosts, sends included
   * @param maxPending requests that may wait for their answer; more are refused (G14)
   */
  constructor(post: (to: Address, text: string) => void, nextOrder: () => number, maxPending = Infinity) {
    this.#nextOrder = nextOrder;
    this.#post = post;
    this.#maxPending = maxPending;
  }

  get pending(): number {
    return this.#pending.size;
  }

  view(to: Address, create: string | undefined): Promise<unknown> {
    return this.#ask(
      to,
      (q) => `{"k":"view","to":"${to}","q":${q}${create === undefined ? '' : `,"create":${create}`}}`,
      (q) => toSavedView(to, q, 'or-wait'),
    );
  }

  /** The state that is saved, without waiting for anything that is not. */
  savedView(to: Address): Promise<unknown> {
    return this.#ask(to, (q) => toSavedView(to, q, 'or-fail'));
  }

  /** The store cannot save: who waits for a state gets the one that is saved, if there is one. */
  hurry(): void {
    for (const { to, hurried } of this.#pending.values()) if (hurried !== undefined) this.#post(to, hurried);
  }

  order(to: Address, order: Order): Promise<unknown> {
    return this.#ask(to, (q) => `{"k":"order","to":"${to}","q":${q},"order":"${order}"}`);
  }

  /** Where an actor is in its life, past whatever waits for it. */
  lifecycle(to: Address): Promise<unknown> {
    return this.#ask(to, (q) => `{"k":"life","to":"${to}","q":${q}}`);
  }

  answer(q: number, error: EncodedError | undefined, view: unknown): void {
    const pending = this.#pending.get(q);
    if (!pending) return;
    this.#pending.delete(q);
    if (error) pending.reject(decodeError(error));
    else pending.resolve(view);
  }

  /** What waits for its answer. */
  get unanswered(): Iterable<Unanswered> {
    return this.#pending.values();
  }

  abandon(): void {
    for (const { to, reject } of this.#pending.values()) {
      reject(new TroupeError('ERR_SYSTEM_STOPPED', `The system stopped before '${to}' answered. Create a new one.`));
    }
    this.#pending.clear();
  }

  #ask(to: Address, toText: (q: number) => string, toHurried?: (q: number) => string): Promise<unknown> {
    if (this.#pending.size >= this.#maxPending) return Promise.reject(overloaded(to, this.#maxPending));
    const q = ++this.#q;
    const [text, hurried] = [toText(q), toHurried?.(q)];
    return new Promise((resolve, reject) => {
      this.#pending.set(q, { order: this.#nextOrder(), to, text, hurried, resolve, reject });
      this.#post(to, text);
    });
  }
}

function toSavedView(to: Address, q: number, saved: 'or-fail' | 'or-wait'): string {
  return `{"k":"view","to":"${to}","q":${q},"saved":"${saved}"}`;
}
