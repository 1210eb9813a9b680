/**
 * What waits for an answer, by growing number: an array that forgets its front. A Map would do, but one that entries keep coming
 * to and going from replaces its table again and again, and each old table holds on to the next; once one of them has reached
 * the old generation, everything that passed through survives until a full collection.
 */
const COMPACT_AT = 1024;

export class Slots<T> {
  /** Slot 0 holds number `#first`. */
  #slots: (T | undefined)[] = [];
  #first = 1;
  /** Empty slots at the front. */
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number the next `add` gives. */
  get next(): number {
    return this.#first + this.#slots.length;
  }

  /** Numbers start at 1. */
  add(value: T): number {
    this.#size++;
    return this.#first + this.#slots.push(value) - 1;
  }

  get(n: number): T | undefined {
    return this.#slots[n - this.#first];
  }

  /** Takes a value out and returns it. */
  take(n: number): T | undefined {
    const at = n - this.#first;
    const value = this.#slots[at];
    if (value === undefined) return undefined;
    this.#slots[at] = undefined;
    this.#size--;
    this.#skipEmpty();
    return value;
  }

  clear(): void {
    this.#first = this.next;
    this.#slots = [];
    this.#head = 0;
    this.#size = 0;
  }

  /** In the order added. */
  values(): T[] {
    return this.#slots.filter((value) => value !== undefined);
  }

  #skipEmpty(): void {
    while (this.#head < this.#slots.length && this.#slots[this.#head] === undefined) this.#head++;
    const isEmpty = this.#head === this.#slots.length;
    if (!isEmpty && this.#head < COMPACT_AT) return;
    this.#first += this.#head;
    this.#slots = isEmpty ? [] : this.#slots.slice(this.#head);
    this.#head = 0;
  }
}
