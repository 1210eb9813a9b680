/**
 * The option `bus` of createSystem, the same in code and in a file: when the bus counts as slow, and what subscriptions and agents get that do
 * not say so themselves. Pure.
 */
import { z } from 'zod';
import { describeValue } from '../describe.ts';
import { isTroupeError } from '../errors.ts';
import { checkAgent } from '../health/checks.ts';
import type { AlarmSettings } from './alarm.ts';
import { REPLAY_POLICIES } from './bus.ts';
import type { ReplayPolicy, SubscribeOptions } from './bus.ts';
import { checkName } from './checks.ts';
import { parsePattern } from './subjects.ts';
import { PRIORITIES } from './topic-event.ts';
import type { Priority } from './topic-event.ts';

/** What a subscription gets of what was published before it began. */
export interface PolicyWindow {
  /** @default 'critical-only' */
  readonly policy?: ReplayPolicy;
  /** Only events from this time on: a Date, milliseconds since the epoch, or a text such as '2026-11-21T12:00:00Z'. */
  readonly since?: number | string | Date;
  /** Patterns, at most 32: only events that fit one of them. */
  readonly topics?: readonly string[];
  readonly priorities?: readonly Priority[];
  /** The first so many, 1 to 1,000,000,000. */
  readonly limit?: number;
}

/** Defaults of the subscriptions of one name, or of the members of one queue group. What `subscribe` is given counts more. */
export interface SubscriberOptions {
  readonly replay?: ReplayPolicy | PolicyWindow;
  /** 1 to 100. */
  readonly maxAttempts?: number;
  /** 100 to 86,400,000 ms. */
  readonly handlerTimeoutMs?: number;
}

/** Defaults of one agent under watch. What `health.register` is given counts more. */
export interface AgentPolicy {
  readonly replay?: ReplayPolicy;
}

/** What `createSystem({ bus })` takes, and what a file of it holds. */
export interface BusOptions {
  /** The p95 from publication to handled that is still well, in milliseconds. 1 to 3,600,000. @default 10 */
  readonly slowMs?: number;
  /** How long it may be over that before it is critical, in milliseconds. 10,000 to 86,400,000. @default 300000 */
  readonly criticalAfterMs?: number;
  /** By name of the subscription or of the queue group. A name that nobody subscribes with is none the worse. */
  readonly subscribers?: Readonly<Record<string, SubscriberOptions>>;
  /** By agent: the address of an actor, or the id of an external agent. */
  readonly agents?: Readonly<Record<string, AgentPolicy>>;
}

/** The option with everything filled in. */
export interface BusSettings extends AlarmSettings {
  readonly subscribers: ReadonlyMap<string, SubscriberPolicy>;
  readonly agents: ReadonlyMap<string, AgentPolicy>;
}

/** Defaults of the subscriptions of one name, as `subscribe` takes them. */
export type SubscriberPolicy = Pick<SubscribeOptions, 'replay' | 'maxAttempts' | 'handlerTimeoutMs'>;

/** What is wrong, where, and what is allowed there. */
export interface PolicyFault {
  readonly path: readonly PropertyKey[];
  /** The key itself is wrong, whatever its value. */
  readonly isKey: boolean;
  /** What it is, and what is allowed, as sentences: "is … . Use … .". */
  readonly why: string;
}

const DAY_MS = 86_400_000;
const MAX_TOPICS = 32;
/** What a Date can hold. */
const MAX_TIME_MS = 8.64e15;

const policy = z.enum(REPLAY_POLICIES);
const replayWindow = z.strictObject({
  policy: policy.optional(),
  since: z.unknown().refine(isTime).optional(),
  topics: z.array(z.string().refine(isPattern)).min(1).max(MAX_TOPICS).optional(),
  priorities: z.array(z.enum(PRIORITIES)).min(1).optional(),
  limit: z.int().min(1).max(1_000_000_000).optional(),
});
const subscriber = z.strictObject({
  replay: z.union([policy, replayWindow]).optional(),
  maxAttempts: z.int().min(1).max(100).optional(),
  handlerTimeoutMs: z.int().min(100).max(DAY_MS).optional(),
});
const agent = z.strictObject({ replay: policy.optional() });
const schema = z.strictObject({
  slowMs: z.number().min(1).max(3_600_000).default(10),
  criticalAfterMs: z.int().min(10_000).max(DAY_MS).default(300_000),
  subscribers: z.record(z.string(), subscriber).default({}),
  agents: z.record(z.string(), agent).default({}),
});

const POLICY_LIST = REPLAY_POLICIES.map((one) => `'${one}'`).join(', ');
const SUBSCRIBER_EXAMPLE = "{ replay: 'full' }";

/** What each key takes, and an example of it. Those of names stand under `*`. */
const ALLOWED: Readonly<Record<string, string>> = {
  '': 'Use an object with some of slowMs, criticalAfterMs, subscribers and agents.',
  slowMs: 'Use milliseconds from 1 to 3600000: slowMs: 10.',
  criticalAfterMs: `Use a whole number of milliseconds from 10000 to ${DAY_MS}: criticalAfterMs: 300000.`,
  subscribers: `Use an object of names, each with its policy: subscribers: { audit: ${SUBSCRIBER_EXAMPLE} }.`,
  'subscribers.*': `Use an object with some of replay, maxAttempts and handlerTimeoutMs: ${SUBSCRIBER_EXAMPLE}.`,
  'subscribers.*.replay': `Use one of ${POLICY_LIST}, or an object with some of policy, since, topics, priorities and limit.`,
  'subscribers.*.replay.policy': `Use one of ${POLICY_LIST}.`,
  'subscribers.*.replay.since': "Use a time such as '2026-11-21T12:00:00Z', or milliseconds since the epoch.",
  'subscribers.*.replay.topics': `Use a list of 1 to ${MAX_TOPICS} patterns: ['task.*', 'session.>'].`,
  'subscribers.*.replay.topics.*': "Use a pattern: tokens joined by dots, such as 'task.*' or 'session.>'.",
  'subscribers.*.replay.priorities': `Use a list of ${PRIORITIES.map((one) => `'${one}'`).join(', ')}.`,
  'subscribers.*.replay.limit': 'Use a whole number from 1 to 1000000000.',
  'subscribers.*.maxAttempts': 'Use a whole number from 1 to 100: maxAttempts: 3.',
  'subscribers.*.handlerTimeoutMs': `Use a whole number of milliseconds from 100 to ${DAY_MS}: handlerTimeoutMs: 30000.`,
  agents: "Use an object of agents, each with its policy: agents: { 'worker/7': { replay: 'full' } }.",
  'agents.*': "Use an object with replay: { replay: 'full' }.",
  'agents.*.replay': `Use one of ${POLICY_LIST}.`,
};

/** Keys of objects whose keys are fixed. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(schema.shape),
  'subscribers.*': Object.keys(subscriber.shape),
  'subscribers.*.replay': Object.keys(replayWindow.shape),
  'agents.*': Object.keys(agent.shape),
};

/** Checks what was given and fills in defaults, or says what is wrong with it. */
export function parseBusOptions(given: unknown): BusSettings | PolicyFault {
  const parsed = schema.safeParse(given);
  if (!parsed.success) return toFault(given, parsed.error.issues);
  const { slowMs, criticalAfterMs, subscribers, agents } = parsed.data;
  const names = nameFault(given, 'subscribers', checkName) ?? nameFault(given, 'agents', checkAgent);
  if (names) return names;
  return {
    slowMs,
    criticalAfterMs,
    subscribers: new Map(Object.entries(subscribers).map(([name, one]) => [name, toPolicy(one)])),
    agents: new Map(Object.entries(agents).map(([name, { replay }]) => [name, replay === undefined ? {} : { replay }])),
  };
}

/** True for what `parseBusOptions` refused. */
export function isPolicyFault(result: BusSettings | PolicyFault): result is PolicyFault {
  return 'why' in result;
}

/** Options of a subscription with the defaults of its name, or of its group. What it says itself counts more. */
export function withPolicy(
  options: SubscribeOptions,
  subscribers: BusSettings['subscribers'] | undefined,
): SubscribeOptions {
  // What is no object is refused where options are checked.
  if (typeof options !== 'object' || options === null) return options;
  const { name = options.queue } = options;
  const defaults = typeof name === 'string' ? subscribers?.get(name) : undefined;
  if (!defaults) return options;
  const said = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(said) };
}

function toPolicy({ replay, ...rest }: z.output<typeof subscriber>): SubscriberPolicy {
  const limits = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  if (replay === undefined || typeof replay === 'string') return { ...limits, ...(replay && { replay }) };
  const { since, ...window } = replay;
  return { ...limits, replay: { ...window, ...(since !== undefined && { since: toTime(since) }) } as ReplayOf };
}

type ReplayOf = Exclude<SubscriberPolicy['replay'], undefined>;

/** `__proto__` is an own key of parsed data, and no name. */
function nameFault(
  given: unknown,
  key: 'subscribers' | 'agents',
  check: (name: unknown) => string,
): PolicyFault | undefined {
  const names = Object.keys((given as BusOptions | undefined)?.[key] ?? {});
  for (const name of names) {
    try {
      check(name);
    } catch (error) {
      if (isTroupeError(error)) return { path: [key, name], isKey: true, why: `is no name. ${error.message}` };
      throw error;
    }
  }
  return undefined;
}

/** An unknown key comes first: a key that is misspelt may be why another is missing. */
function toFault(given: unknown, issues: readonly z.core.$ZodIssue[]): PolicyFault {
  const all = issues.flatMap((issue) => innerIssues(given, issue));
  const unknown = all.find((issue) => issue.code === 'unrecognized_keys');
  if (unknown) {
    const path = [...unknown.path, ...unknown.keys.slice(0, 1)];
    return { path, isKey: true, why: `is unknown. Known: ${(KEYS[toKind(unknown.path)] ?? []).join(', ')}.` };
  }
  const path = all[0]?.path ?? [];
  return { path, isKey: false, why: `is ${describeValue(valueAt(given, path))}. ${allowedAt(path)}` };
}

/** Of what may be one thing or another, it is meant to be what it is most like: an object is meant as the window. */
function innerIssues(given: unknown, issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  const value = valueAt(given, issue.path);
  if (issue.code !== 'invalid_union' || typeof value !== 'object' || value === null || Array.isArray(value))
    return [issue];
  const inner = issue.errors.at(-1) ?? [];
  return inner.map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], given);
}

/** The path with `*` for names. */
function toKind(path: readonly PropertyKey[]): string {
  return path.map((key, index) => (index === 1 || typeof key === 'number' ? '*' : String(key))).join('.');
}

function allowedAt(path: readonly PropertyKey[]): string {
  return ALLOWED[toKind(path)] ?? ALLOWED[toKind(path.slice(0, -1))] ?? '';
}

function isPattern(text: string): boolean {
  try {
    parsePattern(text);
    return true;
  } catch {
    return false;
  }
}

function isTime(value: unknown): boolean {
  const time = toTime(value);
  return Number.isFinite(time) && Math.abs(time) <= MAX_TIME_MS;
}

/** Texts without a time zone would mean another time on another machine. */
const ISO_TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

function toTime(value: unknown): number {
  if (typeof value === 'number') return value;
  if (value instanceof Date) return value.getTime();
  return typeof value === 'string' && ISO_TIME.test(value) ? Date.parse(value) : Number.NaN;
}
