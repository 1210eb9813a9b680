/**
 * The threads of a system: starts the store and the worker hosts, connects them, and puts new ones in place of those that
 * die. A dead host's actors are loaded again only after the store has written everything it posted (rule 6); a new store
 * gets everything the hosts had not seen acknowledged (rule 7). Actors with a thread of their own get it when something is
 * there for them, and lose it when they have left memory.
 */
import type { Address } from '../actor/address.ts';
import type { DefinitionPrint } from '../actor/definitions.ts';
import { TroupeError } from '../errors.ts';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { StoreOptions } from '../store/protocol.ts';
import { BatchPort } from '../thread/batch-port.ts';
import { BEAT_BYTES, readBeat } from '../thread/beat.ts';
import { decodeError, encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { LaunchedHost, Launcher } from '../thread/launcher.ts';
import type { HostReport, MainEntry, Suspect } from '../thread/protocol.ts';
import type { Routes } from '../thread/routes.ts';
import { Deaths } from './deaths.ts';
import { assertSamePrints } from './prints.ts';
import { MAX_PAUSE_MS, StoreThread } from './store-thread.ts';

export interface ThreadsOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly launcher: Launcher;
  readonly boot: string;
  /** Number of worker hosts that share the actors. */
  readonly workers: number;
  readonly modules: readonly string[];
  /** What main has loaded; every thread must have the same. */
  readonly prints: readonly DefinitionPrint[];
  readonly store: StoreOptions;
  readonly routes: Routes;
  readonly maxLive: number;
  /** Called when the store is open and no host runs yet; returns the downtime on record, in milliseconds. */
  readonly rise: (store: StoreClient) => Promise<number>;
}

export interface ThreadsEvents {
  /** What a host tells main. */
  entry(entry: MainEntry, index: number): void;
  /** A host is there, for the first time or again: what is under way for its actors must be sent (again). */
  replaced(index: number): void;
  /** The store cannot save, or can again. */
  storeTrouble(error: Error | undefined): void;
}

interface HostSlot {
  readonly index: number;
  /** The one actor it runs, if it is not shared. */
  readonly owner: Address | undefined;
  incarnation: number;
  launched: LaunchedHost;
  main: BatchPort;
  beat: SharedArrayBuffer;
  /** Resolves when it has ended and everything it said has been heard. */
  readonly silent: Promise<void>;
  isReady: boolean;
  /** When it began to serve, by the monotonic clock; nothing counts against a thread that served for long. */
  readyAtMs: number;
  /** Ended by order of the host program: no reason to hold back the next one. */
  isEndedByOrder: boolean;
  onStopped: (() => void) | undefined;
}

/** Time for the last words of a dead host to arrive; they are in this process already. */
const LAST_WORDS_MS = 5_000;

/** Which host to start. */
interface HostStart {
  readonly index: number;
  readonly incarnation: number;
  readonly owner?: Address | undefined;
  readonly suspect?: Suspect | undefined;
}

/** A thread that served this long before it died without a culprit is replaced at once. */
const HEALTHY_MS = 10_000;

export class Threads {
  readonly #options: ThreadsOptions;
  readonly #events: ThreadsEvents;
  readonly #hosts = new Map<number, HostSlot>();
  readonly #deaths: Deaths;
  readonly #store: StoreThread;
  /** Actors whose own thread is being started or ended. */
  readonly #moving = new Set<Address>();
  /** Those of them that are needed again while theirs is being ended. */
  readonly #wanted = new Set<Address>();
  #nextIndex: number;
  #downtimeMs = 0;
  #isStopping = false;

  constructor(options: ThreadsOptions, events: ThreadsEvents) {
    this.#options = options;
    this.#events = events;
    this.#nextIndex = options.workers;
    this.#deaths = new Deaths((address) => this.indexOf(address));
    const { env, log, launcher, store } = options;
    this.#store = new StoreThread({
      env,
      log,
      launcher,
      store,
      trouble: (error) => events.storeTrouble(error),
      replaced: () => this.#reconnectHosts(),
    });
  }

  /** Main's own client of the store. */
  get store(): StoreClient {
    return this.#store.client;
  }

  /** The host an address lives on; nothing for one that has no thread of its own yet. */
  indexOf(address: Address): number | undefined {
    return this.#options.routes.indexOf(address);
  }

  /**
   * Queues an entry for the host of `address`. While the host is being replaced, or started, it is dropped: the sender repeats
   * it when the host is there.
   */
  post(address: Address, text: string): void {
    const index = this.indexOf(address);
    if (index === undefined) return this.ensure(address);
    const slot = this.#hosts.get(index);
    if (slot?.isReady) slot.main.post(text);
  }

  /** Starts everything. @throws what the store or a host failed with; nothing is left running then. */
  async start(): Promise<void> {
    const { workers, rise } = this.#options;
    try {
      await this.#store.start();
      this.#downtimeMs = await rise(this.store);
      await Promise.all(Array.from({ length: workers }, (_, index) => this.#startHost({ index, incarnation: 0 })));
    } catch (error) {
      await this.terminate();
      throw error;
    }
  }

  /** Lets hosts finish what they posted, then closes the store. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    const ready = [...this.#hosts.values()].filter(({ isReady }) => isReady);
    await Promise.all(ready.map((slot) => this.#stopHost(slot, timeoutMs)));
    await this.#withTimeout(timeoutMs, (done) => this.#store.close(done));
    await this.terminate();
  }

  /** Ends every thread at once. */
  async terminate(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#hosts.values()].map(({ launched }) => launched.terminate()));
    await this.#store.terminate();
  }

  /** Ends one worker thread as a crash would. It is replaced like any that dies. */
  async endWorker(index: number | undefined): Promise<void> {
    const slot = index === undefined ? undefined : this.#hosts.get(index);
    if (slot) slot.isEndedByOrder = true;
    await slot?.launched.terminate();
  }

  /** Ends the store thread as a crash would. */
  async endStore(): Promise<void> {
    await this.#store.end();
  }

  /** Gives an actor its own thread; what is under way for it goes out when it is there. */
  ensure(address: Address): void {
    const { routes } = this.#options;
    if (this.#isStopping || !routes.isDedicated(address)) return;
    if (this.#moving.has(address)) return void this.#wanted.add(address);
    if (routes.indexOf(address) !== undefined) return;
    this.#moving.add(address);
    void this.#startOwn(address, this.#nextIndex++);
  }

  /** An actor has left its own thread: the thread ends. What came for it meanwhile is sent again to the next one. */
  async release(address: Address): Promise<void> {
    const index = this.#options.routes.indexOf(address);
    const slot = index === undefined ? undefined : this.#hosts.get(index);
    if (!slot?.isReady || slot.owner !== address || this.#isStopping) return;
    this.#moving.add(address);
    slot.isReady = false;
    this.#route(address, undefined);
    await this.#stopHost(slot, MAX_PAUSE_MS);
    await slot.launched.terminate();
    this.#hosts.delete(slot.index);
    await this.#store.drain(clientName(slot));
    this.#moving.delete(address);
    this.#events.replaced(slot.index);
    if (this.#wanted.delete(address)) this.ensure(address);
  }

  async #startOwn(address: Address, index: number, retryMs = 100): Promise<void> {
    try {
      await this.#startHost({ index, incarnation: 0, owner: address });
      this.#moving.delete(address);
      this.#wanted.delete(address);
      this.#route(address, index);
      this.#events.replaced(index);
    } catch (error) {
      this.#hosts.delete(index);
      if (this.#isStopping) return;
      this.#logFatal("an actor's own thread cannot be started", index, error);
      const again = (): void => void this.#startOwn(address, index, Math.min(MAX_PAUSE_MS, retryMs * 2));
      this.#options.env.setTimeout(again, retryMs);
    }
  }

  /** Tells every host where an actor with a thread of its own lives now. */
  #route(address: Address, index: number | undefined): void {
    this.#options.routes.set(address, index);
    for (const { launched } of this.#hosts.values()) launched.route(address, index);
  }

  #reconnectHosts(): void {
    const { launcher } = this.#options;
    for (const slot of this.#hosts.values()) {
      const [hostEnd, storeEnd] = launcher.createChannel();
      this.#store.connect(clientName(slot), storeEnd);
      slot.launched.reconnectStore(hostEnd);
    }
  }

  async #startHost(of: HostStart): Promise<void> {
    const { index, incarnation } = of;
    const report = await this.#launch(of);
    if (report.kind === 'failed') throw threadFailed(index, report.error);
    if (report.kind === 'ready') assertSamePrints(this.#options.prints, report.prints, index);
    const slot = this.#hosts.get(index);
    if (slot?.incarnation !== incarnation) return;
    slot.isReady = true;
    slot.readyAtMs = this.#options.env.monotonicMs();
    // In the same breath: a send in between would go out before the repeats, and then again with them.
    if (incarnation > 0) this.#events.replaced(index);
  }

  /** Resolves with its first report, or with why it ended without one. */
  #launch({ index, incarnation, owner, suspect }: HostStart): Promise<HostReport> {
    const { launcher, env, boot, workers, modules, maxLive } = this.#options;
    const [mainMine, mainTheirs] = launcher.createChannel();
    const [storeMine, storeTheirs] = launcher.createChannel();
    const beat = new SharedArrayBuffer(BEAT_BYTES);
    const own = { index, workers, boot, modules, beat, downtimeMs: this.#downtimeMs, maxLive };
    return new Promise((resolve) => {
      const launched = launcher.launchHost(
        { ...own, ...(suspect && { suspect }) },
        { main: mainTheirs, store: storeTheirs },
        {
          report: (message) => (message.kind === 'stopped' ? slot.onStopped?.() : resolve(message)),
          exit: (error) => {
            const cause = error ?? new Error('The thread ended before it was ready.');
            resolve({ kind: 'failed', error: encodeError(cause) });
            void this.#onHostExit(slot, error);
          },
        },
      );
      this.#hosts.get(index)?.main.close();
      const main = new BatchPort(launcher.open(mainMine), env);
      const silent = new Promise<void>((done) => main.onClose(done));
      const state = { isReady: false, readyAtMs: 0, isEndedByOrder: false, onStopped: undefined };
      const slot: HostSlot = { index, owner, incarnation, launched, main, beat, silent, ...state };
      this.#hosts.set(index, slot);
      this.#store.connect(clientName(slot), storeMine);
      main.onBatch((entries) => {
        for (const entry of entries) this.#events.entry(entry as MainEntry, index);
      });
      this.#connectPeers(slot);
    });
  }

  #connectPeers(slot: HostSlot): void {
    for (const other of this.#hosts.values()) {
      if (other.index === slot.index) continue;
      const [mine, theirs] = this.#options.launcher.createChannel();
      slot.launched.connectPeer(other.index, mine);
      other.launched.connectPeer(slot.index, theirs);
    }
    for (const [address, index] of this.#options.routes.dedicated) slot.launched.route(address, index);
  }

  async #onHostExit(slot: HostSlot, error: unknown): Promise<void> {
    const wasReady = slot.isReady;
    slot.isReady = false;
    if (this.#isStopping) return slot.onStopped?.();
    if (!wasReady || this.#hosts.get(slot.index) !== slot) return slot.onStopped?.();
    const { env, log } = this.#options;
    const isForgiven = slot.isEndedByOrder || env.monotonicMs() - slot.readyAtMs > HEALTHY_MS;
    const end = slot.isEndedByOrder ? 'order' : 'exit';
    const { suspect, pauseMs } = this.#deaths.charge({ index: slot.index, mark: readBeat(slot.beat), end, isForgiven });
    log.error('worker thread died, starting another', {
      component: 'threads',
      thread: slot.index,
      address: suspect?.address,
      correlation: suspect?.what,
      error: encodeError(error),
    });
    await this.#store.drain(clientName(slot));
    // What it had answered counts. Unheard, a refusal would go out again, and meet the mark of a later send: a false success.
    await this.#withTimeout(LAST_WORDS_MS, (done) => void slot.silent.then(done));
    await new Promise<void>((resolve) => void env.setTimeout(resolve, pauseMs));
    await this.#replaceHost(slot, suspect);
  }

  async #replaceHost(slot: HostSlot, suspect: Suspect | undefined, retryMs = 100): Promise<void> {
    if (this.#isStopping) return;
    const { index, owner, incarnation } = slot;
    try {
      await this.#startHost({ index, owner, incarnation: incarnation + 1, suspect });
    } catch (error) {
      if (this.#isStopping) return;
      this.#logFatal('worker thread cannot be started again', index, error);
      const next = { ...slot, incarnation: incarnation + 1 };
      const nextRetryMs = Math.min(MAX_PAUSE_MS, retryMs * 2);
      this.#options.env.setTimeout(() => void this.#replaceHost(next, suspect, nextRetryMs), retryMs);
    }
  }

  #stopHost(slot: HostSlot, timeoutMs: number): Promise<void> {
    return this.#withTimeout(timeoutMs, (done) => {
      slot.onStopped = done;
      slot.main.flush();
      slot.launched.stop();
    });
  }

  #logFatal(text: string, thread: number, error: unknown): void {
    this.#options.log.fatal(text, { component: 'threads', thread, error: encodeError(error) });
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

function threadFailed(index: number, error: EncodedError): Error {
  const cause = decodeError(error);
  if (cause instanceof TroupeError) return cause;
  return new TroupeError('ERR_THREAD_START', `Worker thread ${index} failed to start: ${cause.message}`, {
    cause,
    details: { thread: index },
  });
}
