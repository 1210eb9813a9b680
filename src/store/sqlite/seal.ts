/**
 * Seals of rows that are written once and acted upon later: a checksum over the row and its key, beside it. What it does not match is not
 * what was written, and is handed out marked as damaged. Rows from before there were seals have none and count as sound.
 */
import { crc32 } from 'node:zlib';

/** The seal of a row that was copied damaged: no checksum is negative. */
export const BROKEN_SEAL = -1;

type Part = string | number | null;

/** The checksum over the columns of a row, its key first. */
export function sealOf(...parts: readonly Part[]): number {
  // JSON texts have no line breaks, and a column more or less is another number of them.
  return crc32(parts.join('\n'));
}

/** A row as read, with its seal. */
export interface Sealed {
  readonly sum: number | null;
}

/** The row without its seal, marked when that does not match. */
export function unseal<T extends Sealed>(row: T, expected: number): Omit<T, 'sum'> & { readonly isDamaged?: true } {
  const { sum, ...rest } = row;
  return sum === null || sum === expected ? rest : { ...rest, isDamaged: true };
}
