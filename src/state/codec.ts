/**
 * States and deltas as text with a checksum. A delta's checksum continues the one before it, so a row that is missing,
 * out of order or damaged breaks the chain; the sum over the actor's row names the last link, so that none is missing at the end.
 */
import { constants, crc32, zstdDecompressSync } from 'node:zlib';
import type { DeltaOp } from './delta.ts';
import type { PersistedState } from './persisted.ts';

/** A stored row of state: its text, or that compressed, and the checksum that closes the chain up to it. */
export interface EncodedState {
  readonly text: string | Uint8Array;
  readonly checksum: number;
}

/** A row that was just written. */
export interface EncodedText extends EncodedState {
  readonly text: string;
}

/** Writes a whole state and begins a chain. */
export function encodeSnapshot(state: PersistedState): EncodedText {
  const text = JSON.stringify(state);
  return { text, checksum: crc32(text) };
}

/** Writes a delta and continues the chain from the row before it. */
export function encodeDelta(ops: readonly DeltaOp[], previousChecksum: number): EncodedText {
  const text = JSON.stringify(ops);
  return { text, checksum: chainChecksum(text, previousChecksum) };
}

/** The checksum of a row, given that of the row before it; a snapshot has none before it. */
export function chainChecksum(text: string, previousChecksum = 0): number {
  return crc32(text, previousChecksum);
}

/** Most bytes a compressed text may come to: damage must not fill the memory. */
const MAX_TEXT_BYTES = 268_435_456;

/** The text of a row. @throws what zlib throws when it is compressed and damaged */
export function textOfRow({ text }: EncodedState): string {
  if (typeof text === 'string') return text;
  const options = { maxOutputLength: MAX_TEXT_BYTES, finishFlush: constants.ZSTD_e_end };
  return zstdDecompressSync(text, options).toString();
}

/** The columns of an actor's row that its sum speaks for. */
export interface RowFields {
  readonly address: string;
  readonly type: string;
  readonly parent: string;
  readonly createdAt: number;
  readonly seq: number;
  readonly version: number;
  readonly status: string;
  readonly error: string | null;
  readonly meta: string;
  readonly marks: string | null;
  readonly supervision: string | null;
  readonly inFlight: string | null;
  readonly timers: string | null;
}

/** The sum of an actor's row. @param tip checksum of the last row of its state */
export function sumOfRow(row: RowFields, tip: number): number {
  const { address, type, parent, createdAt, seq, version, status, error, meta, marks, supervision, inFlight, timers } =
    row;
  // No text of a row has a line break that is not escaped, and none begins with one: no two rows give the same list.
  return crc32(
    `${address}\n${type}\n${parent}\n${createdAt}\n${seq}\n${version}\n${status}\n${tip}\n${meta}\n${sign(marks)}\n${sign(error)}\n${sign(supervision)}\n${sign(inFlight)}\n${sign(timers)}`,
  );
}

/** Nothing is another thing than any text, 'null' included. */
function sign(text: string | null): string {
  return text === null ? '-' : `+${text}`;
}
