/** Reads what the store holds of an actor into what a cell starts from. Pure; a state that cannot be used is a `fault`. */
import type { AnyDefinition } from '../actor/define.ts';
import type { Definitions } from '../actor/definitions.ts';
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { TroupeError, isTroupeError } from '../errors.ts';
import { findMisfit } from '../actor/shape.ts';
import { sumOfRow } from '../state/codec.ts';
import type { RowFields } from '../state/codec.ts';
import { migrateState } from '../state/migrate.ts';
import type { PersistedState } from '../state/persisted.ts';
import { recoverState, repairState } from '../state/recover.ts';
import type { RecoveredState } from '../state/recover.ts';
import type { StateRows } from '../store/queries.ts';
import type { ActorStatus, StoredActor, Subscription } from '../store/store.ts';
import { readRecord } from '../supervision/record.ts';
import type { SupervisionRecord } from '../supervision/record.ts';
import type { TimerRow } from './machine-timers.ts';
import type { SavedState } from './state-saver.ts';

/** A stored actor, read. */
export interface StoredLife {
  /** What runs it: the definition of its type, or that of a substitute. */
  readonly definition: AnyDefinition;
  readonly seq: number;
  readonly createdAt: number;
  readonly epoch: number;
  readonly version: number;
  readonly parent: Address;
  readonly status: ActorStatus;
  readonly error: string | null;
  /** What the rows hold; nothing when the state is another than they do. */
  readonly saved?: SavedState;
  /** What the actor goes on from, when that is not what the rows hold: it was migrated, or made again from older rows. */
  readonly renewed?: PersistedState;
  /** The row as it stands in the store. */
  readonly row: RowFields;
  /** Checksum of the last row of state, as it stands in the store; 0 when the row is not what was written. */
  readonly tip: number;
  /** The row itself is what it was written as; only such a row may be written over. */
  readonly isRowSound: boolean;
  /** Why the state cannot be used. */
  readonly fault?: TroupeError;
  readonly marks: Readonly<Record<string, number>>;
  readonly record: SupervisionRecord;
  readonly inFlightText: string | null;
  readonly timersText: string | null;
  readonly subscriptions: readonly Subscription[];
  readonly meta: string;
}

/**
 * Reads a stored actor. Marks of callers of another boot are dropped: they cannot send again.
 * @param former rows from before its snapshot, when that is damaged
 */
export function readStored(
  actor: StoredActor,
  {
    definitions,
    boot,
    former,
  }: { readonly definitions: Definitions; readonly boot: string; readonly former?: StateRows },
): StoredLife {
  const { seq, createdAt, epoch, version, parent, status, error, meta, subscriptions } = actor;
  // A row that is damaged may name a type there is none of; its address was found by one there is.
  const own = definitions.find(actor.type) ?? definitions.get(typeOf(actor.address));
  const texts = { inFlightText: actor.inFlight, timersText: actor.timers };
  const storedTip = (actor.deltas.at(-1) ?? actor.snapshot).checksum;
  const isRowSound = actor.sum === null || sumOfRow(actor, storedTip) === actor.sum;
  // No later sum may say of a damaged row that it is what was written.
  const seals = { row: actor, tip: isRowSound ? storedTip : 0, isRowSound };
  const base = { seq, createdAt, epoch, version, parent, status, error, meta, subscriptions, ...seals, ...texts };
  try {
    const saved = readState(actor, isRowSound, former);
    const record = readRecord(actor.supervision);
    const definition = record.as === undefined ? own : definitions.get(record.as);
    const fitting = fit(actor, saved.state, definition, definitions);
    assertList(actor.address, actor.inFlight, 'effects in flight');
    assertList(actor.address, actor.timers, 'timers');
    const isRenewed = fitting !== saved.state || former !== undefined;
    const state = isRenewed ? { renewed: fitting } : { saved };
    return { ...base, ...state, definition, record, marks: marksOf(actor, boot) };
  } catch (fault) {
    return { ...base, definition: own, record: {}, marks: {}, fault: toFault(actor.address, fault) };
  }
}

/** A stored actor as one looks at it; nothing when there is none. @throws {TroupeError} when its state cannot be used. */
export function toViewText(actor: StoredActor | undefined, definitions: Definitions, boot: string): string | undefined {
  if (!actor) return undefined;
  const { fault, saved, renewed, status, seq } = readStored(actor, { definitions, boot });
  if (fault) throw fault;
  const { value, context, output } = renewed ?? saved?.state ?? {};
  return JSON.stringify({ value, context, output, status, seq });
}

/** The state of an actor whose row is what it was written as. */
function readState(actor: StoredActor, isRowSound: boolean, former: StateRows | undefined): RecoveredState {
  const { address: owner, snapshot, deltas } = actor;
  const recovered = former
    ? repairState({ snapshot, deltas, owner, former })
    : recoverState({ snapshot, deltas, owner });
  if (isRowSound) return recovered;
  throw new TroupeError(
    'ERR_STATE_CORRUPT',
    `The row of '${owner}', or the last row of its state, does not match its checksum. The rows are untouched; restore them from a backup, or delete the actor.`,
    { details: { owner, row: 'Actor' } },
  );
}

/** The state as the loaded definition has it. One that has ended is only looked at, and stays as it is. */
function fit(
  { address, status, version, shape }: StoredActor,
  state: PersistedState,
  definition: AnyDefinition,
  definitions: Definitions,
): PersistedState {
  const { type, machine, migrate } = definition;
  if (status !== 'active' && status !== 'quarantined') return state;
  const plan = { owner: address, type, from: version, to: definition.version, steps: migrate };
  const migrated = version === definition.version ? state : migrateState(state, plan);
  if (migrated === state && shape === definitions.shapeOf(type, machine)) return state;
  const misfit = state.status === 'active' ? findMisfit(migrated, machine) : undefined;
  if (misfit === undefined) return migrated;
  throw new TroupeError(
    'ERR_STATE_VERSION',
    `The stored state of '${address}' does not fit the machine of '${type}': ${misfit}. Raise its version and add a step to migrate, or run the version that wrote it; its rows are untouched.`,
    { details: { address, stored: version, loaded: definition.version, misfit } },
  );
}

function assertList(address: Address, text: string | null, what: string): void {
  const rows: unknown = JSON.parse(text ?? '[]');
  if (Array.isArray(rows)) return;
  throw new TroupeError('ERR_STATE_CORRUPT', `The ${what} of '${address}' cannot be read.`, { details: { address } });
}

/** The stored timers of an actor, first due first. */
export function readTimers(text: string | null): readonly TimerRow[] {
  return text === null ? [] : (JSON.parse(text) as TimerRow[]);
}

function marksOf(actor: StoredActor, boot: string): Readonly<Record<string, number>> {
  const marks = JSON.parse(actor.marks ?? '{}') as Record<string, number>;
  return Object.fromEntries(Object.entries(marks).filter(([sender]) => sender.startsWith(boot)));
}

function toFault(address: Address, fault: unknown): TroupeError {
  if (isTroupeError(fault)) return fault;
  return new TroupeError('ERR_STATE_CORRUPT', `The stored row of '${address}' cannot be read.`, {
    cause: fault,
    details: { address },
  });
}
