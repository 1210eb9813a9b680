/** Checks of what users pass to the bus. Messages name the option, what was given, and what is allowed. */
import { TroupeError } from '../errors.ts';
import { describeValue } from '../describe.ts';
import { toAttributesText } from './attributes.ts';
import type { BusHandler } from './bus.ts';
import { PRIORITIES } from './topic-event.ts';
import type { Priority } from './topic-event.ts';

const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_:-]{0,127}$/;

/** Longest id of a publication. */
const MAX_ID_CHARS = 256;

const PRIORITY_LIST = PRIORITIES.map((priority) => `'${priority}'`).join(', ');

/**
 * Checks that options are an object without unknown keys.
 * @param within the option they are the value of, when they are one
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkKeys(call: string, options: unknown, known: readonly string[], within?: string): void {
  const what = within === undefined ? `The options of ${call}() are` : `Option '${within}' of ${call}() is`;
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalid(
      within ?? 'options',
      `${what} ${describeValue(options)} instead of an object. Leave it out, or pass one.`,
    );
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const place = within === undefined ? `${call}()` : `${within} in ${call}()`;
  throw invalid(unknown, `Option '${unknown}' of ${place} is unknown. Known options: ${known.join(', ')}.`);
}

/**
 * Checks the id of a publication.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkId(id: unknown): string | undefined {
  if (id === undefined || (typeof id === 'string' && id.length > 0 && id.length <= MAX_ID_CHARS)) return id;
  const allowed = `Use a string of 1 to ${MAX_ID_CHARS} characters: id: 'order-7'.`;
  throw invalid('id', `Option 'id' of publish() is ${describeValue(id)}. ${allowed}`);
}

/**
 * Checks a priority.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkPriority(call: string, option: string, value: unknown): Priority {
  const found = PRIORITIES.find((priority) => priority === value);
  if (found) return found;
  throw invalid(option, `Option '${option}' of ${call}() has ${describeValue(value)}. Use one of ${PRIORITY_LIST}.`);
}

/**
 * Checks the priorities somebody wants; undefined stands for all.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkPriorities(call: string, value: unknown): readonly Priority[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.length > 0)
    return value.map((priority) => checkPriority(call, 'priorities', priority));
  const given = Array.isArray(value) ? 'an empty list' : describeValue(value);
  throw invalid(
    'priorities',
    `Option 'priorities' of ${call}() is ${given}. Pass a list of ${PRIORITY_LIST}, or leave it out.`,
  );
}

/**
 * Checks the name of a durable subscription.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkName(name: unknown, option: 'name' | 'queue' = 'name'): string {
  if (typeof name === 'string' && NAME_PATTERN.test(name)) return name;
  const allowed = 'Use 1 to 128 characters of A-Z a-z 0-9 _ : - that start with a letter or digit.';
  const what = option === 'name' ? 'name of a subscription' : 'name of a queue group';
  throw invalid(option, `The ${what} is ${describeValue(name)}. ${allowed}`);
}

/**
 * Checks attributes of an event. Their JSON text; undefined when there are none.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkAttributes(value: unknown): string | undefined {
  const found = toAttributesText(value);
  if ('text' in found) return found.text;
  throw invalid('attributes', `The attributes of publish() ${found.fault}.`);
}

/**
 * Checks the handler of a subscription.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkHandler(pattern: string, handler: unknown): BusHandler {
  if (typeof handler === 'function') return handler as BusHandler;
  const given = `The handler given to subscribe('${pattern}') is ${describeValue(handler)}.`;
  throw invalid('handler', `${given} Pass a function that takes an event.`);
}

function invalid(option: string, message: string): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', message, { details: { option } });
}
