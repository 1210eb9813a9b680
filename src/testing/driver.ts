/**
 * Moves a simulated Env: takes what is due, one callback at a time, until nothing is.
 *
 * Invariants: D1 one drive at a time, those asked for meanwhile follow in order; D2 before the next callback everything the
 * last one led to has come to rest, promises too: a turn of the real event loop lies between; D3 while something is due a
 * drive is under way or about to begin; D4 which callback is next depends on the seed and on what waits, on nothing else.
 */
import type { SimulatedTime } from './simulated-time.ts';
import { Waiting } from './waiting.ts';

export interface DriverOptions {
  readonly time: SimulatedTime;
  /** Uniform in [0, 1); decides the order when it is shuffled. */
  readonly random: () => number;
  /** Runs a callback in the next turn of the real event loop. */
  readonly nextTurn: (callback: () => void) => void;
}

export class Driver {
  readonly #options: DriverOptions;
  readonly #waiting = new Waiting();
  #lastDrive: Promise<void> = Promise.resolve();
  #drives = 0;
  #isWoken = false;
  /** Whether the next callback is picked at random instead of by age. */
  isShuffled = false;
  /** Nothing runs unless it is driven: D3 does not hold. */
  isManual = false;

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** Callbacks that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  defer(callback: () => void): void {
    this.#waiting.push(callback);
    this.wake();
  }

  /** Begins a drive with the next turn of the event loop, when something is due and nobody drives (D3). */
  wake(): void {
    if (this.isManual || this.#isWoken || this.#drives > 0 || !this.#isDue) return;
    this.#isWoken = true;
    this.#options.nextTurn(() => {
      this.#isWoken = false;
      if (this.#drives === 0) void this.settle();
    });
  }

  /** Takes everything that is due now. */
  settle(): Promise<void> {
    return this.#drive(() => this.#settle());
  }

  /** Lets time pass, and takes everything that becomes due, in order of time. */
  advance(ms: number): Promise<void> {
    return this.#drive(() => this.#advance(ms));
  }

  /** Takes `count` callbacks at most, letting up to `withinMs` pass where nothing is due. Returns how many it took. */
  async step(count: number, withinMs: number): Promise<number> {
    let taken = 0;
    await this.#drive(async () => {
      const until = this.#options.time.elapsedMs + withinMs;
      await this.#nextTurn();
      for (; taken < count; taken++) {
        const next = this.#take() ?? this.#options.time.take(until);
        if (!next) break;
        next();
        await this.#nextTurn();
      }
    });
    return taken;
  }

  /** Forgets everything that waits. */
  discard(): void {
    this.#waiting.clear();
    this.#options.time.clearAll();
  }

  async #drive(drive: () => Promise<void>): Promise<void> {
    this.#drives++;
    const done = this.#lastDrive.then(drive);
    this.#lastDrive = done.catch(() => {});
    try {
      await done;
    } finally {
      this.#drives--;
      this.wake();
    }
  }

  async #settle(): Promise<void> {
    for (;;) {
      await this.#nextTurn();
      const next = this.#take();
      if (!next) return;
      next();
    }
  }

  async #advance(ms: number): Promise<void> {
    const { time } = this.#options;
    const until = time.elapsedMs + ms;
    await this.#settle();
    for (let fire = time.take(until); fire; fire = time.take(until)) {
      fire();
      await this.#settle();
    }
    time.moveTo(until);
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#options.nextTurn(resolve));
  }

  get #isDue(): boolean {
    return this.#waiting.size > 0 || this.#options.time.isDue;
  }

  /** Timers that are due come after what waits; in a shuffled order the first of them is one of those to pick from. */
  #take(): (() => void) | undefined {
    const { time, random } = this.#options;
    const { size } = this.#waiting;
    const choices = this.isShuffled && time.isDue ? size + 1 : size;
    const pick = this.isShuffled && choices > 1 ? Math.floor(random() * choices) : 0;
    return pick < size ? this.#waiting.take(pick) : time.take(time.elapsedMs);
  }
}
