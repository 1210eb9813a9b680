/** What the effects of one or several turns write, in the order the machine asked for it. */
import type {
  IdempotencyWrite,
  NewInboxRow,
  NewOutboxRow,
  NewPublication,
  ScheduleWrite,
  Subscription,
} from '../store/store.ts';

export interface EffectRows {
  readonly inbox: NewInboxRow[];
  readonly outbox: NewOutboxRow[];
  readonly log: string[];
  /** Rows of the log that are left after all of this; undefined when none goes. */
  keepLog: number | undefined;
  readonly replies: Required<IdempotencyWrite>[];
  readonly publish: NewPublication[];
  /** The last word on each key: what it is scheduled to, or null when it is taken back. */
  readonly schedules: Map<string, ScheduleWrite | null>;
  /** The last word on each pattern: the event type, or null when the subscription ends. */
  readonly subscriptions: Map<string, string | null>;
}

export function createEffectRows(): EffectRows {
  return {
    inbox: [],
    outbox: [],
    log: [],
    keepLog: undefined,
    replies: [],
    publish: [],
    schedules: new Map(),
    subscriptions: new Map(),
  };
}

/** Appends to the log; what was to be left before is left beside it. */
export function appendLog(rows: EffectRows, entries: readonly string[]): void {
  rows.log.push(...entries);
  if (rows.keepLog !== undefined) rows.keepLog += entries.length;
}

/** Leaves no more than so many rows of the log. */
export function trimLog(rows: EffectRows, keep: number): void {
  rows.keepLog = Math.min(rows.keepLog ?? keep, keep);
}

/** Adds the rows of a later turn. */
export function addEffectRows(rows: EffectRows, later: EffectRows): void {
  rows.inbox.push(...later.inbox);
  rows.outbox.push(...later.outbox);
  appendLog(rows, later.log);
  if (later.keepLog !== undefined) trimLog(rows, later.keepLog);
  rows.replies.push(...later.replies);
  rows.publish.push(...later.publish);
  for (const [key, write] of later.schedules) rows.schedules.set(key, write);
  for (const [pattern, event] of later.subscriptions) rows.subscriptions.set(pattern, event);
}

export function hasEffectRows(rows: EffectRows): boolean {
  const { inbox, outbox, log, replies, publish, schedules, subscriptions } = rows;
  const count = inbox.length + outbox.length + log.length + replies.length + publish.length;
  return count + schedules.size + subscriptions.size > 0 || rows.keepLog !== undefined;
}

/** What a commit says of schedules and subscriptions. */
export function toScheduleFields({ schedules, subscriptions }: EffectRows): {
  readonly schedule?: readonly ScheduleWrite[];
  readonly unschedule?: readonly string[];
  readonly subscribe?: readonly Subscription[];
  readonly unsubscribe?: readonly string[];
} {
  if (schedules.size + subscriptions.size === 0) return {};
  const schedule = [...schedules.values()].filter((write) => write !== null);
  const unschedule = [...schedules].filter(([, write]) => write === null).map(([key]) => key);
  const subscribe = [...subscriptions].flatMap(([pattern, event]) => (event === null ? [] : [{ pattern, event }]));
  const unsubscribe = [...subscriptions].filter(([, event]) => event === null).map(([pattern]) => pattern);
  return {
    ...(schedule.length > 0 && { schedule }),
    ...(unschedule.length > 0 && { unschedule }),
    ...(subscribe.length > 0 && { subscribe }),
    ...(unsubscribe.length > 0 && { unsubscribe }),
  };
}
