/** What an agent's signs of life say about it: pure, plain arithmetic, asked for every agent at every look. */
import type { AgentRecord } from './agent.ts';

/** The oldest event that waits for an actor, as looks of the recovery loop saw it. Times by the monotonic clock. */
export interface Waiting {
  readonly pos: number;
  /** When it was first seen to be the oldest. */
  readonly sinceMs: number;
  /** When it was last seen to be: whether it has moved since then nobody knows. */
  readonly seenMs: number;
}

/** What is known of the signs of life of an agent. Times by the monotonic clock. */
export interface Signs {
  readonly isActor: boolean;
  readonly record: Pick<AgentRecord, 'heartbeatMs' | 'missedBeats' | 'zombieAfterMs'>;
  readonly beatMs: number;
  readonly activityMs: number;
  readonly waiting: Waiting | undefined;
}

export type Verdict = 'alive' | 'disconnected' | 'zombie';

/**
 * Decides how an agent is. An actor sends no heartbeats: it is a zombie when the event it must process next has been the same for
 * too long, however much waits behind it, and everything else about it comes as events.
 */
export function judge(signs: Signs, nowMs: number): Verdict {
  const { isActor, record, beatMs, activityMs, waiting } = signs;
  const { heartbeatMs, missedBeats, zombieAfterMs } = record;
  if (!isActor && nowMs - beatMs >= heartbeatMs * missedBeats + graceMs(heartbeatMs)) return 'disconnected';
  if (zombieAfterMs === 0) return 'alive';
  if (!isActor) return nowMs - activityMs >= zombieAfterMs ? 'zombie' : 'alive';
  if (waiting === undefined) return 'alive';
  return waiting.seenMs - Math.max(waiting.sinceMs, activityMs) >= zombieAfterMs ? 'zombie' : 'alive';
}

/** Why the verdict fell, for people. */
export function reasonOf({ isActor, beatMs, activityMs, waiting }: Signs, verdict: Verdict, nowMs: number): string {
  const ago = (sinceMs: number): string => `${Math.round(nowMs - sinceMs)} ms`;
  if (verdict === 'disconnected') return `no heartbeat for ${ago(beatMs)}`;
  if (!isActor) return `heartbeats, but no activity for ${ago(activityMs)}`;
  return `no progress: something has waited for ${ago(waiting?.sinceMs ?? nowMs)}`;
}

/** A heartbeat that is on its way when its time is over is not missed: a tenth of the interval, a quarter of a second at most. */
function graceMs(heartbeatMs: number): number {
  return Math.min(250, heartbeatMs / 10);
}

/** Most and least time between two looks, in milliseconds. */
const MOST_LOOK_MS = 500;
const LEAST_LOOK_MS = 25;

/** Looks within the shortest interval of heartbeats. */
const LOOKS = 8;

/** Time between two looks that sees the shortest heartbeat missed soon after. */
export function lookEveryMs(shortestHeartbeatMs: number): number {
  return Math.max(LEAST_LOOK_MS, Math.min(MOST_LOOK_MS, shortestHeartbeatMs / LOOKS));
}
