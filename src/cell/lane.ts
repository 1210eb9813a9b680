/** First in, first out, with a cheap front: an array whose head moves. */
const COMPACT_AT = 1024;

export class Lane<T> {
  #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Puts items before all others, in the order given. */
  unshift(items: readonly T[]): void {
    this.#items = [...items, ...this.#items.slice(this.#head)];
    this.#head = 0;
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#items.length) this.#reset();
    else if (this.#head >= COMPACT_AT) this.#compact();
    return item;
  }

  /** Takes out every item that fits and returns them. */
  removeWhere(fits: (item: T) => boolean): readonly T[] {
    if (!this.some(fits)) return [];
    const all = this.takeAll();
    this.#items = all.filter((item) => !fits(item));
    return all.filter(fits);
  }

  /** Empties it and returns what was in it. */
  takeAll(): T[] {
    const items = this.#items.slice(this.#head);
    this.#reset();
    return items;
  }

  /** The first item that fits, left in place. */
  find(fits: (item: T) => boolean): T | undefined {
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i] as T;
      if (fits(item)) return item;
    }
    return undefined;
  }

  some(fits: (item: T) => boolean): boolean {
    return this.find(fits) !== undefined;
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }

  #reset(): void {
    this.#items = [];
    this.#head = 0;
  }
}
