/** Bounds and cursors of the port's queries, shared by every adapter. */
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';

/** Page sizes: what is taken when none is given, and the most. */
export const LIMITS = {
  list: { usual: 50, most: 1_000 },
  log: { usual: 100, most: 10_000 },
  inbox: { usual: 1_000, most: 10_000 },
  outbox: { usual: 1_000, most: 10_000 },
  recoverable: { usual: 1_000, most: 10_000 },
  deadLetters: { usual: 100, most: 10_000 },
  due: { usual: 1_000, most: 10_000 },
  scheduled: { usual: 1_000, most: 10_000 },
  busEvents: { usual: 1_000, most: 10_000 },
} as const;

/**
 * The page size of a query.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when it is out of bounds.
 */
export function limitOf(query: keyof typeof LIMITS, limit: number | undefined): number {
  const { usual, most } = LIMITS[query];
  if (limit === undefined) return usual;
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option 'limit' of ${query}() is ${limit}. Use a whole number from 1 to ${most}.`,
    {
      details: { option: 'limit', value: limit },
    },
  );
}

/** Where a list goes on: after the actor created then, the n-th that was. Actors of one moment are in the order of their first commits. */
export interface ListPosition {
  readonly createdAt: number;
  /** Grows with every first commit. */
  readonly n: number;
}

/** A position as opaque text for callers. */
export function toCursor({ createdAt, n }: ListPosition): string {
  return Buffer.from(`${createdAt} ${n}`).toString('base64url');
}

/**
 * Whether a list begins with the oldest.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when the order is none of the two.
 */
export function isOldestFirst(order: string | undefined): boolean {
  if (order === undefined || order === 'newest') return false;
  if (order === 'oldest') return true;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option 'order' of list() is ${describeValue(order)}. Use 'newest' or 'oldest'.`,
    {
      details: { option: 'order', value: order },
    },
  );
}

/**
 * Reads a cursor back.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when it is not one of ours.
 */
export function parseCursor(cursor: string): ListPosition {
  const [, createdAt, n] = /^(-?\d{1,16}) (\d{1,16})$/.exec(Buffer.from(String(cursor), 'base64url').toString()) ?? [];
  if (createdAt !== undefined && n !== undefined) return { createdAt: Number(createdAt), n: Number(n) };
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Cursor '${String(cursor).slice(0, 80)}' of list() is not one this store gave. Start again without it.`,
    {
      details: { option: 'cursor' },
    },
  );
}
