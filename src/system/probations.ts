/**
 * Threads on probation: when a thread hung or ended between turns and actors with effect functions in flight may have done it, they go on together in a thread
 * of their own, which marks everything their effect functions do. The next time the culprit has a name; when there is none, they go home.
 */
import type { Address } from '../actor/address.ts';
import type { Env, TimerHandle } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Routes } from '../thread/routes.ts';
import { clientName } from './hosts.ts';
import type { Hosts } from './hosts.ts';
import { MAX_PAUSE_MS } from './store-thread.ts';
import type { StoreThread } from './store-thread.ts';

/** Threads on probation at a time; further suspects go on where they are. */
const MAX_PROBATIONS = 2;

export interface ProbationsOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly hosts: Hosts;
  readonly store: StoreThread;
  readonly routes: Routes;
  /** Time without trouble after which actors go home, in milliseconds. */
  readonly quietMs: number;
  readonly nextIndex: () => number;
  readonly isStopping: () => boolean;
  /** These actors live on another host now, which serves: what is under way for them must be sent again. */
  readonly moved: (index: number, addresses: ReadonlySet<Address>) => void;
}

interface Probation {
  readonly index: number;
  readonly addresses: ReadonlySet<Address>;
  timer: TimerHandle;
}

export class Probations {
  readonly #options: ProbationsOptions;
  readonly #running = new Map<number, Probation>();

  constructor(options: ProbationsOptions) {
    this.#options = options;
  }

  /** Moves actors whose thread has ended into one of their own. Nothing happens when there are as many as may be. */
  admit(suspects: readonly Address[]): void {
    const { hosts, nextIndex } = this.#options;
    if (suspects.length === 0 || this.#running.size >= MAX_PROBATIONS) return;
    const probation = { index: nextIndex(), addresses: new Set(suspects), timer: undefined };
    this.#running.set(probation.index, probation);
    // At once: their next home must not load them as well.
    for (const address of suspects) hosts.route(address, probation.index);
    void this.#start(probation);
  }

  /** True for a thread on probation that runs one actor. */
  isAlone(index: number): boolean {
    return this.#running.get(index)?.addresses.size === 1;
  }

  /** A thread on probation was lost and replaced: its time starts again. */
  renew(index: number): void {
    const probation = this.#running.get(index);
    if (probation) this.#wait(probation);
  }

  stop(): void {
    for (const { timer } of this.#running.values()) this.#options.env.clearTimeout(timer);
  }

  async #start(probation: Probation): Promise<void> {
    const { hosts, log, moved } = this.#options;
    const { index, addresses } = probation;
    try {
      await hosts.start({ index, incarnation: 0, isOnProbation: true }, () => moved(index, addresses));
      this.#wait(probation);
    } catch (error) {
      const fields = { component: 'threads', thread: index, error: encodeError(error) };
      log.warn('a thread on probation cannot be started; its actors go home', fields);
      this.#sendHome(probation);
    }
  }

  #wait(probation: Probation): void {
    const { env, quietMs } = this.#options;
    env.clearTimeout(probation.timer);
    probation.timer = env.setTimeout(() => void this.#end(probation), quietMs);
  }

  /** Nothing reaches its actors until the store has written what they had posted. */
  async #end(probation: Probation): Promise<void> {
    const { hosts, store, isStopping } = this.#options;
    const slot = hosts.get(probation.index);
    if (isStopping()) return;
    // It is being replaced right now: its time starts again.
    if (!slot?.isReady) return this.#wait(probation);
    slot.isReady = false;
    await hosts.stop(slot, MAX_PAUSE_MS);
    await slot.launched.terminate();
    await store.drain(clientName(slot));
    this.#sendHome(probation);
  }

  #sendHome({ index, addresses }: Probation): void {
    const { hosts, isStopping, moved } = this.#options;
    this.#running.delete(index);
    hosts.forget(index);
    if (isStopping()) return;
    for (const address of addresses) hosts.route(address, undefined);
    moved(index, addresses);
  }
}
