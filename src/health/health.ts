/** The health of agents, as the host program sees it. */
import type { AgentHealth, AgentOptions, HealthStats, RecoveryStrategy } from './agent.ts';

/** Whether the system takes new sessions: `degraded` while too many agents fail. */
export type SystemMode = 'normal' | 'degraded';

/** Agents under watch: actors of this system, and external agents in any process. */
export interface Health {
  /**
   * Puts an agent under watch, and starts monitoring unless `stop` was called. Resolves when that is kept. Of an agent that is known,
   * also from before a restart, options that are left out stay as they are, but for functions.
   * @param agent the address of an actor that exists, or an id for an external agent: 1 to 128 characters of A-Z a-z 0-9 _ : -
   * @throws {TroupeError} ERR_ADDRESS, ERR_ACTOR_TYPE_UNKNOWN, ERR_ACTOR_NOT_FOUND, ERR_OPTIONS_INVALID, ERR_TOPIC_INVALID,
   * ERR_SYSTEM_STOPPED.
   */
  register(agent: string, options?: AgentOptions): Promise<void>;
  /** Ends the watch and forgets the agent. @throws {TroupeError} ERR_AGENT_UNKNOWN, ERR_ADDRESS, ERR_SYSTEM_STOPPED. */
  unregister(agent: string): Promise<void>;
  /**
   * A sign of life of an external agent, the same as publishing on the topic `heartbeat.ID`.
   * @throws {TroupeError} ERR_AGENT_UNKNOWN, ERR_ADDRESS; ERR_OPTIONS_INVALID for an actor, which has no heartbeats.
   */
  heartbeat(agent: string): void;
  /**
   * Notes that an agent got something done.
   * @param type what it did, 1 to 256 characters; shown by `of`
   * @throws {TroupeError} ERR_AGENT_UNKNOWN, ERR_ADDRESS, ERR_OPTIONS_INVALID.
   */
  recordActivity(agent: string, type: string): void;
  /** Resolves when that is kept. An agent that was given up on is tried again. @throws {TroupeError} ERR_AGENT_UNKNOWN, ERR_OPTIONS_INVALID. */
  setRecoveryStrategy(agent: string, strategy: RecoveryStrategy): Promise<void>;
  /** How one agent is. @throws {TroupeError} ERR_AGENT_UNKNOWN, ERR_ADDRESS. */
  of(agent: string): AgentHealth;
  /** How all agents are, in the order they were registered. */
  all(): readonly AgentHealth[];
  stats(): HealthStats;
  /** Goes on with monitoring after `stop`. Times of silence count from here. @throws {TroupeError} ERR_SYSTEM_STOPPED. */
  start(): Promise<void>;
  /** Pauses monitoring: nobody is found missing, nothing is done about anybody. Registrations stay. */
  stop(): Promise<void>;
  /** True while agents are watched. */
  readonly isMonitoring: boolean;
  readonly mode: SystemMode;
}
