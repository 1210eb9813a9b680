/** Queries of the port: what reads ask for and what they answer, with the bounds and cursors that every adapter shares. */
import type { Address } from '../actor/address.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { ActorStatus, HistoryRun, StateRow } from './store.ts';

/**
 * What to list. Pages go by creation time, actors of the same millisecond by the order of their first commits; `cursor` is
 * the `nextCursor` of the page before.
 */
export interface ListQuery {
  /** This one alone, if it exists. */
  readonly address?: Address;
  readonly type?: string;
  readonly parent?: Address;
  readonly statuses?: readonly ActorStatus[];
  readonly createdAfter?: number;
  readonly createdBefore?: number;
  readonly updatedAfter?: number;
  readonly updatedBefore?: number;
  /** Equal values of top-level metadata fields. */
  readonly meta?: Readonly<Record<string, string>>;
  /** 1 to 1,000. @default 50 */
  readonly limit?: number;
  /** @default 'newest' */
  readonly order?: 'newest' | 'oldest';
  readonly cursor?: string;
}

/** One page of what a query finds; without a cursor it is the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
}

/** A stretch of a log. `n` starts at 1. */
export interface LogQuery {
  /** Only rows with n greater than this. */
  readonly after?: number;
  /** Only rows with n less than this. */
  readonly before?: number;
  /** 1 to 10,000. @default 100 */
  readonly limit?: number;
  /** `backward` takes the newest rows of the stretch first; rows come back oldest first either way. @default 'forward' */
  readonly direction?: 'forward' | 'backward';
}

/** One line of a log. */
export interface LogRow {
  readonly n: number;
  readonly at: number;
  readonly text: string;
  /** It is not what was written, or not there any more. */
  readonly isDamaged?: true;
}

/** A stretch of a history. */
export interface HistoryQuery {
  /** Only events of commits after this. */
  readonly after?: number;
  /** Only events of commits before this. */
  readonly before?: number;
  /** Only what stood in the store before this position. */
  readonly beforePos?: number;
  /** 1 to 1,000. @default 100 */
  readonly limit?: number;
  /** `backward` takes the newest rows of the stretch first; rows come back oldest first either way. @default 'forward' */
  readonly direction?: 'forward' | 'backward';
}

/** What led to a commit of an actor, and what it led to. */
export interface HistoryRow {
  readonly seq: number;
  /** Of the commit, among everything in the store that has a position: after what it sent, before what others did then. */
  readonly pos: number;
  readonly at: number;
  readonly text: string;
  readonly checksum: number;
  /** JSON of what the commit changed of the state; null when nothing, or when it wrote the state whole. */
  readonly delta: string | null;
}

/** Which rows of state. */
export interface StatesQuery {
  /** Rows of this commit or before. */
  readonly until: number;
  /** The snapshot to begin from is one before this commit. */
  readonly before?: number;
}

/** A snapshot, and the deltas after it in their order. */
export interface StateRows {
  readonly snapshot: StateRow;
  readonly deltas: readonly StateRow[];
}

/** An actor that has something to do although nobody calls it: unconsumed rows, or effect functions in flight. */
export interface Recoverable {
  readonly address: Address;
  /** The first row of its inbox, and when it was written, in milliseconds since the epoch; absent when the inbox is empty. */
  readonly oldest?: { readonly pos: number; readonly at: number };
  readonly hasInFlight: boolean;
  /** Absent when the actor does not exist yet: its first row creates it. */
  readonly status?: ActorStatus;
  /** It is quarantined, and an order of its parent is among what waits for it. */
  readonly hasOrder?: true;
}

/** An active actor that has something to do at a time: a timer of its machine, or a scheduled event. */
export interface DueRow {
  readonly address: Address;
  /** The first time, in milliseconds since the epoch. */
  readonly dueAt: number;
}

/** What is due. */
export interface DueQuery {
  /** Only what is due at this time or before, in milliseconds since the epoch. */
  readonly until: number;
  /** The last row of the page before. */
  readonly after?: DueRow;
  /** 1 to 10,000. @default 1000 */
  readonly limit?: number;
}

/** Which published events to read, in order of position. */
export interface BusQuery {
  /** Only events after this position. @default 0 */
  readonly afterPos?: number;
  /** 1 to 10,000. @default 1000 */
  readonly limit?: number;
  /** Answered by the writer only once there is such an event; the store itself does not wait. @default false */
  readonly wait?: boolean;
}

/** Which keys to list. */
export interface KeyQuery {
  /** What they begin with. */
  readonly prefix: string;
  /** Those that have expired by then are not there, in milliseconds since the epoch. */
  readonly now: number;
  /** The last key of the page before. */
  readonly after?: string;
  /** 1 to 10,000. @default 1000 */
  readonly limit?: number;
}

/** Which snapshots that are kept as text. */
export interface LooseQuery {
  /** Length in characters from which it counts. */
  readonly minChars: number;
  /** Written before this time, in milliseconds since the epoch. */
  readonly before: number;
  /** 1 to 1,000. @default 16 */
  readonly limit?: number;
}

/** Where to look for old events that are worth packing, in order of addresses. */
export interface LooseHistoryQuery {
  /** Only of actors after this one: `after` of the answer before. */
  readonly after?: Address;
  /** So many events in a row are worth it; fewer, if they are large. */
  readonly minEvents: number;
  /** Written before this time, in milliseconds since the epoch. */
  readonly before: number;
}

/** What a look found. */
export interface LooseHistory {
  readonly run?: HistoryRun;
  /** Where to look on; with a run that is before its actor, which may have more. Absent without one: there is nothing further. */
  readonly after?: Address;
}

/** The recorded outcome of a caller's id. */
export interface IdempotencyRow {
  readonly id: string;
  readonly reply: string | null;
  readonly at: number;
}

/** Which dead letters to read, oldest first. */
export interface DeadLetterQuery {
  readonly address?: Address;
  /** Of one event; with `address`. */
  readonly id?: string;
  /** The one at this position. */
  readonly pos?: number;
  /** Only those after this position: the last of the page before. */
  readonly afterPos?: number;
  /** 1 to 10,000. @default 100 */
  readonly limit?: number;
}

/** Which actors to count. */
export interface TallyQuery {
  readonly type: string;
  /** Top-level metadata field that is told apart. */
  readonly metaKey: string;
}

/** Actors that share a status and a value, and what they hold. */
export interface TallyRow {
  readonly status: ActorStatus;
  /** Of the metadata field, when that is a text. */
  readonly value: string | null;
  readonly actors: number;
  /** Of their states as stored, which may be compressed. */
  readonly stateBytes: number;
  readonly logRows: number;
  readonly logBytes: number;
}

/** Counts for statistics. */
export interface StoreStats {
  readonly actors: number;
  readonly inboxRows: number;
  readonly outboxRows: number;
  readonly deadLetters: number;
  readonly scheduled: number;
  readonly subscriptions: number;
  readonly busEvents: number;
  readonly historyRows: number;
  readonly bytes: number;
}

/** Page sizes: what is taken when none is given, and the most. */
export const LIMITS = {
  list: { usual: 50, most: 1_000 },
  log: { usual: 100, most: 10_000 },
  history: { usual: 100, most: 1_000 },
  snapshots: { usual: 16, most: 1_000 },
  kv: { usual: 1_000, most: 10_000 },
  inbox: { usual: 1_000, most: 10_000 },
  outbox: { usual: 1_000, most: 10_000 },
  recoverable: { usual: 1_000, most: 10_000 },
  deadLetters: { usual: 100, most: 10_000 },
  due: { usual: 1_000, most: 10_000 },
  scheduled: { usual: 1_000, most: 10_000 },
  busEvents: { usual: 1_000, most: 10_000 },
  scanBus: { usual: 1_000, most: 10_000 },
  sweepBus: { usual: 2_000, most: 10_000 },
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
