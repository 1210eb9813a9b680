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

/** Data that is ours alone: text, or bytes that cover their whole buffer. */
export type TakenData = string | Uint8Array<ArrayBuffer>;

/**
 * Takes `data` over. A `Uint8Array` that covers its own buffer is empty afterwards; text is left as it is, nobody can change it.
 * @throws {TroupeError} ERR_DATA_TOO_LARGE, or ERR_OPTIONS_INVALID for what is neither text nor bytes.
 */
export function takeData(data: PoolData, options: TakeOptions): TakenData {
  if (typeof data === 'string') return checkText(data, options);
  return takeBytes(data, options);
}

/** The same for what has to be bytes. */
export function takeBytes(data: Uint8Array, options: TakeOptions): Uint8Array<ArrayBuffer> {
  if (!types.isUint8Array(data)) throw createNoBytesError(data, options);
  assertFits(data.length, options);
  return move(data) ?? new Uint8Array(data);
}

/** The same bytes in a buffer of their own, copied only if they share one. */
export function toWhole(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return isWhole(bytes, buffer) ? new Uint8Array(buffer) : new Uint8Array(bytes);
}

function checkText(text: string, options: TakeOptions): string {
  // One to three bytes a character: only what lies between has to be counted.
  assertFits(text.length, options);
  if (text.length * 3 > options.maxBytes) assertFits(Buffer.byteLength(text), options);
  return text;
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
