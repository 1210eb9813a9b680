/**
 * The threads of a system: starts the store and the worker hosts, connects them, and puts new ones in place of those that
 * die. A dead host's actors are loaded again only after the store has written everything it posted (rule 6); a new store
 * gets everything the hosts had not seen acknowledged (rule 7).
 */
import { hashAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { DefinitionPrint } from '../actor/definitions.ts';
import { isEventId } from '../cell/items.ts';
import { TroupeError } from '../errors.ts';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import { createStoreClient } from '../store/store-client.ts';
import type { StoreOptions, StoreReport } from '../store/protocol.ts';
import { BatchPort } from '../thread/batch-port.ts';
import { BEAT_BYTES, readBeat } from '../thread/beat.ts';
import { decodeError, encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { LaunchedHost, LaunchedStore, Launcher } from '../thread/launcher.ts';
import type { HostReport, MainEntry, Suspect } from '../thread/protocol.ts';
import { assertSamePrints } from './prints.ts';

export interface ThreadsOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly launcher: Launcher;
  readonly boot: string;
  /** Number of worker hosts. */
  readonly workers: number;
  readonly modules: readonly string[];
  /** What main has loaded; every thread must have the same. */
  readonly prints: readonly DefinitionPrint[];
  readonly store: StoreOptions;
}

export interface ThreadsEvents {
  /** What a host tells main. */
  entry(entry: MainEntry): void;
  /** A host was replaced: what was under way for its actors must be sent again. */
  replaced(index: number): void;
  /** The store cannot save, or can again. */
  storeTrouble(error: Error | undefined): void;
}

interface HostSlot {
  readonly index: number;
  incarnation: number;
  launched: LaunchedHost;
  main: BatchPort;
  beat: SharedArrayBuffer;
  isReady: boolean;
  /** When it began to serve, by the monotonic clock; nothing counts against a thread that served for long. */
  readyAtMs: number;
  /** Ended by order of the host program: no reason to hold back the next one. */
  isEndedByOrder: boolean;
  onStopped: (() => void) | undefined;
}

/** A thread that served this long before it died without a culprit is replaced at once. */
const HEALTHY_MS = 10_000;

/** Longest pause before a thread that keeps dying is started again. */
const MAX_PAUSE_MS = 5000;

export class Threads {
  readonly #options: ThreadsOptions;
  readonly #events: ThreadsEvents;
  readonly #hosts: HostSlot[] = [];
  readonly #deaths = new Map<string, number>();
  readonly #onDrained = new Map<string, () => void>();
  #launchedStore: LaunchedStore | undefined;
  #onStoreOpen: ((error?: Error) => void) | undefined;
  #onStoreClosed: (() => void) | undefined;
  #storePauseMs = 0;
  #store: StoreClient | undefined;
  #isStopping = false;

  constructor(options: ThreadsOptions, events: ThreadsEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Main's own client of the store. */
  get store(): StoreClient {
    return this.#store as StoreClient;
  }

  /** The host an address lives on. */
  indexOf(address: Address): number {
    return hashAddress(address) % this.#options.workers;
  }

  /** Queues an entry for the host of `address`. While the host is being replaced it is dropped: the sender repeats it. */
  post(address: Address, text: string): void {
    const slot = this.#hosts[this.indexOf(address)];
    if (slot?.isReady) slot.main.post(text);
  }

  /** Starts everything. @throws what the store or a host failed with; nothing is left running then. */
  async start(): Promise<void> {
    const { launcher, env, workers } = this.#options;
    try {
      await this.#openStore();
      const [mine, theirs] = launcher.createChannel();
      this.#launchedStore?.connect('main', theirs);
      this.#store = createStoreClient(launcher.open(mine), env);
      await Promise.all(Array.from({ length: workers }, (_, index) => this.#startHost(index, 0, undefined)));
    } catch (error) {
      await this.terminate();
      throw error;
    }
  }

  /** Lets hosts finish what they posted, then closes the store. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    const stopping = this.#hosts.filter(({ isReady }) => isReady).map((slot) => this.#stopHost(slot, timeoutMs));
    await Promise.all(stopping);
    this.#store?.close();
    await this.#withTimeout(timeoutMs, (done) => {
      this.#onStoreClosed = done;
      this.#launchedStore?.close();
    });
    await this.terminate();
  }

  /** Ends every thread at once. */
  async terminate(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#hosts.map(({ launched }) => launched.terminate()));
    await this.#launchedStore?.terminate();
  }

  /** Ends one worker thread as a crash would. It is replaced like any that dies. */
  async endWorker(index: number): Promise<void> {
    const slot = this.#hosts[index];
    if (slot) slot.isEndedByOrder = true;
    await slot?.launched.terminate();
  }

  /** Ends the store thread as a crash would. */
  async endStore(): Promise<void> {
    await this.#launchedStore?.terminate();
  }

  #openStore(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onStoreOpen = (error) => {
        this.#onStoreOpen = undefined;
        if (error) reject(error);
        else resolve();
      };
      this.#launchedStore = this.#options.launcher.launchStore(this.#options.store, {
        report: (report) => this.#onStoreReport(report),
        exit: (error) => this.#onStoreExit(error),
      });
    });
  }

  #onStoreReport(report: StoreReport): void {
    switch (report.kind) {
      case 'opened':
        this.#storePauseMs = 0;
        return this.#onStoreOpen?.();
      case 'failed':
        return this.#onStoreOpen?.(decodeError(report.error as EncodedError));
      case 'drained':
        return this.#onDrained.get(report.client)?.();
      case 'trouble':
        return this.#events.storeTrouble(decodeError(report.error as EncodedError));
      case 'recovered':
        return this.#events.storeTrouble(undefined);
      case 'log':
        return this.#options.log.error(report.text, { component: 'store', ...(report.fields as object) });
      case 'closed':
        return this.#onStoreClosed?.();
    }
  }

  /** Rule 7: a new store thread, new ports; hosts and main post what is unacknowledged again. */
  #onStoreExit(error: unknown): void {
    if (this.#isStopping) return;
    if (this.#onStoreOpen) return this.#onStoreOpen(storeEnded(error));
    const pauseMs = this.#storePauseMs;
    this.#storePauseMs = Math.min(MAX_PAUSE_MS, Math.max(100, pauseMs * 2));
    this.#options.log.error('store thread died, starting another', { component: 'threads', error: encodeError(error) });
    this.#options.env.setTimeout(() => void this.#replaceStore(), pauseMs);
  }

  async #replaceStore(): Promise<void> {
    if (this.#isStopping) return;
    try {
      await this.#openStore();
    } catch (error) {
      this.#options.log.fatal('the store cannot be opened again, trying on', {
        component: 'threads',
        error: encodeError(error),
      });
      this.#options.env.setTimeout(() => void this.#replaceStore(), MAX_PAUSE_MS);
      return;
    }
    const { launcher } = this.#options;
    const [mine, theirs] = launcher.createChannel();
    this.#launchedStore?.connect('main', theirs);
    this.#store?.reconnect(launcher.open(mine));
    // A client of the dead store has nothing left there to drain.
    for (const drained of this.#onDrained.values()) drained();
    for (const slot of this.#hosts) {
      const [hostEnd, storeEnd] = launcher.createChannel();
      this.#launchedStore?.connect(clientName(slot), storeEnd);
      slot.launched.reconnectStore(hostEnd);
    }
  }

  async #startHost(index: number, incarnation: number, suspect: Suspect | undefined): Promise<void> {
    const { launcher, env, boot, workers, modules, prints } = this.#options;
    const [mainMine, mainTheirs] = launcher.createChannel();
    const [storeMine, storeTheirs] = launcher.createChannel();
    const beat = new SharedArrayBuffer(BEAT_BYTES);
    const options = { index, workers, boot, modules, beat, ...(suspect && { suspect }) };
    const report = await new Promise<HostReport>((resolve) => {
      const launched = launcher.launchHost(
        options,
        { main: mainTheirs, store: storeTheirs },
        {
          report: (message) => (message.kind === 'stopped' ? this.#hosts[index]?.onStopped?.() : resolve(message)),
          exit: (error) => {
            resolve({
              kind: 'failed',
              error: encodeError(error ?? new Error('The thread ended before it was ready.')),
            });
            void this.#onHostExit(slot, error);
          },
        },
      );
      const main = new BatchPort(launcher.open(mainMine), env);
      const slot: HostSlot = {
        index,
        incarnation,
        launched,
        main,
        beat,
        isReady: false,
        readyAtMs: 0,
        isEndedByOrder: false,
        onStopped: undefined,
      };
      this.#hosts[index] = slot;
      this.#launchedStore?.connect(clientName(slot), storeMine);
      main.onBatch((entries) => {
        for (const entry of entries) this.#events.entry(entry as MainEntry);
      });
      this.#connectPeers(slot);
    });
    if (report.kind === 'failed') throw threadFailed(index, report.error);
    if (report.kind === 'ready') assertSamePrints(prints, report.prints, index);
    const slot = this.#hosts[index];
    if (slot?.incarnation !== incarnation) return;
    slot.isReady = true;
    slot.readyAtMs = env.monotonicMs();
    // In the same breath: a send in between would go out before the repeats, and then again with them.
    if (incarnation > 0) this.#events.replaced(index);
  }

  #connectPeers(slot: HostSlot): void {
    for (const other of this.#hosts) {
      if (!other || other.index === slot.index) continue;
      const [mine, theirs] = this.#options.launcher.createChannel();
      slot.launched.connectPeer(other.index, mine);
      other.launched.connectPeer(slot.index, theirs);
    }
  }

  async #onHostExit(slot: HostSlot, error: unknown): Promise<void> {
    const wasReady = slot.isReady;
    slot.isReady = false;
    if (this.#isStopping) return slot.onStopped?.();
    if (!wasReady || this.#hosts[slot.index] !== slot) return;
    const { suspect, deaths } = this.#charge(slot);
    this.#options.log.error('worker thread died, starting another', {
      component: 'threads',
      thread: slot.index,
      address: suspect?.address,
      correlation: suspect?.what,
      error: encodeError(error),
    });
    await this.#drain(clientName(slot));
    const pauseMs = Math.min(MAX_PAUSE_MS, deaths <= 3 ? 0 : 100 * 2 ** (deaths - 4));
    await new Promise<void>((resolve) => void this.#options.env.setTimeout(resolve, pauseMs));
    await this.#replaceHost(slot, suspect);
  }

  async #replaceHost(slot: HostSlot, suspect: Suspect | undefined, retryMs = 100): Promise<void> {
    if (this.#isStopping) return;
    try {
      await this.#startHost(slot.index, slot.incarnation + 1, suspect);
    } catch (error) {
      if (this.#isStopping) return;
      this.#options.log.fatal('worker thread cannot be started again', {
        component: 'threads',
        thread: slot.index,
        error: encodeError(error),
      });
      const next = { ...slot, incarnation: slot.incarnation + 1 };
      const nextRetryMs = Math.min(MAX_PAUSE_MS, retryMs * 2);
      this.#options.env.setTimeout(() => void this.#replaceHost(next, suspect, nextRetryMs), retryMs);
    }
  }

  /**
   * Who was in a turn when the thread died, and how often that has happened. An event comes again only if it failed, so its
   * deaths add up; a start or a timer may be hit by chance many times over, so only deaths in a row count.
   */
  #charge(slot: HostSlot): { readonly suspect: Suspect | undefined; readonly deaths: number } {
    const mark = readBeat(slot.beat);
    const key = mark ? `${mark.address}\n${mark.what}` : `thread ${slot.index}`;
    const isForgiven = slot.isEndedByOrder || this.#options.env.monotonicMs() - slot.readyAtMs > HEALTHY_MS;
    const deaths = !mark && isForgiven ? 1 : (this.#deaths.get(key) ?? 0) + 1;
    for (const other of this.#deaths.keys()) {
      const [address = '', what = ''] = other.split('\n');
      const isHere = this.indexOf(address as Address) === slot.index;
      if (isHere && other !== key && !isEventId(what)) this.#deaths.delete(other);
    }
    this.#deaths.set(key, deaths);
    const suspect = mark && { address: mark.address as Address, what: mark.what, attempts: deaths };
    return { suspect, deaths };
  }

  #drain(client: string): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrained.set(client, () => {
        this.#onDrained.delete(client);
        resolve();
      });
      this.#launchedStore?.drain(client);
    });
  }

  #stopHost(slot: HostSlot, timeoutMs: number): Promise<void> {
    return this.#withTimeout(timeoutMs, (done) => {
      slot.onStopped = done;
      slot.main.flush();
      slot.launched.stop();
    });
  }

  #withTimeout(timeoutMs: number, begin: (done: () => void) => void): Promise<void> {
    const { env } = this.#options;
    return new Promise((resolve) => {
      const timer = env.setTimeout(resolve, timeoutMs);
      begin(() => {
        env.clearTimeout(timer);
        resolve();
      });
    });
  }
}

function clientName({ index, incarnation }: HostSlot): string {
  return `host-${index}.${incarnation}`;
}

function storeEnded(error: unknown): TroupeError {
  return new TroupeError('ERR_STORE_OPEN', 'The store thread ended before the store was open.', { cause: error });
}

function threadFailed(index: number, error: EncodedError): Error {
  const cause = decodeError(error);
  if (cause instanceof TroupeError) return cause;
  return new TroupeError('ERR_THREAD_START', `Worker thread ${index} failed to start: ${cause.message}`, {
    cause,
    details: { thread: index },
  });
}
