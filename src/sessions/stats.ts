/** Statistics of sessions: one count by the store, and what hosts counted in shared memory. */
import { session } from '../../actors/session.ts';
import { LIFECYCLES } from '../../machines/session.ts';
import type { Lifecycle } from '../../machines/session.ts';
import { ACTOR_STATUSES } from '../store/store.ts';
import type { ActorStatus } from '../store/store.ts';
import type { TallyRow } from '../store/queries.ts';
import type { System } from '../system/system.ts';
import type { LatencySummary } from '../observe/histogram.ts';

/** What sessions there are, what they hold, and how fast they are. */
export interface SessionStats {
  readonly sessions: number;
  readonly byLifecycle: Readonly<Record<Lifecycle, number>>;
  readonly byStatus: Readonly<Record<ActorStatus, number>>;
  /** Messages that are kept. */
  readonly messages: number;
  /** Of their states as stored. */
  readonly stateBytes: number;
  /** Of their messages. */
  readonly logBytes: number;
  /** From a commit being posted to its being durable, since the system began. */
  readonly save: LatencySummary;
  /** From the begin of a load to the session living in memory, since the system began. */
  readonly restore: LatencySummary;
}

/** Reads the statistics of all sessions. */
export async function readStats({ store, threads }: System): Promise<SessionStats> {
  const rows = await store.call('tally', { type: session.type, metaKey: 'lifecycle' });
  const sum = (of: (row: TallyRow) => number, among = rows) => among.reduce((total, row) => total + of(row), 0);
  const count = (among: readonly TallyRow[]) => sum(({ actors }) => actors, among);
  return {
    sessions: count(rows),
    byLifecycle: countBy(LIFECYCLES, (name) => count(rows.filter(({ value }) => value === name))),
    byStatus: countBy(ACTOR_STATUSES, (name) => count(rows.filter(({ status }) => status === name))),
    messages: sum(({ logRows }) => logRows),
    stateBytes: sum(({ stateBytes }) => stateBytes),
    logBytes: sum(({ logBytes }) => logBytes),
    save: threads.latencies.saves,
    restore: threads.latencies.restores,
  };
}

function countBy<T extends string>(names: readonly T[], count: (name: T) => number): Readonly<Record<T, number>> {
  return Object.fromEntries(names.map((name) => [name, count(name)])) as Record<T, number>;
}
