/** The option `bus`: what is taken, what is refused, and what counts more. */
import { describe, expect, test } from 'vitest';
import { isPolicyFault, parseBusOptions, withPolicy } from '../../../src/bus/policies.ts';
import type { BusSettings } from '../../../src/bus/policies.ts';
import { isTroupeError } from '../../../src/errors.ts';
import type { TroupeError } from '../../../src/errors.ts';
import { resolveOptions } from '../../../src/system/options.ts';

function parse(given: unknown): BusSettings {
  const result = parseBusOptions(given);
  if (isPolicyFault(result)) throw new Error(JSON.stringify(result));
  return result;
}

function thrownBy(work: () => unknown): TroupeError {
  try {
    work();
  } catch (error) {
    if (isTroupeError(error)) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}

describe('the option bus', () => {
  test('nothing given: slow from more than 10 ms on, critical after 5 minutes, no policies', () => {
    const nothing = { slowMs: 10, criticalAfterMs: 300_000, subscribers: new Map(), agents: new Map() };
    expect(parse({})).toEqual(nothing);
    expect(resolveOptions({ actors: [] }).bus).toEqual(nothing);
  });

  test('everything given is taken; a time is milliseconds since the epoch', () => {
    const since = Date.parse('2026-11-21T12:00:00Z');
    const window = { policy: 'full', topics: ['agent:*'], priorities: ['high'], limit: 5 } as const;
    const { subscribers, agents, ...limits } = parse({
      slowMs: 2.5,
      criticalAfterMs: 60_000,
      subscribers: {
        audit: { replay: 'full', maxAttempts: 10, handlerTimeoutMs: 500 },
        text: { replay: { ...window, since: '2026-11-21T13:00:00+01:00' } },
        date: { replay: { since: new Date(since) } },
        number: { replay: { since } },
        empty: {},
      },
      agents: { 'worker/7': { replay: 'none' }, external: {} },
    });
    expect(limits).toEqual({ slowMs: 2.5, criticalAfterMs: 60_000 });
    expect(Object.fromEntries(subscribers)).toEqual({
      audit: { replay: 'full', maxAttempts: 10, handlerTimeoutMs: 500 },
      text: { replay: { ...window, since } },
      date: { replay: { since } },
      number: { replay: { since } },
      empty: {},
    });
    expect(Object.fromEntries(agents)).toEqual({ 'worker/7': { replay: 'none' }, external: {} });
  });

  const subscriber = (policy: unknown) => ({ subscribers: { audit: policy } });
  const replay = (window: unknown) => subscriber({ replay: window });

  test.each<[given: unknown, path: string, why: string]>([
    [7, 'bus', 'is 7 (a number). Use an object such as'],
    [null, 'bus', 'is null. Use an object such as'],
    [[], 'bus', 'is an array. Use an object such as'],
    [{ slow: 1 }, 'bus.slow', 'is unknown. Known: slowMs, criticalAfterMs, subscribers, agents.'],
    [{ slowMs: 0 }, 'bus.slowMs', 'is 0 (a number). Use milliseconds from 1 to 3600000'],
    [{ slowMs: Number.NaN }, 'bus.slowMs', 'is NaN (a number). Use milliseconds'],
    [{ slowMs: '10' }, 'bus.slowMs', "is '10' (a string). Use milliseconds"],
    [
      { criticalAfterMs: 9999 },
      'bus.criticalAfterMs',
      'is 9999 (a number). Use a whole number of milliseconds from 10000',
    ],
    [{ subscribers: [] }, 'bus.subscribers', 'is an array. Use an object of names'],
    [{ subscribers: { '': {} } }, 'bus.subscribers.', 'is no name.'],
    [{ subscribers: { 'a b': {} } }, 'bus.subscribers.a b', 'Use 1 to 128 characters of A-Z a-z 0-9 _ : -'],
    [{ subscribers: { ['__proto__']: {} } }, 'bus.subscribers.__proto__', 'is no name.'],
    [subscriber('full'), 'bus.subscribers.audit', "is 'full' (a string). Use an object with some of replay"],
    [subscriber({ replays: 'full' }), 'bus.subscribers.audit.replays', 'is unknown. Known: replay, maxAttempts'],
    [subscriber({ maxAttempts: 0 }), 'bus.subscribers.audit.maxAttempts', 'Use a whole number from 1 to 100'],
    [subscriber({ maxAttempts: 1.5 }), 'bus.subscribers.audit.maxAttempts', 'is 1.5 (a number).'],
    [subscriber({ handlerTimeoutMs: 99 }), 'bus.subscribers.audit.handlerTimeoutMs', 'from 100 to 86400000'],
    [
      replay('all'),
      'bus.subscribers.audit.replay',
      "is 'all' (a string). Use one of 'none', 'full', 'critical-only', or",
    ],
    [replay(true), 'bus.subscribers.audit.replay', 'is true (a boolean).'],
    [replay([]), 'bus.subscribers.audit.replay', 'is an array.'],
    [replay({ policy: 'all' }), 'bus.subscribers.audit.replay.policy', "is 'all' (a string). Use one of 'none'"],
    [replay({ polic: 'full' }), 'bus.subscribers.audit.replay.polic', 'is unknown. Known: policy, since, topics'],
    [
      replay({ since: 'yesterday' }),
      'bus.subscribers.audit.replay.since',
      "is 'yesterday' (a string). Use a time such as",
    ],
    [replay({ since: '2026-11-21T12:00:00' }), 'bus.subscribers.audit.replay.since', 'Use a time such as'],
    [replay({ since: new Date(Number.NaN) }), 'bus.subscribers.audit.replay.since', 'Use a time such as'],
    [replay({ topics: 'task.*' }), 'bus.subscribers.audit.replay.topics', 'Use a list of 1 to 32 patterns'],
    [replay({ topics: ['a', 'b..c'] }), 'bus.subscribers.audit.replay.topics.1', "is 'b..c' (a string). Use a pattern"],
    [
      replay({ priorities: ['urgent'] }),
      'bus.subscribers.audit.replay.priorities.0',
      "Use a list of 'critical', 'high'",
    ],
    [replay({ limit: 0 }), 'bus.subscribers.audit.replay.limit', 'Use a whole number from 1 to 1000000000'],
    [{ agents: { 'worker/': {} } }, 'bus.agents.worker/', 'is no name.'],
    [
      { agents: { 'worker/7': { replay: 'all' } } },
      'bus.agents.worker/7.replay',
      "Use one of 'none', 'full', 'critical-only'.",
    ],
    ['bus.yaml', 'bus', "is 'bus.yaml' (a string), a relative path. Use an object such as"],
    ['https://example.org/bus.yaml', 'bus', 'no URL of a file'],
    [new URL('https://example.org/bus.yaml'), 'bus', 'no URL of a file'],
    [new URL('file://elsewhere/bus.yaml'), 'bus', 'no URL of a file here'],
  ])('%j is refused at %s', (bus, path, why) => {
    const error = thrownBy(() => resolveOptions({ actors: [], bus: bus as never }));
    expect(error).toMatchObject({ code: 'ERR_OPTIONS_INVALID', details: { path } });
    expect(error.message).toContain(`createSystem: option '${path}' is`);
    expect(error.message).toContain(why);
  });

  test('a subscription gets the policy of its name or its group; what it says itself counts more', () => {
    const { subscribers } = parse({ subscribers: { audit: { replay: 'full', maxAttempts: 9 } } });
    const { replay: kept, maxAttempts } = { replay: 'full', maxAttempts: 9 };
    expect(withPolicy({ name: 'audit' }, subscribers)).toEqual({ name: 'audit', replay: kept, maxAttempts });
    expect(withPolicy({ queue: 'audit' }, subscribers)).toEqual({ queue: 'audit', replay: kept, maxAttempts });
    expect(withPolicy({ name: 'audit', replay: 'none', maxAttempts: undefined } as never, subscribers)).toEqual({
      name: 'audit',
      replay: 'none',
      maxAttempts,
    });
    for (const options of [{}, { name: 'other' }, { name: 'constructor' }, null as never])
      expect(withPolicy(options, subscribers)).toBe(options);
    expect(withPolicy({ name: 'audit' }, undefined)).toEqual({ name: 'audit' });
  });
});
