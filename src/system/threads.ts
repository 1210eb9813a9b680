/**
 * The threads of a system: starts the store and the worker hosts, and puts new ones in place of those that die or must be
 * ended. A dead host's actors are loaded again only after the store has written everything it posted (rule 6); a new store
 * gets everything the hosts had not seen acknowledged (rule 7). Actors with a thread of their own get it when something is
 * there for them, and lose it when they have left memory.
 */
import type { Latencies } from '../thread/latencies.ts';
import type { Address } from '../actor/address.ts';
import type { DefinitionPrint } from '../actor/definitions.ts';
import type { Env, TimerHandle } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { StoreOptions } from '../store/protocol.ts';
import type { Announce } from '../supervision/events.ts';
import { toPlainError } from '../supervision/events.ts';
import { readPulse } from '../thread/beat.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Launcher } from '../thread/launcher.ts';
import type { MainEntry, Suspect, ThreadEnd } from '../thread/protocol.ts';
import type { Routes } from '../thread/routes.ts';
import { Deaths } from './deaths.ts';
import { clientName, Hosts } from './hosts.ts';
import type { HostSlot } from './hosts.ts';
import { Probations } from './probations.ts';
import type { StoreTrouble } from './store-status.ts';
import { MAX_PAUSE_MS, StoreThread } from './store-thread.ts';
import { accuse } from './suspects.ts';
import { ThreadMonitor } from './thread-monitor.ts';
import type { MonitorLimits, Sentence } from './thread-monitor.ts';
import { withTimeout } from '../with-timeout.ts';

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
  /** What the threads may do; nothing where they are not threads, and nobody could watch. */
  readonly limits?: MonitorLimits | undefined;
  /** Called when the store is open and no host runs yet; returns the downtime on record, in milliseconds. */
  readonly rise: (store: StoreClient) => Promise<number>;
}

export interface ThreadsEvents {
  /** What a host tells main. */
  entry(entry: MainEntry, index: number): void;
  /** A host is there, for the first time or again: what is under way for its actors, or for those that moved, must be sent (again). */
  replaced(index: number, moved?: ReadonlySet<Address>): void;
  /** A try of the store failed; or, without one, it saves again. */
  storeTrouble(trouble: StoreTrouble | undefined): void;
  /** Says that a thread ended, and that another serves in its place. */
  readonly announce: Announce;
}

/** What is known of a thread now. */
export interface ThreadStats {
  readonly index: number;
  /** Threads that had this place before. */
  readonly incarnation: number;
  /** Time since it was last seen to beat, in milliseconds; as coarse as the beat. */
  readonly beatAgeMs: number;
  /** Memory it holds outside its heap, such as buffers, at its last beat. */
  readonly externalBytes: number;
}

/** Time for the last words of a dead host to arrive; they are in this process already. */
const LAST_WORDS_MS = 5_000;

/** Time after a start until the next thread is got ready: it takes a processor from those that catch up. */
const SPARE_AFTER_MS = 1_000;

/** Least time without trouble after which suspects go home. */
const MIN_PROBATION_MS = 60_000;

/** A thread that served this long before it died without a culprit is replaced at once. */
const HEALTHY_MS = 10_000;

/** A thread that ended, as it is told. */
interface Ended {
  readonly slot: HostSlot;
  readonly suspect: Suspect | undefined;
  readonly suspects: readonly Address[];
  readonly end: ThreadEnd;
  readonly error: unknown;
}

/** A place without its thread, from one end to the next start. */
interface Vacancy {
  readonly slot: HostSlot;
  readonly suspect: Suspect | undefined;
  /** When the thread was gone, by the monotonic clock. */
  readonly endedAtMs: number;
}

export class Threads {
  readonly #options: ThreadsOptions;
  readonly #events: ThreadsEvents;
  readonly #hosts: Hosts;
  readonly #deaths: Deaths;
  readonly #store: StoreThread;
  readonly #monitor: ThreadMonitor | undefined;
  /** Actors whose own thread is being started or ended. */
  readonly #moving = new Set<Address>();
  /** Those of them that are needed again while theirs is being ended. */
  readonly #wanted = new Set<Address>();
  readonly #probations: Probations;
  #nextIndex: number;
  #spareTimer: TimerHandle;
  #isStopping = false;

  constructor(options: ThreadsOptions, events: ThreadsEvents) {
    this.#options = options;
    this.#events = events;
    this.#nextIndex = options.workers;
    this.#deaths = new Deaths((address) => this.indexOf(address));
    const { env, log, launcher, store, limits } = options;
    this.#store = new StoreThread({
      env,
      log,
      launcher,
      store,
      trouble: (trouble) => events.storeTrouble(trouble),
      replaced: () => this.#hosts.reconnectStore(),
    });
    this.#hosts = new Hosts(
      { ...options, beatMs: limits?.beatMs ?? 0, startMs: limits?.startMs, store: this.#store },
      {
        entry: (entry, index) => events.entry(entry, index),
        exit: (slot, error, end) => void this.#onHostExit(slot, error, end),
      },
    );
    this.#probations = new Probations({
      ...options,
      hosts: this.#hosts,
      store: this.#store,
      quietMs: Math.max(MIN_PROBATION_MS, 4 * (limits?.hangMs ?? 0)),
      nextIndex: () => this.#nextIndex++,
      isStopping: () => this.#isStopping,
      moved: (index, addresses) => events.replaced(index, addresses),
    });
    this.#monitor =
      limits &&
      new ThreadMonitor({
        env,
        limits,
        threads: () => this.#hosts.ready,
        condemn: (sentence) => this.#condemn(sentence),
      });
  }

  /** Main's own client of the store. */
  /** How long saves and restores have taken. */
  get latencies(): Latencies {
    return this.#hosts.latencies;
  }

  get store(): StoreClient {
    return this.#store.client;
  }

  /** The host an address lives on; nothing for one that has no thread of its own yet. */
  indexOf(address: Address): number | undefined {
    return this.#options.routes.indexOf(address);
  }

  /** What is known of every thread that serves. */
  stats(): readonly ThreadStats[] {
    return this.#hosts.ready.map(({ index, incarnation, beat }) => {
      const { externalBytes } = readPulse(beat);
      return { index, incarnation, externalBytes, beatAgeMs: this.#monitor?.quietMsOf(index) ?? 0 };
    });
  }

  /** Time main has spent watching its threads, in milliseconds. */
  get watchedForMs(): number {
    return this.#monitor?.spentMs ?? 0;
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

  /** Queues an entry for one host, or for every host that serves. */
  postToHosts(text: string, index?: number): void {
    for (const slot of this.#hosts.all)
      if (slot.isReady && (index === undefined || slot.index === index)) slot.main.post(text);
  }

  /** Starts everything. @throws what the store or a host failed with; nothing is left running then. */
  async start(): Promise<void> {
    const { workers, rise } = this.#options;
    try {
      await this.#store.start();
      this.#hosts.downtimeMs = await rise(this.store);
      await Promise.all(Array.from({ length: workers }, (_, index) => this.#hosts.start({ index, incarnation: 0 })));
      this.#monitor?.start();
    } catch (error) {
      await this.terminate();
      throw error;
    }
  }

  /** Has a thread started in reserve, once those that serve have caught up. */
  keepSpare(): void {
    const { env, launcher, modules } = this.#options;
    env.clearTimeout(this.#spareTimer);
    if (launcher.spare === undefined || this.#isStopping) return;
    this.#spareTimer = env.setTimeout(() => {
      if (!this.#isStopping) launcher.spare?.prepare(modules);
    }, SPARE_AFTER_MS);
  }

  /** Lets hosts finish what they posted, then closes the store. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    this.#monitor?.stop();
    await Promise.all(this.#hosts.ready.map((slot) => this.#hosts.stop(slot, timeoutMs)));
    await withTimeout(this.#options.env, timeoutMs, (done) => this.#store.close(done));
    await this.terminate();
  }

  /** Ends every thread at once. */
  async terminate(): Promise<void> {
    this.#isStopping = true;
    this.#monitor?.stop();
    this.#options.env.clearTimeout(this.#spareTimer);
    this.#probations.stop();
    await Promise.all([this.#hosts.terminate(), this.#options.launcher.spare?.end()]);
    await this.#store.terminate();
  }

  /** Ends one worker thread as a crash would. It is replaced like any that dies. */
  async endWorker(index: number | undefined): Promise<void> {
    const slot = this.#hosts.get(index);
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
    const slot = this.#hosts.get(this.indexOf(address));
    if (!slot?.isReady || slot.owner !== address || this.#isStopping) return;
    this.#moving.add(address);
    slot.isReady = false;
    this.#hosts.route(address, undefined);
    await this.#hosts.stop(slot, MAX_PAUSE_MS);
    await slot.launched.terminate();
    this.#hosts.forget(slot.index);
    await this.#store.drain(clientName(slot));
    this.#moving.delete(address);
    this.#events.replaced(slot.index);
    if (this.#wanted.delete(address)) this.ensure(address);
  }

  async #startOwn(address: Address, index: number, retryMs = 100): Promise<void> {
    try {
      await this.#hosts.start({ index, incarnation: 0, owner: address });
      this.#moving.delete(address);
      this.#wanted.delete(address);
      this.#hosts.route(address, index);
      this.#events.replaced(index);
      this.keepSpare();
    } catch (error) {
      this.#hosts.forget(index);
      if (this.#isStopping) return;
      this.#logFatal("an actor's own thread cannot be started", index, error);
      const again = (): void => void this.#startOwn(address, index, Math.min(MAX_PAUSE_MS, retryMs * 2));
      this.#options.env.setTimeout(again, retryMs);
    }
  }

  /** Ends a thread for what the monitor saw. What follows is the same as for one that ended by itself. */
  #condemn(sentence: Sentence): void {
    const slot = this.#hosts.get(sentence.index);
    if (!slot?.isReady || slot.sentence || this.#isStopping) return;
    slot.sentence = sentence;
    void slot.launched.terminate();
  }

  async #onHostExit(slot: HostSlot, error: unknown, seenEnd: ThreadEnd): Promise<void> {
    const wasReady = slot.isReady;
    slot.isReady = false;
    if (this.#isStopping) return slot.onStopped?.();
    if (!wasReady || this.#hosts.get(slot.index) !== slot) return slot.onStopped?.();
    const { env } = this.#options;
    const endedAtMs = env.monotonicMs();
    const isForgiven = slot.isEndedByOrder || endedAtMs - slot.readyAtMs > HEALTHY_MS;
    const end = slot.isEndedByOrder ? 'order' : (slot.sentence?.end ?? seenEnd);
    await this.#store.drain(clientName(slot));
    const isHere = (address: Address): boolean => this.indexOf(address) === slot.index;
    const isAlone = slot.owner !== undefined || this.#probations.isAlone(slot.index);
    const accused = await accuse({ slot, end, store: this.store, env, isHere, isAlone });
    const { suspect, pauseMs } = this.#deaths.charge({ index: slot.index, mark: accused.mark, end, isForgiven });
    this.#say({ slot, suspect, end, error, suspects: accused.suspects });
    if (!slot.isOnProbation) this.#probations.admit(accused.suspects);
    // What it had answered counts. Unheard, a refusal would go out again, and meet the mark of a later send: a false success.
    await withTimeout(env, LAST_WORDS_MS, (done) => void slot.silent.then(done));
    if (pauseMs > 0) await new Promise<void>((resolve) => void env.setTimeout(resolve, pauseMs));
    await this.#replaceHost({ slot, suspect, endedAtMs });
  }

  #say({ slot: { index, sentence, beat }, suspect, suspects, end, error }: Ended): void {
    // Ended by main or by order, it exits with a code that says nothing.
    const cause = sentence || end === 'order' ? undefined : error;
    this.#options.log.error('worker thread died, starting another', {
      component: 'threads',
      thread: index,
      end,
      address: suspect?.address,
      correlation: suspect?.what,
      last: suspect ? undefined : readPulse(beat).lastMark?.address,
      blockedMs: sentence?.blockedMs,
      error: encodeError(error),
    });
    this.#events.announce('system.thread.ended', {
      thread: index,
      end,
      ...(suspect && { culprit: { address: suspect.address, what: suspect.what } }),
      ...(suspects.length > 0 && { suspects }),
      ...(cause !== undefined && { error: toPlainError(cause) }),
      ...(sentence?.end === 'hang' && { blockedMs: Math.round(sentence.blockedMs) }),
    });
  }

  async #replaceHost(
    { slot, suspect, endedAtMs }: Vacancy,
    nextIncarnation = slot.incarnation + 1,
    retryMs = 100,
  ): Promise<void> {
    if (this.#isStopping) return;
    const { env } = this.#options;
    const { index, owner, isOnProbation } = slot;
    const next = { index, owner, isOnProbation, incarnation: nextIncarnation, suspect };
    try {
      await this.#hosts.start(next, () => {
        // In the same breath: a send in between would go out before the repeats, and then again with them.
        this.#events.replaced(index);
        const recoveryMs = Math.round(env.monotonicMs() - endedAtMs);
        this.#events.announce('system.thread.replaced', { thread: index, recoveryMs });
      });
      this.keepSpare();
      this.#probations.renew(index);
    } catch (error) {
      if (this.#isStopping) return;
      this.#logFatal('worker thread cannot be started again', index, error);
      const again = (): void =>
        void this.#replaceHost({ slot, suspect, endedAtMs }, nextIncarnation + 1, Math.min(MAX_PAUSE_MS, retryMs * 2));
      env.setTimeout(again, retryMs);
    }
  }

  #logFatal(text: string, thread: number, error: unknown): void {
    this.#options.log.fatal(text, { component: 'threads', thread, error: encodeError(error) });
  }
}
