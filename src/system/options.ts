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
  env: z.custom<Env>().optional(),
});

/**
 * Checks options and fills in defaults.
 * @throws {TroupeError} ERR_OPTIONS_INVALID naming the option.
 */
export function resolveOptions(options: SystemOptions): ResolvedOptions {
  const parsed = schema.safeParse(options);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue?.path.join('.') ?? '';
    throw new TroupeError(
      'ERR_OPTIONS_INVALID',
      `createSystem: ${path === '' ? '' : `option '${path}': `}${issue?.message ?? 'invalid options'}. See SystemOptions.`,
      { details: { path } },
    );
  }
  const { actors, threads, env: _env, ...rest } = parsed.data;
  return { ...rest, modules: actors.map(toModuleUrl), threads: threads ?? Math.max(1, availableParallelism() - 1) };
}

function toModuleUrl(module: URL | string): string {
  if (module instanceof URL) return module.href;
  return /^[a-z]+:\/\//.test(module) ? module : pathToFileURL(module).href;
}
