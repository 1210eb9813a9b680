/**
 * Runs the handler of one subscription and gives it its time. A handler that takes longer has failed, and is not waited for: it cannot be ended
 * from outside, so it is counted for as long as it runs, and whoever runs beside it on the same event is told.
 */
import type { Env } from '../env.ts';
import { TroupeError } from '../errors.ts';
import type { BusHandler, HandlerContext, ReceivedEvent } from './bus.ts';

/** Time a handler gets for one event. */
export const DEFAULT_HANDLER_TIMEOUT_MS = 30_000;

/** What a handler threw, or that its time was up. */
export interface Failure {
  readonly error: unknown;
  readonly isLate: boolean;
}

export interface HandlerRunOptions {
  readonly env: Env;
  readonly handler: BusHandler;
  readonly timeoutMs: number;
}

export class HandlerRun {
  readonly #options: HandlerRunOptions;
  /** Handlers that run although their time is up, by the position of their event. */
  readonly #late = new Map<number, number>();
  readonly #live = new Set<Context>();

  constructor(options: HandlerRunOptions) {
    this.#options = options;
  }

  /** Handlers that run although their time is up. */
  get lateCount(): number {
    let count = 0;
    for (const late of this.#late.values()) count += late;
    return count;
  }

  /** Tries an event. Resolves when the handler is done with it or its time is up; never rejects. */
  async attempt(event: ReceivedEvent): Promise<Failure | undefined> {
    const context = new Context(this.#late.get(event.seq) ?? 0);
    this.#live.add(context);
    try {
      const outcome: unknown = this.#options.handler(event, context);
      return isThenable(outcome) ? await this.#limited(outcome, event, context) : undefined;
    } catch (error) {
      return { error, isLate: false };
    } finally {
      this.#live.delete(context);
    }
  }

  /** Aborts the signal of what runs within its time. It is waited for all the same. */
  abort(reason: Error): void {
    for (const context of this.#live) context.abort(reason);
  }

  #limited(outcome: PromiseLike<unknown>, event: ReceivedEvent, context: Context): Promise<Failure | undefined> {
    const { env, timeoutMs } = this.#options;
    return new Promise((resolve) => {
      let isLate = false;
      const timer = env.setTimeout(() => {
        isLate = true;
        this.#count(event.seq, 1);
        const error = tooLate(event, timeoutMs);
        context.abort(error);
        resolve({ error, isLate });
      }, timeoutMs);
      const settle = (failure?: Failure): void => {
        env.clearTimeout(timer);
        if (isLate) this.#count(event.seq, -1);
        else resolve(failure);
      };
      // A thenable may throw, or settle twice; a promise stays as it is.
      Promise.resolve(outcome).then(
        () => settle(),
        (error: unknown) => settle({ error, isLate: false }),
      );
    });
  }

  #count(seq: number, change: 1 | -1): void {
    const count = (this.#late.get(seq) ?? 0) + change;
    if (count === 0) this.#late.delete(seq);
    else this.#late.set(seq, count);
  }
}

/** Its signal is made when somebody asks for it: most handlers do not. */
class Context implements HandlerContext {
  readonly unfinished: number;
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  constructor(unfinished: number) {
    this.unfinished = unfinished;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function tooLate({ id, topic }: ReceivedEvent, timeoutMs: number): TroupeError {
  return new TroupeError(
    'ERR_HANDLER_TIMEOUT',
    `A handler took longer than ${timeoutMs} ms for event '${id}' on '${topic}'. Let it heed its signal, or raise handlerTimeoutMs.`,
    { details: { id, topic, timeoutMs } },
  );
}
