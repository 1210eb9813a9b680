/** Asks that wait for their reply. A reply is committed by the actor that gives it and reaches whoever waits in this boot. */
import type { Address } from '../actor/address.ts';
import type { Env, TimerHandle } from '../env.ts';
import { TroupeError } from '../errors.ts';

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: TimerHandle;
}

export class Asks {
  readonly #env: Env;
  readonly #waiters = new Map<string, Waiter[]>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Asks that wait for their reply. */
  get pending(): number {
    return this.#waiters.size;
  }

  /** Waits for the reply to `ask`. */
  wait(
    ask: string,
    to: Address,
    type: string,
    timeoutMs: number,
  ): { readonly reply: Promise<unknown>; readonly cancel: (error: Error) => void } {
    let waiter: Waiter | undefined;
    const reply = new Promise<unknown>((resolve, reject) => {
      const timer = this.#env.setTimeout(() => {
        this.#remove(ask, waiter as Waiter);
        reject(timedOut(to, type, timeoutMs));
      }, timeoutMs);
      waiter = { resolve, reject, timer };
      this.#waiters.set(ask, [...(this.#waiters.get(ask) ?? []), waiter]);
    });
    // A reply nobody awaits any more, since the send itself failed, is not an unhandled rejection.
    reply.catch(() => {});
    return { reply, cancel: (error) => this.#remove(ask, waiter as Waiter) && waiter?.reject(error) };
  }

  /** Hands a reply to whoever waits for it. Returns false when nobody does. */
  settle(ask: string, value: unknown): boolean {
    const waiters = this.#waiters.get(ask);
    if (!waiters) return false;
    this.#waiters.delete(ask);
    for (const { resolve, timer } of waiters) {
      this.#env.clearTimeout(timer);
      resolve(value);
    }
    return true;
  }

  abandon(): void {
    const error = new TroupeError(
      'ERR_SYSTEM_STOPPED',
      'The system stopped before the reply came. Ask again with an id.',
    );
    for (const waiters of this.#waiters.values()) {
      for (const { reject, timer } of waiters) {
        this.#env.clearTimeout(timer);
        reject(error);
      }
    }
    this.#waiters.clear();
  }

  #remove(ask: string, waiter: Waiter): boolean {
    const waiters = this.#waiters.get(ask) ?? [];
    if (!waiters.includes(waiter)) return false;
    this.#env.clearTimeout(waiter.timer);
    const others = waiters.filter((other) => other !== waiter);
    if (others.length > 0) this.#waiters.set(ask, others);
    else this.#waiters.delete(ask);
    return true;
  }
}

function timedOut(to: Address, type: string, timeoutMs: number): TroupeError {
  return new TroupeError(
    'ERR_ASK_TIMEOUT',
    `'${to}' did not answer '${type}' within ${timeoutMs} ms. Raise timeoutMs, or check that the machine replies to it.`,
    { details: { address: to, type, timeoutMs } },
  );
}
