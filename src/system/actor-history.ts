/** Reads what is kept of an actor's past: its events, and its state after any of them. */
import type { Address } from '../actor/address.ts';
import { checkKeys } from '../bus/checks.ts';
import { describeValue } from '../describe.ts';
import { TroupeError, isTroupeError } from '../errors.ts';
import { readHistoryRow, toChanges } from '../state/history.ts';
import type { Cause, Change, HistoryRecord, RecordedEffect } from '../state/history.ts';
import type { PersistedState } from '../state/persisted.ts';
import { recoverState, repairState } from '../state/recover.ts';
import type { RecoveredState } from '../state/recover.ts';
import type { HistoryQuery, HistoryRow } from '../store/queries.ts';
import type { StoreClient } from '../store/store-client.ts';

/** One event of an actor: what it was, what it changed, and what it led to. */
export interface ActorEventEntry {
  /** Number of the commit; `ref.at(seq)` and `system.fork` take it. */
  readonly seq: number;
  /** When it was committed, in milliseconds since the epoch. */
  readonly at: number;
  /** Usually one; none for what the runtime did by itself, such as a restart. */
  readonly causes: readonly Cause[];
  /** Empty when the state stayed as it was, and when all of it was written anew: at its creation, a migration, or by a substitute. */
  readonly changes: readonly Change[];
  readonly effects: readonly RecordedEffect[];
  /** Version of the definition that handled it. */
  readonly version: number;
  readonly status: string;
}

/** Which events to read. */
export type EventQuery = Pick<HistoryQuery, 'after' | 'before' | 'limit' | 'direction'>;

/** The state of an actor after one of its events. */
export interface PastState {
  readonly seq: number;
  readonly at: number;
  readonly version: number;
  readonly status: string;
  readonly value: unknown;
  readonly context: unknown;
  readonly output?: unknown;
}

/** An event with everything that stood beside the state after it. */
export interface PastMoment {
  readonly row: HistoryRow;
  readonly record: HistoryRecord;
  readonly state: PersistedState;
}

const MOST_EVENTS = 1000;

/** @throws {TroupeError} ERR_OPTIONS_INVALID naming the option, what was given, and what is allowed. */
export function checkEventQuery(query: EventQuery): EventQuery {
  checkKeys('history', query, ['after', 'before', 'limit', 'direction']);
  const { after, before, limit, direction } = query;
  if (after !== undefined && !Number.isSafeInteger(after)) throw wrong('after', after, 'a whole number');
  if (before !== undefined && !Number.isSafeInteger(before)) throw wrong('before', before, 'a whole number');
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1 && limit <= MOST_EVENTS))
    throw wrong('limit', limit, `a whole number from 1 to ${MOST_EVENTS}`);
  if (direction !== undefined && direction !== 'forward' && direction !== 'backward')
    throw wrong('direction', direction, "'forward' or 'backward'");
  return query;
}

/** @throws {TroupeError} ERR_OPTIONS_INVALID */
export function checkEventSeq(seq: number): number {
  if (Number.isSafeInteger(seq) && seq >= 1) return seq;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The event of at() is ${describeValue(seq)}. Use the seq of one that ref.history() lists, a whole number from 1 on.`,
    { details: { option: 'seq' } },
  );
}

function wrong(option: string, value: unknown, use: string): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option '${option}' of history() is ${describeValue(value)}. Use ${use}.`,
    { details: { option } },
  );
}

type Reads = Pick<StoreClient, 'call'>;

/** Events that are kept, oldest first. */
export async function readEvents(
  store: Reads,
  address: Address,
  query: EventQuery,
): Promise<readonly ActorEventEntry[]> {
  const rows = await store.call('history', address, query);
  return rows.map((row) => toEntry(address, row));
}

function toEntry(address: Address, row: HistoryRow): ActorEventEntry {
  const { v: version, status, causes, effects } = readHistoryRow(address, row);
  return { seq: row.seq, at: row.at, causes, changes: toChanges(row.delta), effects, version, status };
}

/**
 * The state after the event of a commit.
 * @throws {TroupeError} ERR_HISTORY_UNKNOWN when it is not kept; ERR_STATE_CORRUPT when its rows are damaged.
 */
export async function readPast(store: Reads, address: Address, seq: number): Promise<PastState> {
  const { row, record, state } = await readMoment(store, address, seq);
  const { value, context, output } = state;
  const past = { seq, at: row.at, version: record.v, status: record.status, value, context };
  return output === undefined ? past : { ...past, output };
}

/**
 * An event and the state after it.
 * @throws {TroupeError} ERR_HISTORY_UNKNOWN, ERR_STATE_CORRUPT.
 */
export async function readMoment(store: Reads, address: Address, seq: number): Promise<PastMoment> {
  const [row] = await store.call('history', address, { after: seq - 1, before: seq + 1, limit: 1 });
  if (!row) throw await unknownEvent(store, address, seq);
  const record = readHistoryRow(address, row);
  const { state, checksum } = await readState(store, address, seq);
  if (record.tip === undefined || record.tip === checksum) return { row, record, state };
  throw new TroupeError(
    'ERR_STATE_CORRUPT',
    `The rows that tell the state of '${address}' at ${seq} end with another row than event ${seq} does. The actor itself is not touched by that; restore them from a backup.`,
    { details: { owner: address, seq } },
  );
}

async function readState(store: Reads, address: Address, until: number): Promise<RecoveredState> {
  const rows = await store.call('states', address, { until });
  if (!rows)
    throw new TroupeError(
      'ERR_STATE_CORRUPT',
      `The rows that tell the state of '${address}' at ${until} are gone. Restore them from a backup.`,
      { details: { owner: address, seq: until } },
    );
  try {
    return recoverState({ ...rows, owner: address });
  } catch (error) {
    const { seq } = rows.snapshot;
    const former =
      isTroupeError(error, 'ERR_STATE_CORRUPT') && (await store.call('states', address, { until: seq, before: seq }));
    if (!former) throw error;
    return repairState({ ...rows, owner: address, former });
  }
}

/** Says what is kept instead. */
export async function unknownEvent(store: Reads, address: Address, seq: number): Promise<TroupeError> {
  const [[first], [last]] = await Promise.all([
    store.call('history', address, { limit: 1 }),
    store.call('history', address, { limit: 1, direction: 'backward' }),
  ]);
  const kept =
    first && last
      ? `kept are those from ${first.seq} to ${last.seq}`
      : 'none is kept: its definition asks for no history';
  return new TroupeError(
    'ERR_HISTORY_UNKNOWN',
    `No event ${seq} of '${address}' is kept; ${kept}. List them with ref.history(), or keep more with history in defineActor.`,
    { details: { address, seq, ...(first && last && { first: first.seq, last: last.seq }) } },
  );
}
