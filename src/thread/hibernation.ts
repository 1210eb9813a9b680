/**
 * Lets quiet actors leave memory: those that nothing has come for in `hibernateAfterMs`, and, when more are live than wanted,
 * those that were used least recently (by the clock algorithm: one look back per actor). Busy actors stay, so that more may be live
 * than wanted for as long as they are busy (G13). A type may have a limit of its own.
 */
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { HostCell } from '../cell/host-cell.ts';
import type { Env, TimerHandle } from '../env.ts';
import { HotCells } from './hot-cells.ts';

/** Looks per time an actor may stay quiet; it leaves up to one such part later. */
const LOOKS = 4;
const LEAST_PAUSE_MS = 10;
const MOST_PAUSE_MS = 60_000;

/** Actors looked at for each that comes when there are too many. */
const MOST_LOOKED_AT = 8;

/** Pause before the next look while there are too many: busy ones come to rest. */
const CROWDED_PAUSE_MS = 100;

export interface HibernationOptions {
  readonly env: Env;
  /** Cells in the order of their last look, oldest first. */
  readonly cells: Map<Address, HostCell>;
  readonly maxLive: number;
}

export class Hibernation {
  readonly #options: HibernationOptions;
  #timer: TimerHandle | undefined;
  #pauseMs = Infinity;
  /** Types that have a limit of their own. */
  readonly #hot = new Map<string, HotCells>();

  constructor(options: HibernationOptions) {
    this.#options = options;
  }

  /** Of one type, no more than so many may be live from now on, busy ones not counted. */
  limit(type: string, most: number): void {
    const known = this.#hot.get(type);
    if (known) return known.limit(most);
    const { env, cells } = this.#options;
    const hot = new HotCells({ env, left: (address) => void cells.delete(address) }, most);
    this.#hot.set(type, hot);
    for (const [address, cell] of cells) if (typeOf(address) === type) hot.add(address, cell);
  }

  /** A cell was made. Others may have to leave for it. */
  added(address: Address, cell: HostCell): void {
    const { cells, maxLive } = this.#options;
    this.#hot.get(typeOf(address))?.add(address, cell);
    if (cells.size > maxLive) this.#makeRoom(cell, MOST_LOOKED_AT);
    if (cells.size > maxLive) this.#armIn(CROWDED_PAUSE_MS);
    if (cell.hibernateAfterMs !== Infinity) this.#arm(cell.hibernateAfterMs);
  }

  /** A cell has gone, whatever the reason. */
  removed(address: Address): void {
    this.#hot.get(typeOf(address))?.remove(address);
  }

  stop(): void {
    for (const hot of this.#hot.values()) hot.stop();
    this.#disarm();
  }

  #disarm(): void {
    this.#options.env.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pauseMs = Infinity;
  }

  #makeRoom(newest: HostCell | undefined, mostLooks: number): void {
    const { cells, env, maxLive } = this.#options;
    let looks = mostLooks;
    for (const [address, cell] of cells) {
      if (cells.size <= maxLive || looks-- === 0) return;
      if (cell === newest) continue;
      if (!cell.isUsed && cell.sleep()) {
        this.#forget(address);
        continue;
      }
      // A second chance: to the end of the line.
      if (cell.isUsed) this.#noteUse(cell, env.monotonicMs());
      cells.delete(address);
      cells.set(address, cell);
    }
  }

  #forget(address: Address): void {
    this.#options.cells.delete(address);
    this.removed(address);
  }

  #arm(hibernateAfterMs: number): void {
    this.#armIn(Math.min(MOST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, hibernateAfterMs / LOOKS)));
  }

  #armIn(pauseMs: number): void {
    if (pauseMs >= this.#pauseMs && this.#timer !== undefined) return;
    this.#options.env.clearTimeout(this.#timer);
    this.#pauseMs = pauseMs;
    this.#timer = this.#options.env.setTimeout(() => this.#look(), pauseMs);
  }

  #look(): void {
    const { cells, env, maxLive } = this.#options;
    const nowMs = env.monotonicMs();
    this.#disarm();
    let shortestMs = Infinity;
    for (const [address, cell] of cells) {
      if (this.#isOverdue(cell, nowMs) && cell.sleep()) this.#forget(address);
      else shortestMs = Math.min(shortestMs, cell.hibernateAfterMs);
    }
    if (cells.size > maxLive) this.#makeRoom(undefined, cells.size);
    if (cells.size > maxLive) this.#armIn(CROWDED_PAUSE_MS);
    if (shortestMs !== Infinity) this.#arm(shortestMs);
  }

  #isOverdue(cell: HostCell, nowMs: number): boolean {
    if (cell.isUsed) {
      this.#noteUse(cell, nowMs);
      return false;
    }
    return nowMs - cell.quietSinceMs >= cell.hibernateAfterMs;
  }

  #noteUse(cell: HostCell, nowMs: number): void {
    cell.isUsed = false;
    cell.quietSinceMs = nowMs;
  }
}
