/** First in, first out, with a cheap front: an array whose head moves. An empty one holds no array: most are empty. */
const COMPACT_AT = 1024;

export class Lane<T> {
  #items: T[] | undefined;
  #head = 0;

  get size(): number {
    return this.#items ? this.#items.length - this.#head : 0;
  }

  peek(): T | undefined {
    return this.#items?.[this.#head];
  }

  /** The one that came last. */
  peekLast(): T | undefined {
    return this.#items?.at(-1);
  }

  push(item: T): void {
    if (this.#items) this.#items.push(item);
    else this.#items = [item];
  }

  /** Puts items before all others, in the order given. */
  unshift(items: readonly T[]): void {
    this.#items = [...items, ...this.takeAll()];
  }

  shift(): T | undefined {
    const items = this.#items;
    const item = items?.[this.#head];
    if (!items || item === undefined) return undefined;
    this.#head++;
    if (this.#head === items.length) this.#reset();
    else if (this.#head >= COMPACT_AT) this.#compact(items);
    return item;
  }

  /** Takes out every item that fits and returns them. */
  removeWhere(fits: (item: T) => boolean): readonly T[] {
    if (!this.some(fits)) return [];
    const all = this.takeAll();
    const rest = all.filter((item) => !fits(item));
    if (rest.length > 0) this.#items = rest;
    return all.filter(fits);
  }

  /** Takes out the first item that fits: cheaply, when it is at the front. */
  takeFirst(fits: (item: T) => boolean): T | undefined {
    const items = this.#items;
    if (!items) return undefined;
    for (let i = this.#head; i < items.length; i++) {
      const item = items[i] as T;
      if (!fits(item)) continue;
      if (i === this.#head) return this.shift();
      items.splice(i, 1);
      return item;
    }
    return undefined;
  }

  /** Empties it and returns what was in it. */
  takeAll(): T[] {
    const items = this.#items?.slice(this.#head) ?? [];
    this.#reset();
    return items;
  }

  /** The first item that fits, left in place. */
  find(fits: (item: T) => boolean): T | undefined {
    const items = this.#items;
    if (!items) return undefined;
    for (let i = this.#head; i < items.length; i++) {
      const item = items[i] as T;
      if (fits(item)) return item;
    }
    return undefined;
  }

  some(fits: (item: T) => boolean): boolean {
    return this.find(fits) !== undefined;
  }

  #compact(items: readonly T[]): void {
    this.#items = items.slice(this.#head);
    this.#head = 0;
  }

  #reset(): void {
    this.#items = undefined;
    this.#head = 0;
  }
}
