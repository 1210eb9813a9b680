/** The trie finds what looking at every pattern would find. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesPattern } from '../../../src/bus/subjects.ts';
import { SubjectTrie } from '../../../src/bus/trie.ts';
import { runs } from '../state/random.ts';
import { pattern, topic } from './arbitraries.ts';

const subscription = fc.tuple(pattern, fc.nat({ max: 3 }));
const byNumber = (a: number, b: number): number => a - b;
const change = fc.record({ isRemoval: fc.boolean(), subscription });

describe('subject trie', () => {
  test('G12: a topic meets exactly the subscriptions whose pattern it fits, after any adds and removals', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.array(topic, { maxLength: 10 }), (changes, topics) => {
        const trie = new SubjectTrie<number>();
        const model = new Map<string, readonly [string, number]>();
        for (const { isRemoval, subscription } of changes) {
          const key = subscription.join(' ');
          if (isRemoval) model.delete(key);
          else model.set(key, subscription);
          if (isRemoval) trie.remove(...subscription);
          else trie.add(...subscription);
        }
        for (const each of topics) {
          const wanted = [...model.values()].filter(([pattern]) => matchesPattern(pattern, each));
          expect(trie.match(each).toSorted(byNumber)).toEqual(wanted.map(([, value]) => value).toSorted(byNumber));
        }
      }),
      runs(1_000),
    );
  });

  test('what is removed leaves no empty nodes behind', () => {
    fc.assert(
      fc.property(fc.array(subscription, { maxLength: 40 }), (subscriptions) => {
        const trie = new SubjectTrie<number>();
        for (const each of subscriptions) trie.add(...each);
        expect(trie.isEmpty).toBe(subscriptions.length === 0);
        for (const each of subscriptions) trie.remove(...each);
        expect(trie.isEmpty).toBe(true);
      }),
      runs(300),
    );
  });

  test('removing what is not there changes nothing', () => {
    const trie = new SubjectTrie<string>();
    trie.add('a.*', 'one');
    for (const pattern of ['a', 'a.b', 'a.*.c', '>']) trie.remove(pattern, 'one');
    trie.remove('a.*', 'two');
    expect(trie.match('a.b')).toEqual(['one']);
  });

  test('a value that stands under several patterns is found once for each', () => {
    const trie = new SubjectTrie<string>();
    for (const pattern of ['a.b', 'a.*', 'a.>', '>', '*.b', 'a.b']) trie.add(pattern, 'one');
    expect(trie.match('a.b')).toEqual(['one', 'one', 'one', 'one', 'one']);
    expect(trie.match('a')).toEqual(['one']);
  });

  test('200,000 values under one pattern are all found', () => {
    const trie = new SubjectTrie<number>();
    for (let value = 0; value < 200_000; value++) trie.add('a.*', value);
    expect(trie.match('a.b')).toHaveLength(200_000);
  });
});
