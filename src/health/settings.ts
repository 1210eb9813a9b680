/** The option `degradation` of createSystem: bounds, defaults, and what must fit together. */
import { z } from 'zod';
import type { DegradationSettings } from '../../machines/degradation.ts';

const DAY_MS = 86_400_000;

/** What `createSystem` takes to change the degradation mode. */
export interface DegradationOptions {
  /** More different agents than this, failing within `withinMs`, are too many. 1 to 1,000. @default 3 */
  readonly failures?: number;
  /** In milliseconds. 100 to 86,400,000. @default 30000 */
  readonly withinMs?: number;
  /** Time between two questions whether it is over, in milliseconds. 100 to 86,400,000. @default 60000 */
  readonly checkEveryMs?: number;
  /** It is over with fewer failures than this in the last `calmMs`. 1 to 1,000, not more than `failures`. @default 2, or 1 when `failures` is 1 */
  readonly calmFailures?: number;
  /** In milliseconds, not less than `withinMs`. 100 to 86,400,000. @default 120000, or `withinMs` when that is more */
  readonly calmMs?: number;
  /** Sessions that are kept live in memory, all threads together, busy ones not counted. 1 to 1,000,000. @default 100 */
  readonly hotSessions?: number;
  /** The same while degraded; not more than `hotSessions`. 1 to 1,000,000. @default half of `hotSessions` */
  readonly degradedHotSessions?: number;
}

const time = z.int().min(100).max(DAY_MS);
const count = z.int().min(1).max(1000);
const sessions = z.int().min(1).max(1_000_000);

/** Bounds of the option. */
export const degradationSchema = z.strictObject({
  failures: count.optional(),
  withinMs: time.optional(),
  checkEveryMs: time.optional(),
  calmFailures: count.optional(),
  calmMs: time.optional(),
  hotSessions: sessions.optional(),
  degradedHotSessions: sessions.optional(),
});

/** Names of its fields. */
export const DEGRADATION_FIELDS: readonly string[] = Object.keys(degradationSchema.shape);

/** Fills in defaults. What is left out fits what is given. */
export function resolveDegradation(given: z.output<typeof degradationSchema>): DegradationSettings {
  const { failures = 3, withinMs = 30_000, checkEveryMs = 60_000, hotSessions = 100 } = given;
  const { calmFailures = Math.min(2, failures), calmMs = Math.max(120_000, withinMs) } = given;
  const { degradedHotSessions = Math.ceil(hotSessions / 2) } = given;
  return { failures, withinMs, checkEveryMs, calmFailures, calmMs, hotSessions, degradedHotSessions };
}

/** What the option takes, and an example of it. */
export const DEGRADATION_ALLOWED =
  'Use false, or an object with some of: failures and calmFailures (whole numbers from 1 to 1000), withinMs, checkEveryMs and calmMs (whole milliseconds from 100 to 86400000), hotSessions and degradedHotSessions (whole numbers from 1 to 1000000): degradation: { failures: 3, withinMs: 30000 }.';

/** What does not fit together, as the field and a sentence; undefined when all does. */
export function degradationMisfit(
  settings: DegradationSettings,
): { readonly field: keyof DegradationSettings; readonly why: string } | undefined {
  const { failures, withinMs, calmFailures, calmMs, hotSessions, degradedHotSessions } = settings;
  if (calmFailures > failures)
    return {
      field: 'calmFailures',
      why: `is more than failures (${failures}), so that the mode would end while it begins`,
    };
  if (calmMs < withinMs)
    return {
      field: 'calmMs',
      why: `is less than withinMs (${withinMs}), so that what began the mode would be forgotten`,
    };
  if (degradedHotSessions > hotSessions)
    return {
      field: 'degradedHotSessions',
      why: `is more than hotSessions (${hotSessions}), so that the limit would rise`,
    };
  return undefined;
}
