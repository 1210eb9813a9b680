/** Bounds and cursors of the port's queries, shared by every adapter. */
import type { Address } from '../actor/address.ts';
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

/** Where a list goes on: after the actor created then, of that address. */
export interface ListPosition {
  readonly createdAt: number;
  readonly address: Address;
}

/** A position as opaque text for callers. */
export function toCursor({ createdAt, address }: ListPosition): string {
  return Buffer.from(`${createdAt} ${address}`).toString('base64url');
}

/**
 * Reads a cursor back.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when it is not one of ours.
 */
export function parseCursor(cursor: string): ListPosition {
  const [, createdAt, address] = /^(-?\d+) (\S+\/\S+)$/.exec(Buffer.from(String(cursor), 'base64url').toString()) ?? [];
  if (createdAt !== undefined && address !== undefined)
    return { createdAt: Number(createdAt), address: address as Address };
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Cursor '${String(cursor).slice(0, 80)}' of list() is not one this store gave. Start again without it.`,
    {
      details: { option: 'cursor' },
    },
  );
}
