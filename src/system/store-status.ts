/**
 * Whether the store can save, as main knows it: what is said when it cannot, and for how long intake is closed. One outage lasts from
 * the first word that saving fails until something has been saved; a store thread that is replaced meanwhile does not end it.
 *
 * Invariants: S1 `trouble`, `critical` and `well` are each told once per outage, in this order, to the log, to listeners, and on topics;
 * S2 nothing is held up by who listens. Events on topics are saved by the store that is in trouble, so they arrive when it is over.
 */
import type { Env, TimerHandle } from '../env.ts';
import { TroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { toPlainError } from '../supervision/events.ts';
import type { Announce, PlainError } from '../supervision/events.ts';
import { encodeError } from '../thread/error-codec.ts';

/** How long the store may be in trouble before it is critical, in milliseconds. */
export const CRITICAL_AFTER_MS = 300_000;

/** What is known of the store: `trouble` while it cannot save, `critical` once that has lasted for five minutes. */
export type StoreStatus =
  | { readonly state: 'well' }
  | {
      readonly state: 'trouble' | 'critical';
      /** When it began, in milliseconds since the epoch. */
      readonly since: number;
      /** When it is tried again, in milliseconds since the epoch. */
      readonly nextTryAt: number;
      /** What the last try failed with. */
      readonly error: PlainError;
    };

/** A try that failed. */
export interface StoreTrouble {
  readonly error: Error;
  /** Time until the next, in milliseconds. */
  readonly retryInMs: number;
}

/** Told when the state of the store changes. */
export type StoreListener = (status: StoreStatus) => void | Promise<void>;

export interface StoreWatchOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly announce: Announce;
}

interface Outage {
  readonly since: number;
  readonly sinceMs: number;
  readonly timer: TimerHandle;
  last: StoreTrouble;
  nextTryAt: number;
  isCritical: boolean;
}

const WELL: StoreStatus = { state: 'well' };

export class StoreWatch {
  readonly #env: Env;
  readonly #log: Logger;
  readonly #announce: Announce;
  readonly #listeners = new Set<StoreListener>();
  #outage: Outage | undefined;

  constructor({ env, log, announce }: StoreWatchOptions) {
    this.#env = env;
    this.#log = log.with({ component: 'store' });
    this.#announce = announce;
  }

  get isInTrouble(): boolean {
    return this.#outage !== undefined;
  }

  get status(): StoreStatus {
    if (!this.#outage) return WELL;
    const { isCritical, since, nextTryAt, last } = this.#outage;
    return { state: isCritical ? 'critical' : 'trouble', since, nextTryAt, error: toPlainError(last.error) };
  }

  /** Has somebody told of every change from here on. Returns how to end that. */
  listen(listener: StoreListener): () => void {
    // One entry per call, also for the same function.
    const entry: StoreListener = (status) => listener(status);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** @throws {TroupeError} ERR_STORE_TROUBLE while the store cannot save. */
  assertSaves(what: string): void {
    if (this.#outage) throw this.#refusal(this.#outage, what);
  }

  /** A try failed. */
  failed(trouble: StoreTrouble): void {
    const nextTryAt = this.#env.now() + trouble.retryInMs;
    if (this.#outage) Object.assign(this.#outage, { last: trouble, nextTryAt });
    else this.#begin(trouble, nextTryAt);
  }

  /** Something was saved. */
  saved(): void {
    if (!this.#outage) return;
    const outageMs = this.#msOf(this.#outage);
    this.stop();
    this.#log.info('the store saves again', { outageMs });
    this.#announce('system.store.recovered', { outageMs });
    this.#tell();
  }

  /** The system stops: nothing more is said. */
  stop(): void {
    this.#env.clearTimeout(this.#outage?.timer);
    this.#outage = undefined;
  }

  #begin(trouble: StoreTrouble, nextTryAt: number): void {
    const { error, retryInMs } = trouble;
    const timer = this.#env.setTimeout(() => this.#isCritical(), CRITICAL_AFTER_MS);
    const [since, sinceMs] = [this.#env.now(), this.#env.monotonicMs()];
    this.#outage = { since, sinceMs, timer, last: trouble, nextTryAt, isCritical: false };
    const fields = { retryInMs, error: encodeError(error) };
    this.#log.error('the store cannot save; work is kept and tried again, new messages are refused', fields);
    this.#announce('system.store.trouble', { error: toPlainError(error) });
    this.#tell();
  }

  #isCritical(): void {
    if (!this.#outage) return;
    this.#outage.isCritical = true;
    const { error } = this.#outage.last;
    const outageMs = this.#msOf(this.#outage);
    this.#log.fatal('the store has not been able to save for five minutes; free space or mend the disk', {
      outageMs,
      error: encodeError(error),
    });
    this.#announce('system.store.critical', { error: toPlainError(error), outageMs });
    this.#tell();
  }

  #tell(): void {
    const { status } = this;
    for (const listener of this.#listeners) void this.#tellOne(listener, status);
  }

  async #tellOne(listener: StoreListener, status: StoreStatus): Promise<void> {
    try {
      await listener(status);
    } catch (error) {
      this.#log.error('a listener to the state of the store threw', { error: encodeError(error) });
    }
  }

  #msOf({ sinceMs }: Outage): number {
    return Math.round(this.#env.monotonicMs() - sinceMs);
  }

  #refusal({ since, nextTryAt, last }: Outage, what: string): TroupeError {
    const retryAfterMs = Math.max(0, nextTryAt - this.#env.now());
    return new TroupeError(
      'ERR_STORE_TROUBLE',
      `The store has not been able to save since ${new Date(since).toISOString()} (${rootOf(last.error)}), so ${what} was not accepted. It is tried again in ${Math.ceil(retryAfterMs / 1000)} s. Free space or mend the disk, then try again: nothing has happened, so the same id is safe.`,
      { cause: last.error, details: { since, nextTryAt, retryAfterMs } },
    );
  }
}

/** What lay underneath it all says it shortest. */
function rootOf(error: Error): string {
  return error.cause instanceof Error ? rootOf(error.cause) : error.message;
}
