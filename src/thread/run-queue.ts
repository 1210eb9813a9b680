/**
 * Cells whose turns need no store take them one after the other: at once when nothing runs, else after what runs. So two
 * that tell each other forever neither nest nor keep the thread from its ports.
 */
import type { Runnable } from '../cell/services.ts';
import type { Env } from '../env.ts';

/** Cells pumped before the thread looks at its ports again. */
const MAX_PUMPS = 64;

/** Time before the thread looks at its ports again, in milliseconds, as far as single turns allow. */
const MAX_RUN_MS = 2;

export class RunQueue {
  readonly #env: Env;
  /** Each cell once, in the order they asked. */
  readonly #waiting = new Set<Runnable>();
  #isRunning = false;
  #isScheduled = false;

  constructor(env: Env) {
    this.#env = env;
  }

  run(cell: Runnable): void {
    if (this.#isRunning || this.#isScheduled) return void this.#waiting.add(cell);
    this.#runAll(cell);
  }

  /** What a pump throws is its caller's affair; the others get their turn all the same. */
  #runAll(first?: Runnable): void {
    this.#isRunning = true;
    try {
      // Most of the time it is the only one: it does not even stand in line.
      if (first?.pump()) this.#waiting.add(first);
      if (this.#waiting.size > 0) this.#drain();
    } finally {
      this.#isRunning = false;
      if (this.#waiting.size > 0) this.#runLater();
    }
  }

  #drain(): void {
    const untilMs = this.#env.monotonicMs() + MAX_RUN_MS;
    let pumps = 0;
    for (const cell of this.#waiting) {
      if (pumps++ === MAX_PUMPS || this.#env.monotonicMs() > untilMs) return;
      this.#waiting.delete(cell);
      if (cell.pump()) this.#waiting.add(cell);
    }
  }

  #runLater(): void {
    this.#isScheduled = true;
    this.#env.defer(() => {
      this.#isScheduled = false;
      this.#runAll();
    });
  }
}
