import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTroupeError } from '../../../src/errors.ts';
import { applyDelta, applyDeltaInPlace, diff } from '../../../src/state/delta.ts';
import { freezeJson, type Json } from '../../../src/state/json.ts';
import { applyEdit, edit, json, runs } from './random.ts';

function throughText<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

describe('diff', () => {
  const message = { role: 'user', text: 'hi' };
  const list = [message, message, message, message];
  test.each<[string, Json, Json, unknown]>([
    ['nothing', { a: 1 }, { a: 1 }, undefined],
    ['equal parts that are other objects', { a: [[1], { b: 2 }] }, { a: [[1], { b: 2 }] }, undefined],
    ['equal arrays of other objects', { a: list.map((m) => ({ ...m })) }, { a: list }, undefined],
    ['a leaf', { a: { b: 1, c: 2 } }, { a: { b: 3, c: 2 } }, [['s', ['a', 'b'], 3]]],
    ['a new key', { a: {} }, { a: { b: 1 } }, [['s', ['a', 'b'], 1]]],
    ['a key that objects inherit', { a: {} }, { a: { constructor: 1 } }, [['s', ['a', 'constructor'], 1]]],
    ['a key that went', { a: { b: 1, c: 2 } }, { a: { c: 2 } }, [['d', ['a', 'b']]]],
    ['an array that grew', { list }, { list: [...list, 'new'] }, [['a', ['list'], ['new']]]],
    [
      'an item in an array',
      { list },
      { list: list.with(2, { role: 'bot', text: 'hi' }) },
      [['s', ['list', 2, 'role'], 'bot']],
    ],
    [
      'the last item changed and one more',
      { list },
      { list: [...list.slice(0, -1), 'other', 'new'] },
      [
        ['s', ['list', 3], 'other'],
        ['a', ['list'], ['new']],
      ],
    ],
    ['an array that lost an item', { list }, { list: list.slice(1) }, [['s', ['list'], list.slice(1)]]],
    ['an array with most items changed', { l: [1, 2, 3, 4] }, { l: [5, 6, 7, 4] }, [['s', ['l'], [5, 6, 7, 4]]]],
    ['another kind of value', { a: [1] }, { a: { b: 1 } }, [['s', ['a'], { b: 1 }]]],
    ['the root', 1, 2, [['s', [], 2]]],
    ['the order of keys', { a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } }, [['s', ['a'], { y: 2, x: 1 }]]],
    ['a key among indexes', { a: { 1: 'x', 5: 'z' } }, { a: { 1: 'x', 3: 'y', 5: 'z' } }, [['s', ['a', '3'], 'y']]],
  ])('finds %s', (_name, previous, next, ops) => {
    expect(diff(freezeJson(previous, 'It', ''), freezeJson(next, 'It', ''))).toEqual(ops);
  });

  test('a list of 10,000 that grew by one gives its tail only', () => {
    const previous = Array.from({ length: 10_000 }, (_, id) => ({ id }));
    const next = [...previous, { id: -1 }];
    expect(diff({ list: previous }, { list: next })).toEqual([['a', ['list'], [{ id: -1 }]]]);
  });
});

describe('applyDelta', () => {
  test('shares what it leaves alone and changes neither argument', () => {
    const state = freezeJson({ a: { b: [1] }, c: { d: 1 } }, 'It', '') as { c: Json };
    const delta = freezeJson(
      [
        ['a', ['a', 'b'], [2]],
        ['a', ['a', 'b'], [3]],
      ],
      'It',
      '',
    );
    const next = applyDelta(state, delta) as { c: Json };
    expect(next).toEqual({ a: { b: [1, 2, 3] }, c: { d: 1 } });
    expect(next.c).toBe(state.c);
  });

  test('an object that a delta brought in is copied before it is changed', () => {
    const brought = { x: 1 };
    const delta = [
      ['s', ['a'], brought],
      ['s', ['a', 'x'], 2],
    ];
    expect(applyDelta({}, delta)).toEqual({ a: { x: 2 } });
    expect(brought).toEqual({ x: 1 });
  });

  test.each<[string, unknown]>([
    ['no list', { 0: 's' }],
    ['a step that is no list', ['s']],
    ['an unknown kind', [['x', ['a'], 1]]],
    ['no path', [['s', 'a', 1]]],
    ['a path with an object in it', [['s', [{}], 1]]],
    ['a negative index', [['s', ['list', -1], 1]]],
    ['a fraction for an index', [['s', ['list', 0.5], 1]]],
    ['no value', [['s', ['a']]]],
    ['too many parts', [['d', ['a'], 1]]],
    ['an index past the end', [['s', ['list', 2], 1]]],
    ['a key on an array', [['s', ['list', 'length'], 0]]],
    ['a path through an array by a key', [['s', ['list', '0', 'x'], 0]]],
    ['an index on an object', [['s', [0], 1]]],
    ['a path through a missing key', [['s', ['missing', 'x'], 1]]],
    ['a path through a leaf', [['s', ['leaf', 'x'], 1]]],
    ['a path through what objects inherit', [['s', ['constructor', 'polluted'], 1]]],
    ['a path through a prototype', [['s', ['constructor', 'prototype', 'polluted'], 1]]],
    ['a path through __proto__', [['s', ['__proto__', 'polluted'], 1]]],
    ['a path that ends in __proto__', [['s', ['a', '__proto__'], { polluted: 1 }]]],
    ['deleting __proto__', [['d', ['__proto__']]]],
    ['deleting a missing key', [['d', ['missing']]]],
    ['deleting what objects inherit', [['d', ['toString']]]],
    ['deleting from an array', [['d', ['list', 0]]]],
    ['deleting the root', [['d', []]]],
    ['appending to an object', [['a', ['a'], [1]]]],
    ['appending to the root', [['a', [], [1]]]],
    ['appending to a missing key', [['a', ['missing'], [1]]]],
    ['appending what is no list', [['a', ['list'], 1]]],
  ])('refuses %s', (_name, delta) => {
    for (const apply of [applyDelta, applyDeltaInPlace]) {
      const state = { a: { b: 1 }, leaf: 1, list: [{ x: 1 }, 2] };
      expect(() => apply(state, delta)).toThrowError(expect.objectContaining({ code: 'ERR_STATE_CORRUPT' }));
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('random deltas never break anything but themselves', () => {
    const path = fc.array(fc.oneof(fc.constantFrom('a', 'list', '__proto__', 'constructor'), fc.nat({ max: 3 })));
    const op = fc.tuple(fc.constantFrom('s', 'd', 'a'), path, json);
    fc.assert(
      fc.property(fc.array(op, { maxLength: 4 }), (delta) => {
        const state = freezeJson({ a: { a: [] }, list: [1, { a: 1 }] }, 'It', '');
        try {
          applyDelta(state, throughText(delta));
        } catch (error) {
          return isTroupeError(error, 'ERR_STATE_CORRUPT');
        }
        return Object.keys(Object.prototype).length === 0;
      }),
      runs(2_000),
    );
  });
});

describe('diff and applyDelta', () => {
  test('turn any value into any other, to the order of keys', () => {
    fc.assert(
      fc.property(json, json, (previous, next) => {
        const delta = diff(freezeJson(previous, 'It', ''), freezeJson(next, 'It', ''));
        const text = JSON.stringify(next);
        expect(delta === undefined).toBe(JSON.stringify(previous) === text);
        if (delta === undefined) return;
        expect(JSON.stringify(applyDelta(previous, throughText(delta)))).toBe(text);
        expect(JSON.stringify(applyDeltaInPlace(throughText(previous), throughText(delta)))).toBe(text);
      }),
      runs(3_000),
    );
  });

  test('follow any sequence of changes, at every step', () => {
    fc.assert(
      fc.property(json, fc.array(edit, { minLength: 1, maxLength: 12 }), (first, edits) => {
        let live = freezeJson(first, 'It', '');
        let replayed = throughText(first);
        for (const change of edits) {
          const next = freezeJson(applyEdit(live, change), 'It', '', { previous: live });
          const delta = diff(live, next);
          if (delta !== undefined) replayed = applyDeltaInPlace(replayed, throughText(delta));
          expect(JSON.stringify(replayed)).toBe(JSON.stringify(next));
          live = next;
        }
      }),
      runs(3_000),
    );
  });
});
