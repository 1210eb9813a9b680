/** The two outputs of a command: what was asked for on one, what is said about it on the other. */
import { once } from 'node:events';
import type { WriteStream } from 'node:tty';
import { EXIT } from './refusal.ts';

/** Where a command writes. */
export class Terminal {
  readonly #out: NodeJS.WriteStream;
  readonly #notes: NodeJS.WriteStream;

  constructor({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>) {
    this.#out = stdout as WriteStream;
    this.#notes = stderr as WriteStream;
    this.#out.on('error', loseReader);
    this.#notes.on('error', () => {});
  }

  /** Columns of the terminal; undefined where a program reads, or a terminal does not tell. */
  get columns(): number | undefined {
    return this.#out.isTTY && this.#out.columns > 0 ? this.#out.columns : undefined;
  }

  /** Writes what was asked for. Resolves when there is room for more. */
  async print(line: string): Promise<void> {
    if (!this.#out.write(`${line}\n`)) await once(this.#out, 'drain');
  }

  /** Says something about the work itself. */
  note(line: string): void {
    this.#notes.write(`${line}\n`);
  }
}

/** `| head` has seen enough: an end, not a failure. A full disk is one. */
function loseReader(error: NodeJS.ErrnoException): void {
  process.exit(error.code === 'EPIPE' ? EXIT.fine : EXIT.refused);
}
