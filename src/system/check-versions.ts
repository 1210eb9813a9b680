/**
 * A dry run before a deploy: would every stored actor fit these definitions? Reads, decides, writes nothing. Migrations run on copies, and what
 * they throw is in the report.
 */
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';
import { findTimerMisfit, hasActor } from '../actor/shape.ts';
import { readStored, readTimers } from '../cell/load.ts';
import type { StoredLife } from '../cell/load.ts';
import { isTroupeError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { PersistedState } from '../state/persisted.ts';
import { recoverState } from '../state/recover.ts';
import { readRecord } from '../supervision/record.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { ActorSummary, StoredActor } from '../store/store.ts';

/** An actor that would not fit, and why. */
export interface Misfit {
  readonly address: Address;
  /** Version its state was written by. */
  readonly version: number;
  /** What does not fit: its state, a timer of its machine, an effect function or child of its machine, an event scheduled for it, or its type. */
  readonly part: 'type' | 'state' | 'timer' | 'child' | 'event';
  readonly code: ErrorCode;
  readonly message: string;
}

/** What a dry run found. */
export interface VersionReport {
  /** Actors that were looked at: those that live, and those that are held. */
  readonly checked: number;
  /** How many of them would be migrated. */
  readonly migrated: number;
  /** Those that would not fit, at most 1,000 of them. */
  readonly misfits: readonly Misfit[];
  readonly misfitCount: number;
}

type Reads = Pick<StoreClient, 'call'>;

const PAGE = 256;
const MAX_NAMED = 1000;

/** Looks at every actor that lives or is held. */
export async function checkVersions(store: Reads, definitions: Definitions): Promise<VersionReport> {
  const report = { checked: 0, migrated: 0, misfitCount: 0, misfits: [] as Misfit[] };
  let cursor: string | undefined;
  do {
    const page = await store.call('list', {
      statuses: ['active', 'quarantined'],
      order: 'oldest',
      limit: PAGE,
      ...(cursor !== undefined && { cursor }),
    });
    for (const summary of page.items) {
      const { misfits, isMigrated } = await checkActor(store, definitions, summary);
      report.checked++;
      if (isMigrated) report.migrated++;
      if (misfits.length > 0) report.misfitCount++;
      report.misfits.push(...misfits.slice(0, MAX_NAMED - report.misfits.length));
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return report;
}

async function checkActor(
  store: Reads,
  definitions: Definitions,
  { address, type, version }: ActorSummary,
): Promise<{ readonly misfits: readonly Misfit[]; readonly isMigrated: boolean }> {
  const misfit = (part: Misfit['part'], code: ErrorCode, message: string): Misfit => ({
    address,
    version,
    part,
    code,
    message,
  });
  const typed = catchFault(() => definitions.get(type));
  if (typed) return { misfits: [misfit('type', typed.code, typed.message)], isMigrated: false };
  // It may have gone meanwhile.
  const actor = await store.call('load', address);
  if (!actor) return { misfits: [], isMigrated: false };
  const life = await readLife(store, definitions, actor);
  if (life.fault)
    return { misfits: [misfit(partOf(life.fault.details), life.fault.code, life.fault.message)], isMigrated: false };
  const misfits = [
    ...findTimers(life, actor).map((text) => misfit('timer', 'ERR_STATE_VERSION', text)),
    ...(await findEvents(store, definitions, actor)).map(({ code, message }) => misfit('event', code, message)),
  ];
  return { misfits, isMigrated: life.version !== life.definition.version };
}

/** As it would be loaded: a damaged state is made again from the rows before it where those are there. */
async function readLife(store: Reads, definitions: Definitions, actor: StoredActor): Promise<StoredLife> {
  const life = readStored(actor, { definitions, boot: '' });
  if (life.fault?.code !== 'ERR_STATE_CORRUPT') return life;
  const { seq } = actor.snapshot;
  const former = await store.call('states', actor.address, { until: seq, before: seq });
  const repaired = former && readStored(actor, { definitions, boot: '', former });
  return repaired && !repaired.fault ? repaired : life;
}

function partOf({ misfit }: Readonly<Record<string, unknown>>): Misfit['part'] {
  return typeof misfit === 'string' && /child/.test(misfit) ? 'child' : 'state';
}

/** Timers that nothing would come of. One whose receiver has gone already is none of them: nothing comes of it as it is. */
function findTimers(life: StoredLife, actor: StoredActor): readonly string[] {
  const { definition, saved, renewed, timersText, row } = life;
  const state = renewed ?? (saved?.state as PersistedState);
  const stored = saved?.state ?? storedState(actor) ?? state;
  return readTimers(timersText).flatMap((timer) => {
    if (!hasActor(stored, timer.target ?? timer.source)) return [];
    const misfit = findTimerMisfit(timer, state, definition.machine);
    return misfit === undefined ? [] : [`Timer '${timer.id}' of a '${row.type}' would do nothing: ${misfit}.`];
  });
}

/** The state before any migration; nothing when it had to be made again. */
function storedState(actor: StoredActor): PersistedState | undefined {
  try {
    return recoverState({ ...actor, owner: actor.address }).state;
  } catch (error) {
    if (isTroupeError(error, 'ERR_STATE_CORRUPT')) return undefined;
    throw error;
  }
}

/** Events that wait for their time or their turn, and that the actor would not take. */
async function findEvents(store: Reads, definitions: Definitions, { address, supervision }: StoredActor) {
  // A substitute takes what it is given.
  if (readRecord(supervision).as !== undefined) return [];
  const [scheduled, inbox] = await Promise.all([
    store.call('scheduled', address, { limit: 10_000 }),
    store.call('inbox', address, { limit: 10_000 }),
  ]);
  const texts = [
    ...scheduled.map(({ text }) => text),
    ...inbox.filter(({ kind }) => kind === 'event').map(({ text }) => text),
  ];
  return texts.flatMap((text) => catchFault(() => definitions.checkStoredEvent(address, text)) ?? []);
}

function catchFault(run: () => unknown): { readonly code: ErrorCode; readonly message: string } | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (isTroupeError(error)) return error;
    throw error;
  }
}
