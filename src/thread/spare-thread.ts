/**
 * One worker thread in reserve, which has loaded the definitions and waits for a host to run: starting a thread and loading take longest
 * when a lost one is replaced. Holds one thread at most, and lets go of one that cannot load.
 */
import { decodeError } from './error-codec.ts';
import type { Env, TimerHandle } from '../env.ts';
import { withTimeout } from '../with-timeout.ts';
import type { HostThread } from './host-thread.ts';

export interface SpareThreadOptions {
  readonly env: Env;
  /** Time it may take to load before it is given up, in milliseconds. */
  readonly loadMs: number;
  /** Starts a thread that may run a host. */
  readonly start: () => HostThread;
  /** The thread in reserve has ended, or could not load. */
  readonly lost: (error: unknown) => void;
}

/** Time a thread that must end gets to finish loading. */
const END_MS = 2_000;

export class SpareThread {
  readonly #options: SpareThreadOptions;
  #thread: HostThread | undefined;
  #isLoading = false;
  #timer: TimerHandle;
  #onLoaded: (() => void) | undefined;

  constructor(options: SpareThreadOptions) {
    this.#options = options;
  }

  /** Starts one, if there is none. */
  prepare(modules: readonly string[]): void {
    if (this.#thread) return;
    const { env, loadMs } = this.#options;
    const thread = this.#options.start();
    this.#thread = thread;
    this.#isLoading = true;
    thread.isHolding = false;
    thread.events = {
      report: (report) => {
        if (report.kind === 'failed') return this.#lose(thread, decodeError(report.error));
        this.#isLoading = false;
        env.clearTimeout(this.#timer);
        this.#onLoaded?.();
      },
      exit: (error) => this.#lose(thread, error),
    };
    thread.command({ kind: 'prepare', modules });
    this.#timer = env.setTimeout(() => this.#lose(thread, new Error(`It had not loaded after ${loadMs} ms.`)), loadMs);
  }

  /** Hands it over, also one that still loads: that is a head start. */
  take(): HostThread | undefined {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#options.env.clearTimeout(this.#timer);
    if (thread) thread.isHolding = true;
    return thread;
  }

  /**
   * Ends it. One that loads may finish that first: ended while it compiles, it can take the process with it (the engine's
   * `Check failed: jit_page.has_value()`, seen with source that is stripped of its types).
   */
  async end(): Promise<void> {
    const thread = this.#thread;
    this.#options.env.clearTimeout(this.#timer);
    if (!thread) return;
    if (this.#isLoading) await withTimeout(this.#options.env, END_MS, (done) => void (this.#onLoaded = done));
    this.#thread = undefined;
    await thread.terminate();
  }

  #lose(thread: HostThread, error: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    this.#options.env.clearTimeout(this.#timer);
    this.#onLoaded?.();
    void thread.terminate();
    this.#options.lost(error);
  }
}
