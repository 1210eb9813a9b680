/** Checks of what users pass to sessions and groups. Messages name the option, what was given, and what is allowed. */
import { checkKeys } from '../bus/checks.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import { LIMITS } from '../store/queries.ts';
import { ACTOR_STATUSES } from '../store/store.ts';

const TIMES = ['createdAfter', 'createdBefore', 'updatedAfter', 'updatedBefore'] as const;
const LIST_KEYS = ['statuses', ...TIMES, 'limit', 'order', 'cursor'];
const HISTORY_KEYS = ['after', 'before', 'limit', 'direction'];
const MAX_TEXT_CHARS = 256;

type Options = Readonly<Record<string, unknown>>;

/**
 * Checks that options are an object without unknown keys.
 * @param example what to pass instead, as code
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkOptions(call: string, options: unknown, known: readonly string[], example: string): void {
  if (!isRecord(options))
    throw invalid('options', options, `The options of ${call}() are ${describeValue(options)}. Pass ${example}.`);
  checkKeys(call, options, known);
}

/**
 * Checks what pages of a list are asked for; `more` are keys it knows besides those of all lists.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkList(call: string, query: object, more: readonly string[]): void {
  checkOptions(call, query, [...more, ...LIST_KEYS], '{ limit: 20 }, or nothing');
  const { statuses, limit, order, cursor, ...rest } = query as Options;
  checkOneOf(call, 'order', order, ['newest', 'oldest']);
  for (const option of TIMES) checkNumber(call, option, rest[option]);
  if (limit !== undefined) checkWhole(call, 'limit', limit, LIMITS.list.most);
  if (cursor !== undefined && typeof cursor !== 'string')
    throw wrong(call, 'cursor', cursor, 'Use the nextCursor of the page before');
  if (statuses === undefined) return;
  if (!Array.isArray(statuses)) throw wrong(call, 'statuses', statuses, `Use a list of ${ACTOR_STATUSES.join(', ')}`);
  for (const status of statuses) checkOneOf(call, 'statuses', status, ACTOR_STATUSES);
}

/**
 * Checks which stretch of a history is asked for.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkHistory(query: object): void {
  checkOptions('history', query, HISTORY_KEYS, '{ limit: 20 }, or nothing');
  const { after, before, limit, direction } = query as Options;
  checkNumber('history', 'after', after);
  checkNumber('history', 'before', before);
  if (limit !== undefined) checkWhole('history', 'limit', limit, LIMITS.log.most);
  checkOneOf('history', 'direction', direction, ['forward', 'backward']);
}

/**
 * Checks how many rows of a history are asked for.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkCount(count: unknown): void {
  checkWhole('window', 'count', count, LIMITS.log.most);
}

/**
 * Checks one of several words; undefined stands for none.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkOneOf(call: string, option: string, value: unknown, words: readonly string[]): void {
  if (value === undefined || words.includes(value as string)) return;
  throw wrong(call, option, value, `Use one of ${words.map((word) => `'${word}'`).join(', ')}`);
}

/**
 * Checks a short text.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkText(call: string, option: string, value: unknown): void {
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT_CHARS) return;
  throw wrong(call, option, value, `Use a string of 1 to ${MAX_TEXT_CHARS} characters`);
}

/** True for an object that is no list. */
export function isRecord(value: unknown): value is Options {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is said of an option that cannot be used as it is. @param next what to do, without the full stop */
export function wrong(call: string, option: string, value: unknown, next: string): TroupeError {
  return invalid(option, value, `Option '${option}' of ${call}() is ${describeValue(value)}. ${next}.`);
}

function checkNumber(call: string, option: string, value: unknown): void {
  if (value === undefined || Number.isFinite(value)) return;
  throw wrong(call, option, value, 'Use a number');
}

function checkWhole(call: string, option: string, value: unknown, most: number): void {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
  throw wrong(call, option, value, `Use a whole number from 1 to ${most}`);
}

function invalid(option: string, value: unknown, message: string): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', message, { details: { option, value: describeValue(value) } });
}
