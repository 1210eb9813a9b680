/** Writes that depend on what was read: look, decide, send for that state alone, and look again when it has changed (G18). */
import type { Env } from '../env.ts';
import { TroupeError, isTroupeError } from '../errors.ts';
import { describeValue } from '../describe.ts';

/** How a write goes on when another was faster. */
export interface UpdateOptions {
  /** Further tries after a conflict. 0 to 1,000. @default 3 */
  readonly retries?: number;
  /** Pause before each of them, in milliseconds. 0 to 60,000. @default 100 */
  readonly delayMs?: number;
  /** The last try goes through whatever has changed since it looked: what another wrote in between may be lost. @default false */
  readonly lastWriteWins?: boolean;
}

/** What an update works with. */
export interface UpdateSteps<TView, TEvent> {
  readonly env: Env;
  readonly look: () => Promise<TView>;
  readonly decide: (view: TView) => TEvent | undefined | Promise<TEvent | undefined>;
  /** Sends the event; with a seq only for that. */
  readonly send: (event: TEvent, ifSeq: number | undefined) => Promise<void>;
}

const DEFAULT_RETRIES = 3;
const DEFAULT_DELAY_MS = 100;
const MAX_RETRIES = 1000;
const MAX_DELAY_MS = 60_000;
const KEYS = ['retries', 'delayMs', 'lastWriteWins'];

/**
 * Runs an update to its end. Resolves with false when there was nothing to do.
 * @throws {TroupeError} ERR_OPTIONS_INVALID; ERR_CONFLICT when every try met a change, with `details.tries` and `details.seq`.
 */
export async function runUpdate<TView extends { readonly seq: number }, TEvent>(
  steps: UpdateSteps<TView, TEvent>,
  options: UpdateOptions = {},
): Promise<boolean> {
  const { retries, delayMs, lastWriteWins } = checkUpdate(options);
  for (let tries = 1; ; tries++) {
    const view = await steps.look();
    const event = await steps.decide(view);
    if (event === undefined) return false;
    const isLast = tries > retries;
    try {
      await steps.send(event, isLast && lastWriteWins ? undefined : view.seq);
      return true;
    } catch (error) {
      if (!isTroupeError(error, 'ERR_CONFLICT')) throw error;
      if (isLast) throw givenUp(error, tries);
    }
    await new Promise<void>((resolve) => void steps.env.setTimeout(resolve, delayMs));
  }
}

function givenUp(error: TroupeError, tries: number): TroupeError {
  const { address, seq } = error.details;
  return new TroupeError(
    'ERR_CONFLICT',
    `An update of '${String(address)}' met a change by others in each of ${tries} tries. Raise retries, send fewer updates at once, or pass lastWriteWins: true if what others wrote may be lost.`,
    { cause: error, details: { address, tries, seq } },
  );
}

function checkUpdate(options: UpdateOptions): Required<UpdateOptions> {
  if (typeof options !== 'object' || options === null)
    throw wrong('options', options, 'Pass an object such as { retries: 5 }, or leave it out');
  const unknown = Object.keys(options).find((key) => !KEYS.includes(key));
  if (unknown !== undefined)
    throw invalid(unknown, `Option '${unknown}' of update() is unknown. Known options: ${KEYS.join(', ')}.`);
  const { retries = DEFAULT_RETRIES, delayMs = DEFAULT_DELAY_MS, lastWriteWins = false } = options;
  if (!isWithin(retries, MAX_RETRIES) || !Number.isInteger(retries))
    throw wrong('retries', retries, `Use a whole number from 0 to ${MAX_RETRIES}`);
  if (!isWithin(delayMs, MAX_DELAY_MS))
    throw wrong('delayMs', delayMs, `Use a number of milliseconds from 0 to ${MAX_DELAY_MS}`);
  if (typeof lastWriteWins !== 'boolean') throw wrong('lastWriteWins', lastWriteWins, 'Use true or false');
  return { retries, delayMs, lastWriteWins };
}

function isWithin(value: unknown, most: number): boolean {
  return typeof value === 'number' && value >= 0 && value <= most;
}

function wrong(option: string, value: unknown, next: string): TroupeError {
  return invalid(option, `Option '${option}' of update() is ${describeValue(value)}. ${next}.`);
}

function invalid(option: string, message: string): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', message, { details: { option } });
}
