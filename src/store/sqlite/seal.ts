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
  let text = '';
  for (const part of parts) text += part === null ? '-\n' : `+${part}\n`;
  return crc32(text);
}

/** A row as read, with its seal. */
export interface Sealed {
  readonly sum: number | null;
}

/** A row of a list in which each knows the one before it. */
export interface Linked {
  readonly prev: number | null;
}

/**
 * Puts a mark in each gap of a list.
 * @param after what was asked for begins behind this
 * @param toMark makes the mark for the last row that is gone
 */
export function markGaps<T extends Linked>(
  rows: readonly T[],
  numberOf: (row: T) => number,
  { after, toMark }: { readonly after: number; readonly toMark: (n: number) => T },
): readonly T[] {
  return rows.flatMap((row, index) => {
    const before = rows[index - 1];
    const expected = before ? numberOf(before) : after;
    const isGap = row.prev !== null && row.prev > expected;
    return isGap ? [toMark(row.prev), row] : [row];
  });
}

/** The row without its seal, marked when that does not match. */
export function unseal<T extends Sealed>(row: T, expected: number): Omit<T, 'sum'> & { readonly isDamaged?: true } {
  const { sum, ...rest } = row;
  return sum === null || sum === expected ? rest : { ...rest, isDamaged: true };
}
