/** Properties tried on many cases; what fails names its seed. */
import fc from 'fast-check';

/**
 * Tries a property on 10,000 cases, new ones at every run. With `SEED=n` in the environment they are those of that seed.
 * @throws {Error} naming the seed and the smallest case that fails.
 */
export function holdsAlways<T>(property: fc.IProperty<T>): void {
  const given = process.env['SEED'];
  const seed = given === undefined ? {} : { seed: Number(given) };
  const details = fc.check(property, { numRuns: 10_000, ...seed });
  if (details.failed) throw new Error(`SEED=${details.seed} repeats it. ${fc.defaultReportMessage(details)}`);
}
