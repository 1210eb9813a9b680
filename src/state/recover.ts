/** From stored rows back to a state, or to an error that names the bad row: never to a state that is silently wrong. */
import { TroupeError } from '../errors.ts';
import { chainChecksum, encodeSnapshot, textOfRow } from './codec.ts';
import type { EncodedState } from './codec.ts';
import { applyDeltaInPlace } from './delta.ts';
import type { Json } from './json.ts';
import { PERSISTED_STATUSES, type PersistedState } from './persisted.ts';

/** The rows of one actor's state, deltas in the order they were saved. */
export interface StoredRows {
  readonly snapshot: EncodedState;
  readonly deltas: readonly EncodedState[];
  /** The address of the actor, for messages. */
  readonly owner: string;
}

/** A state as it was last saved, and what is needed to go on from it. */
export interface RecoveredState {
  readonly state: PersistedState;
  /** Of the last row: the next delta continues from it. */
  readonly checksum: number;
  readonly snapshotBytes: number;
  readonly deltaBytes: number;
}

/**
 * Verifies the chain of rows and replays it.
 * @throws {TroupeError} ERR_STATE_CORRUPT that names the owner and the row.
 */
export function recoverState(rows: StoredRows): RecoveredState {
  const { snapshot, deltas, owner } = rows;
  const text = readText(snapshot, 0, 'Snapshot', owner);
  let state = parseRow(text, 'Snapshot', owner);
  let checksum = snapshot.checksum;
  let deltaBytes = 0;
  for (const [index, row] of deltas.entries()) {
    const name = `Delta ${index}`;
    const deltaText = readText(row, checksum, name, owner);
    state = replay(state, parseRow(deltaText, name, owner), name, owner);
    checksum = row.checksum;
    deltaBytes += deltaText.length;
  }
  const fault = findFault(state, '');
  if (fault !== undefined) throw corrupt(`Snapshot of '${owner}' is not a state at '${fault}'`, { owner, path: fault });
  return { state: state as PersistedState, checksum, snapshotBytes: text.length, deltaBytes };
}

/** Rows of a state whose snapshot cannot be read, and the rows that led to it. */
export interface DamagedRows extends StoredRows {
  readonly former: { readonly snapshot: EncodedState; readonly deltas: readonly EncodedState[] };
}

/**
 * Makes the snapshot again from the rows that led to it, and goes on with what came after it.
 * @throws {TroupeError} ERR_STATE_CORRUPT when those cannot be read either, or lead to another state.
 */
export function repairState({ snapshot, deltas, owner, former }: DamagedRows): RecoveredState {
  const made = encodeSnapshot(recoverState({ ...former, owner }).state);
  if (made.checksum === snapshot.checksum) return recoverState({ snapshot: made, deltas, owner });
  throw corrupt(`Snapshot of '${owner}' is damaged, and the rows before it lead to another`, {
    owner,
    row: 'Snapshot',
  });
}

function readText(row: EncodedState, previousChecksum: number, name: string, owner: string): string {
  const text = unpack(row, name, owner);
  if (chainChecksum(text, previousChecksum) === row.checksum) return text;
  throw corrupt(`${name} of '${owner}' does not match its checksum`, { owner, row: name });
}

function unpack(row: EncodedState, name: string, owner: string): string {
  try {
    return textOfRow(row);
  } catch (cause) {
    throw corrupt(`${name} of '${owner}' cannot be decompressed`, { owner, row: name }, cause);
  }
}

function parseRow(text: string, name: string, owner: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw corrupt(`${name} of '${owner}' is not JSON`, { owner, row: name }, cause);
  }
}

function replay(state: Json, delta: Json, name: string, owner: string): Json {
  try {
    return applyDeltaInPlace(state, delta);
  } catch (cause) {
    throw corrupt(`${name} of '${owner}' does not fit the state before it`, { owner, row: name }, cause);
  }
}

/** The path of the first part that no stored state has, or undefined. */
export function findStateFault(state: unknown): string | undefined {
  return findFault(state, '');
}

function findFault(state: unknown, path: string): string | undefined {
  if (!isRecord(state)) return path === '' ? 'state' : path;
  const { status, value, historyValue, children } = state;
  if (!(PERSISTED_STATUSES as readonly unknown[]).includes(status)) return `${path}status`;
  if (value !== undefined && !isStateValue(value)) return `${path}value`;
  if (historyValue !== undefined && !isHistory(historyValue)) return `${path}historyValue`;
  if (children === undefined) return undefined;
  return isRecord(children) ? findChildFault(children, `${path}children`) : `${path}children`;
}

function findChildFault(children: Record<string, unknown>, path: string): string | undefined {
  for (const [id, child] of Object.entries(children)) {
    if (!isRecord(child) || typeof child['src'] !== 'string') return `${path}.${id}.src`;
    if (child['systemId'] !== undefined && typeof child['systemId'] !== 'string') return `${path}.${id}.systemId`;
    const fault = findFault(child['state'], `${path}.${id}.state.`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function isStateValue(value: unknown): boolean {
  return typeof value === 'string' || (isRecord(value) && Object.values(value).every(isStateValue));
}

function isHistory(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((ids) => Array.isArray(ids) && ids.every(isString));
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function corrupt(problem: string, details: Record<string, unknown>, cause?: unknown): TroupeError {
  const message = `${problem}. The rows are untouched; restore them from a backup, or delete the actor.`;
  return new TroupeError('ERR_STATE_CORRUPT', message, { cause, details });
}
