import { expect, test } from 'vitest';
import { keepStateValue, type StateValueJson } from '../../../src/state/state-value.ts';

const previous: StateValueJson = { left: 'a', right: { y: 'deep' } };

test('an equal value gives the previous one', () => {
  expect(keepStateValue(previous, { left: 'a', right: { y: 'deep' } })).toBe(previous);
  expect(keepStateValue('a', 'a')).toBe('a');
});

test.each<[string, StateValueJson]>([
  ['another name', { left: 'b', right: { y: 'deep' } }],
  ['another name inside', { left: 'a', right: { y: 'deeper' } }],
  ['a region less', { left: 'a' }],
  ['a region more', { left: 'a', right: { y: 'deep' }, up: 'z' }],
  ['another region', { left: 'a', up: { y: 'deep' } }],
  ['a name for regions', { left: 'a', right: 'y' }],
])('%s gives the new value, frozen', (_what, value) => {
  expect(keepStateValue(previous, value)).toBe(value);
  expect(Object.isFrozen(value)).toBe(true);
});
