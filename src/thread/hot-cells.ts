/**
 * A limit of live actors for one type: when there are more, those that were used least recently leave memory (by the clock algorithm: one
 * look back per actor). Busy ones stay, and are looked at again soon.
 */
import type { Address } from '../actor/address.ts';
import type { HostCell } from '../cell/host-cell.ts';
import type { Env, TimerHandle } from '../env.ts';

/** Actors looked at for each that comes when there are too many. */
const MOST_LOOKED_AT = 8;

/** Pause before the next look while there are too many: busy ones come to rest. */
const CROWDED_PAUSE_MS = 100;

export interface HotCellsOptions {
  readonly env: Env;
  /** A cell has left. */
  readonly left: (address: Address) => void;
}

export class HotCells {
  readonly #options: HotCellsOptions;
  /** In the order of their last look, oldest first. */
  readonly #cells = new Map<Address, HostCell>();
  #most: number;
  #timer: TimerHandle | undefined;

  constructor(options: HotCellsOptions, most: number) {
    this.#options = options;
    this.#most = most;
  }

  get size(): number {
    return this.#cells.size;
  }

  /** Another limit, from now on. */
  limit(most: number): void {
    this.#most = most;
    this.#makeRoom(undefined, this.#cells.size);
  }

  add(address: Address, cell: HostCell): void {
    this.#cells.set(address, cell);
    this.#makeRoom(cell, MOST_LOOKED_AT);
  }

  remove(address: Address): void {
    this.#cells.delete(address);
  }

  stop(): void {
    this.#options.env.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #makeRoom(newest: HostCell | undefined, mostLooks: number): void {
    const { env, left } = this.#options;
    let looks = mostLooks;
    for (const [address, cell] of this.#cells) {
      if (this.#cells.size <= this.#most || looks-- === 0) break;
      if (cell === newest) continue;
      const isUsed = cell.isUsed;
      if (!isUsed && cell.sleep()) {
        this.#cells.delete(address);
        left(address);
        continue;
      }
      // A second chance: to the end of the line.
      cell.isUsed = false;
      if (isUsed) cell.quietSinceMs = env.monotonicMs();
      this.#cells.delete(address);
      this.#cells.set(address, cell);
    }
    if (this.#cells.size > this.#most) this.#lookAgain();
  }

  #lookAgain(): void {
    this.#timer ??= this.#options.env.setTimeout(() => {
      this.#timer = undefined;
      this.#makeRoom(undefined, this.#cells.size);
    }, CROWDED_PAUSE_MS);
  }
}
