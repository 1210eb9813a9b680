import { expect, test } from 'vitest';
import { encodeThrown } from '../../../src/state/thrown.ts';

const bare = Object.assign(Object.create(null) as object, { f: () => 1 });

test.each<[string, unknown, unknown]>([
  ['an error', new RangeError('far'), { name: 'RangeError', message: 'far' }],
  ['an error with a code', Object.assign(new Error('no'), { code: 'E' }), { name: 'Error', message: 'no', code: 'E' }],
  ['an error with a number', Object.assign(new Error('no'), { code: 7 }), { name: 'Error', message: 'no', code: 7 }],
  ['an error with an odd code', Object.assign(new Error('no'), { code: NaN }), { name: 'Error', message: 'no' }],
  ['JSON', { reason: 'tired' }, { reason: 'tired' }],
  ['a string', 'tired', 'tired'],
  ['a Map', new Map(), { name: 'Error', message: '[object Map]' }],
  ['an object that has no text', bare, { name: 'Error', message: '[object Object]' }],
  ['a symbol', Symbol('s'), { name: 'Error', message: 'Symbol(s)' }],
  ['nothing', undefined, { name: 'Error', message: 'undefined' }],
])('%s is kept as data', (_what, thrown, expected) => {
  expect(encodeThrown(thrown)).toEqual(expected);
  expect(Object.isFrozen(encodeThrown(thrown))).toBe(true);
});
