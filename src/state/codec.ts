/**
 * States and deltas as text with a checksum. A delta's checksum continues the one before it, so a row that is missing,
 * out of order or damaged breaks the chain.
 */
import { crc32 } from 'node:zlib';
import type { DeltaOp } from './delta.ts';
import type { PersistedState } from './persisted.ts';

/** A stored row of state: its text and the checksum that closes the chain up to it. */
export interface EncodedState {
  readonly text: string;
  readonly checksum: number;
}

/** Writes a whole state and begins a chain. */
export function encodeSnapshot(state: PersistedState): EncodedState {
  const text = JSON.stringify(state);
  return { text, checksum: crc32(text) };
}

/** Writes a delta and continues the chain from the row before it. */
export function encodeDelta(ops: readonly DeltaOp[], previousChecksum: number): EncodedState {
  const text = JSON.stringify(ops);
  return { text, checksum: chainChecksum(text, previousChecksum) };
}

/** The checksum of a row, given that of the row before it; a snapshot has none before it. */
export function chainChecksum(text: string, previousChecksum = 0): number {
  return crc32(text, previousChecksum);
}
