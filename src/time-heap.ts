/**
 * A queue by time: what is due first comes out first, of the same time what was set first. What is taken back stays where
 * it lies and is skipped; once it makes up more than half, everything is laid out anew, so that memory follows what is set.
 */

/** Something with a time, and its place among those of the same time. */
export interface Timed {
  readonly dueAt: number;
  readonly order: number;
}

/** Below this many entries it is not worth while to lay out anew. */
const MIN_COMPACTED = 64;

export class TimeHeap<T extends Timed> {
  readonly #live = new Set<T>();
  #heap: T[] = [];

  get size(): number {
    return this.#live.size;
  }

  push(entry: T): void {
    this.#live.add(entry);
    this.#rise(entry, this.#heap.length);
  }

  /** Takes an entry back. Returns false when it is not in here. */
  remove(entry: T): boolean {
    if (!this.#live.delete(entry)) return false;
    // What is sorted is a heap.
    if (this.#heap.length > Math.max(MIN_COMPACTED, 2 * this.#live.size)) this.#heap = this.toSorted();
    return true;
  }

  /** What is due first; it stays in here. */
  first(): T | undefined {
    while (this.#heap[0] && !this.#live.has(this.#heap[0])) this.#dropTop();
    return this.#heap[0];
  }

  /** Takes out what is due first. */
  shift(): T | undefined {
    const first = this.first();
    if (!first) return undefined;
    this.#live.delete(first);
    this.#dropTop();
    return first;
  }

  /** Everything in here, in order. */
  toSorted(): T[] {
    return [...this.#live].toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #dropTop(): void {
    const last = this.#heap.pop();
    if (last && this.#heap.length > 0) this.#sink(last);
  }

  /** Puts an entry at a free place, or above it where it belongs. */
  #rise(entry: T, from: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above] as T;
      if (!isBefore(entry, parent)) break;
      this.#heap[at] = parent;
      at = above;
    }
    this.#heap[at] = entry;
  }

  /** Puts an entry at the top, or below it where it belongs. */
  #sink(entry: T): void {
    const heap = this.#heap;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      const right = heap[below + 1];
      if (right && isBefore(right, heap[below] as T)) below++;
      const child = heap[below] as T;
      if (!isBefore(child, entry)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = entry;
  }
}

function isBefore(a: Timed, b: Timed): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}
