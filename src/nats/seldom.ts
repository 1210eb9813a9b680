/** Log lines that must not flood: at most one in a stretch of time, which says how many it stands for. */
import type { Env } from '../env.ts';

export class Seldom {
  readonly #env: Env;
  readonly #everyMs: number;
  #lastMs = -Infinity;
  #count = 0;

  constructor(env: Env, everyMs: number) {
    this.#env = env;
    this.#everyMs = everyMs;
  }

  /** Calls `say` with how many there were since the last time, unless that was a short while ago. */
  note(say: (count: number) => void): void {
    this.#count++;
    const nowMs = this.#env.monotonicMs();
    if (nowMs - this.#lastMs < this.#everyMs) return;
    const count = this.#count;
    this.#lastMs = nowMs;
    this.#count = 0;
    say(count);
  }
}
