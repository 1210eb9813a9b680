/** Options of `createSystem`: defaults, validation, and what is derived from them. */
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { TroupeError } from '../errors.ts';
import type { Env } from '../env.ts';
import { LOG_LEVELS } from '../observe/logger.ts';
import type { LogLevel, LogSink } from '../observe/logger.ts';

/** What `createSystem` takes. */
export interface SystemOptions {
  /** Modules that export definitions, as URLs or absolute paths. Every thread imports them. */
  readonly actors: readonly (URL | string)[];
  /** Where actors are kept: `sqlite:FILE` or `memory:`. @default 'sqlite:.troupe/troupe.db' */
  readonly store?: string;
  /** Worker threads that run actors, 1 to 64; 0 runs everything inline on the calling thread. @default cores - 1, at least 1 */
  readonly threads?: number;
  /** `full`: what is acknowledged survives power loss; `normal`: a process kill only. @default 'full' */
  readonly synchronous?: 'full' | 'normal';
  /** Least level that is logged, or `silent`, or a function that takes the lines. Lines go to standard error as JSON. @default 'warn' */
  readonly log?: LogLevel | 'silent' | LogSink;
  /** Time between two looks for work nobody hinted at, in milliseconds. 50 to 600,000. @default 2000 */
  readonly recoverEveryMs?: number;
  /** How long ids given by callers are remembered, in milliseconds. 1,000 to 31,536,000,000. @default 86400000 */
  readonly idRetentionMs?: number;
  /** Time and randomness; a simulated one makes an inline system deterministic. @default the real one */
  readonly env?: Env;
}

/** Options with everything filled in. */
export interface ResolvedOptions {
  readonly modules: readonly string[];
  readonly store: string;
  readonly threads: number;
  readonly synchronous: 'full' | 'normal';
  readonly log: LogLevel | 'silent' | LogSink;
  readonly recoverEveryMs: number;
  readonly idRetentionMs: number;
}

const DAY_MS = 86_400_000;

const schema = z.strictObject({
  actors: z.array(z.union([z.instanceof(URL), z.string().min(1)])),
  store: z.string().min(1).default('sqlite:.troupe/troupe.db'),
  threads: z.int().min(0).max(64).optional(),
  synchronous: z.enum(['full', 'normal']).default('full'),
  log: z
    .union([z.enum([...LOG_LEVELS, 'silent']), z.custom<LogSink>((value) => typeof value === 'function')])
    .default('warn'),
  recoverEveryMs: z.int().min(50).max(600_000).default(2000),
  idRetentionMs: z
    .int()
    .min(1000)
    .max(365 * DAY_MS)
    .default(DAY_MS),
  env: z.custom<Env>((value) => typeof value === 'object' && value !== null).optional(),
});

/** What each option takes, and an example of it. */
const ALLOWED: Readonly<Record<keyof SystemOptions, string>> = {
  actors: "Pass modules that export definitions: actors: [new URL('./actors.ts', import.meta.url)].",
  store: "Use 'memory:' or 'sqlite:FILE': store: 'sqlite:app.db'.",
  threads: 'Use a whole number from 0 to 64: threads: 4. With 0 everything runs on the calling thread.',
  synchronous: "Use 'full' or 'normal': synchronous: 'full'.",
  log: `Use one of ${[...LOG_LEVELS, 'silent'].map((level) => `'${level}'`).join(', ')}, or a function that takes the lines: log: 'info'.`,
  recoverEveryMs: 'Use a whole number of milliseconds from 50 to 600000: recoverEveryMs: 2000.',
  idRetentionMs: `Use a whole number of milliseconds from 1000 to ${365 * DAY_MS}: idRetentionMs: ${DAY_MS}.`,
  env: 'Leave it out, or pass an Env such as createSimulatedEnv() from troupe/testing.',
};

/**
 * Checks options and fills in defaults.
 * @throws {TroupeError} ERR_OPTIONS_INVALID naming the option, what was given, and what is allowed.
 */
export function resolveOptions(options: SystemOptions): ResolvedOptions {
  const parsed = schema.safeParse(options);
  if (!parsed.success) throw toError(options, parsed.error.issues);
  const { actors, threads, env: _env, ...rest } = parsed.data;
  return { ...rest, modules: actors.map(toModuleUrl), threads: threads ?? Math.max(1, availableParallelism() - 1) };
}

function toModuleUrl(module: URL | string): string {
  if (module instanceof URL) return module.href;
  return /^[a-z]+:\/\//.test(module) ? module : pathToFileURL(module).href;
}

/** An unknown option comes first: a name that is misspelt may be why another is missing. */
function toError(options: unknown, issues: readonly z.core.$ZodIssue[]): TroupeError {
  const unknown = issues.find((issue) => issue.code === 'unrecognized_keys');
  const path = unknown ? unknown.keys.slice(0, 1) : (issues[0]?.path ?? []);
  const name = path.join('.');
  return new TroupeError('ERR_OPTIONS_INVALID', `createSystem: ${toText()}`, { details: { path: name } });

  function toText(): string {
    if (unknown) return `option '${name}' is unknown. Known options: ${Object.keys(ALLOWED).join(', ')}.`;
    const allowed = ALLOWED[path[0] as keyof SystemOptions] ?? ALLOWED.actors;
    const value = path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)?.[key], options);
    if (path.length === 0) return `the options are ${describeValue(value)} instead of an object. ${allowed}`;
    if (value === undefined) return `option '${name}' is missing. ${allowed}`;
    return `option '${name}' is ${describeValue(value)}. ${allowed}`;
  }
}

const SHOWN_CHARS = 80;

/** A value as a message names it: with its type, and not longer than it needs to be known again. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'string':
      return value.length <= SHOWN_CHARS
        ? `'${value}' (a string)`
        : `'${value.slice(0, SHOWN_CHARS)}…' (a string of ${value.length} characters)`;
    case 'object':
      return 'an object';
    case 'function':
      return 'a function';
    default:
      return `${String(value as number)} (a ${typeof value})`;
  }
}
