/**
 * Watches that an effect function goes on: one timer, set again when it finds that there was progress. Time in which the thread itself had
 * no turn, because a neighbour blocked it or the machine was busy, is held against nobody: whoever was about to say something gets to say it.
 */
import type { Env, TimerHandle } from '../env.ts';

/** Pause before a stall that led to nothing is told again. */
const RETRY_MS = 1000;

export class StallWatch {
  readonly #env: Env;
  readonly #stallMs: number;
  readonly #stalled: () => void;
  #progressAtMs: number;
  /** The thread was late once since the last progress: another time would be no excuse, or one that is always late would never stall. */
  #isExcused = false;
  #timer: TimerHandle | undefined;

  /** @param stallMs time without progress after which `stalled` is called; Infinity for never */
  constructor(env: Env, stallMs: number, stalled: () => void) {
    this.#env = env;
    this.#stallMs = stallMs;
    this.#stalled = stalled;
    this.#progressAtMs = env.monotonicMs();
    if (stallMs !== Infinity) this.#arm(stallMs);
  }

  /** The work goes on. */
  progress(): void {
    this.#progressAtMs = this.#env.monotonicMs();
    this.#isExcused = false;
  }

  stop(): void {
    this.#env.clearTimeout(this.#timer);
  }

  /** Told again for as long as nothing follows: there may be no time for it now. */
  #tell(): void {
    this.#arm(Math.min(this.#stallMs, RETRY_MS));
    this.#stalled();
  }

  #arm(delayMs: number): void {
    const dueAtMs = this.#env.monotonicMs() + delayMs;
    this.#timer = this.#env.setTimeout(() => this.#look(dueAtMs), delayMs);
  }

  #look(dueAtMs: number): void {
    const now = this.#env.monotonicMs();
    const leftMs = this.#progressAtMs + this.#stallMs - now;
    // Timers may come a fraction early.
    if (leftMs > 1) return this.#arm(leftMs);
    const lateMs = Math.min(now - dueAtMs, this.#stallMs);
    if (lateMs <= 1 || this.#isExcused) return this.#tell();
    this.#isExcused = true;
    this.#arm(lateMs);
  }
}
