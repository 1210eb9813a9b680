/** The tasks of the pool: pure functions, the same on every thread. */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { assertNever, TroupeError } from '../errors.ts';
import { toWhole } from './bytes.ts';
import type { TakenData } from './bytes.ts';
import { parseLines } from './lines.ts';
import type { Line } from './lines.ts';

/** A task as it is posted to a thread. */
export type PoolTask =
  | { readonly kind: 'compress'; readonly owner: string; readonly data: TakenData }
  | {
      readonly kind: 'decompress';
      readonly owner: string;
      readonly data: Uint8Array<ArrayBuffer>;
      readonly maxBytes: number;
    }
  | {
      readonly kind: 'parseLines';
      readonly owner: string;
      readonly data: TakenData;
      readonly firstLine: number;
      readonly maxLineChars: number;
    };

/** What comes of a task: bytes, which cover their whole buffer so that they can be moved, or lines. */
export type PoolResult = Uint8Array<ArrayBuffer> | readonly Line[];

/** Does a task. */
export function runTask(task: PoolTask): PoolResult {
  switch (task.kind) {
    case 'compress':
      return compress(task.data);
    case 'decompress':
      return decompress(task.data, task.maxBytes, task.owner);
    case 'parseLines':
      return parseLines(decodeText(task.data, task.owner), task);
    default:
      return assertNever(task);
  }
}

/** Level 3 is where zstd stands by default: above it the time grows faster than what is saved. */
const COMPRESSION = {
  params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
};

function compress(data: TakenData): Uint8Array<ArrayBuffer> {
  return toWhole(zstdCompressSync(data, COMPRESSION));
}

/** The window of level 3 is 2 MB; a frame may ask its reader for 128 MB, which nothing of ours does. */
const MAX_WINDOW_LOG = 23;

interface Decompressed {
  readonly buffer: Buffer;
  /** Its `bytesWritten` is what it took of the input: the end of the first frame. */
  readonly engine: { readonly bytesWritten: number };
}

function decompress(bytes: Uint8Array, maxBytes: number, owner: string): Uint8Array<ArrayBuffer> {
  const { buffer, engine } = inflate(bytes, maxBytes, owner);
  // Node.js reads the first frame and is silent about what follows it.
  if (engine.bytesWritten !== bytes.length) {
    throw createCorruptError(owner, `${bytes.length - engine.bytesWritten} bytes follow its end`);
  }
  return toWhole(buffer);
}

function inflate(bytes: Uint8Array, maxBytes: number, owner: string): Decompressed {
  const params = { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG };
  try {
    // A limit of 0 is none to Node.js.
    const options = { params, maxOutputLength: Math.max(1, maxBytes), info: true };
    return zstdDecompressSync(bytes, options) as unknown as Decompressed;
  } catch (cause) {
    if ((cause as { readonly code?: unknown }).code !== 'ERR_BUFFER_TOO_LARGE') {
      throw createCorruptError(owner, cause instanceof Error ? cause.message : 'it cannot be read', cause);
    }
    throw new TroupeError(
      'ERR_DATA_TOO_LARGE',
      `${owner}: ${bytes.length} compressed bytes hold more than the ${maxBytes} that may come out of them. Raise maxBytes if you trust where they come from.`,
      { cause, details: { bytes: bytes.length, maxBytes } },
    );
  }
}

/** A mark of byte order is not dropped: no export begins with one. */
function decodeText(data: TakenData, owner: string): string {
  if (typeof data === 'string') return data;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch (cause) {
    throw new TroupeError('ERR_DATA_CORRUPT', `${owner} is not UTF-8. Take it from a copy, such as a backup.`, {
      cause,
    });
  }
}

function createCorruptError(owner: string, why: string, cause?: unknown): TroupeError {
  return new TroupeError(
    'ERR_DATA_CORRUPT',
    `${owner}: the compressed bytes are damaged: ${why}. Take them from a copy, such as a backup.`,
    cause === undefined ? {} : { cause },
  );
}
