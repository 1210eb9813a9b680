/**
 * What the runtime says about failures and what it does about them: the data of its topics. They all begin with `system.`, so that
 * `system.>` is everything; nobody else publishes on them. What a cell decides is published in the commit that holds the decision, and
 * so is durable with it; what main sees is published when it is seen.
 */
import type { ThreadEnd } from '../thread/protocol.ts';

/** An error as plain data. */
export interface PlainError {
  readonly name?: string;
  readonly message: string;
  readonly code?: string;
}

/** How an actor failed. */
export const FAILURE_KINDS = ['event', 'start', 'internal', 'stall', 'thread', 'child', 'ended'] as const;
/**
 * `event`: a turn on an event threw; `start`: it threw on entry or when it was restored; `internal`: a timer or the outcome of an effect
 * function failed it; `stall`: an effect function made no progress; `thread`: it blocked or ended its thread; `child`: a child escalated;
 * `ended`: a permanent actor came to its end.
 */
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** What was decided about a failure. */
export const ACTIONS = [
  'retry',
  'dead-letter',
  'restart',
  'replace',
  'quarantine',
  'alert',
  'escalate',
  'end',
] as const;
/**
 * `retry`: from the last commit, and the same event again; `dead-letter`: from the last commit, without the event; `restart`: from the last
 * commit, nothing to try again; `replace`: a substitute takes over; `quarantine`: held, the budget is spent; `alert`: held, as the policy
 * says; `escalate`: held, and its parent fails with it; `end`: a temporary actor ends.
 */
export type Action = (typeof ACTIONS)[number];

/** Why an actor was made anew. */
export type RestartCause = 'failure' | 'strategy' | 'escalation' | 'order' | 'revival';

/** Topics of the runtime, and what is published on each. */
export interface SystemEvents {
  /** An actor failed, and this was decided. */
  'system.actor.failed': {
    readonly address: string;
    readonly parent: string;
    readonly kind: FailureKind;
    /** Id of the event, key of the effect function, or what else it was doing. */
    readonly what?: string;
    readonly error: PlainError;
    readonly decision: Action;
    /** How often in a row: of this event, or of this actor when no event is to blame. 1 for the first. */
    readonly attempt: number;
    /** Pause before it is made anew, in milliseconds. */
    readonly delayMs: number;
    /** Restarts counted within the window, this one included. */
    readonly restarts: number;
  };
  /** An actor has been made anew and serves again. */
  'system.actor.restarted': {
    readonly address: string;
    readonly cause: RestartCause;
    /** Time since the failure, or since the order came, in milliseconds. */
    readonly recoveryMs: number;
  };
  /** A substitute runs in the place of an actor. */
  'system.actor.replaced': { readonly address: string; readonly by: string };
  /** An actor is held. */
  'system.actor.quarantined': { readonly address: string; readonly parent: string; readonly error: PlainError };
  /** A held actor was let go of, or got another try. */
  'system.actor.released': { readonly address: string; readonly how: 'revived' | 'discarded' };
  /** What waits for an actor is not being processed, or a timer is overdue. */
  'system.actor.overdue': {
    readonly address: string;
    readonly what: 'event' | 'timer';
    /** How long it has waited, in milliseconds. */
    readonly ageMs: number;
  };
  /** Sessions that had expired were removed. */
  'system.session.swept': { readonly count: number };
  /** An event was given up on. */
  'system.event.buried': {
    readonly address: string;
    readonly id: string;
    readonly attempts: number;
    readonly error: PlainError;
  };
  /** A worker thread ended that was not meant to. */
  'system.thread.ended': {
    readonly thread: number;
    readonly end: ThreadEnd;
    /** Whose turn or effect function ended it; absent when nobody can be named. */
    readonly culprit?: { readonly address: string; readonly what: string };
    /** Those among whom the culprit is, when it cannot be told which. */
    readonly suspects?: readonly string[];
    readonly error?: PlainError;
    /** Of a hang: how long it was blocked, in milliseconds. */
    readonly blockedMs?: number;
  };
  /** Another thread serves in its place. */
  'system.thread.replaced': { readonly thread: number; readonly recoveryMs: number };
  /** An agent under watch is in another state of health. */
  'system.agent.health': {
    readonly agent: string;
    readonly from: string;
    readonly to: string;
    readonly reason: string;
  };
  /** An agent was out, and something was done about it. */
  'system.agent.recovery': {
    readonly agent: string;
    readonly strategy: string;
    readonly attempt: number;
    readonly isRecovered: boolean;
    readonly recoveryMs?: number;
    readonly replayed?: number;
    readonly failed?: number;
  };
  /** Too many agents failed: no new sessions. */
  'system.degradation.entered': {
    readonly failures: number;
    readonly agents: readonly string[];
    readonly retryAfterMs: number;
  };
  /** Agents have been well for long enough. */
  'system.degradation.left': { readonly durationMs: number };
  /** The store could not save. These three can be read once it can again; `system.onStoreTrouble` tells at once. */
  'system.store.trouble': { readonly error: PlainError };
  /** It has not been able to for five minutes. */
  'system.store.critical': { readonly error: PlainError; readonly outageMs: number };
  /** It saves again. */
  'system.store.recovered': { readonly outageMs: number };
  /** Another system serves a type of actors over NATS that this one was to serve. It tries again every five seconds. */
  'system.nats.unserved': {
    readonly type: string;
    readonly holder: { readonly name: string; readonly host: string; readonly pid: number; readonly since: string };
  };
  /** A type of actors that was not served over NATS is served again. */
  'system.nats.served': { readonly type: string };
  /** In ten seconds the time from publication to handled was over the limit: that of p95. Once per such window. */
  'system.bus.slow': BusSlowness;
  /** It has been for `criticalAfterMs` in every window with events. Once, until it is well again. */
  'system.bus.critical': BusSlowness & { readonly slowForMs: number };
  /** A window was well again. The times are its own. */
  'system.bus.recovered': BusSlowness & { readonly slowForMs: number; readonly wasCritical: boolean };
}

/** How long published events took to be handled, and what may be the reason. */
export interface BusSlowness {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** What p95 is held against, in milliseconds. */
  readonly limitMs: number;
  /** Time they were handled in, in milliseconds. */
  readonly withinMs: number;
  /** The longest the event loop of the main thread was late meanwhile, in milliseconds. */
  readonly mainDelayMs: number;
  /** That was over the limit as well: the main thread is the first place to look. */
  readonly isMainLate: boolean;
}

export type SystemTopic = keyof SystemEvents;

/** First token of the topics of the runtime. */
export const SYSTEM_TOPICS = 'system';

/** How urgent it is what the runtime says on a topic. */
export function priorityOf(topic: SystemTopic): 'critical' | 'high' {
  return topic.endsWith('.critical') ? 'critical' : 'high';
}

/** Says something on a topic of the runtime, without waiting for it to be saved. */
export type Announce = <T extends SystemTopic>(topic: T, data: SystemEvents[T]) => void;

/** An error as these events carry it. */
export function toPlainError(error: unknown): PlainError {
  if (typeof error !== 'object' || error === null) return { message: String(error) };
  const { name, message, code } = error as { name?: unknown; message?: unknown; code?: unknown };
  return {
    ...(typeof name === 'string' && { name }),
    message: typeof message === 'string' ? message : 'unknown error',
    ...(typeof code === 'string' && { code }),
  };
}
