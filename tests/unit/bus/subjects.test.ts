/** One grammar for topics and patterns, at every edge. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesPattern, parsePattern, parseTopic } from '../../../src/bus/subjects.ts';
import { isTroupeError } from '../../../src/errors.ts';
import { runs } from '../state/random.ts';
import { pattern, topic } from './arbitraries.ts';

/** What is wrong in both, and the words the message must have. */
const BAD: readonly (readonly [string, unknown, string])[] = [
  ['nothing', '', 'is empty'],
  ['a space', 'task done', "the token 'task done', which has a space"],
  ['a space at the end', 'task. ', 'has a space'],
  ['a no-break space', 'task\u00a0done', 'has a space'],
  ['a line break', 'task.a\nb', "'a\\u{a}b', which has a character that cannot be seen"],
  ['a null character', 'task.\u0000', 'cannot be seen'],
  ['a zero-width character', 'task.a\u200bb', "'a\\u{200b}b'"],
  ['half a surrogate pair', 'task.\ud800', 'cannot be seen'],
  ['an empty token', 'task..done', 'has an empty token'],
  ['an empty first token', '.task', 'has an empty token'],
  ['an empty last token', 'task.', 'has an empty token'],
  ['two colons', 'agent::x', 'has an empty token'],
  ['a quote', 'task."a"', 'has a quote or a backslash'],
  ['a backslash', 'task.a\\b', 'has a quote or a backslash'],
  ['a wildcard within a token', 'task.a*', 'mixes a wildcard'],
  ['10,000 tokens', Array.from({ length: 10_000 }, () => 'a').join('.'), 'has 19999 characters, more than 255'],
  ['33 tokens', Array.from({ length: 33 }, () => 'a').join('.'), 'has 33 tokens, more than 32'],
  ['256 characters', 'a'.repeat(256), 'has 256 characters, more than 255'],
  ['undefined', undefined, 'is of type undefined instead of a string'],
  ['null', null, 'is of type null instead of a string'],
  ['a number', 7, "'7' is of type number"],
  ['a symbol', Symbol('x'), 'is of type symbol'],
  ['an object without text', Object.create(null), 'is of type object'],
  ['a list', ['a.b'], 'is of type object'],
];

function failureOf(parse: () => unknown): string {
  try {
    return `passed as ${JSON.stringify(parse())}`;
  } catch (error) {
    return isTroupeError(error, 'ERR_TOPIC_INVALID') ? error.message : `other error: ${String(error)}`;
  }
}

describe('topics and patterns', () => {
  test.each(BAD)('neither may have %s', (_name, text, words) => {
    expect(failureOf(() => parseTopic(text))).toContain(words);
    expect(failureOf(() => parsePattern(text))).toContain(words);
  });

  test.each(BAD)('the message about %s is one short line with an example', (_name, text) => {
    expect(failureOf(() => parseTopic(text))).toMatch(/^The topic '.*such as 'task.completed'\.$/);
    expect(failureOf(() => parseTopic(text)).length).toBeLessThan(700);
  });

  test.each(['task.*', '*', '>', 'task.>', 'agent:*'])(
    'a publication on %j is refused: wildcards are for subscriptions',
    (text) => {
      expect(failureOf(() => parseTopic(text))).toContain('those are for subscriptions');
      expect(parsePattern(text)).toBe(text.replace(':', '.'));
    },
  );

  test.each(['>.a', 'a.>.b', '>.>'])("'>' stands at the end only: %j is refused", (text) => {
    expect(failureOf(() => parsePattern(text))).toContain("has '>' before its end");
  });

  test.each(['a', 'task.completed', 'Agent:planner:ready', 'größe.über', 'a-b_c.1/2@x', 'a'.repeat(255)])(
    'the topic %j is taken, colons as dots',
    (text) => {
      expect(parseTopic(text)).toBe(text.replaceAll(':', '.'));
      expect(parsePattern(text)).toBe(text.replaceAll(':', '.'));
    },
  );

  test.each([
    ['a', 'a', true],
    ['a', 'b', false],
    ['a', 'a.b', false],
    ['a.b', 'a', false],
    ['*', 'a', true],
    ['*', 'a.b', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b.c', false],
    ['*.b', 'a.b', true],
    ['*.b', 'a.c', false],
    ['>', 'a', true],
    ['>', 'a.b.c', true],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['a.*.>', 'a.b', false],
    ['a.*.>', 'a.b.c', true],
  ])('%j for %j: %j', (wanted, published, isMatch) => {
    expect(matchesPattern(wanted, published)).toBe(isMatch);
  });

  test('a pattern fits what a regular expression made from it fits', () => {
    fc.assert(
      fc.property(pattern, topic, (wanted, published) => {
        const source = wanted.replaceAll('.', '\\.').replaceAll('*', '[^.]+').replace('>', '.+');
        expect(matchesPattern(wanted, published)).toBe(new RegExp(`^${source}$`).test(published));
      }),
      runs(1_000),
    );
  });

  test('any text is taken unchanged but for colons, or refused; a topic needs no escapes in JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const outcome = failureOf(() => parseTopic(text));
        if (!outcome.startsWith('passed')) {
          expect(outcome).toContain('The topic');
          return;
        }
        expect(parseTopic(text)).toBe(text.replaceAll(':', '.'));
        expect(JSON.stringify(parseTopic(text))).toBe(`"${parseTopic(text)}"`);
      }),
      runs(1_000),
    );
  });
});
