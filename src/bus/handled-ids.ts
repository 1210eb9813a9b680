/**
 * What each durable subscriber of a bus is done with, by its name (`RecentIds`). Kept while the subscription rests, so that it knows them when it
 * comes again. Once an hour, and only while there is something, ids that nobody met for an hour are forgotten.
 */
import type { Env, TimerHandle } from '../env.ts';
import { RecentIds } from './recent-ids.ts';

const SWEEP_EVERY_MS = 3_600_000;

/** The ids one subscriber is done with. */
export interface HandledIds {
  has(id: string): boolean;
  add(id: string): void;
}

export class HandledRegistry {
  readonly #env: Env;
  readonly #byName = new Map<string, RecentIds>();
  #timer: TimerHandle | undefined;
  #isStopped = false;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Those of a name. What is forgotten stays forgotten, also when a handler of that time ends later. */
  of(name: string): HandledIds {
    const ids = this.#byName.get(name) ?? new RecentIds();
    this.#byName.set(name, ids);
    return {
      has: (id) => ids.has(id, this.#env.monotonicMs()),
      add: (id) => this.#add(ids, id),
    };
  }

  /** The subscription begins anew when it comes again. */
  forget(name: string): void {
    this.#byName.delete(name);
  }

  stop(): void {
    this.#isStopped = true;
    this.#env.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #add(ids: RecentIds, id: string): void {
    ids.add(id, this.#env.monotonicMs());
    this.#schedule();
  }

  #schedule(): void {
    if (!this.#isStopped) this.#timer ??= this.#env.setTimeout(() => this.#sweep(), SWEEP_EVERY_MS);
  }

  #sweep(): void {
    this.#timer = undefined;
    const before = this.#env.monotonicMs() - SWEEP_EVERY_MS;
    const all = [...this.#byName.values()];
    for (const ids of all) ids.sweep(before);
    if (all.some(({ size }) => size > 0)) this.#schedule();
  }
}
