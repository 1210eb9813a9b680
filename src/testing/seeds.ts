/** One test under many seeds: what fails names its seed, and `SEED=n` repeats it. */

export interface SeedOptions {
  /** How many seeds are tried. */
  readonly count: number;
  /** The first of them. @default 1 */
  readonly from?: number;
}

/**
 * Runs a test once per seed, one after the other. What it throws is thrown on with the seed in its message. With `SEED=n` in
 * the environment that seed alone is tried.
 */
export async function forEachSeed(
  { count, from = 1 }: SeedOptions,
  run: (seed: number) => void | Promise<void>,
): Promise<void> {
  const only = process.env['SEED'];
  const seeds = only === undefined ? Array.from({ length: count }, (_, index) => from + index) : [Number(only)];
  for (const seed of seeds) {
    try {
      await run(seed);
    } catch (error) {
      throw nameSeed(error, seed);
    }
  }
}

/** The same error, so that what a test runner shows of it stays: the difference, the line. */
function nameSeed(error: unknown, seed: number): Error {
  const named = error instanceof Error ? error : new Error(String(error), { cause: error });
  named.message = `With seed ${seed} (SEED=${seed} repeats it): ${named.message}`;
  return named;
}
