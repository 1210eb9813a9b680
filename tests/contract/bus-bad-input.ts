/** What users must not pass: refused at once, by name, and nothing has happened. */
import { describe, expect, test } from 'vitest';
import { failureOf } from '../support/harness.ts';
import { allOf } from '../support/bus-verbs.ts';
import type { OpenBus } from './bus.ts';

const ignore = (): void => undefined;

const longTopic = Array.from({ length: 10_000 }, () => 'a').join('.');

const publications = [
  ['a topic with a space', 'a b', 1, {}, 'ERR_TOPIC_INVALID', 'space'],
  ['an empty token', 'a..b', 1, {}, 'ERR_TOPIC_INVALID', 'empty token'],
  ['an empty topic', '', 1, {}, 'ERR_TOPIC_INVALID', 'empty'],
  ['a wildcard', 'a.*', 1, {}, 'ERR_TOPIC_INVALID', 'wildcard'],
  ['a wildcard for the rest', 'a.>', 1, {}, 'ERR_TOPIC_INVALID', 'wildcard'],
  ['10,000 tokens', longTopic, 1, {}, 'ERR_TOPIC_INVALID', '19999 characters'],
  ['33 tokens', longTopic.slice(0, 65), 1, {}, 'ERR_TOPIC_INVALID', '33 tokens'],
  ['a topic of the runtime', 'system.mine', 1, {}, 'ERR_TOPIC_INVALID', 'system'],
  ['data that is no JSON', 'a', new Map(), {}, 'ERR_NOT_JSON', 'data'],
  ['an unknown priority', 'a', 1, { priority: 'urgent' }, 'ERR_OPTIONS_INVALID', "'critical'"],
  ['attributes that are none', 'a', 1, { attributes: 'x' }, 'ERR_OPTIONS_INVALID', 'attributes'],
  ['an attribute every event has', 'a', 1, { attributes: { id: 'x' } }, 'ERR_OPTIONS_INVALID', "'id'"],
  ['an attribute in capitals', 'a', 1, { attributes: { Subject: 'x' } }, 'ERR_OPTIONS_INVALID', 'a-z 0-9'],
  [
    'an attribute with a long name',
    'a',
    1,
    { attributes: { ['x'.repeat(21)]: 'x' } },
    'ERR_OPTIONS_INVALID',
    '1 to 20',
  ],
  ['an attribute that is an object', 'a', 1, { attributes: { x: {} } }, 'ERR_OPTIONS_INVALID', 'an object'],
  ['an attribute that is a fraction', 'a', 1, { attributes: { x: 0.5 } }, 'ERR_OPTIONS_INVALID', '0.5'],
  [
    '33 attributes',
    'a',
    1,
    { attributes: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`x${n}`, n])) },
    'ERR_OPTIONS_INVALID',
    '33',
  ],
] as const;

const subscriptions = [
  ['a space', 'a b', {}, 'ERR_TOPIC_INVALID', 'space'],
  ["'>' before the end", 'a.>.b', {}, 'ERR_TOPIC_INVALID', "'>' before its end"],
  ['10,000 tokens', longTopic, {}, 'ERR_TOPIC_INVALID', 'characters'],
  ['a name and a queue', 'a', { name: 'x', queue: 'y' }, 'ERR_OPTIONS_INVALID', "leave 'name' out"],
  ['a queue with a space', 'a', { queue: 'x y' }, 'ERR_OPTIONS_INVALID', 'queue group'],
  ['a policy that is none', 'a', { replay: 'some' }, 'ERR_OPTIONS_INVALID', "'critical-only'"],
  ['an unknown key of a window', 'a', { replay: { from: 1 } }, 'ERR_OPTIONS_INVALID', "'from' of replay"],
  ['a window that is a number', 'a', { replay: 3 }, 'ERR_OPTIONS_INVALID', "'replay'"],
  ['a time that is none', 'a', { replay: { since: 'yesterday' } }, 'ERR_OPTIONS_INVALID', "'since'"],
  ['a limit of 0', 'a', { replay: { limit: 0 } }, 'ERR_OPTIONS_INVALID', "'limit'"],
  ['a position below 0', 'a', { replay: { afterSeq: -1 } }, 'ERR_OPTIONS_INVALID', "'afterSeq'"],
  ['no topics', 'a', { replay: { topics: [] } }, 'ERR_OPTIONS_INVALID', "'topics'"],
  ['a time limit of 99 ms', 'a', { handlerTimeoutMs: 99 }, 'ERR_OPTIONS_INVALID', '100 to 86400000'],
  ['a time limit that is no number', 'a', { handlerTimeoutMs: '1s' }, 'ERR_OPTIONS_INVALID', 'handlerTimeoutMs'],
  ['101 attempts', 'a', { name: 'x', maxAttempts: 101 }, 'ERR_OPTIONS_INVALID', '1 to 100'],
  ['attempts without a name', 'a', { maxAttempts: 5 }, 'ERR_OPTIONS_INVALID', 'needs a name'],
  ['a backoff without a name', 'a', { backoff: {} }, 'ERR_OPTIONS_INVALID', 'needs a name'],
  ['a backoff that shrinks', 'a', { name: 'x', backoff: { factor: 0.5 } }, 'ERR_OPTIONS_INVALID', "'backoff.factor'"],
  [
    'a backoff with its ends changed',
    'a',
    { name: 'x', backoff: { minMs: 100, maxMs: 50 } },
    'ERR_OPTIONS_INVALID',
    "'backoff.maxMs'",
  ],
] as const;

export function busBadInputContract(open: OpenBus): void {
  describe('bad input', () => {
    test('a publication with what must not be is refused by name, and nothing is published', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      for (const [what, topic, data, options, code, named] of publications) {
        const failure = await failureOf(run(system.bus.publish(topic, data, options as never)), code);
        expect(failure.message, what).toContain(named);
      }
      expect(await run(allOf(system.bus.replay({ topics: ['>'] })))).toEqual([]);
    });

    test('a subscription with what must not be is refused by name, and nothing is left of it', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      for (const [what, pattern, options, code, named] of subscriptions) {
        const failure = await failureOf(run(system.bus.subscribe(pattern, ignore, options as never)), code);
        expect(failure.message, what).toContain(named);
      }
      await run(system.bus.subscribe('a', ignore, { name: 'x' }));
    });

    test('a query of the log with what must not be is refused at once', async () => {
      await using fixture = await open();
      const { system, run } = fixture;
      const { bus } = system;
      expect(() => bus.replay({ policy: 'full' } as never)).toThrow("'policy' of replay() is unknown");
      expect(() => bus.replay({ limit: 1.5 })).toThrow("'limit'");
      expect(() => bus.replay({ topics: Array.from({ length: 33 }, () => 'a') })).toThrow('a list of 33');
      await failureOf(run(bus.clear({})), 'ERR_OPTIONS_INVALID');
      await failureOf(run(bus.clear({ topics: ['a b'] })), 'ERR_TOPIC_INVALID');
      await failureOf(run(bus.clear({ before: Number.NaN })), 'ERR_OPTIONS_INVALID');
      await failureOf(run(bus.exportTo('')), 'ERR_OPTIONS_INVALID');
      await failureOf(run(bus.unsubscribe('nobody')), 'ERR_OPTIONS_INVALID');
    });
  });
}
