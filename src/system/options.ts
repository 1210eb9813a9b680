/** Options of `createSystem`: defaults, validation, and what is derived from them. */
import { availableParallelism } from 'node:os';
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { BusOptions, BusSettings } from '../bus/policies.ts';
import { isDefinition } from '../actor/define.ts';
import type { AnyDefinition } from '../actor/define.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { Env } from '../env.ts';
import type { DegradationSettings } from '../../machines/degradation.ts';
import {
  DEGRADATION_ALLOWED,
  DEGRADATION_FIELDS,
  degradationMisfit,
  degradationSchema,
  resolveDegradation,
} from '../health/settings.ts';
import type { DegradationOptions } from '../health/settings.ts';
import type { NatsOptions } from '../nats/client.ts';
import { resolveNatsOptions } from '../nats/options.ts';
import { LOG_LEVELS } from '../observe/logger.ts';
import type { LogLevel, LogSink } from '../observe/logger.ts';
import { STORE_URLS } from '../store/open-store.ts';
import type { StoreOptions } from '../store/protocol.ts';
import type { Store } from '../store/store.ts';
import { BUS_ALLOWED, resolveBus } from './bus-option.ts';

/** What `createSystem` takes. */
export interface SystemOptions {
  /**
   * Modules that export definitions, as URLs or absolute paths; relative ones are refused. Every thread imports them. With `threads: 0` definitions may
   * be given themselves.
   */
  readonly actors: readonly (URL | string | AnyDefinition)[];
  /** Where actors are kept: `sqlite:FILE`, `file:FOLDER` or `memory:`. @default 'sqlite:.troupe/troupe.db' */
  readonly store?: string;
  /** Worker threads that run actors, 1 to 64; 0 runs everything inline on the calling thread. @default cores - 1, at least 1 */
  readonly threads?: number;
  /** `full`: what is acknowledged survives power loss; `normal`: a process kill only. @default 'full' */
  readonly synchronous?: 'full' | 'normal';
  /** Least level that is logged, or `silent`, or a function that takes the lines. Lines go to standard error as JSON. @default 'warn' */
  readonly log?: LogLevel | 'silent' | LogSink;
  /** Time between two looks for work nobody hinted at, in milliseconds. 50 to 600,000. @default 2000 */
  readonly recoverEveryMs?: number;
  /** How long an event or a timer of an actor may wait before the system says so, in milliseconds. 100 to 86,400,000. @default 30000 */
  readonly overdueAfterMs?: number;
  /** How long ids given by callers are remembered, in milliseconds. 1,000 to 31,536,000,000. @default 86400000 */
  readonly idRetentionMs?: number;
  /** How long published events are kept for named subscribers, in milliseconds; they are swept once an hour, so up to an hour longer. 1,000 to 31,536,000,000. @default 86400000 */
  readonly topicRetentionMs?: number;
  /** Most subscribers one publication may reach; one that would reach more is refused. 1 to 100,000. @default 1000 */
  readonly maxFanOut?: number;
  /** Actors that may be live in each thread, not counting busy ones and those that are not stored; those used least recently leave memory. 1 to 1,000,000. @default 10000 */
  readonly maxLiveActors?: number;
  /** Sends, asks, requests and tells of the host program that may wait, each; more are refused. 1 to 10,000,000. @default 65536 */
  readonly maxPending?: number;
  /** Time between two sweeps of expired sessions, in milliseconds. 1,000 to 86,400,000. @default 300000 */
  readonly sessionSweepEveryMs?: number;
  /** Time between two signs of life of a thread, and between two looks of main at them, in milliseconds. 10 to 60,000. @default 250 */
  readonly beatMs?: number;
  /** Time a turn may block its thread, in milliseconds, unless the definition says its own; then the thread is ended and replaced. At least two beats. 50 to 3,600,000. @default 5000 */
  readonly hangMs?: number;
  /** Heap one thread may take, in MB; beyond it the thread ends and is replaced. 16 to 65,536. @default 1024 */
  readonly maxThreadHeapMb?: number;
  /** Memory one thread may hold outside its heap, such as buffers, in MB; beyond it the thread is ended and replaced. 1 to 1,048,576. @default 1024 */
  readonly maxThreadBufferMb?: number;
  /** Keeps one more thread ready, with the definitions loaded, to take the place of one that ends. About 12 MB. @default true */
  readonly spareThread?: boolean;
  /**
   * When too many agents fail, no new sessions are begun and fewer are kept in memory until it is over; `false`: never, and sessions have
   * no limit of their own. @default more than 3 agents within 30 s, until fewer than 2 failures in 120 s
   */
  readonly degradation?: DegradationOptions | false;
  /**
   * A NATS server to publish on and to take the events of others from: a URL such as 'nats://127.0.0.1:4222', or options. What is published here waits in the
   * store while the server is away. @default none
   */
  readonly nats?: NatsOptions | string;
  /**
   * When the bus counts as slow, and what subscriptions and agents get that do not say so themselves; or the file of YAML that says it, as a URL
   * or an absolute path. @default slow from a p95 of more than 10 ms on, critical after 5 minutes of it
   */
  readonly bus?: BusOptions | URL | string;
  /** With `threads: 0`: worker hosts side by side on the calling thread, so that tests see several. 1 to 16. @default 1 */
  readonly inlineHosts?: number;
  /** With `threads: 0`: gives the store itself, which then outlives the system. For tests of crashes. */
  readonly openStore?: (options: StoreOptions) => Promise<Store>;
  /** Time and randomness; a simulated one makes an inline system deterministic. @default the real one */
  readonly env?: Env;
}

/** Options with everything filled in. */
export interface ResolvedOptions {
  readonly modules: readonly string[];
  /** Given themselves. */
  readonly definitions: readonly AnyDefinition[];
  readonly store: string;
  readonly threads: number;
  readonly synchronous: 'full' | 'normal';
  readonly log: LogLevel | 'silent' | LogSink;
  readonly recoverEveryMs: number;
  readonly overdueAfterMs: number;
  readonly idRetentionMs: number;
  readonly topicRetentionMs: number;
  readonly maxFanOut: number;
  readonly maxLiveActors: number;
  readonly maxPending: number;
  readonly sessionSweepEveryMs: number;
  readonly beatMs: number;
  readonly hangMs: number;
  readonly maxThreadHeapMb: number;
  readonly maxThreadBufferMb: number;
  readonly spareThread: boolean;
  /** Undefined: off. */
  readonly degradation: DegradationSettings | undefined;
  readonly nats: NatsOptions | string | undefined;
  readonly bus: BusSettings;
  readonly inlineHosts: number;
  readonly openStore?: ((options: StoreOptions) => Promise<Store>) | undefined;
}

const DAY_MS = 86_400_000;

const ENV_METHODS = Object.keys({
  now: true,
  monotonicMs: true,
  setTimeout: true,
  setAlarm: true,
  clearTimeout: true,
  defer: true,
  random: true,
  randomId: true,
  randomUuid: true,
  createPort: true,
} satisfies Record<keyof Env, true>);

/** Some of a store's, enough to tell it from what is none. */
const STORE_METHODS = ['commit', 'load', 'inbox', 'recoverable', 'close'] satisfies (keyof Store)[];

const schema = z.strictObject({
  actors: z.array(z.union([z.instanceof(URL), z.string().refine(isLocated), z.custom<AnyDefinition>(isDefinition)])),
  store: z.string().min(1).default('sqlite:.troupe/troupe.db'),
  threads: z.int().min(0).max(64).optional(),
  synchronous: z.enum(['full', 'normal']).default('full'),
  log: z
    .union([z.enum([...LOG_LEVELS, 'silent']), z.custom<LogSink>((value) => typeof value === 'function')])
    .default('warn'),
  recoverEveryMs: z.int().min(50).max(600_000).default(2000),
  overdueAfterMs: z.int().min(100).max(DAY_MS).default(30_000),
  idRetentionMs: z
    .int()
    .min(1000)
    .max(365 * DAY_MS)
    .default(DAY_MS),
  topicRetentionMs: z
    .int()
    .min(1000)
    .max(365 * DAY_MS)
    .default(DAY_MS),
  maxFanOut: z.int().min(1).max(100_000).default(1000),
  maxLiveActors: z.int().min(1).max(1_000_000).default(10_000),
  maxPending: z.int().min(1).max(10_000_000).default(65_536),
  sessionSweepEveryMs: z.int().min(1000).max(DAY_MS).default(300_000),
  beatMs: z.int().min(10).max(60_000).default(250),
  hangMs: z.int().min(50).max(3_600_000).default(5000),
  maxThreadHeapMb: z.int().min(16).max(65_536).default(1024),
  maxThreadBufferMb: z.int().min(1).max(1_048_576).default(1024),
  spareThread: z.boolean().default(true),
  degradation: degradationSchema.prefault({}),
  nats: z.unknown().optional(),
  bus: z.unknown().optional(),
  inlineHosts: z.int().min(1).max(16).default(1),
  openStore: z.custom<(options: StoreOptions) => Promise<Store>>((value) => typeof value === 'function').optional(),
  env: z.custom<Env>((value) => isObject(value) && missingOf(value, ENV_METHODS).length === 0).optional(),
});

/** What each option takes, and an example of it. */
const ALLOWED: Readonly<Record<keyof SystemOptions, string>> = {
  actors: "Pass modules that export definitions: actors: [new URL('./actors.ts', import.meta.url)].",
  store: `Use ${STORE_URLS}: store: 'sqlite:app.db'.`,
  threads: 'Use a whole number from 0 to 64: threads: 4. With 0 everything runs on the calling thread.',
  synchronous: "Use 'full' or 'normal': synchronous: 'full'.",
  log: `Use one of ${[...LOG_LEVELS, 'silent'].map((level) => `'${level}'`).join(', ')}, or a function that takes the lines: log: 'info'.`,
  recoverEveryMs: 'Use a whole number of milliseconds from 50 to 600000: recoverEveryMs: 2000.',
  overdueAfterMs: `Use a whole number of milliseconds from 100 to ${DAY_MS}: overdueAfterMs: 30000.`,
  idRetentionMs: `Use a whole number of milliseconds from 1000 to ${365 * DAY_MS}: idRetentionMs: ${DAY_MS}.`,
  topicRetentionMs: `Use a whole number of milliseconds from 1000 to ${365 * DAY_MS}: topicRetentionMs: ${DAY_MS}.`,
  maxFanOut: 'Use a whole number from 1 to 100000: maxFanOut: 1000.',
  maxLiveActors: 'Use a whole number from 1 to 1000000: maxLiveActors: 10000.',
  maxPending: 'Use a whole number from 1 to 10000000: maxPending: 65536.',
  sessionSweepEveryMs: `Use a whole number of milliseconds from 1000 to ${DAY_MS}: sessionSweepEveryMs: 300000.`,
  beatMs: 'Use a whole number of milliseconds from 10 to 60000: beatMs: 250.',
  hangMs: 'Use a whole number of milliseconds from 50 to 3600000, at least twice beatMs: hangMs: 5000.',
  maxThreadHeapMb: 'Use a whole number of MB from 16 to 65536: maxThreadHeapMb: 1024.',
  maxThreadBufferMb: 'Use a whole number of MB from 1 to 1048576: maxThreadBufferMb: 1024.',
  spareThread: 'Use true or false: spareThread: true.',
  degradation: DEGRADATION_ALLOWED,
  nats: "Pass a URL or options: nats: 'nats://127.0.0.1:4222'.",
  bus: BUS_ALLOWED,
  inlineHosts: 'Use a whole number from 1 to 16, with threads: 0: inlineHosts: 1.',
  openStore: 'Leave it out, or pass a function that opens a store, with threads: 0.',
  env: 'Leave it out, or pass an Env such as createSimulatedEnv() from troupe/testing.',
};

/** Names of all options. */
export const OPTION_NAMES: readonly string[] = Object.keys(ALLOWED);

/**
 * Checks options and fills in defaults.
 * @throws {TroupeError} ERR_OPTIONS_INVALID naming the option, what was given, and what is allowed.
 */
export function resolveOptions(options: SystemOptions): ResolvedOptions {
  const isOff = isObject(options) && options.degradation === false;
  const parsed = schema.safeParse(isOff ? { ...options, degradation: undefined } : options);
  if (!parsed.success) throw toError(options, parsed.error.issues);
  const { actors, threads = Math.max(1, availableParallelism() - 1), env: _env, openStore, ...rest } = parsed.data;
  const degradation = isOff ? undefined : checkDegradation(resolveDegradation(parsed.data.degradation));
  const definitions = actors.filter(isDefinition);
  const modules = actors.filter((actor): actor is URL | string => !isDefinition(actor)).map(toModuleUrl);
  if (threads > 0) assertThreadable(definitions, parsed.data);
  assertBeatFits(parsed.data);
  if (options.nats !== undefined) resolveNatsOptions(options.nats);
  return {
    ...rest,
    nats: options.nats,
    modules,
    definitions,
    threads,
    degradation,
    bus: resolveBus(parsed.data.bus),
    ...(openStore && { openStore: checkOpened(openStore) }),
  };
}

/** Refuses what is within bounds, each by itself, and yet makes no sense together. */
function checkDegradation(settings: DegradationSettings): DegradationSettings {
  const misfit = degradationMisfit(settings);
  if (!misfit) return settings;
  const path = `degradation.${misfit.field}`;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `createSystem: option '${path}' is ${settings[misfit.field]}, which ${misfit.why}. ${DEGRADATION_ALLOWED}`,
    { details: { path } },
  );
}

/** A thread that misses one beat is not blocked yet: two timers of the same pace may miss each other. */
function assertBeatFits({ beatMs, hangMs }: { readonly beatMs: number; readonly hangMs: number }): void {
  if (hangMs >= 2 * beatMs) return;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `createSystem: option 'hangMs' is ${hangMs}, less than two beats: beatMs is ${beatMs}. Raise hangMs to at least ${2 * beatMs}, or lower beatMs.`,
    { details: { path: 'hangMs' } },
  );
}

/** What the function of a user does is told from what the engine does. */
function checkOpened(openStore: (options: StoreOptions) => Promise<Store>): (options: StoreOptions) => Promise<Store> {
  return async (options) => {
    const store: unknown = await callOpenStore(openStore, options);
    const missing = missingOf(store, STORE_METHODS);
    if (missing.length === 0) return store as Store;
    const what = isObject(store) ? `an object without ${toCalls(missing)}` : describeValue(store);
    throw new TroupeError(
      'ERR_OPTIONS_INVALID',
      `createSystem: option 'openStore' gave ${what} instead of a store. ${ALLOWED.openStore}`,
      { details: { path: 'openStore' } },
    );
  };
}

async function callOpenStore(open: (options: StoreOptions) => Promise<Store>, options: StoreOptions): Promise<unknown> {
  try {
    return await open(options);
  } catch (cause) {
    if (cause instanceof TroupeError) throw cause;
    const reason = cause instanceof Error ? cause.message : describeValue(cause);
    throw new TroupeError(
      'ERR_STORE_OPEN',
      `createSystem: option 'openStore' threw: ${reason}. Mend the function, or leave it out and name a store: ${ALLOWED.store}`,
      { cause, details: { path: 'openStore' } },
    );
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Those methods that a value does not have. */
function missingOf(value: unknown, methods: readonly string[]): readonly string[] {
  if (!isObject(value)) return methods;
  return methods.filter((name) => typeof (value as Record<string, unknown>)[name] !== 'function');
}

const toCalls = (methods: readonly string[]): string => methods.map((name) => `${name}()`).join(', ');

/** What cannot be handed to a thread. */
function assertThreadable(
  definitions: readonly AnyDefinition[],
  { inlineHosts, openStore }: { readonly inlineHosts: number; readonly openStore?: unknown },
): void {
  const [definition] = definitions;
  const option = definition ? 'actors' : inlineHosts > 1 ? 'inlineHosts' : 'openStore';
  if (!definition && inlineHosts === 1 && openStore === undefined) return;
  const what = definition
    ? `holds definition '${definition.type}' itself, which no thread can import`
    : 'needs threads: 0';
  throw new TroupeError('ERR_OPTIONS_INVALID', `createSystem: option '${option}' ${what}. ${ALLOWED[option]}`, {
    details: { path: option },
  });
}

function toModuleUrl(module: URL | string): string {
  if (module instanceof URL) return module.href;
  return isUrl(module) ? module : pathToFileURL(module).href;
}

function isUrl(module: string): boolean {
  return /^[a-z]+:\/\//.test(module);
}

/** Whether a module is found from everywhere: a relative path would depend on where the process was started. */
function isLocated(module: string): boolean {
  return isUrl(module) || isAbsolute(module);
}

/** An unknown option comes first: a name that is misspelt may be why another is missing. */
function toError(options: unknown, issues: readonly z.core.$ZodIssue[]): TroupeError {
  const unknown = issues.find((issue) => issue.code === 'unrecognized_keys');
  const path = unknown ? [...unknown.path, ...unknown.keys.slice(0, 1)] : (issues[0]?.path ?? []);
  const name = path.join('.');
  return new TroupeError('ERR_OPTIONS_INVALID', `createSystem: ${toText()}`, { details: { path: name } });

  function toText(): string {
    const known = path.length > 1 ? DEGRADATION_FIELDS : Object.keys(ALLOWED);
    if (unknown) return `option '${name}' is unknown. Known options: ${known.join(', ')}.`;
    const allowed = ALLOWED[path[0] as keyof SystemOptions] ?? ALLOWED.actors;
    const value = path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)?.[key], options);
    if (path.length === 0) return `the options are ${describeValue(value)} instead of an object. ${allowed}`;
    if (value === undefined) return `option '${name}' is missing. ${allowed}`;
    return hintOf(name, path[0], value) ?? `option '${name}' is ${describeValue(value)}. ${allowed}`;
  }
}

/** Says more about what is nearly right. */
function hintOf(name: string, option: PropertyKey | undefined, value: unknown): string | undefined {
  if (option === 'env' && isObject(value))
    return `option 'env' is an object without ${toCalls(missingOf(value, ENV_METHODS))}. ${ALLOWED.env}`;
  if (option !== 'actors' || name === 'actors') return undefined;
  if (typeof value === 'string' && value !== '')
    return `option '${name}' is ${describeValue(value)}, a relative path. Use new URL('./actors.ts', import.meta.url), or an absolute path.`;
  if (missingOf(value, ['transition', 'getInitialSnapshot']).length > 0) return undefined;
  return `option '${name}' is an XState machine instead of a definition. Wrap it in defineActor('name', machine, …) and export it from a module. ${ALLOWED.actors}`;
}
