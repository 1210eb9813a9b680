/** FIFO of one cell's items. Owns no timer. Items of one sender keep their order. */
import type { Item } from './items.ts';

const COMPACT_AT = 1024;

export class Mailbox {
  #items: Item[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  peek(): Item | undefined {
    return this.#items[this.#head];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Puts items back before all others, in the order given. */
  unshift(items: readonly Item[]): void {
    this.#items = [...items, ...this.#items.slice(this.#head)];
    this.#head = 0;
  }

  shift(): Item | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#items.length) this.#reset();
    else if (this.#head >= COMPACT_AT) this.#compact();
    return item;
  }

  /** Takes one item out wherever it stands. */
  remove(item: Item): void {
    this.#items = this.#items.slice(this.#head).filter((other) => other !== item);
    this.#head = 0;
  }

  /** Empties it and returns what was in it. */
  takeAll(): Item[] {
    const items = this.#items.slice(this.#head);
    this.#reset();
    return items;
  }

  /** The first item that fits, left in place. */
  find(fits: (item: Item) => boolean): Item | undefined {
    return this.#items.slice(this.#head).find(fits);
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
