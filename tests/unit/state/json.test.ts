import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTroupeError, type TroupeError } from '../../../src/errors.ts';
import { checkJson, encodeJson, freezeJson } from '../../../src/state/json.ts';
import { json, runs } from './random.ts';

class Money {
  readonly amount = 1;
}

function failure(check: () => void): TroupeError {
  try {
    check();
  } catch (error) {
    if (isTroupeError(error, 'ERR_NOT_JSON')) return error;
    throw error;
  }
  throw new Error('Nothing was thrown');
}

function nest(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = { inner: value };
  return value;
}

const cycle: { self?: unknown } = {};
cycle.self = cycle;

const wideCycle: unknown[] = [];
for (let i = 0; i < 20; i++) wideCycle.push({ up: wideCycle });

const faults: [string, unknown, string, string][] = [
  ['a Date', { when: new Date(0) }, 'when', 'a Date'],
  ['undefined in an object', { a: undefined }, 'a', 'undefined'],
  ['undefined in an array', { a: [1, undefined] }, 'a[1]', 'undefined'],
  // oxlint-disable-next-line no-sparse-arrays -- the hole is what is tested
  ['a hole', { a: [1, , 3] }, 'a[1]', 'a hole'],
  ['a function', { a: () => 1 }, 'a', 'a function'],
  ['a function that is inherited elsewhere', { toString: Object.prototype.toString }, 'toString', 'a function'],
  ['a symbol', { a: Symbol('s') }, 'a', 'a symbol'],
  ['a BigInt', { a: 1n }, 'a', 'a BigInt'],
  ['NaN', { a: Number.NaN }, 'a', 'NaN'],
  ['Infinity', { a: [Infinity] }, 'a[0]', 'Infinity'],
  ['a Map', { a: new Map() }, 'a', 'a Map'],
  ['a Set', { a: new Set() }, 'a', 'a Set'],
  ['an Error', { items: [{}, { cause: new TypeError('x') }] }, 'items[1].cause', 'an Error'],
  ['a RegExp', { a: /x/ }, 'a', 'a RegExp'],
  ['a Promise', { a: Promise.resolve() }, 'a', 'a Promise'],
  ['a Buffer', { a: Buffer.from('x') }, 'a', 'binary data'],
  ['a class instance', { a: new Money() }, 'a', 'an instance of Money'],
  ['an object with toJSON', { a: { toJSON: () => 1 } }, 'a', 'an object with toJSON'],
  ['a match result', { a: 'abc'.match(/b/) }, 'a', 'an array with named parts'],
  ['a subclass of Array', { a: new (class Bag extends Array {})() }, 'a', 'an array with named parts'],
  ['a symbol key', { a: { [Symbol('tag')]: 1 } }, 'a', 'the symbol key Symbol(tag)'],
  ['a key that sets prototypes', { a: JSON.parse('{"__proto__":{}}') }, 'a.__proto__', 'a reserved key'],
  ['a forged actor reference', { a: { xstate$$type: 1, id: 'x' } }, 'a.xstate$$type', 'a reserved key'],
  ['a cycle', { a: cycle }, 'a.self', 'a cycle'],
  ['a wide cycle', wideCycle, '[0].up', 'a cycle'],
  ['a key that needs quotes', { 'a b': { '0x': 1n } }, '["a b"]["0x"]', 'a BigInt'],
];

describe.each(faults)('%s', (_name, value, path, what) => {
  test.each([
    ['checkJson', checkJson],
    ['freezeJson', (...args: Parameters<typeof freezeJson>) => void freezeJson(...args)],
    ['encodeJson', (...args: Parameters<typeof encodeJson>) => void encodeJson(...args)],
  ])('is refused by %s, which names it and its path', (_check, check) => {
    const error = failure(() => check(value, "Event 'SAY' of 'session/x'", ''));
    expect(error.message).toContain(`Event 'SAY' of 'session/x' carries ${what} at '${path}', which `);
    expect(error.details).toEqual({ path });
  });
});

test('the message says what would happen and what to do instead', () => {
  const error = failure(() => checkJson({ when: new Date(0) }, "Event 'SAY' of 'session/x'", 'payload'));
  expect(error.message).toBe(
    "Event 'SAY' of 'session/x' carries a Date at 'payload.when', which JSON would turn into a string. " +
      'Pass a number or an ISO string instead.',
  );
});

test('a root that is no JSON is named without a path', () => {
  expect(failure(() => checkJson(undefined, 'The reply', '')).message).toMatch(/^The reply is undefined, which /);
});

test('200 levels are accepted, 201 are not', () => {
  checkJson(nest(200), 'It', '');
  freezeJson(nest(200), 'It', '');
  expect(failure(() => checkJson(nest(201), 'It', '')).message).toContain('more than 200 levels');
  expect(failure(() => freezeJson(nest(201), 'It', '')).message).toContain('more than 200 levels');
});

test('wrapping a checked value again and again reaches the limit too', () => {
  let context: unknown = { last: null };
  const wrap = (): void => {
    for (let i = 0; i < 300; i++) {
      const next = { last: context };
      freezeJson(next, 'It', '', { previous: context });
      context = next;
    }
  };
  expect(failure(wrap).message).toContain('more than 200 levels');
});

test('objects without a prototype are plain', () => {
  const value = Object.assign(Object.create(null) as object, { a: 1 });
  expect(encodeJson(value, 'It', '')).toBe('{"a":1}');
});

test('freezing reaches every part, and returns the value itself', () => {
  const value = { list: [{ deep: [1] }], 'other key': { x: 1 } };
  expect(freezeJson(value, 'It', '')).toBe(value);
  for (const part of [value, value.list, value.list[0], value.list[0]?.deep, value['other key']]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test('a value that its user froze is still checked', () => {
  const value = Object.freeze({ list: Object.freeze([new Date(0)]) });
  expect(failure(() => freezeJson(value, 'It', 'context')).details['path']).toBe('context.list[0]');
});

test('what is the same object in the same place is not visited again', () => {
  const heavy = freezeJson({ a: 1 }, 'It', '') as Record<string, unknown>;
  const watched = new Proxy(heavy, { ownKeys: () => expect.unreachable('visited again') });
  const previous = { first: watched, list: [watched, watched], count: 1 };
  freezeJson({ ...previous, count: 2 }, 'It', '', { previous });
  freezeJson({ ...previous, list: [...previous.list, { a: 2 }] }, 'It', '', { previous });
});

test('items that moved within their array are not visited again', () => {
  const visits: number[] = [];
  const item = (id: number): unknown => new Proxy(Object.freeze({}), { ownKeys: () => (visits.push(id), []) });
  const previous = Array.from({ length: 50 }, (_, id) => item(id));
  const shapes = {
    'a window that slides': [...previous.slice(3), item(50)],
    'an item in front': [item(50), ...previous],
    'an item taken out': previous.toSpliced(20, 1),
    'an item put in': previous.toSpliced(20, 0, item(50)),
  };
  for (const [shape, next] of Object.entries(shapes)) {
    visits.length = 0;
    freezeJson(next, 'It', '', { previous });
    expect(
      visits.filter((id) => id !== 50),
      shape,
    ).toEqual([]);
  }
});

test('a bad item is found wherever it stands in a changed array', () => {
  const previous = freezeJson([{ a: 1 }, { b: 1 }, { c: 1 }], 'It', '') as unknown[];
  for (let at = 0; at <= 3; at++) {
    const next = previous.toSpliced(at, 0, new Date(0));
    expect(failure(() => freezeJson(next, 'It', 'list', { previous })).details['path']).toBe(`list[${at}]`);
  }
});

test('all JSON passes, unchanged by its text', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = encodeJson(value, 'It', '');
      expect(JSON.stringify(freezeJson(JSON.parse(text), 'It', ''))).toBe(text);
    }),
    runs(2_000),
  );
});

test('what passes is what JSON keeps, for any value', () => {
  const anything = fc.anything({
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withBigInt: true,
  });
  fc.assert(
    fc.property(anything, (value) => {
      let text: string;
      try {
        text = encodeJson(value, 'It', '');
      } catch (error) {
        return isTroupeError(error, 'ERR_NOT_JSON');
      }
      const plain = (part: unknown): unknown => JSON.parse(JSON.stringify(part));
      expect(plain(value)).toEqual(withoutNegativeZero(value));
      return JSON.stringify(JSON.parse(text)) === text;
    }),
    runs(2_000),
  );
});

/** JSON writes -0 as 0, which is accepted: no program tells them apart by accident. */
function withoutNegativeZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(withoutNegativeZero);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutNegativeZero(part)]));
}
