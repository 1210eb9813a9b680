/** The pool of systems without threads: does each task at the call, on the calling thread. */
import type { Line, ParseLinesOptions } from './lines.ts';
import type { DecompressOptions, Pool, PoolData, PoolStats, TaskOptions } from './pool.ts';
import { checkPoolBytes, createStoppedError, toCompressTask, toDecompressTask, toParseTask } from './requests.ts';
import { runTask } from './tasks.ts';
import type { PoolResult, PoolTask } from './tasks.ts';

/** What an inline pool takes. */
export interface InlinePoolOptions {
  /** The most bytes a task may take or give. @default MAX_POOL_BYTES */
  readonly maxBytes?: number;
}

/** Owns nothing that would have to end; `stop` only makes it refuse, as the other does. */
export class InlinePool implements Pool {
  readonly #maxBytes: number;
  #done = 0;
  #failed = 0;
  #isStopped = false;

  constructor({ maxBytes }: InlinePoolOptions = {}) {
    this.#maxBytes = checkPoolBytes(maxBytes);
  }

  async compress(data: PoolData, options: TaskOptions = {}): Promise<Uint8Array> {
    this.#assertRunning();
    return this.#run(toCompressTask(data, options, this.#maxBytes)) as Uint8Array;
  }

  async decompress(bytes: Uint8Array, options: DecompressOptions = {}): Promise<Uint8Array> {
    this.#assertRunning();
    return this.#run(toDecompressTask(bytes, options, this.#maxBytes)) as Uint8Array;
  }

  async parseLines(data: PoolData, options: ParseLinesOptions = {}): Promise<readonly Line[]> {
    this.#assertRunning();
    return this.#run(toParseTask(data, options, this.#maxBytes)) as readonly Line[];
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  stats(): PoolStats {
    return { threads: 0, running: 0, waiting: 0, heldBytes: 0, done: this.#done, failed: this.#failed };
  }

  #run(task: PoolTask): PoolResult {
    try {
      const result = runTask(task);
      this.#done += 1;
      return result;
    } catch (error) {
      this.#failed += 1;
      throw error;
    }
  }

  #assertRunning(): void {
    if (this.#isStopped) throw createStoppedError();
  }
}
