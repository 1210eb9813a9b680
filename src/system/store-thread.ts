/**
 * The store thread's life: opened, replaced when it dies (rule 7), drained of dead clients (rule 6), closed. Owns main's own
 * client of it.
 */
import { TroupeError } from '../errors.ts';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreOptions, StoreReport } from '../store/protocol.ts';
import { createStoreClient } from '../store/store-client.ts';
import type { StoreClient } from '../store/store-client.ts';
import { decodeError, encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { ChannelEnd, LaunchedStore, Launcher } from '../thread/launcher.ts';

export interface StoreThreadOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly launcher: Launcher;
  readonly store: StoreOptions;
  /** The store cannot save, or can again: said in turn. */
  readonly trouble: (error: Error | undefined) => void;
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
  #onOpen: ((error?: Error) => void) | undefined;
  #onClosed: (() => void) | undefined;
  #pauseMs = 0;
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
      this.#onOpen = (error) => {
        this.#onOpen = undefined;
        if (error) reject(error);
        else resolve();
      };
      this.#launched = this.#options.launcher.launchStore(this.#options.store, {
        report: (report) => this.#onReport(report),
        exit: (error) => this.#onExit(error),
      });
    });
  }

  #onReport(report: StoreReport): void {
    switch (report.kind) {
      case 'opened':
        this.#pauseMs = 0;
        // What the thread before it was in ended with that one; another one in trouble says so itself.
        this.#tellTrouble(undefined);
        return this.#onOpen?.();
      case 'failed':
        return this.#onOpen?.(decodeError(report.error as EncodedError));
      case 'drained':
        return this.#onDrained.get(report.client)?.();
      case 'trouble':
        return this.#tellTrouble(decodeError(report.error as EncodedError));
      case 'recovered':
        return this.#tellTrouble(undefined);
      case 'log':
        return this.#options.log.error(report.text, { component: 'store', ...(report.fields as object) });
      case 'closed':
        return this.#onClosed?.();
    }
  }

  #onExit(error: unknown): void {
    if (this.#isStopping) return;
    if (this.#onOpen) return this.#onOpen(endedEarly(error));
    const { log, env } = this.#options;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(100, pauseMs * 2));
    log.error('store thread died, starting another', { component: 'threads', error: encodeError(error) });
    env.setTimeout(() => void this.#replace(), pauseMs);
  }

  #tellTrouble(error: Error | undefined): void {
    if (this.#isInTrouble === (error !== undefined)) return;
    this.#isInTrouble = error !== undefined;
    this.#options.trouble(error);
  }

  async #replace(): Promise<void> {
    if (this.#isStopping) return;
    const { launcher, log, env, replaced } = this.#options;
    try {
      await this.#open();
    } catch (error) {
      const fields = { component: 'threads', error: encodeError(error) };
      log.fatal('the store cannot be opened again, trying on', fields);
      env.setTimeout(() => void this.#replace(), MAX_PAUSE_MS);
      return;
    }
    const [mine, theirs] = launcher.createChannel();
    this.connect('main', theirs);
    this.#client?.reconnect(launcher.open(mine));
    // A client of the dead store has nothing left there to drain.
    for (const drained of this.#onDrained.values()) drained();
    replaced();
  }
}

function endedEarly(error: unknown): TroupeError {
  return new TroupeError('ERR_STORE_OPEN', 'The store thread ended before the store was open.', { cause: error });
}
