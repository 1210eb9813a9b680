/** Callbacks that wait for their turn: the oldest can be taken out, or any other, each at the same cost. */

/** Taken entries in front of the others before these move up. */
const MAX_GAP = 1024;

export class Waiting {
  #callbacks: ((() => void) | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#callbacks.length - this.#head;
  }

  push(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  clear(): void {
    this.#callbacks = [];
    this.#head = 0;
  }

  /** Takes out the callback at a place counted from the oldest; the oldest moves to its place. */
  take(place: number): (() => void) | undefined {
    const at = this.#head + place;
    const taken = this.#callbacks[at];
    this.#callbacks[at] = this.#callbacks[this.#head];
    this.#callbacks[this.#head++] = undefined;
    if (this.#head >= MAX_GAP || this.size === 0) this.#moveUp();
    return taken;
  }

  #moveUp(): void {
    if (this.size > this.#head) return;
    this.#callbacks = this.#callbacks.slice(this.#head);
    this.#head = 0;
  }
}
