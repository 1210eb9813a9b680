/** Checks of what tests pass in. Messages name the option, what was given, and the next step. */
import { MAX_TIME_MS } from '../alarms.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';

/** Randomness has 32 bits of state: beyond, two seeds would be the same. */
const MAX_SEED = 4_294_967_295;

/** More would not end. */
const MAX_SEEDS = 1_000_000_000;

/**
 * Checks that options are an object without unknown keys.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkOptions(call: string, options: unknown, known: readonly string[], example: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalid(
      '',
      `${call}: the options are ${describeValue(options)} instead of an object. Pass one such as ${example}.`,
    );
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw invalid(unknown, `${call}: option '${unknown}' is unknown. Known options: ${known.join(', ')}.`);
}

/**
 * Checks a seed.
 * @param subject who takes it, as a message begins: `testSystem: option 'seed'`
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkSeed(subject: string, seed: unknown, path = 'seed'): void {
  if (isWholeNumber(seed, 0, MAX_SEED)) return;
  throw invalid(path, `${subject} is ${describeValue(seed)}. Use a whole number from 0 to ${MAX_SEED}, such as 7.`);
}

/**
 * Checks how many seeds are tried, and that there are as many from the first on. None at all would pass without a test.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkSeedRange(call: string, count: unknown, from: unknown): void {
  checkSeed(`${call}: option 'from'`, from, 'from');
  const most = Math.min(MAX_SEEDS, MAX_SEED - (from as number) + 1);
  if (isWholeNumber(count, 1, most)) return;
  const given = count === undefined ? 'is missing' : `is ${describeValue(count)}`;
  throw invalid(
    'count',
    `${call}: option 'count' ${given}. Use a whole number from 1 to ${most}: forEachSeed({ count: 100 }, …).`,
  );
}

/**
 * Checks a switch.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkSwitch(call: string, option: string, value: unknown): void {
  if (typeof value === 'boolean') return;
  throw invalid(option, `${call}: option '${option}' is ${describeValue(value)}. Use true or false: ${option}: true.`);
}

/**
 * Checks what the wall clock is to show.
 * @param subject what is set, as a message begins: `createSimulatedEnv: option 'startAt' is`
 * @throws {TroupeError} ERR_SCHEDULE_INVALID when it is no number, or beyond what a Date can hold.
 */
export function checkClockTime(subject: string, at: unknown): void {
  if (typeof at === 'number' && Math.abs(at) <= MAX_TIME_MS) return;
  const [given, next] =
    at instanceof Date
      ? ['a Date', 'Pass its getTime().']
      : [describeValue(at), `Use milliseconds since the epoch, at most ${MAX_TIME_MS}: Date.UTC(2026, 0, 1).`];
  throw new TroupeError('ERR_SCHEDULE_INVALID', `${subject} ${given}. ${next}`, {
    details: { at: describeValue(at) },
  });
}

/**
 * Checks a stretch of time that is to pass from `now` on.
 * @throws {TroupeError} ERR_SCHEDULE_INVALID when it is not a number of milliseconds, 0 or more, or ends beyond what a Date
 * can hold.
 */
export function checkStretch(ms: unknown, now: number): void {
  if (typeof ms === 'number' && ms >= 0 && now + ms <= MAX_TIME_MS) return;
  throw new TroupeError(
    'ERR_SCHEDULE_INVALID',
    `The clock was to be advanced by ${describeValue(ms)}. Use a number of milliseconds from 0 to ${MAX_TIME_MS - now}; to set it back use clock.set() of a test system, or setClock() of a simulated Env.`,
    { details: { ms: describeValue(ms) } },
  );
}

/** An error of an option; `path` is its name. */
export function invalid(path: string, message: string): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', message, { details: { path } });
}

function isWholeNumber(value: unknown, from: number, to: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to;
}
