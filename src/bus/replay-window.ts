/** Which of the events that are kept somebody wants: policies and windows, checked, as plain data. Pure. */
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { BusEventRow } from '../store/store.ts';
import type { BusSweep } from '../store/topics.ts';
import { REPLAY_POLICIES } from './bus.ts';
import type { ReplayPolicy } from './bus.ts';
import { checkKeys, checkPriorities } from './checks.ts';
import { matchesPattern, parsePattern } from './subjects.ts';
import type { Priority } from './topic-event.ts';

/** Most patterns of one query. */
const MAX_TOPICS = 32;
const MAX_LIMIT = 1_000_000_000;
/** What a Date can hold. */
const MAX_TIME = 8.64e15;

/** What is wanted of the log. Absent: all. */
export interface Window {
  readonly afterPos: number;
  readonly sinceAt?: number;
  readonly untilAt?: number;
  readonly patterns?: readonly string[];
  readonly priorities?: readonly Priority[];
  /** The first so many. */
  readonly limit: number;
}

/** Everything that is kept. */
export const WHOLE_LOG: Window = { afterPos: 0, limit: Infinity };

const QUERY_KEYS = ['since', 'afterSeq', 'until', 'topics', 'priorities', 'limit'];

/**
 * Checks a query of the log.
 * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_TOPIC_INVALID.
 */
export function parseQuery(call: string, query: unknown = {}): Window {
  checkKeys(call, query, QUERY_KEYS);
  return toWindow(call, query as Readonly<Record<string, unknown>>);
}

/**
 * Checks the `replay` of a subscription. Undefined: nothing is replayed.
 * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_TOPIC_INVALID.
 */
export function parseReplay(replay: unknown): Window | undefined {
  const isPolicy = typeof replay === 'string';
  if (!isPolicy) checkKeys('subscribe', replay, ['policy', ...QUERY_KEYS], 'replay');
  const given = (isPolicy ? { policy: replay } : replay) as Readonly<Record<string, unknown>>;
  const policy = checkPolicy(given['policy']);
  const window = toWindow('subscribe', given);
  if (policy === 'none') return undefined;
  return policy === 'full' ? window : onlyCritical(window);
}

/**
 * Checks what is to be cleared.
 * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_TOPIC_INVALID.
 */
export function parseClear(query: unknown = {}): BusSweep {
  checkKeys('clear', query, ['topics', 'before']);
  const { topics, before } = query as Readonly<Record<string, unknown>>;
  if (topics === undefined && before === undefined)
    throw wrong('clear', 'topics', 'missing, and so is before', "Name what is to go: clear({ topics: ['>'] }).");
  return {
    ...(topics !== undefined && { patterns: checkTopics('clear', topics) }),
    ...(before !== undefined && { before: checkTime('clear', 'before', before) }),
  };
}

/** True for an event that a window wants; its limit is not looked at. */
export function isInWindow(window: Window, { pos, at, topic, priority }: BusEventRow): boolean {
  const { afterPos, sinceAt, untilAt, patterns, priorities } = window;
  if (pos <= afterPos || (sinceAt !== undefined && at < sinceAt) || (untilAt !== undefined && at > untilAt))
    return false;
  if (priorities && !priorities.includes(priority)) return false;
  return patterns === undefined || patterns.some((pattern) => matchesPattern(pattern, topic));
}

/**
 * Checks patterns of topics.
 * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_TOPIC_INVALID.
 */
export function checkTopics(call: string, topics: unknown): readonly string[] {
  if (Array.isArray(topics) && topics.length > 0 && topics.length <= MAX_TOPICS)
    return topics.map((topic) => parsePattern(topic));
  const given = Array.isArray(topics) ? `a list of ${topics.length}` : describeValue(topics);
  throw wrong(call, 'topics', given, `Pass a list of 1 to ${MAX_TOPICS} patterns: ['task.*'].`);
}

/**
 * Checks a time: a Date or milliseconds since the epoch.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkTime(call: string, option: string, value: unknown): number {
  const time = value instanceof Date ? value.getTime() : value;
  if (typeof time === 'number' && Number.isFinite(time) && Math.abs(time) <= MAX_TIME) return time;
  const given = value instanceof Date ? 'a Date without a time' : describeValue(value);
  throw wrong(call, option, given, `Pass a Date or milliseconds since the epoch: ${option}: Date.now() - 60_000.`);
}

function toWindow(call: string, given: Readonly<Record<string, unknown>>): Window {
  const { since, until, afterSeq, topics, priorities, limit } = given;
  return {
    afterPos: afterSeq === undefined ? 0 : checkWhole(call, 'afterSeq', afterSeq, [0, Number.MAX_SAFE_INTEGER]),
    ...(since !== undefined && { sinceAt: checkTime(call, 'since', since) }),
    ...(until !== undefined && { untilAt: checkTime(call, 'until', until) }),
    ...(topics !== undefined && { patterns: checkTopics(call, topics) }),
    ...(priorities !== undefined && { priorities: checkPriorities(call, priorities) ?? [] }),
    limit: limit === undefined ? Infinity : checkWhole(call, 'limit', limit, [1, MAX_LIMIT]),
  };
}

function onlyCritical(window: Window): Window | undefined {
  if (window.priorities && !window.priorities.includes('critical')) return undefined;
  return { ...window, priorities: ['critical'] };
}

function checkPolicy(value: unknown): ReplayPolicy {
  const found = REPLAY_POLICIES.find((policy) => policy === (value ?? 'critical-only'));
  if (found) return found;
  const allowed = REPLAY_POLICIES.map((policy) => `'${policy}'`).join(', ');
  throw wrong(
    'subscribe',
    'replay',
    describeValue(value),
    `Use one of ${allowed}, or a window with one as its policy.`,
  );
}

/**
 * Checks a whole number.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkWhole(
  call: string,
  option: string,
  value: unknown,
  [least, most]: readonly [number, number],
): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrong(call, option, describeValue(value), `Use a whole number from ${least} to ${most}.`);
}

function wrong(call: string, option: string, given: string, next: string): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', `Option '${option}' of ${call}() is ${given}. ${next}`, {
    details: { option },
  });
}
