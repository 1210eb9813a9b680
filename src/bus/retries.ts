/** How often an event is tried that a handler fails at, and after which pauses. Pure. */
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import { checkKeys } from './checks.ts';
import { checkWhole } from './replay-window.ts';

/** What is done about failures of a durable subscription. */
export interface Retries {
  readonly maxAttempts: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly factor: number;
}

const DEFAULTS: Retries = { maxAttempts: 3, minMs: 100, maxMs: 10_000, factor: 2 };

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Time until the next attempt, after so many have failed. */
export function pauseAfter({ minMs, maxMs, factor }: Retries, failed: number): number {
  return Math.min(maxMs, minMs * factor ** (failed - 1));
}

/**
 * Checks `maxAttempts` and `backoff` of a subscription.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkRetries(maxAttempts: unknown = DEFAULTS.maxAttempts, backoff: unknown = {}): Retries {
  checkKeys('subscribe', backoff, ['minMs', 'maxMs', 'factor'], 'backoff');
  const { minMs, maxMs, factor } = backoff as Readonly<Record<string, unknown>>;
  const least = checkWhole('subscribe', 'backoff.minMs', minMs ?? DEFAULTS.minMs, [1, HOUR_MS]);
  return {
    maxAttempts: checkWhole('subscribe', 'maxAttempts', maxAttempts, [1, 100]),
    minMs: least,
    maxMs: checkWhole('subscribe', 'backoff.maxMs', maxMs ?? Math.max(least, DEFAULTS.maxMs), [least, DAY_MS]),
    factor: checkFactor(factor ?? DEFAULTS.factor),
  };
}

function checkFactor(value: unknown): number {
  if (typeof value === 'number' && value >= 1 && value <= 10) return value;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option 'backoff.factor' of subscribe() is ${describeValue(value)}. Use a number from 1 to 10.`,
    { details: { option: 'backoff.factor' } },
  );
}
