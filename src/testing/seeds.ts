/** One test under many seeds: what fails names its seed, and `SEED=n` repeats it. */
import { describeValue } from '../describe.ts';
import { checkOptions, checkSeed, checkSeedRange, invalid } from './checks.ts';

export interface SeedOptions {
  /** How many seeds are tried, at least 1. */
  readonly count: number;
  /** The first of them, from 0 on. @default 1 */
  readonly from?: number;
}

/**
 * Runs a test once per seed, one after the other. What it throws is thrown on with the seed in its message. With `SEED=n` in
 * the environment that seed alone is tried.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when no test would run; otherwise what the test throws.
 */
export async function forEachSeed(options: SeedOptions, run: (seed: number) => void | Promise<void>): Promise<void> {
  for (const seed of seedsOf(options, run)) {
    try {
      await run(seed);
    } catch (error) {
      throw nameSeed(error, seed);
    }
  }
}

function seedsOf(options: SeedOptions, run: unknown): readonly number[] {
  checkOptions('forEachSeed', options, ['count', 'from'], '{ count: 100 }');
  const { count, from = 1 } = options;
  checkSeedRange('forEachSeed', count, from);
  if (typeof run !== 'function')
    throw invalid('run', `forEachSeed: the test is ${describeValue(run)}. Pass a function that takes a seed.`);
  const only = process.env['SEED'];
  if (only === undefined) return Array.from({ length: count }, (_, index) => from + index);
  const seed = only.trim() === '' ? only : Number(only);
  checkSeed(`forEachSeed: SEED='${only}' in the environment`, seed, 'SEED');
  return [Number(seed)];
}

/** The same error, so that what a test runner shows of it stays: the difference, the line. */
function nameSeed(error: unknown, seed: number): Error {
  const named = error instanceof Error ? error : new Error(String(error), { cause: error });
  named.message = `With seed ${seed} (SEED=${seed} repeats it): ${named.message}`;
  return named;
}
