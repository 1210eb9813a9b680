/**
 * How a family of actors, as it was after one commit, becomes another family: pure, from what was read to what is written. The others are
 * themselves as of the same place in the order of commits, so that what one knows of another is what that was.
 */
import type { Address } from '../actor/address.ts';
import { ROOT } from '../actor/address.ts';
import type { AnyDefinition } from '../actor/define.ts';
import { RowImage, NO_ROW } from '../cell/row-image.ts';
import { encodeSnapshot } from '../state/codec.ts';
import { renameIn, renameInText } from '../state/fork.ts';
import type { Renames } from '../state/fork.ts';
import { sumOfHistory } from '../state/history.ts';
import type { Cause, HistoryRecord } from '../state/history.ts';
import type { Json } from '../state/json.ts';
import type { PersistedState } from '../state/persisted.ts';
import type {
  ActorStatus,
  Adoption,
  Commit,
  InboxRow,
  NewInboxRow,
  ScheduleWrite,
  StoredActor,
} from '../store/store.ts';
import { readRecord, toRecordText } from '../supervision/record.ts';
import type { PastMoment } from './actor-history.ts';

/** What becomes of effect functions that were in flight: they fail, or begin anew under another key. */
export const FORKED_EFFECTS = ['fail', 'run'] as const;
export type ForkedEffects = (typeof FORKED_EFFECTS)[number];

/** One of the family, as it was. */
export interface ForkMember {
  /** As it is now; what does not change is taken from it. */
  readonly actor: StoredActor;
  readonly definition: AnyDefinition;
  readonly moment: PastMoment;
  /** What waited for it then, in order. */
  readonly waiting: readonly Waiting[];
  /** What was scheduled for it then. */
  readonly scheduled: readonly ScheduleWrite[];
  /** Children that were on their way to be made, under their new addresses; what they are made from is as it was. */
  readonly coming: readonly NewInboxRow[];
}

export type Waiting = Pick<InboxRow, 'pos' | 'sender' | 'kind' | 'id' | 'text'>;

/** The whole of it. */
export interface ForkPlan {
  readonly members: readonly ForkMember[];
  readonly renames: ReadonlyMap<Address, Address>;
  readonly effects: ForkedEffects;
  readonly now: number;
}

/** What is written, the root of the family first. */
export function planFork(plan: ForkPlan): readonly Adoption[] {
  return plan.members.map((member) => toAdoption(member, plan));
}

function toAdoption(member: ForkMember, plan: ForkPlan): Adoption {
  const { actor, moment, waiting } = member;
  const { renames } = plan;
  return {
    commit: toCommit(member, plan),
    logFrom: { address: actor.address, untilSeq: moment.row.seq },
    waiting: waiting.map(({ sender, kind, id, text }) => ({
      sender: renames.get(sender) ?? sender,
      kind,
      id,
      text: renameInText(text, renames),
    })),
  };
}

function toCommit(member: ForkMember, plan: ForkPlan): Commit {
  const { actor, moment, scheduled, coming } = member;
  const { renames, now } = plan;
  const { record, row } = moment;
  const state = renameIn(moment.state as Json, renames) as PersistedState;
  const encoded = encodeSnapshot(state);
  const timers = toTimers(record, now - row.at, renames);
  const inFlight = plan.effects === 'fail' ? toInFlight(record, renames) : null;
  const supervision = toSupervision(actor, record, renames);
  const commit: Commit = {
    address: renames.get(actor.address) as Address,
    epoch: 1,
    seq: 1,
    at: now,
    actor: {
      type: actor.type,
      parent: renames.get(actor.parent) ?? ROOT,
      meta: toMeta(member, state),
      spawned: actor.spawned,
    },
    version: record.v,
    status: record.status as ActorStatus,
    state: { kind: 'snapshot', ...encoded },
    ...(actor.error !== null && record.status === 'quarantined' && { error: actor.error }),
    ...(inFlight !== null && { inFlight }),
    ...(supervision !== null && { supervision }),
    ...(timers.length > 0 && {
      timers: JSON.stringify(timers),
      nextDue: Math.min(...timers.map(({ dueAt }) => dueAt)),
    }),
    ...(scheduled.length > 0 && { schedule: toSchedule(scheduled, now - row.at, renames) }),
    ...(record.topics && { subscribe: Object.entries(record.topics).map(([pattern, event]) => ({ pattern, event })) }),
    ...(coming.length > 0 && { inbox: coming.map((row) => ({ ...row, text: renameInText(row.text, renames) })) }),
  };
  const { checksum } = encoded;
  const history = member.definition.policy.history && toFirstEvent(member, commit, { timers, inFlight, tip: checksum });
  return { ...commit, ...(history && { history }), sum: new RowImage(NO_ROW).after(commit, checksum) };
}

type TimerJson = { readonly dueAt: number } & { readonly [field: string]: Json };

/** What was left of each time then is left of it now. */
function toTimers({ timers = [] }: HistoryRecord, shiftMs: number, renames: Renames): readonly TimerJson[] {
  return timers.map((timer) => {
    // Downtime until then is in the time it was due.
    const { downtimeMs: _downtimeMs, ...row } = renameIn(timer, renames) as TimerJson;
    return { ...row, dueAt: row.dueAt + shiftMs };
  });
}

function toSchedule(scheduled: readonly ScheduleWrite[], shiftMs: number, renames: Renames): readonly ScheduleWrite[] {
  return scheduled.map(({ key, dueAt, text }) => ({ key, dueAt: dueAt + shiftMs, text: renameInText(text, renames) }));
}

/** The runs of the original go on there. */
function toInFlight({ inFlight = [] }: HistoryRecord, renames: Renames): string | null {
  if (inFlight.length === 0) return null;
  return JSON.stringify(inFlight.map((run) => ({ ...(renameIn(run, renames) as object), isForked: true })));
}

/** Failures are not inherited; which definition runs is, and what it begins from. */
function toSupervision({ supervision }: StoredActor, { as }: HistoryRecord, renames: Renames): string | null {
  const { origin } = readRecord(supervision);
  return toRecordText({ as, origin: origin && (renameIn(origin as Json, renames) as typeof origin) });
}

/** A context of an older version may be more than `meta` can read: it is computed again when it has been migrated. */
function toMeta({ actor, definition }: ForkMember, { context }: PersistedState): string {
  try {
    return definition.meta ? JSON.stringify(definition.meta(context ?? null)) : actor.meta;
  } catch {
    return actor.meta;
  }
}

function toFirstEvent(
  { actor, moment }: ForkMember,
  commit: Commit,
  beside: { readonly timers: readonly TimerJson[]; readonly inFlight: string | null; readonly tip: number },
): NonNullable<Commit['history']> {
  const { v, as, status, topics } = moment.record;
  const cause: Cause = { kind: 'fork', from: actor.address, seq: moment.row.seq };
  const record: HistoryRecord = {
    v,
    tip: beside.tip,
    ...(as !== undefined && { as }),
    status,
    causes: [cause],
    effects: [],
    ...(beside.timers.length > 0 && { timers: beside.timers }),
    ...(beside.inFlight !== null && { inFlight: JSON.parse(beside.inFlight) as Json[] }),
    ...(topics && { topics }),
  };
  const text = JSON.stringify(record);
  return { text, checksum: sumOfHistory(commit, text, null) };
}
