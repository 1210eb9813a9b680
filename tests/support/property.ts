/** Properties tried on many cases; what fails names its seed. */
import fc from 'fast-check';

/**
 * Tries a property on 10,000 cases, new ones at every run. With `SEED=n` in the environment they are those of that seed.
 * @throws {Error} naming the seed and the smallest case that fails.
 */
export function holdsAlways<T>(property: fc.IProperty<T>): void {
  assertHeld(fc.check(property, toParameters(10_000)));
}

/**
 * The same for a property that takes its time, on as many cases as are asked for.
 * @throws {Error} naming the seed and the smallest case that fails.
 */
export async function holdsAlwaysAsync<T>(property: fc.IAsyncProperty<T>, numRuns: number): Promise<void> {
  assertHeld(await fc.check(property, toParameters(numRuns)));
}

function toParameters(numRuns: number): { readonly numRuns: number; readonly seed?: number } {
  const given = process.env['SEED'];
  return { numRuns, ...(given !== undefined && { seed: Number(given) }) };
}

function assertHeld<T>(details: fc.RunDetails<T>): void {
  if (details.failed) throw new Error(`SEED=${details.seed} repeats it. ${fc.defaultReportMessage(details)}`);
}
