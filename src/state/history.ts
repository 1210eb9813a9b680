/** What is kept of each event of an actor: its form in the store, and what readers see of it. Pure. */
import { crc32 } from 'node:zlib';
import { TroupeError } from '../errors.ts';
import type { DeltaOp } from './delta.ts';
import type { Json } from './json.ts';

/** What led to a commit. */
export type Cause =
  /** The actor was made. */
  | { readonly kind: 'create'; readonly parent: string; readonly input?: Json }
  /** Code sent an event. */
  | { readonly kind: 'send'; readonly event: Json; readonly id?: string }
  /** Another actor, or a topic, told it something. `pos` is where that waited. */
  | { readonly kind: 'tell'; readonly from: string; readonly pos: number; readonly id: string; readonly event: Json }
  /** An order of its parent, or word of a child's failure. */
  | { readonly kind: 'order'; readonly from: string; readonly pos: number; readonly order: string; readonly body: Json }
  /** An event it scheduled was due. */
  | { readonly kind: 'schedule'; readonly key: string; readonly dueAt: number; readonly event: Json }
  /** A timer of its machine was due. */
  | { readonly kind: 'timer'; readonly id: string; readonly event: Json }
  /** An effect function, or other logic of its machine, told the machine something. */
  | { readonly kind: 'effect'; readonly path: string; readonly event: Json }
  /** Code scheduled or took back an event. */
  | { readonly kind: 'command'; readonly command: Json }
  /** Code gave an order about its life. */
  | { readonly kind: 'life'; readonly order: string }
  /** It came to be from another actor, as that was after a commit. */
  | { readonly kind: 'fork'; readonly from: string; readonly seq: number }
  /** It came from a file. */
  | { readonly kind: 'import' };

/** What a commit led to outside the actor's state. */
export type RecordedEffect = { readonly kind: string } & { readonly [field: string]: Json };

/** The stored form of one event. What stood beside the state after it is what another actor needs to go on from there. */
export interface HistoryRecord {
  /** Version of the definition. */
  readonly v: number;
  /** Checksum of the last row of state after it: the state that is told for it ends with that row. */
  readonly tip?: number;
  /** Type of the substitute that ran in its place. */
  readonly as?: string;
  readonly status: string;
  readonly causes: readonly Cause[];
  readonly effects: readonly RecordedEffect[];
  readonly timers?: readonly Json[];
  readonly inFlight?: readonly Json[];
  /** Subscriptions: pattern to event type. */
  readonly topics?: Readonly<Record<string, string>>;
}

/** What changed in the state: a value was set, deleted, or appended to a list, at a path from the root of the state. */
export type Change =
  | { readonly op: 'set'; readonly path: readonly (string | number)[]; readonly value: Json }
  | { readonly op: 'delete'; readonly path: readonly (string | number)[] }
  | { readonly op: 'append'; readonly path: readonly (string | number)[]; readonly items: readonly Json[] };

/** Which event a row is of. */
export interface HistoryKey {
  readonly address: string;
  readonly seq: number;
  readonly at: number;
}

/** The checksum of a row. @param delta what the same commit changed, which it speaks for as well */
export function sumOfHistory({ address, seq, at }: HistoryKey, text: string, delta: string | null): number {
  const key = crc32(`${address}\n${seq}\n${at}\n`);
  return crc32(text, delta === null ? key : crc32(delta, key));
}

/** A row as it comes from the store. */
export interface StoredHistory {
  readonly seq: number;
  readonly at: number;
  readonly text: string;
  readonly checksum: number;
  readonly delta: string | null;
}

/**
 * Reads a row.
 * @throws {TroupeError} ERR_STATE_CORRUPT when it is not what was written.
 */
export function readHistoryRow(owner: string, row: StoredHistory): HistoryRecord {
  const { seq, at, text, checksum, delta } = row;
  if (sumOfHistory({ address: owner, seq, at }, text, delta) === checksum) return JSON.parse(text) as HistoryRecord;
  throw new TroupeError(
    'ERR_STATE_CORRUPT',
    `Event ${seq} in the history of '${owner}' does not match its checksum. The actor itself is not touched by that; restore the row from a backup, or read around it with 'after' and 'before'.`,
    { details: { owner, seq } },
  );
}

/** The changes of a delta. */
export function toChanges(delta: string | null): readonly Change[] {
  if (delta === null) return [];
  return (JSON.parse(delta) as readonly DeltaOp[]).map(([op, path, value]): Change => {
    if (op === 's') return { op: 'set', path, value: value as Json };
    return op === 'd' ? { op: 'delete', path } : { op: 'append', path, items: value as readonly Json[] };
  });
}
