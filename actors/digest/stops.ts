/**
 * Ends the demo when it is told to: by a signal, or because nobody reads its output any more. What is saved stays; the
 * system lets its threads finish what they began. A second signal ends the process at once.
 */
import type { System } from '../../src/index.ts';
import type { Screen } from './screen.ts';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** npm passes on a Ctrl-C that the terminal has sent to this process as well; that is one signal, not two. */
const SAME_SIGNAL_MS = 300;

/** Listens for reasons to stop, and stops the system then. */
export class Stops {
  readonly #screen: Screen;
  #opening: Promise<System> | undefined;
  #resume = '';
  #stoppedAt: number | undefined;

  constructor(screen: Screen) {
    this.#screen = screen;
    process.stdout.on('error', (error) => this.#loseReader(error));
    process.stderr.on('error', () => {});
  }

  /** True once a reason came. */
  get isStopping(): boolean {
    return this.#stoppedAt !== undefined;
  }

  /** Begins to listen for signals. @param resume command that goes on with the run */
  listen(resume: string): void {
    this.#resume = resume;
    for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => this.#takeSignal(code));
  }

  /** Takes a system that opens under its care. */
  own(opening: Promise<System>): Promise<System> {
    this.#opening = opening;
    return opening;
  }

  /** The demo is over: nothing is left to listen for. */
  end(): void {
    for (const signal of Object.keys(SIGNALS)) process.removeAllListeners(signal);
  }

  #takeSignal(code: number): void {
    const isSame = this.#stoppedAt !== undefined && performance.now() - this.#stoppedAt < SAME_SIGNAL_MS;
    if (isSame) return;
    if (this.isStopping) process.exit(code);
    this.#screen.end(`stopping; go on with: ${this.#resume}`);
    void this.#stop(code);
  }

  /** `| head` has seen enough: an end, not a failure. A full disk is one. */
  #loseReader(error: NodeJS.ErrnoException): void {
    if (this.isStopping) return;
    const isRead = error.code === 'EPIPE';
    const reason = isRead ? 'nobody reads the output' : `the output cannot be written (${error.code ?? error.message})`;
    console.error(`stopping, as ${reason}${this.#resume && `; go on with: ${this.#resume}`}`);
    void this.#stop(isRead ? 0 : 1);
  }

  async #stop(code: number): Promise<void> {
    this.#stoppedAt = performance.now();
    try {
      await (await this.#opening)?.stop();
    } finally {
      process.exit(code);
    }
  }
}
