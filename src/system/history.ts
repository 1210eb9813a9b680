/** Reads what actors appended to their logs. */
import type { Address } from '../actor/address.ts';
import { TroupeError } from '../errors.ts';
import type { LogQuery, LogRow } from '../store/queries.ts';
import type { System } from './system.ts';

/** One row of a log. `n` counts from 1 and pages go by it; `at` is when it was committed. */
export type HistoryEntry<T> = T & { readonly n: number; readonly at: number };

const MAX_LIMIT = 10_000;

/**
 * A stretch of an actor's log, oldest first.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when the limit is out of bounds; ERR_STATE_CORRUPT naming a line that is damaged or gone.
 */
export async function readHistory<T extends object>(
  system: System,
  address: Address,
  query: LogQuery,
): Promise<readonly HistoryEntry<T>[]> {
  const { limit } = query;
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT)) {
    throw new TroupeError(
      'ERR_OPTIONS_INVALID',
      `Option 'limit' is ${limit}; it must be a whole number from 1 to ${MAX_LIMIT}.`,
      {
        details: { option: 'limit', value: String(limit) },
      },
    );
  }
  const rows = await system.store.call('log', address, query);
  return rows.map((row) => toEntry<T>(address, row));
}

function toEntry<T extends object>(address: Address, { n, at, text, isDamaged }: LogRow): HistoryEntry<T> {
  if (!isDamaged) return { ...(JSON.parse(text) as T), n, at };
  throw new TroupeError(
    'ERR_STATE_CORRUPT',
    `Line ${n} in the log of '${address}' is missing or does not match its checksum. The actor itself is not touched by that; restore the line from a backup, or read around it with 'after: ${n}' and 'before: ${n}'.`,
    { details: { owner: address, n } },
  );
}
