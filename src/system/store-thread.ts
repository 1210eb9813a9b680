/**
 * The store thread's life: opened, replaced when it dies (rule 7), drained of dead clients (rule 6), closed. Owns main's own
 * client of it. A thread that cannot be opened again is trouble like one that cannot save, and tried at the same times.
 */
import { TroupeError } from '../errors.ts';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreOptions, StoreReport } from '../store/protocol.ts';
import { isTrouble, pauseAfter } from '../store/retry.ts';
import { createStoreClient } from '../store/store-client.ts';
import type { StoreClient } from '../store/store-client.ts';
import { decodeError, encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { ChannelEnd, LaunchedStore, Launcher } from '../thread/launcher.ts';
import type { StoreTrouble } from './store-status.ts';

export interface StoreThreadOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly launcher: Launcher;
  readonly store: StoreOptions;
  /** A try to save or to open failed; or, without one, something was saved after that. */
  readonly trouble: (trouble: StoreTrouble | undefined) => void;
  /** Another store thread runs: its clients need new ports. */
  readonly replaced: () => void;
}

/** Longest pause before a thread that keeps dying is started again. */
export const MAX_PAUSE_MS = 5000;

export class StoreThread {
  readonly #options: StoreThreadOptions;
  readonly #onDrained = new Map<string, () => void>();
  #launched: LaunchedStore | undefined;
  #client: StoreClient | undefined;
  #onClosed: (() => void) | undefined;
  #pauseMs = 0;
  /** Tries in a row that failed, to open a thread or to save with it that it saves. */
  #failures = 0;
  #isInTrouble = false;
  #isStopping = false;

  constructor(options: StoreThreadOptions) {
    this.#options = options;
  }

  /** Main's own client. */
  get client(): StoreClient {
    return this.#client as StoreClient;
  }

  /** @throws what the store failed to open with. */
  async start(): Promise<void> {
    const { launcher, env } = this.#options;
    await this.#open();
    const [mine, theirs] = launcher.createChannel();
    this.connect('main', theirs);
    this.#client = createStoreClient(launcher.open(mine), env);
  }

  connect(client: string, end: ChannelEnd): void {
    this.#launched?.connect(client, end);
  }

  /** Resolves once everything a dead client posted is written. */
  drain(client: string): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrained.set(client, () => {
        this.#onDrained.delete(client);
        resolve();
      });
      this.#launched?.drain(client);
    });
  }

  /** Closes the store; `closed` is called once it is. */
  close(closed: () => void): void {
    this.#isStopping = true;
    this.#client?.close();
    this.#onClosed = closed;
    this.#launched?.close();
  }

  /** Ends the thread at once, for good. */
  async terminate(): Promise<void> {
    this.#isStopping = true;
    await this.#launched?.terminate();
  }

  /** Ends the thread as a crash would. */
  async end(): Promise<void> {
    await this.#launched?.terminate();
  }

  #open(): Promise<void> {
    return new Promise((resolve, reject) => {
      // A thread that could not open the store ends as well: that is no second failure.
      let isOpen = false;
      const report = (word: StoreReport): void => {
        if (word.kind === 'failed') return reject(decodeError(word.error as EncodedError));
        if (word.kind !== 'opened') return this.#onReport(word);
        isOpen = true;
        this.#pauseMs = 0;
        this.#failures = 0;
        resolve();
      };
      const exit = (error: unknown): void => (isOpen ? this.#onExit(error) : reject(endedEarly(error)));
      this.#launched = this.#options.launcher.launchStore(this.#options.store, { report, exit });
    });
  }

  #onReport(report: Exclude<StoreReport, { readonly kind: 'opened' | 'failed' }>): void {
    switch (report.kind) {
      case 'drained':
        return this.#onDrained.get(report.client)?.();
      case 'trouble':
        return this.#fail({ error: decodeError(report.error as EncodedError), retryInMs: report.retryInMs });
      case 'recovered':
        return this.#recover();
      case 'log':
        return this.#options.log.error(report.text, { component: 'store', ...(report.fields as object) });
      case 'closed':
        return this.#onClosed?.();
    }
  }

  #onExit(error: unknown): void {
    if (this.#isStopping) return;
    const { log, env } = this.#options;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(100, pauseMs * 2));
    log.error('store thread died, starting another', { component: 'threads', error: encodeError(error) });
    env.setTimeout(() => void this.#replace(), pauseMs);
  }

  #fail(trouble: StoreTrouble): void {
    this.#isInTrouble = true;
    this.#options.trouble(trouble);
  }

  #recover(): void {
    this.#failures = 0;
    if (!this.#isInTrouble) return;
    this.#isInTrouble = false;
    this.#options.trouble(undefined);
  }

  /** Fails once more at what is tried until it succeeds. */
  #failAgain(error: unknown, text: string, again: () => void): void {
    const retryInMs = pauseAfter(++this.#failures);
    this.#options.log.error(text, { component: 'threads', retryInMs, error: encodeError(error) });
    if (isTrouble(this.#failures)) this.#fail({ error: error as Error, retryInMs });
    this.#options.env.setTimeout(again, retryInMs);
  }

  async #replace(): Promise<void> {
    if (this.#isStopping) return;
    const { launcher, replaced } = this.#options;
    try {
      await this.#open();
    } catch (error) {
      if (!this.#isStopping)
        this.#failAgain(error, 'the store cannot be opened again, trying on', () => void this.#replace());
      return;
    }
    const [mine, theirs] = launcher.createChannel();
    this.connect('main', theirs);
    this.#client?.reconnect(launcher.open(mine));
    // A client of the dead store has nothing left there to drain.
    for (const drained of this.#onDrained.values()) drained();
    replaced();
    void this.#prove();
  }

  /**
   * A thread in the place of one that was in trouble may have nothing to save that would show that it can: it saves a sign of life, after
   * everything main has posted. When it cannot save that either, it says so itself, or the sign of life is tried again.
   */
  async #prove(): Promise<void> {
    if (!this.#isInTrouble || this.#isStopping) return;
    const launched = this.#launched;
    try {
      await this.client.call('markAlive', this.#options.env.now());
      this.#recover();
    } catch (error) {
      if (this.#isStopping || launched !== this.#launched) return;
      this.#failAgain(error, 'the store was opened again and cannot save, trying on', () => void this.#prove());
    }
  }
}

function endedEarly(error: unknown): TroupeError {
  return new TroupeError('ERR_STORE_OPEN', 'The store thread ended before the store was open.', { cause: error });
}
