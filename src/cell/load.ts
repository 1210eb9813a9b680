/** Reads what the store holds of an actor into what a cell starts from. Pure; a state that cannot be used is a `fault`. */
import type { AnyDefinition } from '../actor/define.ts';
import type { Definitions } from '../actor/definitions.ts';
import type { Address } from '../actor/address.ts';
import { TroupeError, isTroupeError } from '../errors.ts';
import { recoverState } from '../state/recover.ts';
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
  readonly saved?: SavedState;
  /** Why the state cannot be used. */
  readonly fault?: TroupeError;
  readonly marks: Readonly<Record<string, number>>;
  readonly record: SupervisionRecord;
  readonly inFlightText: string | null;
  readonly timersText: string | null;
  readonly subscriptions: readonly Subscription[];
  readonly meta: string;
}

/** Reads a stored actor. Marks of callers of another boot are dropped: they cannot send again. */
export function readStored(actor: StoredActor, definitions: Definitions, boot: string): StoredLife {
  const { seq, createdAt, epoch, version, parent, status, error, meta, subscriptions } = actor;
  const own = definitions.get(actor.type);
  const texts = { inFlightText: actor.inFlight, timersText: actor.timers };
  const base = { seq, createdAt, epoch, version, parent, status, error, meta, subscriptions, ...texts };
  try {
    const record = readRecord(actor.supervision);
    const definition = record.as === undefined ? own : definitions.get(record.as);
    assertVersion(actor, definition);
    const recovered = recoverState({ snapshot: actor.snapshot, deltas: actor.deltas, owner: actor.address });
    assertList(actor.address, actor.inFlight, 'effects in flight');
    assertList(actor.address, actor.timers, 'timers');
    return { ...base, definition, record, saved: recovered, marks: marksOf(actor, boot) };
  } catch (fault) {
    return { ...base, definition: own, record: {}, marks: {}, fault: toFault(actor.address, fault) };
  }
}

function assertVersion(actor: StoredActor, definition: AnyDefinition): void {
  if (actor.version === definition.version) return;
  throw new TroupeError(
    'ERR_STATE_VERSION',
    `The stored state of '${actor.address}' has version ${actor.version} of '${definition.type}', the loaded definition has ${definition.version}. Run the version that wrote it, or delete the actor; its rows are untouched.`,
    { details: { address: actor.address, stored: actor.version, loaded: definition.version } },
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
