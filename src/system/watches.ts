/** Watchers of committed state. A slow watcher sees the latest state, not every one in between. */
import type { Address } from '../actor/address.ts';
import type { StateView } from '../actor/define.ts';

interface Watcher {
  push(view: StateView): void;
  /** Reads the state anew: one that was committed may not have been told. */
  refresh(): void;
  end(error?: Error): void;
}

export class Watches {
  readonly #toggle: (address: Address, isOn: boolean) => void;
  readonly #watchers = new Map<Address, Set<Watcher>>();

  constructor(toggle: (address: Address, isOn: boolean) => void) {
    this.#toggle = toggle;
  }

  /** Committed states from now on, beginning with the current one, until the actor has ended. */
  watch(address: Address, current: () => Promise<unknown>): AsyncGenerator<StateView, void, undefined> {
    const watch: StateWatch = new StateWatch(
      current,
      () => this.#add(address, watch),
      () => this.#remove(address, watch),
    );
    return watch;
  }

  /** Hands on a committed state. */
  publish(address: Address, view: StateView): void {
    for (const watcher of this.#watchers.get(address) ?? []) watcher.push(view);
  }

  /** Watched addresses that moved to another thread. */
  repeat(isAffected: (address: Address) => boolean): void {
    for (const [address, watchers] of this.#watchers) {
      if (!isAffected(address)) continue;
      this.#toggle(address, true);
      for (const watcher of watchers) watcher.refresh();
    }
  }

  end(): void {
    for (const watchers of this.#watchers.values()) for (const watcher of watchers) watcher.end();
  }

  #add(address: Address, watcher: Watcher): void {
    const watchers = this.#watchers.get(address);
    if (watchers) return void watchers.add(watcher);
    this.#watchers.set(address, new Set([watcher]));
    this.#toggle(address, true);
  }

  #remove(address: Address, watcher: Watcher): void {
    const watchers = this.#watchers.get(address);
    watchers?.delete(watcher);
    if (watchers?.size !== 0) return;
    this.#watchers.delete(address);
    this.#toggle(address, false);
  }
}

type Step = IteratorResult<StateView, void>;

const OVER = { done: true, value: undefined } as const;

/**
 * One watcher, as a generator would be, but for `return`: that ends a `next` under way as well. Subscribes with the first
 * `next`, holds the latest state that has not been taken.
 */
class StateWatch implements Watcher, AsyncGenerator<StateView, void, undefined> {
  readonly #current: () => Promise<unknown>;
  readonly #subscribe: () => void;
  readonly #unsubscribe: () => void;
  #waiting: PromiseWithResolvers<Step>[] = [];
  #latest: StateView | undefined;
  #failure: { readonly error: unknown } | undefined;
  #lastSeq = -1;
  #hasBegun = false;
  /** Until the current state is known, an older one may be told. */
  #isReading = false;
  #isOver = false;

  constructor(current: () => Promise<unknown>, subscribe: () => void, unsubscribe: () => void) {
    this.#current = current;
    this.#subscribe = subscribe;
    this.#unsubscribe = unsubscribe;
  }

  next(): Promise<Step> {
    const step = Promise.withResolvers<Step>();
    this.#waiting.push(step);
    if (!this.#hasBegun && !this.#isOver) this.#begin();
    this.#serve();
    return step.promise;
  }

  async return(): Promise<Step> {
    this.#latest = undefined;
    this.#failure = undefined;
    this.end();
    return OVER;
  }

  async throw(error: unknown): Promise<Step> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  push(view: StateView): void {
    if (this.#isOver || view.seq <= this.#lastSeq) return;
    this.#lastSeq = view.seq;
    this.#latest = view;
    if (this.#isReading) return;
    if (view.status !== 'active') return this.end();
    this.#serve();
  }

  refresh(): void {
    this.#current().then(
      (view) => this.push(view as StateView),
      () => this.end(),
    );
  }

  /** What is held can still be taken. */
  end(): void {
    if (!this.#isOver) this.#unsubscribe();
    this.#isOver = true;
    this.#serve();
  }

  #begin(): void {
    this.#hasBegun = true;
    this.#isReading = true;
    this.#subscribe();
    this.#current().then(
      (view) => {
        this.#isReading = false;
        this.push(view as StateView);
        if (this.#latest && this.#latest.status !== 'active') this.end();
        this.#serve();
      },
      (error: unknown) => {
        if (!this.#isOver) {
          this.#failure = { error };
          this.#latest = undefined;
        }
        this.end();
      },
    );
  }

  #serve(): void {
    if (this.#isReading && !this.#isOver) return;
    for (let step = this.#waiting[0]; step; step = this.#waiting[0]) {
      if (this.#failure) step.reject(this.#failure.error);
      else if (this.#latest) step.resolve({ done: false, value: this.#latest });
      else if (this.#isOver) step.resolve(OVER);
      else return;
      this.#failure = undefined;
      this.#latest = undefined;
      this.#waiting.shift();
    }
  }
}
