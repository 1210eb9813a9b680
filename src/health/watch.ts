/** One agent under watch, as it changes. Times are by the monotonic clock where the name says `Ms`, by the wall clock for `At`. */
import type { AgentFunctions, AgentHealth, AgentRecord, AgentState, ReplayResult } from './agent.ts';
import { RecentIds } from '../bus/recent-ids.ts';
import type { Waiting } from './judge.ts';
import type { ReplayTally } from './replay.ts';

/**
 * A stretch of time in which an agent is out. `waiting`: the next try is due at `untilMs`; `acting`: a try is under way, given up at
 * `untilMs`; `watching`: a try is done, and a sign of life must come until `untilMs`; `back`: it is here again, what it missed is being
 * handed over; `given-up`: nothing more is done.
 */
export interface Outage {
  readonly sinceMs: number;
  readonly isZombie: boolean;
  /** It is in the statistics already, as given up, or is none that belongs there. */
  isCounted: boolean;
  /** Nothing can be done about it: its actor has come to its end. */
  readonly isLost: boolean;
  phase: 'waiting' | 'acting' | 'watching' | 'back' | 'given-up';
  untilMs: number;
  /** Tells an answer of this try from one of an earlier try. */
  token: number;
  /** What came of handing over what was missed, all parts together. */
  readonly missed: ReplayTally;
}

export class Watch {
  readonly agent: string;
  readonly isActor: boolean;
  record: AgentRecord;
  functions: AgentFunctions = {};
  state: AgentState = 'healthy';
  reason = 'registered';
  stateAt: number;
  beatMs: number;
  beatAt: number;
  activityMs: number;
  activityAt: number | undefined;
  activity: string | undefined;
  /** Of an actor: what waits for it. */
  waiting: Waiting | undefined;
  /** Of an actor that is being made anew by its own supervision, or whose thread is: until when that may take. */
  mendedUntilMs: number | undefined;
  outage: Outage | undefined;
  attempts = 0;
  /** When it last came back. */
  recoveredMs = 0;
  /** Position of the last event it can have seen. */
  place: number;
  lastReplay: ReplayResult | undefined;
  readonly delivered = new RecentIds();

  constructor(record: AgentRecord, now: { readonly ms: number; readonly at: number; readonly place: number }) {
    this.agent = record.agent;
    this.isActor = record.agent.includes('/');
    this.record = record;
    this.stateAt = now.at;
    this.beatMs = now.ms;
    this.beatAt = now.at;
    this.activityMs = now.ms;
    this.place = record.place ?? now.place;
  }

  /**
   * A look of the recovery loop saw what waits for it first. One that has moved since the look before is busy.
   * @param pos undefined when nothing waits
   */
  noteWaiting(pos: number | undefined, nowMs: number): void {
    const sinceMs = pos === this.waiting?.pos ? this.waiting?.sinceMs : nowMs;
    this.waiting = pos === undefined ? undefined : { pos, sinceMs: sinceMs ?? nowMs, seenMs: nowMs };
  }

  /** So much of its silence was nobody's fault. */
  forgive(ms: number, nowMs: number): void {
    this.beatMs = Math.min(nowMs, this.beatMs + ms);
    this.activityMs = Math.min(nowMs, this.activityMs + ms);
    if (this.waiting) this.waiting = { ...this.waiting, sinceMs: Math.min(nowMs, this.waiting.sinceMs + ms) };
  }

  /** What is due at some time is due so much later. */
  postpone(ms: number): void {
    if (this.mendedUntilMs !== undefined) this.mendedUntilMs += ms;
    if (this.outage) this.outage.untilMs += ms;
  }

  /** A copy for callers. */
  view(): AgentHealth {
    return {
      agent: this.agent,
      kind: this.isActor ? 'actor' : 'external',
      state: this.state,
      reason: this.reason,
      since: this.stateAt,
      strategy: this.record.strategy,
      ...(!this.isActor && { lastHeartbeatAt: this.beatAt }),
      ...(this.activityAt !== undefined && { lastActivityAt: this.activityAt }),
      ...(this.activity !== undefined && { lastActivity: this.activity }),
      attempts: this.attempts,
      ...(this.lastReplay && { lastReplay: this.lastReplay }),
    };
  }
}
