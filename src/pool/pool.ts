/**
 * The port of the pool: work that only computes, takes long, and would block whoever asks for it. Its tasks are pure and
 * short; what has a timer or a subscription is an actor.
 *
 * Bytes are moved, never cloned: a `Uint8Array` that covers its whole buffer is taken at the call and is empty afterwards; of
 * any other a copy is taken. Text is posted as it is, which costs the caller a tenth of making bytes of it. What is refused is left
 * as it was.
 */

import type { Line, ParseLinesOptions } from './lines.ts';

/** What is compressed: text becomes UTF-8 (a surrogate without its pair becomes U+FFFD; JSON.stringify writes none). */
export type PoolData = string | Uint8Array;

/** What every task takes. */
export interface TaskOptions {
  /** Whose data it is; begins the messages of errors. @default 'Data given to the pool' */
  readonly owner?: string;
}

/** What `decompress` takes. */
export interface DecompressOptions extends TaskOptions {
  /** The most bytes that may come out, at most `MAX_POOL_BYTES`. @default MAX_POOL_BYTES */
  readonly maxBytes?: number;
}

/** What a pool does at the moment, and has done. */
export interface PoolStats {
  /** Threads that run, or are about to. Always 0 for the inline pool. */
  readonly threads: number;
  readonly running: number;
  readonly waiting: number;
  /** Bytes, and characters of text, of the tasks that run or wait. */
  readonly heldBytes: number;
  readonly done: number;
  /** Tasks that were taken and failed; those refused at the call are not among them. */
  readonly failed: number;
}

/**
 * Computes for others. Invariants: P1 every task that is taken settles, also when its thread dies or the pool stops; P2 nothing
 * is started before the first task; P3 what comes out of `decompress` is what went into `compress`, or an error.
 */
export interface Pool extends AsyncDisposable {
  /**
   * Compresses with zstd, with a checksum of the content.
   * @throws {TroupeError} ERR_DATA_TOO_LARGE over `MAX_POOL_BYTES`, ERR_OVERLOADED when too much waits, ERR_POOL_THREAD when the
   * thread dies, ERR_SYSTEM_STOPPED, ERR_OPTIONS_INVALID.
   */
  compress(data: PoolData, options?: TaskOptions): Promise<Uint8Array>;
  /**
   * Decompresses what `compress` made.
   * @throws {TroupeError} ERR_DATA_CORRUPT when the bytes are damaged, cut off, or followed by others; otherwise as `compress`.
   */
  decompress(bytes: Uint8Array, options?: DecompressOptions): Promise<Uint8Array>;
  /**
   * Reads the lines of an export, UTF-8 or text, with all checks of `parseLines`. The lines come back as a structured clone, which
   * blocks the caller too: see docs/performance.md.
   * @throws {TroupeError} as `parseLines` of lines.ts, and as `compress`; ERR_DATA_TOO_LARGE over `MAX_PARSE_BYTES`.
   */
  parseLines(data: PoolData, options?: ParseLinesOptions): Promise<readonly Line[]>;
  /** Rejects what waits, as every later call, with ERR_SYSTEM_STOPPED; lets what runs be finished; ends its threads. */
  stop(): Promise<void>;
  stats(): PoolStats;
}

/** The most bytes a task may take or give: as much as the largest state that can be stored. */
export const MAX_POOL_BYTES = 67_108_864;

/**
 * The most bytes of lines a task may take. JSON can grow 23 times when it is read (`[[[[]]]],` again and again, measured), and a
 * thread that runs out of memory inside JSON.parse takes the whole process with it: so its heap has to be larger than that.
 */
export const MAX_PARSE_BYTES = 16_777_216;

/**
 * Data from so many bytes on is better given to the pool, smaller is better compressed where it is. Giving and taking back costs
 * the caller 0.1 to 0.17 ms whatever the size; compressing 16 KB takes 0.15 ms, 32 KB 0.24. Measured by `npm run bench -- snapshot`;
 * the table is in docs/performance.md.
 */
export const POOL_MIN_BYTES = 32_768;
