/** What waited for an actor at a place in its past, and what was scheduled: told from what is there now and what happened since. Pure. */
import type { Address } from '../actor/address.ts';
import type { Cause, HistoryRecord } from '../state/history.ts';
import type { Json } from '../state/json.ts';
import type { InboxKind, InboxRow, ScheduleWrite } from '../store/store.ts';
import type { Waiting } from './fork-plan.ts';

/** Rows that stood in an inbox: of those that still do, and those that were taken since, what had been sent by then. */
export function waitingThen(
  rows: readonly InboxRow[],
  since: readonly HistoryRecord[],
  cut: { readonly isSent: (row: Waiting) => boolean; readonly isMember: (address: Address) => boolean },
): readonly Waiting[] {
  const taken = since.flatMap(({ causes }) => causes).flatMap(toWaiting);
  // What was taken between two looks is in both.
  const byPos = new Map([...rows, ...taken].map((row) => [row.pos, row]));
  return [...byPos.values()]
    .filter((row) => cut.isSent(row) && row.kind !== 'create')
    .filter((row) => row.kind === 'event' || cut.isMember(row.sender))
    .sort((a, b) => a.pos - b.pos)
    .map(({ pos, sender, kind, id, text }) => ({ pos, sender, kind, id, text }));
}

function toWaiting(cause: Cause): readonly Waiting[] {
  if (cause.kind === 'tell') {
    const { from, pos, id, event } = cause;
    return [{ pos, sender: from as Address, kind: 'event', id, text: JSON.stringify(event) }];
  }
  if (cause.kind !== 'order') return [];
  const { from, pos, order, body } = cause;
  return [{ pos, sender: from as Address, kind: order as InboxKind, id: `order:${pos}`, text: JSON.stringify(body) }];
}

/** What was scheduled, and keys of which that cannot be told: they were moved or taken back since, and set before anything that is kept. */
export interface ScheduledThen {
  readonly scheduled: readonly ScheduleWrite[];
  readonly unknown: readonly string[];
}

type Op = { readonly key: string; readonly write: ScheduleWrite | null; readonly isFired?: true };

/**
 * @param now what is scheduled now
 * @param until what happened until then, as far as it is kept, oldest first; `since`: what happened after it
 */
export function scheduledThen(
  now: readonly ScheduleWrite[],
  until: readonly HistoryRecord[],
  since: readonly HistoryRecord[],
): ScheduledThen {
  const then = new Map<string, ScheduleWrite | null>();
  for (const { key, write, isFired } of until.flatMap(toOps)) then.set(key, isFired ? null : write);
  // With the creation among what is kept, nothing was scheduled before.
  const isComplete = until[0]?.causes.some(({ kind }) => kind === 'create') === true;
  const unknown: string[] = [];
  const touched = new Set<string>();
  for (const { key, write, isFired } of since.flatMap(toOps)) {
    if (touched.has(key)) continue;
    touched.add(key);
    if (then.has(key)) continue;
    // An event that was received later had been set before; what else was done to a key says nothing of what it was.
    if (isFired) then.set(key, write);
    else if (!isComplete) unknown.push(key);
  }
  for (const row of now) if (!then.has(row.key) && !touched.has(row.key)) then.set(row.key, row);
  const scheduled = [...then.values()].filter((write) => write !== null);
  return { scheduled: scheduled.map(({ key, dueAt, text }) => ({ key, dueAt, text })), unknown };
}

/** In the order in which a commit does them. */
function toOps({ causes, effects }: HistoryRecord): readonly Op[] {
  const ops: Op[] = [];
  for (const cause of causes) {
    if (cause.kind === 'schedule') ops.push({ key: cause.key, write: toWrite(cause.key, cause), isFired: true });
  }
  for (const effect of effects) {
    const key = effect['key'];
    if (typeof key !== 'string') continue;
    if (effect.kind === 'schedule') ops.push({ key, write: toWrite(key, effect as never) });
    if (effect.kind === 'unschedule') ops.push({ key, write: null });
  }
  return ops;
}

function toWrite(key: string, { dueAt, event }: { readonly dueAt: number; readonly event: Json }): ScheduleWrite {
  return { key, dueAt, text: JSON.stringify(event) };
}
