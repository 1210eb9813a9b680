/**
 * Ids of events one receiver is done with: the last 10,000, so that none comes twice. The log itself holds every id once; this is for what is
 * read a second time, because a place could not be saved, or handed over a second time, by a broker whose acknowledgement was lost or by a
 * hand-over that begins again. It lives as long as the process.
 */
const MAX_IDS = 10_000;

export class RecentIds {
  readonly #most: number;
  /** Made with the first id: most agents never miss anything. In order of use, oldest first, with the time of that. */
  #ids: Map<string, number> | undefined;

  constructor(most = MAX_IDS) {
    this.#most = most;
  }

  get size(): number {
    return this.#ids?.size ?? 0;
  }

  /** True when it is known; that makes it the latest used. */
  has(id: string, at = 0): boolean {
    if (!this.#ids?.delete(id)) return false;
    this.#ids.set(id, at);
    return true;
  }

  add(id: string, at = 0): void {
    this.#ids ??= new Map();
    this.#ids.delete(id);
    this.#ids.set(id, at);
    if (this.#ids.size <= this.#most) return;
    const [oldest] = this.#ids.keys();
    if (oldest !== undefined) this.#ids.delete(oldest);
  }

  /** Forgets those last used before a time. */
  sweep(before: number): void {
    for (const [id, at] of this.#ids ?? []) {
      if (at >= before) return;
      this.#ids?.delete(id);
    }
  }
}
