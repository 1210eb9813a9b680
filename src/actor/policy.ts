/** What a policy may say: bounds, defaults, and the form in which the runtime uses it. */
import { z } from 'zod';
import { GIVE_UPS, MAX_EVENT_ATTEMPTS, RESTARTS, STRATEGIES } from '../supervision/spec.ts';
import type { Replacement, SupervisionSpec } from '../supervision/spec.ts';
import type { Migration } from '../state/migrate.ts';
import type { ResolvedPolicy } from './define.ts';

const DAY_MS = 86_400_000;

/** Events a history keeps when it is not said how many. */
const DEFAULT_KEEP = 1000;

const DEFAULT_MAX_STATE_BYTES = 8_388_608;

/** What happens to direct sends when a mailbox is full. `block`: the sender's promise waits. */
export const OVERFLOW_POLICIES = ['block', 'reject', 'drop-oldest'] as const;
export type OverflowPolicy = (typeof OVERFLOW_POLICIES)[number];

/**
 * What a timer does about time during which no system ran. `deadline`: it is due when it was due, at once if that has passed;
 * `remaining`: that time does not count; `restart`: it starts anew, in full. Hibernation is not such a time.
 */
export const TIMER_POLICIES = ['deadline', 'remaining', 'restart'] as const;
export type TimerPolicy = (typeof TIMER_POLICIES)[number];

/** What actors of a definition stand for. Failures of agents count for the degradation mode. */
export const ROLES = ['actor', 'agent'] as const;
export type Role = (typeof ROLES)[number];

const backoffSchema = z
  .strictObject({
    minMs: z.number().min(0).max(DAY_MS).default(50),
    maxMs: z.number().min(0).max(DAY_MS).default(30_000),
    factor: z.number().min(1).max(10).default(2),
    jitter: z.number().min(0).max(1).default(0.2),
  })
  .refine(({ minMs, maxMs }) => minMs <= maxMs, 'minMs must not be more than maxMs')
  .prefault({});

const historySchema = z
  .strictObject({
    keep: z.int().min(1).max(1_000_000).optional(),
    keepMs: z
      .int()
      .min(1000)
      .max(365 * DAY_MS)
      .optional(),
  })
  .transform(({ keep, keepMs }) => ({
    keep: keep ?? (keepMs === undefined ? DEFAULT_KEEP : Infinity),
    keepMs: keepMs ?? Infinity,
  }));

/** Bounds and defaults of a policy; each failure names its field. */
export const policySchema = z.strictObject({
  version: z.int().min(1).default(1),
  input: z.custom<z.ZodType>(isZodType, 'must be a zod schema').optional(),
  events: z.record(z.string(), z.custom<z.ZodType>(isZodType, 'must be a zod schema')).optional(),
  asks: z
    .record(
      z.string(),
      z.strictObject({
        input: z.custom<z.ZodType>(isZodType, 'must be a zod schema'),
        reply: z.custom<z.ZodType>(isZodType, 'must be a zod schema'),
      }),
    )
    .default({}),
  supervise: z
    .strictObject({
      restart: z.enum(RESTARTS).default('transient'),
      strategy: z.enum(STRATEGIES).default('one-for-one'),
      maxRestarts: z.int().gt(MAX_EVENT_ATTEMPTS).max(1000).default(5),
      withinMs: z.int().min(1).max(DAY_MS).default(60_000),
      backoff: backoffSchema,
      onFailure: z
        .union(
          [z.enum(['restart', 'alert']), z.custom<Replacement>(isReplacement)],
          "must be 'restart', 'alert' or replace(definition)",
        )
        .default('restart'),
      onGiveUp: z.enum(GIVE_UPS).default('quarantine'),
      hangMs: z.int().min(50).max(3_600_000).optional(),
      stallMs: z.union([z.int().min(10).max(DAY_MS), z.literal(false)]).default(600_000),
      stopTimeoutMs: z.int().min(0).max(600_000).default(5000),
    })
    .prefault({}),
  meta: z
    .custom<(context: unknown) => unknown>((value) => typeof value === 'function', 'must be a function')
    .optional(),
  maxStateBytes: z.int().min(1024).max(67_108_864).default(DEFAULT_MAX_STATE_BYTES),
  hibernateAfterMs: z.union([z.int().min(10).max(DAY_MS), z.literal(false)]).default(300_000),
  mailbox: z
    .strictObject({
      capacity: z.int().min(1).max(1_000_000).default(10_000),
      overflow: z.enum(OVERFLOW_POLICIES).default('block'),
    })
    .prefault({}),
  durable: z.boolean().default(true),
  dedicated: z.boolean().default(false),
  timers: z.record(z.string(), z.enum(TIMER_POLICIES)).default({}),
  topics: z.record(z.string(), z.string().min(1)).default({}),
  role: z.enum(ROLES).default('actor'),
  history: z.union([historySchema, z.literal(false)], 'must be { keep, keepMs } or false').default(false),
  migrate: z
    .record(
      z.string().regex(/^[1-9]\d{0,8}$/, 'must be filed under the version it begins from'),
      z.custom<Migration>((value) => typeof value === 'function', 'must be a function'),
    )
    .default({}),
});

/** A policy with its defaults filled in. */
export type ParsedPolicy = z.output<typeof policySchema>;

/** A parsed policy as the runtime uses it. */
export function resolvePolicy(parsed: ParsedPolicy): ResolvedPolicy {
  const { version, supervise, maxStateBytes, hibernateAfterMs, mailbox, durable, dedicated, timers, topics, role } =
    parsed;
  const { history } = parsed;
  return {
    version,
    supervise: toSpec(supervise),
    maxStateBytes,
    hibernateAfterMs: hibernateAfterMs === false || !durable ? Infinity : hibernateAfterMs,
    mailbox,
    isDurable: durable,
    isDedicated: dedicated,
    timers,
    topics,
    role,
    history: history === false ? undefined : history,
  };
}

function toSpec({ hangMs, stallMs, ...rest }: ParsedPolicy['supervise']): SupervisionSpec {
  return { ...rest, hangMs, stallMs: stallMs === false ? Infinity : stallMs };
}

function isReplacement(value: unknown): boolean {
  const { kind, with: substitute, toInput } = (value ?? {}) as Partial<Replacement>;
  return kind === 'replace' && typeof substitute === 'string' && typeof toInput === 'function';
}

function isZodType(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '_zod' in value && 'safeParse' in value;
}
