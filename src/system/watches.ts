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
  async *watch(address: Address, current: () => Promise<unknown>): AsyncGenerator<StateView, void, undefined> {
    const feed = createFeed(current);
    this.#add(address, feed);
    try {
      feed.push((await current()) as StateView);
      for (;;) {
        const view = await feed.next();
        if (!view) return;
        yield view;
        if (view.status !== 'active') return;
      }
    } finally {
      this.#remove(address, feed);
    }
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

/** Holds the latest state that has not been taken. */
function createFeed(current: () => Promise<unknown>): Watcher & { next(): Promise<StateView | undefined> } {
  let latest: StateView | undefined;
  let lastSeq = -1;
  let isOver = false;
  let wake: (() => void) | undefined;
  const feed: ReturnType<typeof createFeed> = {
    push: (view) => {
      if (view.seq <= lastSeq) return;
      lastSeq = view.seq;
      latest = view;
      wake?.();
    },
    refresh: () =>
      void current().then(
        (view) => feed.push(view as StateView),
        () => feed.end(),
      ),
    end: () => {
      isOver = true;
      wake?.();
    },
    next: async () => {
      while (!latest && !isOver) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const view = latest;
      latest = undefined;
      return view;
    },
  };
  return feed;
}
