/** Ids of events that were handed over to one agent: the last 10,000, so that none comes twice. */
const MAX_IDS = 10_000;

export class DeliveredIds {
  readonly #most: number;
  /** Made with the first id: most agents never miss anything. In order of use, oldest first. */
  #ids: Set<string> | undefined;

  constructor(most = MAX_IDS) {
    this.#most = most;
  }

  get size(): number {
    return this.#ids?.size ?? 0;
  }

  /** True when it was handed over; that makes it the latest used. */
  has(id: string): boolean {
    if (!this.#ids?.delete(id)) return false;
    this.#ids.add(id);
    return true;
  }

  add(id: string): void {
    this.#ids ??= new Set();
    this.#ids.delete(id);
    this.#ids.add(id);
    if (this.#ids.size <= this.#most) return;
    const [oldest] = this.#ids;
    if (oldest !== undefined) this.#ids.delete(oldest);
  }
}
