/**
 * The pool in threads of Piscina. Nothing is loaded or started before the first task, and threads with nothing to do end.
 *
 * Tasks wait here, not in Piscina: there, those behind a task whose thread died would wait for the next call to come, since
 * a pool without a least number of threads starts none by itself.
 */
import type { Piscina } from 'piscina';
import { availableParallelism } from 'node:os';
import { TroupeError } from '../errors.ts';
import { entryUrl } from '../thread/entry.ts';
import { decodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { Line, ParseLinesOptions } from './lines.ts';
import type { DecompressOptions, Pool, PoolData, PoolStats, TaskOptions } from './pool.ts';
import {
  checkPoolBytes,
  createStoppedError,
  sizeOf,
  toCompressTask,
  toDecompressTask,
  toParseTask,
} from './requests.ts';
import type { PoolResult, PoolTask } from './tasks.ts';

/** What a thread answers: what came out, or why nothing did. */
export type PoolAnswer = { readonly result: PoolResult } | { readonly error: EncodedError };

/** What a pool in threads takes. */
export interface PiscinaPoolOptions {
  /** Threads at most. @default 2, and 1 where there are two cores or fewer */
  readonly maxThreads?: number;
  /** Time after which a thread with nothing to do ends, in milliseconds. @default 10000 */
  readonly idleMs?: number;
  /** Tasks that may wait for a thread. @default 64 */
  readonly maxWaiting?: number;
  /** Bytes that the tasks that run or wait may hold; one task may always. @default 268435456 */
  readonly maxHeldBytes?: number;
  /** The most bytes a task may take or give. @default MAX_POOL_BYTES */
  readonly maxBytes?: number;
  /** Heap of a thread, in MB; buffers are not part of it. It has to hold what MAX_PARSE_BYTES can become. @default 1024 */
  readonly maxThreadHeapMb?: number;
  /** Module its threads run, for tests of one that does not load. @default pool-entry */
  readonly entry?: URL;
}

/** One task, from its call until it is settled. */
interface Job {
  readonly task: PoolTask;
  readonly resolve: (result: PoolResult) => void;
  readonly reject: (error: unknown) => void;
}

export class PiscinaPool implements Pool {
  readonly #options: Required<PiscinaPoolOptions>;
  readonly #waiting: Job[] = [];
  /** Settles, each, once its task is over. */
  readonly #running = new Set<Promise<void>>();
  #heldBytes = 0;
  #done = 0;
  #failed = 0;
  #opening: Promise<Piscina> | undefined;
  #piscina: Piscina | undefined;
  /** What a thread without a task died of, until a task succeeds. */
  #lastFailure: unknown;
  #stopped: Promise<void> | undefined;

  constructor(options: PiscinaPoolOptions = {}) {
    this.#options = {
      maxThreads: Math.min(2, Math.max(1, availableParallelism() - 1)),
      idleMs: 10_000,
      maxWaiting: 64,
      maxHeldBytes: 268_435_456,
      maxThreadHeapMb: 1024,
      entry: entryUrl('../pool/pool-entry'),
      ...options,
      maxBytes: checkPoolBytes(options.maxBytes),
    };
  }

  async compress(data: PoolData, options: TaskOptions = {}): Promise<Uint8Array> {
    this.#assertTakes(sizeOf(data), 'compress');
    return (await this.#submit(toCompressTask(data, options, this.#options.maxBytes))) as Uint8Array;
  }

  async decompress(bytes: Uint8Array, options: DecompressOptions = {}): Promise<Uint8Array> {
    this.#assertTakes(sizeOf(bytes), 'decompress');
    return (await this.#submit(toDecompressTask(bytes, options, this.#options.maxBytes))) as Uint8Array;
  }

  async parseLines(data: PoolData, options: ParseLinesOptions = {}): Promise<readonly Line[]> {
    this.#assertTakes(sizeOf(data), 'parseLines');
    return (await this.#submit(toParseTask(data, options, this.#options.maxBytes))) as readonly Line[];
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  stats(): PoolStats {
    return {
      threads: this.#piscina?.threads.length ?? 0,
      running: this.#running.size,
      waiting: this.#waiting.length,
      heldBytes: this.#heldBytes,
      done: this.#done,
      failed: this.#failed,
    };
  }

  /** Ends every thread as a crash would, for tests. Not while one compresses: see `#stop`. */
  async endThreads(): Promise<void> {
    await Promise.all((this.#piscina?.threads ?? []).map((thread) => thread.terminate()));
  }

  #assertTakes(bytes: number, call: string): void {
    if (this.#stopped) throw createStoppedError();
    const { maxWaiting, maxHeldBytes, maxThreads } = this.#options;
    const tasks = this.#running.size + this.#waiting.length;
    const isOver = tasks >= maxWaiting + maxThreads || (tasks > 0 && this.#heldBytes + bytes > maxHeldBytes);
    if (!isOver) return;
    throw new TroupeError(
      'ERR_OVERLOADED',
      `The pool takes no ${call}() of ${bytes} bytes: ${tasks} tasks with ${this.#heldBytes} bytes are under way, and ${maxWaiting + maxThreads} tasks or ${maxHeldBytes} bytes may be. Await earlier ones first.`,
      { details: { tasks, heldBytes: this.#heldBytes } },
    );
  }

  #submit(task: PoolTask): Promise<PoolResult> {
    return new Promise((resolve, reject) => {
      this.#heldBytes += sizeOf(task.data);
      this.#waiting.push({ task, resolve, reject });
      this.#pump();
    });
  }

  /** Gives Piscina as many tasks as it may have threads, so that none waits there for long. */
  #pump(): void {
    while (this.#running.size < this.#options.maxThreads) {
      const job = this.#waiting.shift();
      if (!job) return;
      const size = sizeOf(job.task.data);
      const over = this.#attempt(job).then((settle) => {
        this.#running.delete(over);
        this.#heldBytes -= size;
        settle();
        this.#pump();
      });
      this.#running.add(over);
    }
  }

  /** How the job is to be settled. */
  async #attempt({ task, resolve, reject }: Job): Promise<() => void> {
    const { kind, owner } = task;
    const size = sizeOf(task.data);
    try {
      // Handed over at the call once there is a Piscina, not a microtask later.
      const piscina = this.#piscina ?? (await this.#open());
      const answer = await this.#give(piscina, task);
      this.#lastFailure = undefined;
      if ('error' in answer) throw decodeError(answer.error);
      this.#done += 1;
      return () => resolve(answer.result);
    } catch (error) {
      this.#failed += 1;
      if (error instanceof TroupeError) return () => reject(error);
      return () => reject(createThreadError(`${owner}: ${kind}() of ${size} bytes`, this.#lastFailure ?? error));
    }
  }

  #give(piscina: Piscina, task: PoolTask): Promise<PoolAnswer> {
    try {
      const transferList = typeof task.data === 'string' ? [] : [task.data.buffer];
      return piscina.run(task, { transferList }) as Promise<PoolAnswer>;
    } catch (error) {
      // No thread could be made, and the task stands in Piscina's queue all the same, with a promise nobody has.
      this.#forget();
      throw error;
    }
  }

  #open(): Promise<Piscina> {
    this.#opening ??= this.#start();
    return this.#opening;
  }

  async #start(): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    const { maxThreads, idleMs, maxThreadHeapMb, entry } = this.#options;
    const piscina = new Piscina({
      filename: entry.href,
      name: 'answer',
      minThreads: 0,
      maxThreads,
      idleTimeout: idleMs,
      // By default a thread waits for tasks with Atomics.wait, which stops its timers. Messages cost a few microseconds more.
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: maxThreadHeapMb },
    });
    piscina.on('error', (error: unknown) => (this.#lastFailure = error));
    piscina.on('workerDestroy', () => queueMicrotask(() => this.#replaceIfStranded(piscina)));
    this.#piscina = piscina;
    return piscina;
  }

  /** A thread that dies before it is ready leaves its task in Piscina's queue, where nothing would come for it. */
  #replaceIfStranded(piscina: Piscina): void {
    if (this.#piscina !== piscina || piscina.threads.length > 0 || piscina.queueSize === 0) return;
    this.#forget();
    void piscina.destroy();
  }

  /** The next task gets another. */
  #forget(): void {
    this.#piscina = undefined;
    this.#opening = undefined;
  }

  /**
   * A thread is never ended while it compresses. When that happens between the creation of a zlib handle and its setup, Node.js
   * aborts the whole process ('close before init', v24.21).
   */
  async #stop(): Promise<void> {
    for (const { task, reject } of this.#waiting.splice(0)) {
      this.#heldBytes -= sizeOf(task.data);
      this.#failed += 1;
      reject(createStoppedError());
    }
    await Promise.all(this.#running);
    const piscina = await this.#opening?.catch(() => undefined);
    await piscina?.destroy();
  }
}

function createThreadError(what: string, cause: unknown): TroupeError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TroupeError(
    'ERR_POOL_THREAD',
    `${what} was not finished, since its thread ended or did not start: ${why}. Its bytes are gone; give them again if you have them.`,
    { cause },
  );
}
