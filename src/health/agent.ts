/** What is known of an agent under watch: what it was registered with, and how it is. Plain data. */
import type { ReplayPolicy } from '../bus/bus.ts';
import type { BusEvent } from '../bus/topic-event.ts';

/**
 * How an agent is. `healthy`; `disconnected`: no sign of life; `zombie`: signs of life, but nothing gets done; `recovering`: something is
 * being done about it; `degraded`: it is back, but most of what it had missed could not be handed over; `failed`: down until it comes back
 * by itself or somebody acts.
 */
export const AGENT_STATES = ['healthy', 'disconnected', 'zombie', 'recovering', 'degraded', 'failed'] as const;
export type AgentState = (typeof AGENT_STATES)[number];

/** What to do about an agent that is out: start it anew, put a substitute in its place, or only say so. */
export type RecoveryStrategy = 'restart' | 'alert' | { readonly replace: string };

/** What the host program does for an agent. Functions are not kept: register again after a restart of the process. */
export interface AgentFunctions {
  /**
   * Starts an external agent anew; called for strategy `restart`. It has worked when the agent gives a sign of life afterwards.
   * @param attempt 1 for the first try of this outage
   */
  readonly recover?: (attempt: number) => unknown;
  /** Puts the substitute in the agent's place, under the agent's id; called for strategy `replace`. */
  readonly replaceWith?: (substitute: string) => unknown;
  /** Takes the events the agent missed, one at a time, in the order they were published. What it throws at comes once more. */
  readonly deliver?: (event: BusEvent) => unknown;
}

/** Options of `health.register`. */
export interface AgentOptions extends AgentFunctions {
  /** @default 'restart' */
  readonly strategy?: RecoveryStrategy;
  /** Of an external agent: time between two heartbeats, in milliseconds. 100 to 3,600,000. @default 2000 */
  readonly heartbeatMs?: number;
  /** Of an external agent: heartbeats that may be missed before it counts as disconnected. 1 to 100. @default 2 */
  readonly missedBeats?: number;
  /**
   * Time without recorded activity after which an external agent counts as a zombie although its heartbeats come; for an actor, time
   * that something may wait for it without any progress. In milliseconds, 1,000 to 86,400,000, or `false` for never. @default 60000
   */
  readonly zombieAfterMs?: number | false;
  /** Tries in a row before the agent counts as failed. 1 to 1,000. @default 10 */
  readonly maxAttempts?: number;
  /** Patterns of topics whose events are handed over after an outage; needs `deliver`. At most 32. @default [] */
  readonly topics?: readonly string[];
  /** @default 'critical-only' */
  readonly replay?: ReplayPolicy;
}

/** What is kept of an agent in the store. */
export interface AgentRecord {
  readonly agent: string;
  readonly strategy: RecoveryStrategy;
  readonly heartbeatMs: number;
  readonly missedBeats: number;
  /** 0 for never. */
  readonly zombieAfterMs: number;
  readonly maxAttempts: number;
  readonly topics: readonly string[];
  readonly replay: ReplayPolicy;
  /** While it is out: the position of the last event it can have seen. */
  readonly place?: number;
}

/** What came of handing over what an agent had missed. */
export interface ReplayResult {
  /** Events that were handed over. */
  readonly replayed: number;
  /** Events that could not be, tried twice each. */
  readonly failed: number;
  /** Events left out because they had been handed over before. */
  readonly skipped: number;
  /** The first hundred of those that failed. */
  readonly failures: readonly { readonly id: string; readonly topic: string; readonly error: string }[];
}

/** How an agent is. Times are milliseconds since the epoch. */
export interface AgentHealth {
  readonly agent: string;
  readonly kind: 'actor' | 'external';
  readonly state: AgentState;
  /** Why it is in this state. */
  readonly reason: string;
  /** When it came to be in this state. */
  readonly since: number;
  readonly strategy: RecoveryStrategy;
  /** Of an external agent: when the last heartbeat came, or when the watch began. */
  readonly lastHeartbeatAt?: number;
  readonly lastActivityAt?: number;
  readonly lastActivity?: string;
  /** Tries in a row. */
  readonly attempts: number;
  readonly lastReplay?: ReplayResult;
}

/** Numbers over all agents, since this system began. */
export interface HealthStats {
  readonly agents: number;
  readonly states: Readonly<Record<AgentState, number>>;
  /** Outages that something was done about, or that ended by themselves. */
  readonly outages: number;
  readonly recovered: number;
  /** Outages that were given up on. */
  readonly givenUp: number;
  /** Part of the outages that are over which ended in a recovery: 0 to 1; 1 when there was none. */
  readonly recoveryRate: number;
  /** From the moment it was seen until the agent served again, in milliseconds, over the last 1,000; 0 when there was none. */
  readonly meanRecoveryMs: number;
  readonly p99RecoveryMs: number;
  readonly replayed: number;
  readonly replayFailed: number;
  /** What the watch itself costs on the main thread. */
  readonly monitor: {
    readonly looks: number;
    readonly cpuMs: number;
    /** Of one core, since monitoring first started. */
    readonly cpuPercent: number;
  };
}
