/** Bytes that are moved from thread to thread: who owns them, and how many there may be. */
import { types } from 'node:util';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { PoolData } from './pool.ts';

/** What a call of the pool is refused for. */
export interface TakeOptions {
  readonly call: 'compress' | 'decompress' | 'parseLines';
  readonly owner: string;
  readonly maxBytes: number;
}

/**
 * The bytes of `data`, ours alone and covering their whole buffer. A `Uint8Array` that covers its own is empty afterwards.
 * @throws {TroupeError} ERR_DATA_TOO_LARGE, or ERR_OPTIONS_INVALID for what is neither text nor bytes.
 */
export function takeBytes(data: PoolData, options: TakeOptions): Uint8Array<ArrayBuffer> {
  if (typeof data === 'string') return encodeText(data, options);
  if (!types.isUint8Array(data)) throw createNoBytesError(data, options);
  assertFits(data.length, options);
  return move(data) ?? new Uint8Array(data);
}

/** The same bytes in a buffer of their own, copied only if they share one. */
export function toWhole(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return isWhole(bytes, buffer) ? new Uint8Array(buffer) : new Uint8Array(bytes);
}

function encodeText(text: string, options: TakeOptions): Uint8Array<ArrayBuffer> {
  if (options.call === 'decompress') throw createNoBytesError(text, options);
  // Text has at least as many bytes as characters: what is far too long is not encoded first.
  assertFits(text.length, options);
  const bytes = new TextEncoder().encode(text);
  assertFits(bytes.length, options);
  return bytes;
}

/** Nothing for bytes that share a buffer, or whose buffer its owner holds fast. */
function move(bytes: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const { buffer } = bytes;
  if (!isWhole(bytes, buffer)) return undefined;
  try {
    return new Uint8Array(buffer.transfer());
  } catch {
    return undefined;
  }
}

function isWhole(bytes: Uint8Array, buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return buffer instanceof ArrayBuffer && bytes.length === buffer.byteLength;
}

function assertFits(size: number, { call, owner, maxBytes }: TakeOptions): void {
  if (size <= maxBytes) return;
  throw new TroupeError(
    'ERR_DATA_TOO_LARGE',
    `${owner}: ${call}() was given ${size} bytes, and takes ${maxBytes} at most. Split them.`,
    { details: { bytes: size, maxBytes } },
  );
}

function createNoBytesError(data: unknown, { call, owner }: TakeOptions): TroupeError {
  const takes = call === 'decompress' ? 'a Uint8Array' : 'text or a Uint8Array';
  return new TroupeError('ERR_OPTIONS_INVALID', `${owner}: ${call}() was given ${describeValue(data)}. Pass ${takes}.`);
}
