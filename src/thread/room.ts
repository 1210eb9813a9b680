/** Bounds what one host has posted to the store and not heard back of: beyond it cells wait, in the order they asked. */
import type { Pumped } from '../cell/services.ts';

/** Unacknowledged commits of one host. */
export const MAX_UNACKNOWLEDGED_COMMITS = 4_096;

export class Room {
  readonly #unacknowledged: () => number;
  readonly #waiting = new Set<Pumped>();

  constructor(unacknowledged: () => number) {
    this.#unacknowledged = unacknowledged;
  }

  /** True when a cell may post now; otherwise it is pumped later. */
  ask(cell: Pumped): boolean {
    if (this.#unacknowledged() < MAX_UNACKNOWLEDGED_COMMITS) return true;
    this.#waiting.add(cell);
    return false;
  }

  /** Something was acknowledged. */
  freed(): void {
    for (const cell of this.#waiting) {
      if (this.#unacknowledged() >= MAX_UNACKNOWLEDGED_COMMITS) return;
      this.#waiting.delete(cell);
      cell.pump();
    }
  }
}
