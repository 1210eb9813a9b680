/** From an exported session to what the store adopts: pure, but for the definitions it asks. */
import { ROOT, typeOf } from '../../actor/address.ts';
import type { Address } from '../../actor/address.ts';
import type { Definitions } from '../../actor/definitions.ts';
import { readStored } from '../../cell/load.ts';
import { NO_ROW, RowImage } from '../../cell/row-image.ts';
import { TroupeError, isTroupeError } from '../../errors.ts';
import { encodeSnapshot } from '../../state/codec.ts';
import { renameIn, renameInText } from '../../state/fork.ts';
import type { Renames } from '../../state/fork.ts';
import { sumOfHistory } from '../../state/history.ts';
import type { HistoryRecord } from '../../state/history.ts';
import type { Json } from '../../state/json.ts';
import type { PersistedState } from '../../state/persisted.ts';
import { endsActor } from '../../store/decide.ts';
import type { Adoption, Commit, StoredActor } from '../../store/store.ts';
import { readRecord } from '../../supervision/record.ts';
import { readText } from './inner.ts';
import type { ActorParts, SessionParts } from './reader.ts';

/** What is known when a session is planned. */
export interface PlanContext {
  readonly definitions: Definitions;
  /** New addresses by old; those that stay are not in it. */
  readonly renames: Renames;
  readonly now: number;
}

/**
 * What is written for a session, the session itself first.
 * @throws {TroupeError} ERR_ACTOR_TYPE_UNKNOWN, ERR_STATE_VERSION, ERR_STATE_MIGRATION, ERR_STATE_CORRUPT, each with its line.
 */
export function planSession({ actors }: SessionParts, context: PlanContext): readonly Adoption[] {
  return actors.map((parts) => toAdoption(parts, context));
}

function toAdoption(parts: ActorParts, context: PlanContext): Adoption {
  const { renames } = context;
  const commit = toCheckedCommit(parts, context);
  return {
    commit,
    log: parts.log.map(([n, at, text]) => ({ n, at, text })),
    waiting: parts.waiting.map(({ sender, kind, id, text }) => ({
      sender: (renames.get(sender) ?? sender) as Address,
      kind,
      id,
      text: renamed(text, renames),
    })),
  };
}

function toCheckedCommit(parts: ActorParts, context: PlanContext): Commit {
  try {
    const commit = toCommit(parts, context);
    assertUsable(commit, context.definitions);
    const { history } = context.definitions.get(typeOf(parts.address)).policy;
    return history ? { ...commit, history: toFirstEvent(commit) } : commit;
  } catch (error) {
    throw explain(parts, error);
  }
}

function toCommit({ address, body, scheduled }: ActorParts, { renames, now }: PlanContext): Commit {
  const { version, status, error, meta, spawned, shape, supervision, inFlight, subscriptions } = body;
  const state = readText(body.state);
  const encoded = encodeSnapshot((renames.size === 0 ? state : renameIn(state, renames)) as PersistedState);
  const actor = { type: typeOf(address), parent: (renames.get(body.parent) ?? body.parent) as Address, meta, spawned };
  const shiftMs = now - body.at;
  const base: Commit = {
    address: (renames.get(address) ?? address) as Address,
    epoch: 1,
    seq: 1,
    at: now,
    actor,
    version,
    status,
  };
  const commit: Commit = {
    ...base,
    state: { kind: 'snapshot', ...encoded },
    ...(shape !== null && { shape }),
    ...(error !== null && { error }),
    ...(supervision !== null && { supervision: renamed(supervision, renames) }),
    ...(!endsActor(base) && {
      ...toTimers(body.timers, shiftMs, renames),
      ...(inFlight !== null && { inFlight: renamed(inFlight, renames) }),
      ...(subscriptions.length > 0 && { subscribe: subscriptions }),
      ...(scheduled.length > 0 && {
        schedule: scheduled.map(({ key, dueAt, text }) => ({
          key,
          dueAt: dueAt + shiftMs,
          text: renamed(text, renames),
        })),
      }),
    }),
  };
  return { ...commit, sum: new RowImage(NO_ROW).after(commit, encoded.checksum) };
}

type TimerJson = { readonly dueAt: number } & { readonly [field: string]: Json };

/** What was left of each time then is left of it now. */
function toTimers(text: string | null, shiftMs: number, renames: Renames): Pick<Commit, 'timers' | 'nextDue'> {
  const timers = (text === null ? [] : (readText(text) as readonly TimerJson[])).map((timer) => {
    // Downtime until then is in the time it was due.
    const { downtimeMs: _downtimeMs, ...row } = renameIn(timer, renames) as TimerJson;
    return { ...row, dueAt: row.dueAt + shiftMs };
  });
  if (timers.length === 0) return {};
  return { timers: JSON.stringify(timers), nextDue: Math.min(...timers.map(({ dueAt }) => dueAt)) };
}

function renamed(text: string, renames: Renames): string {
  return renames.size === 0 ? text : renameInText(text, renames);
}

/** What the history of an actor begins with that keeps one. */
function toFirstEvent(commit: Commit): NonNullable<Commit['history']> {
  const { as } = readRecord(commit.supervision ?? null);
  const record: HistoryRecord = {
    v: commit.version,
    ...(as !== undefined && { as }),
    status: commit.status,
    ...(commit.state && { tip: commit.state.checksum }),
    causes: [{ kind: 'import' }],
    effects: [],
    ...(typeof commit.timers === 'string' && { timers: readText(commit.timers) as readonly Json[] }),
    ...(typeof commit.inFlight === 'string' && { inFlight: readText(commit.inFlight) as readonly Json[] }),
    ...(commit.subscribe && {
      topics: Object.fromEntries(commit.subscribe.map(({ pattern, event }) => [pattern, event])),
    }),
  };
  const text = JSON.stringify(record);
  return { text, checksum: sumOfHistory(commit, text, null) };
}

/** Reads what will be written as its cell will: what that would not take is refused here. */
function assertUsable(commit: Commit, definitions: Definitions): void {
  const { fault } = readStored(toStored(commit), { definitions, boot: '' });
  if (fault) throw fault;
}

/** Where what cannot be used stands. */
function explain({ line, address }: ActorParts, error: unknown): unknown {
  if (!isTroupeError(error)) return error;
  const message = `The import, line ${line} holds '${address}', which cannot be used: ${error.message}`;
  return new TroupeError(error.code, message, { cause: error, details: { ...error.details, line } });
}

function toStored(commit: Commit): StoredActor {
  const { address, version, status, state, at, actor } = commit;
  return {
    address,
    type: actor?.type ?? '',
    parent: actor?.parent ?? ROOT,
    epoch: 1,
    seq: 1,
    version,
    status,
    error: commit.error ?? null,
    shape: commit.shape ?? null,
    sum: commit.sum ?? null,
    snapshot: { seq: 1, text: state?.text ?? '', checksum: state?.checksum ?? 0 },
    deltas: [],
    marks: null,
    supervision: commit.supervision ?? null,
    inFlight: commit.inFlight ?? null,
    timers: commit.timers ?? null,
    subscriptions: commit.subscribe ?? [],
    meta: actor?.meta ?? '{}',
    spawned: actor?.spawned ?? 0,
    createdAt: at,
    updatedAt: at,
  };
}
