/** From calls to tasks: what every pool checks, whatever runs its tasks. */
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import { takeBytes, takeData } from './bytes.ts';
import { MAX_LINE_CHARS } from './lines.ts';
import type { ParseLinesOptions } from './lines.ts';
import { MAX_PARSE_BYTES, MAX_POOL_BYTES } from './pool.ts';
import type { DecompressOptions, PoolData, TaskOptions } from './pool.ts';
import type { PoolTask } from './tasks.ts';

const OWNER = 'Data given to the pool';

/** The task of a call of `compress`. Takes the bytes. */
export function toCompressTask(data: PoolData, { owner = OWNER }: TaskOptions, maxBytes: number): PoolTask {
  return { kind: 'compress', owner, data: takeData(data, { call: 'compress', owner, maxBytes }) };
}

/** The task of a call of `decompress`. Takes the bytes. */
export function toDecompressTask(bytes: Uint8Array, options: DecompressOptions, limit: number): PoolTask {
  const { owner = OWNER, maxBytes = limit } = options;
  assertMaxBytes(maxBytes, limit, owner);
  const taken = takeBytes(bytes, { call: 'decompress', owner, maxBytes: toCompressedBound(limit) });
  return { kind: 'decompress', owner, data: taken, maxBytes };
}

/** The task of a call of `parseLines`. Takes the bytes. */
export function toParseTask(data: PoolData, options: ParseLinesOptions, maxBytes: number): PoolTask {
  const { owner = 'An export', firstLine = 1, maxLineChars = MAX_LINE_CHARS } = options;
  const taken = takeData(data, { call: 'parseLines', owner, maxBytes: Math.min(maxBytes, MAX_PARSE_BYTES) });
  return { kind: 'parseLines', owner, data: taken, firstLine, maxLineChars };
}

/** Refuses a limit of the pool itself that is none. */
export function checkPoolBytes(maxBytes: number = MAX_POOL_BYTES): number {
  assertMaxBytes(maxBytes, MAX_POOL_BYTES, 'The pool');
  return maxBytes;
}

/** What a call after `stop` is refused with, and what a task under way gets. */
export function createStoppedError(): TroupeError {
  return new TroupeError('ERR_SYSTEM_STOPPED', 'The pool has been stopped with its system. Create a new system.');
}

/** Size of what a call was given: bytes, or characters of text. */
export function sizeOf(data: unknown): number {
  const length = (data as { readonly length?: unknown } | null)?.length;
  return typeof length === 'number' ? length : 0;
}

/** What cannot be made smaller becomes larger by this much at most. */
function toCompressedBound(bytes: number): number {
  return bytes + Math.ceil(bytes / 256) + 128;
}

function assertMaxBytes(maxBytes: unknown, limit: number, owner: string): void {
  if (Number.isInteger(maxBytes) && (maxBytes as number) >= 0 && (maxBytes as number) <= limit) return;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `${owner}: maxBytes is ${describeValue(maxBytes)}. Use a whole number from 0 to ${limit}.`,
    { details: { path: 'maxBytes' } },
  );
}
