/**
 * Lets quiet actors leave memory: those that nothing has come for in `hibernateAfterMs`, and, when more are live than wanted,
 * those that were used least recently (by the clock algorithm: one look back per actor). Busy actors stay, so that more may be live
 * than wanted for as long as they are busy (G13).
 */
import type { Address } from '../actor/address.ts';
import type { HostCell } from '../cell/host-cell.ts';
import type { Env, TimerHandle } from '../env.ts';

/** Looks per time an actor may stay quiet; it leaves up to one such part later. */
const LOOKS = 4;
const LEAST_PAUSE_MS = 10;
const MOST_PAUSE_MS = 60_000;

/** Actors looked at for each that comes when there are too many. */
const MOST_LOOKED_AT = 8;

export interface HibernationOptions {
  readonly env: Env;
  /** Cells in the order of their last look, oldest first. */
  readonly cells: Map<Address, HostCell>;
  readonly maxLive: number;
}

export class Hibernation {
  readonly #options: HibernationOptions;
  /** When each cell was last seen used, by the monotonic clock. */
  readonly #quietSinceMs = new WeakMap<HostCell, number>();
  #timer: TimerHandle | undefined;
  #pauseMs = Infinity;

  constructor(options: HibernationOptions) {
    this.#options = options;
  }

  /** A cell was made. Others may have to leave for it. */
  added(cell: HostCell): void {
    const { cells, maxLive } = this.#options;
    if (cells.size > maxLive) this.#makeRoom(cell);
    if (cell.hibernateAfterMs !== Infinity) this.#arm(cell.hibernateAfterMs);
  }

  stop(): void {
    this.#options.env.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pauseMs = Infinity;
  }

  #makeRoom(newest: HostCell): void {
    const { cells, maxLive } = this.#options;
    let looks = MOST_LOOKED_AT;
    for (const [address, cell] of cells) {
      if (cells.size <= maxLive || looks-- === 0) return;
      if (cell === newest) continue;
      if (!cell.isUsed && cell.sleep()) {
        cells.delete(address);
        continue;
      }
      // A second chance: to the end of the line.
      cell.isUsed = false;
      cells.delete(address);
      cells.set(address, cell);
    }
  }

  #arm(hibernateAfterMs: number): void {
    const pauseMs = Math.min(MOST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, hibernateAfterMs / LOOKS));
    if (pauseMs >= this.#pauseMs && this.#timer !== undefined) return;
    this.#options.env.clearTimeout(this.#timer);
    this.#pauseMs = pauseMs;
    this.#timer = this.#options.env.setTimeout(() => this.#look(), pauseMs);
  }

  #look(): void {
    const { cells, env } = this.#options;
    const nowMs = env.monotonicMs();
    this.stop();
    let shortestMs = Infinity;
    for (const [address, cell] of cells) {
      if (this.#isOverdue(cell, nowMs) && cell.sleep()) cells.delete(address);
      else shortestMs = Math.min(shortestMs, cell.hibernateAfterMs);
    }
    if (shortestMs !== Infinity) this.#arm(shortestMs);
  }

  #isOverdue(cell: HostCell, nowMs: number): boolean {
    const since = this.#quietSinceMs.get(cell);
    if (cell.isUsed || since === undefined) {
      cell.isUsed = false;
      this.#quietSinceMs.set(cell, nowMs);
      return false;
    }
    return nowMs - since >= cell.hibernateAfterMs;
  }
}
