/** Watches that an effect function goes on: one timer, set again when it finds that there was progress. */
import type { Env, TimerHandle } from '../env.ts';

/** Pause before a stall that led to nothing is told again. */
const RETRY_MS = 1000;

export class StallWatch {
  readonly #env: Env;
  readonly #stallMs: number;
  readonly #stalled: () => void;
  #progressAtMs: number;
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
    this.#timer = this.#env.setTimeout(() => {
      const leftMs = this.#progressAtMs + this.#stallMs - this.#env.monotonicMs();
      // Timers may come a fraction early.
      if (leftMs > 1) this.#arm(leftMs);
      else this.#tell();
    }, delayMs);
  }
}
