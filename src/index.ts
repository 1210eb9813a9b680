/** The public surface of Troupe. */
export { defineActor } from './actor/define.ts';
export type {
  ActorPolicy,
  AnyDefinition,
  AskOf,
  Definition,
  EventOf,
  HistoryPolicy,
  InputOf,
  MailboxPolicy,
  ReplyOf,
  StateView,
  SupervisePolicy,
} from './actor/define.ts';
export type { OverflowPolicy, Role, TimerPolicy } from './actor/policy.ts';
export { replace } from './supervision/spec.ts';
export type { Backoff, GiveUp, OnFailure, Replacement, Restart, Strategy } from './supervision/spec.ts';
export type {
  Action,
  BusSlowness,
  FailureKind,
  PlainError,
  RestartCause,
  SystemEvents,
  SystemTopic,
} from './supervision/events.ts';
export { defineHandler } from './actor/define-handler.ts';
export type { HandledEvent, HandlerOptions } from './actor/define-handler.ts';
export { parseAddress, toAddress } from './actor/address.ts';
export type { Address } from './actor/address.ts';
export {
  append,
  deliver,
  publish,
  reply,
  schedule,
  spawn,
  stop,
  subscribe,
  tell,
  trim,
  unschedule,
  unsubscribe,
} from './actor/effects.ts';
export type { ActorEvent, ChildExitedEvent, ChildReplacedEvent, Effect, ReplyToken, When } from './actor/effects.ts';
export { REPLAY_POLICIES } from './bus/bus.ts';
export type {
  Bus,
  BusHandler,
  BusSubscription,
  ClearQuery,
  EventAttributes,
  EventLog,
  ExportedEvents,
  HandlerContext,
  PublishOptions,
  ReceivedEvent,
  ReplayedInto,
  ReplayPolicy,
  ReplayQuery,
  ReplayWindow,
  RetryBackoff,
  SubscribeOptions,
} from './bus/bus.ts';
export type { AgentPolicy, BusOptions, PolicyWindow, SubscriberOptions } from './bus/policies.ts';
export type { BusLatency, BusStats, KeptEvents, NatsBusStats, SubscriberStats } from './bus/bus-stats.ts';
export type { NatsOptions, NatsStreamOptions, NatsTls } from './nats/client.ts';
export { PRIORITIES } from './bus/topic-event.ts';
export type { BusEvent, Priority, TopicEvent } from './bus/topic-event.ts';
export { fromEffect } from './actor/from-effect.ts';
export type { EffectArgs, EffectFunction, EffectOptions, InterruptedPolicy } from './actor/from-effect.ts';
export { ERROR_CATALOGUE, TroupeError, isTroupeError } from './errors.ts';
export type { ErrorCode, ErrorDetails } from './errors.ts';
export type { Cause, Change, RecordedEffect } from './state/history.ts';
export type { Json } from './state/json.ts';
export type { MigratedState, Migration, Migrations } from './state/migrate.ts';
export type { ListQuery, LogQuery, Page, StoreStats } from './store/queries.ts';
export type { ActorStatus, ActorSummary, StoredDeadLetter } from './store/store.ts';
export type { CreateGroup, Group, GroupFilter, Groups, GroupSummary, NewMember } from './groups/groups.ts';
export type { Lifecycle } from '../machines/session.ts';
export type {
  CreateSession,
  SayOptions,
  Session,
  SessionFilter,
  Sessions,
  SessionSummary,
  TrimOptions,
} from './sessions/sessions.ts';
export type { ImportOptions, ImportResult } from './sessions/transfer/import.ts';
export type { SessionStats } from './sessions/stats.ts';
export type { LatencySummary } from './observe/histogram.ts';
export type { SessionAgents } from './sessions/agents.ts';
export type { CreateVersions, Merge, PutOptions, Version, Versions } from './versions/versions.ts';
export type { Following, FollowOptions } from './versions/follow.ts';
export type { KeysQuery, Kv, SetOptions } from './kv/kv.ts';
export { AGENT_STATES } from './health/agent.ts';
export type {
  AgentFunctions,
  AgentHealth,
  AgentOptions,
  AgentState,
  HealthStats,
  RecoveryStrategy,
  ReplayResult,
} from './health/agent.ts';
export type { Health, SystemMode } from './health/health.ts';
export type { DegradationOptions } from './health/settings.ts';
export type { CopyResult } from './store/backup/task.ts';
export { restoreBackup } from './system/backup.ts';
export type { RestoreOptions } from './system/backup.ts';
export type { ActorEventEntry, EventQuery, PastState } from './system/actor-history.ts';
export type { Misfit, VersionReport } from './system/check-versions.ts';
export { checkVersions } from './system/deploy-check.ts';
export type { CheckVersionsOptions } from './system/deploy-check.ts';
export { createSystem } from './system/create-system.ts';
export type { LetterQuery } from './system/dead-letters.ts';
export type { ForkOptions, ForkResult } from './system/fork.ts';
export type { HistoryEntry } from './system/history.ts';
export type { SystemOptions } from './system/options.ts';
export type { Delivery, DeliveryHandler } from './system/outbox.ts';
export type { ActorRef, AskOptions, SendOptions } from './system/ref.ts';
export type { UpdateOptions } from './system/update.ts';
export type { LifecycleView } from './supervision/supervisor.ts';
export type { OverdueStats } from './system/overdue.ts';
export type { StoreListener, StoreStatus } from './system/store-status.ts';
export type { StopOptions, System, SystemStats } from './system/system.ts';
export type { ActorTree, TreeNode, TreeOptions } from './system/tree.ts';
