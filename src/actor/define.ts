/**
 * Definitions: a plain machine plus its policy, made by `defineActor`. The machine knows nothing of Troupe but the effects
 * it emits; everything the runtime decides by stands in the policy beside it.
 */
import type { AnyStateMachine, ContextFrom, EventFromLogic, InputFrom, OutputFrom, StateValueFrom } from 'xstate';
import type { z } from 'zod';
import { parsePattern } from '../bus/subjects.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { ActorStatus } from '../store/store.ts';
import { assertOwnType } from './address.ts';
import type { Handler } from './define-handler.ts';
import type { Backoff, GiveUp, OnFailure, Restart, Strategy, SupervisionSpec } from '../supervision/spec.ts';
import type { Migrations } from '../state/migrate.ts';
import { RUNTIME_EVENT_TYPES } from './effects.ts';
import { policySchema, resolvePolicy } from './policy.ts';
import type { OverflowPolicy, ParsedPolicy, Role, TimerPolicy } from './policy.ts';

/** Schemas of the events a caller may send, by type, without the `type` field. */
export type EventSchemas = Readonly<Record<string, z.ZodType>>;

/** What may be asked, by type: the schema of the question and that of the answer. */
export type AskSchemas = Readonly<Record<string, { readonly input: z.ZodType; readonly reply: z.ZodType }>>;

/** How a failing actor is treated, and how it treats its children that fail. */
export interface SupervisePolicy {
  /** When the actor is made anew: `permanent`, `transient` (when it fails), or `temporary` (never). @default 'transient' */
  readonly restart?: Restart;
  /** Whom of its children the actor has made anew when one of them fails. @default 'one-for-one' */
  readonly strategy?: Strategy;
  /** Restarts allowed within `withinMs` before the actor is given up on. 4 to 1,000. @default 5 */
  readonly maxRestarts?: number;
  /** Length of the sliding window in milliseconds, counted back from each failure. 1 to 86,400,000. @default 60000 */
  readonly withinMs?: number;
  /** Pauses between restarts. @default { minMs: 50, maxMs: 30000, factor: 2, jitter: 0.2 } */
  readonly backoff?: Partial<Backoff>;
  /** `restart`; `alert`: left down, held like one given up on; or a substitute: `replace(definition)`. @default 'restart' */
  readonly onFailure?: OnFailure;
  /** What happens when the budget is spent: `quarantine`, or `escalate`, so that the parent fails as well. @default 'quarantine' */
  readonly onGiveUp?: GiveUp;
  /** Time a turn, or the synchronous part of an effect function, may block its thread, in milliseconds. 50 to 3,600,000. @default as the system's `hangMs` */
  readonly hangMs?: number;
  /** Time an effect function may go without ending or calling `progress()`, in milliseconds. 10 to 86,400,000, or `false` for any. @default 600000 */
  readonly stallMs?: number | false;
  /** Time the actor gets to stop when its parent stops it, in milliseconds, counted from the order. 0 to 600,000. @default 5000 */
  readonly stopTimeoutMs?: number;
}

/** How much may wait for an actor in memory. What other actors tell it waits on disk beyond that, whatever the policy. */
export interface MailboxPolicy {
  /** Events that wait: as many sent directly, and as many told. 1 to 1,000,000. @default 10000 */
  readonly capacity?: number;
  /** @default 'block' */
  readonly overflow?: OverflowPolicy;
}

/** How much of a history is kept. */
export interface HistoryPolicy {
  /** Events. Up to 255 older ones may stay on disk, unread, with those they are compressed with. 1 to 1,000,000. @default 1000, or any number when `keepMs` is given */
  readonly keep?: number;
  /** Age, in milliseconds. 1,000 to 31,536,000,000. @default any age */
  readonly keepMs?: number;
}

/** What stands beside the machine. */
export interface ActorPolicy<
  TMachine extends AnyStateMachine = AnyStateMachine,
  TInput extends z.ZodType | undefined = undefined,
  TEvents extends EventSchemas | undefined = undefined,
  TAsks extends AskSchemas = Record<never, never>,
> {
  /** Version of the machine; stored with each state. A whole number from 1. @default 1 */
  readonly version?: number;
  /** Schema of the input the actor is created with. Without it the input is passed on unchecked but for being JSON. */
  readonly input?: TInput;
  /** Schemas of the events. Without them every event the machine's types know is accepted if it is JSON. */
  readonly events?: TEvents;
  /** Schemas of the asks. @default {} */
  readonly asks?: TAsks;
  readonly supervise?: SupervisePolicy;
  /** Metadata that callers list and filter by, computed from the context whenever the state is saved. Keep it small. */
  readonly meta?: (context: ContextFrom<TMachine>) => Readonly<Record<string, string | number | boolean>>;
  /** Largest state, in bytes of its JSON, that may be saved. 1,024 to 67,108,864. @default 8388608 */
  readonly maxStateBytes?: number;
  /**
   * Quiet time after which the actor leaves memory until something is there for it, in milliseconds. 10 to 86,400,000, or
   * `false` for never. An actor with an effect function in flight stays. @default 300000
   */
  readonly hibernateAfterMs?: number | false;
  readonly mailbox?: MailboxPolicy;
  /**
   * `false`: nothing is stored. Acknowledged means handled; what its machine tells reaches others at most once; the actor is
   * lost with its thread. For counters, caches, routers. @default true
   */
  readonly durable?: boolean;
  /** `true`: each actor of this type runs in a thread of its own. @default false */
  readonly dedicated?: boolean;
  /**
   * What timers of the machine do after a downtime, by the name of the delay in `after`, or by the `id` of a delayed `raise` or
   * `sendTo`. @default 'deadline' for each
   */
  readonly timers?: Readonly<Record<string, TimerPolicy>>;
  /**
   * Topics every actor of this type receives: pattern to event type, as in `{ 'task.*': 'TASK' }`. What arrives is a `TopicEvent` of
   * that type; the schemas of `events` do not apply to it. @default {}
   */
  readonly topics?: Readonly<Record<string, string>>;
  /**
   * What is kept of how the actor came to be what it is: each event, what it changed and what it led to, for `ref.history()`, `ref.at()`
   * and `system.fork()`. Events beyond either bound go, up to 64 later. With it each event is saved by itself. @default false
   */
  readonly history?: HistoryPolicy | false;
  /**
   * How a state of an older version becomes one of the next, by the version it begins from: `{ 1: (state) => … }` leads to version 2. A step gets
   * value and context (and whatever else is stored), to change or to replace; it must be pure. @default {}
   */
  readonly migrate?: Migrations;
  /** `agent`: when several of them fail within a short time, the system is degraded. `defineAgent` says so itself. @default 'actor' */
  readonly role?: Role;
}

/** The policy with its defaults filled in. */
export interface ResolvedPolicy {
  readonly version: number;
  readonly supervise: SupervisionSpec;
  readonly maxStateBytes: number;
  /** Infinity for never. */
  readonly hibernateAfterMs: number;
  readonly mailbox: Required<MailboxPolicy>;
  readonly isDurable: boolean;
  readonly isDedicated: boolean;
  readonly timers: Readonly<Record<string, TimerPolicy>>;
  readonly topics: Readonly<Record<string, string>>;
  readonly role: Role;
  /** Infinity for any; nothing when no history is kept. */
  readonly history: Required<HistoryPolicy> | undefined;
}

/** A machine plus its policy. Export it from a module listed in `createSystem({ actors })`. */
export interface Definition<
  TMachine extends AnyStateMachine = AnyStateMachine,
  TInput extends z.ZodType | undefined = z.ZodType | undefined,
  TEvents extends EventSchemas | undefined = EventSchemas | undefined,
  TAsks extends AskSchemas = AskSchemas,
> {
  readonly kind: 'troupe.definition';
  readonly type: string;
  readonly version: number;
  readonly machine: TMachine;
  readonly input: TInput;
  readonly events: TEvents;
  readonly asks: TAsks;
  readonly meta: ((context: unknown) => Readonly<Record<string, string | number | boolean>>) | undefined;
  readonly policy: ResolvedPolicy;
  readonly migrate: Migrations;
  /** Present when it was made by `defineHandler`: there is no machine behind it. */
  readonly handler?: Handler;
}

/** Any definition. */
// oxlint-disable-next-line typescript/no-explicit-any -- variance: a definition of any machine is assignable to this
export type AnyDefinition = Definition<any, z.ZodType | undefined, EventSchemas | undefined, AskSchemas>;

/** What a caller passes to create the actor. */
export type InputOf<D> =
  D extends Definition<infer M, infer I, infer _E, infer _A>
    ? I extends z.ZodType
      ? z.input<I>
      : InputFrom<M>
    : never;

/** What stands beside `type`; nothing for an empty schema, whose own input type would forbid even that. */
type Payload<S extends z.ZodType> = z.input<S> extends Readonly<Record<string, never>> ? unknown : z.input<S>;

/** What a caller may send. */
export type EventOf<D> =
  D extends Definition<infer M, infer _I, infer E, infer _A>
    ? E extends EventSchemas
      ? { [K in keyof E & string]: { readonly type: K } & Payload<E[K]> }[keyof E & string]
      : EventFromLogic<M>
    : never;

/** What a caller may ask. */
export type AskOf<D> =
  D extends Definition<infer _M, infer _I, infer _E, infer A>
    ? { [K in keyof A & string]: { readonly type: K } & Payload<A[K]['input']> }[keyof A & string]
    : never;

/** The answer to an ask of type `K`. */
export type ReplyOf<D, K> =
  D extends Definition<infer _M, infer _I, infer _E, infer A>
    ? K extends keyof A
      ? z.output<A[K]['reply']>
      : never
    : never;

/** Committed state, as `snapshot` and `watch` show it. */
export interface StateView<D = AnyDefinition> {
  readonly value: D extends Definition<infer M, infer _I, infer _E, infer _A> ? StateValueFrom<M> : unknown;
  readonly context: D extends Definition<infer M, infer _I, infer _E, infer _A> ? ContextFrom<M> : unknown;
  readonly output?: D extends Definition<infer M, infer _I, infer _E, infer _A> ? OutputFrom<M> : unknown;
  readonly status: ActorStatus;
  /** Number of the commit this state was saved by. */
  readonly seq: number;
}

/**
 * Makes a definition from a machine and its policy.
 * @param type Names the kind of actor; the first part of its addresses. Unique in a system.
 * @throws {TroupeError} ERR_ADDRESS when `type` is outside the grammar; ERR_DEFINITION_INVALID when the machine is not an
 * XState machine or the policy cannot work; the message names the field.
 */
export function defineActor<
  TMachine extends AnyStateMachine,
  TInput extends z.ZodType | undefined = undefined,
  TEvents extends EventSchemas | undefined = undefined,
  TAsks extends AskSchemas = Record<never, never>,
>(
  type: string,
  machine: TMachine,
  policy: ActorPolicy<TMachine, TInput, TEvents, TAsks> = {},
): Definition<TMachine, TInput, TEvents, TAsks> {
  assertOwnType(type);
  if (!isMachine(machine)) {
    throw new TroupeError(
      'ERR_DEFINITION_INVALID',
      `Definition '${type}' has no XState machine. Pass what createMachine() or setup().createMachine() returns.`,
      { details: { type } },
    );
  }
  return definitionOf(type, machine, policy);
}

/**
 * Checks type and policy, and puts a definition together.
 * @throws {TroupeError} ERR_ADDRESS, ERR_DEFINITION_INVALID
 */
export function definitionOf<
  TMachine extends AnyStateMachine,
  TInput extends z.ZodType | undefined,
  TEvents extends EventSchemas | undefined,
  TAsks extends AskSchemas,
>(
  type: string,
  machine: TMachine,
  policy: ActorPolicy<TMachine, TInput, TEvents, TAsks>,
): Definition<TMachine, TInput, TEvents, TAsks> {
  assertOwnType(type);
  const parsed = policySchema.safeParse(policy);
  if (!parsed.success) throw invalidPolicy(type, policy, parsed.error);
  const { version, asks } = parsed.data;
  assertDistinct(type, parsed.data.events, asks);
  assertMigrates(type, parsed.data);
  assertStorable(type, parsed.data);
  assertSupervisable(type, parsed.data);
  return Object.freeze({
    kind: 'troupe.definition',
    type,
    version,
    machine,
    input: policy.input as TInput,
    events: policy.events as TEvents,
    asks: asks as TAsks,
    meta: policy.meta as ((context: unknown) => Readonly<Record<string, string | number | boolean>>) | undefined,
    policy: resolvePolicy({ ...parsed.data, topics: normalizeTopics(type, parsed.data.topics) }),
    migrate: parsed.data.migrate,
  });
}

/** Patterns as the bus knows them. */
function normalizeTopics(type: string, topics: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const normalized = new Map<string, string>();
  for (const [pattern, eventType] of Object.entries(topics)) {
    const parsed = parsePattern(pattern);
    if (normalized.has(parsed)) throw invalidTopic(type, pattern, `stands there twice, as '${parsed}'`);
    if (RUNTIME_EVENT_TYPES.has(eventType))
      throw invalidTopic(type, pattern, `has event type '${eventType}', which only the runtime sends`);
    normalized.set(parsed, eventType);
  }
  return Object.fromEntries(normalized);
}

function invalidTopic(type: string, pattern: string, why: string): TroupeError {
  return new TroupeError(
    'ERR_DEFINITION_INVALID',
    `Definition '${type}' has a topic '${pattern}' that ${why}. Mend it in defineActor('${type}', { topics }).`,
    { details: { type, path: `topics.${pattern}` } },
  );
}

/** True for what `defineActor` returns, also when another copy of the module made it. */
export function isDefinition(value: unknown): value is AnyDefinition {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'troupe.definition';
}

function invalidPolicy(type: string, policy: unknown, error: z.ZodError): TroupeError {
  const issue = error.issues[0];
  const path = issue?.path.join('.') ?? '';
  const value = (issue?.path ?? []).reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], policy);
  const named = path === '' ? '' : `'${path}' is ${describeValue(value)}. `;
  return new TroupeError(
    'ERR_DEFINITION_INVALID',
    `Definition '${type}' has a policy that cannot work: ${named}${issue?.message ?? 'Invalid'}. Mend it in defineActor('${type}', …).`,
    { details: { type, path } },
  );
}

function assertDistinct(type: string, events: EventSchemas | undefined, asks: AskSchemas): void {
  const clash = Object.keys(asks).find((name) => events !== undefined && Object.hasOwn(events, name));
  if (clash === undefined) return;
  throw new TroupeError(
    'ERR_DEFINITION_INVALID',
    `Definition '${type}' lists '${clash}' both in events and in asks. Keep it in one of them.`,
    { details: { type, name: clash } },
  );
}

/** What needs a store cannot stand beside `durable: false`. */
function assertStorable(type: string, policy: ParsedPolicy): void {
  const { durable, topics, timers, migrate, history } = policy;
  const needs = { topics, timers, migrate, history: history === false ? {} : { history } };
  const field = durable ? undefined : Object.entries(needs).find(([, given]) => Object.keys(given).length > 0)?.[0];
  if (field === undefined) return;
  throw new TroupeError(
    'ERR_DEFINITION_INVALID',
    `Definition '${type}' has '${field}', which needs a stored actor, and durable: false. Take one of them out of defineActor('${type}', …).`,
    { details: { type, path: field } },
  );
}

/** A step that begins at the version, or after it, is none to it. */
function assertMigrates(type: string, { version, migrate }: ParsedPolicy): void {
  const step = Object.keys(migrate).find((from) => Number(from) >= version);
  if (step === undefined) return;
  throw new TroupeError(
    'ERR_DEFINITION_INVALID',
    `Definition '${type}' has version ${version} and a step of migrate from version ${step}. Raise the version to ${Number(step) + 1}, or take the step out of defineActor('${type}', …).`,
    { details: { type, path: `migrate.${step}` } },
  );
}

/** What is never made anew cannot say how, and what is not stored has nobody above or below it. */
function assertSupervisable(type: string, { durable, supervise }: ParsedPolicy): void {
  const { restart, onFailure } = supervise;
  const field = durable ? undefined : FOR_STORED.find((name) => supervise[name] !== USUAL[name]);
  if (field) {
    throw new TroupeError(
      'ERR_DEFINITION_INVALID',
      `Definition '${type}' has supervise.${field}, which needs a stored actor, and durable: false. Take one of them out of defineActor('${type}', …).`,
      { details: { type, path: `supervise.${field}` } },
    );
  }
  const clash = onFailure === 'restart' ? 'onGiveUp' : 'onFailure';
  if (restart !== 'temporary' || supervise[clash] === USUAL[clash]) return;
  throw new TroupeError(
    'ERR_DEFINITION_INVALID',
    `Definition '${type}' is temporary, so that its first failure ends it, and has supervise.${clash}. Take one of them out of defineActor('${type}', …).`,
    { details: { type, path: `supervise.${clash}` } },
  );
}

const USUAL = { restart: 'transient', strategy: 'one-for-one', onFailure: 'restart', onGiveUp: 'quarantine' } as const;
const FOR_STORED = ['restart', 'strategy', 'onFailure', 'onGiveUp'] as const;

function isMachine(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '__xstatenode' in value && 'root' in value;
}
