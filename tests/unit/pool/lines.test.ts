/** Lines of an export: what is written comes back, and what was changed since is refused where it is. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTroupeError } from '../../../src/errors.ts';
import type { TroupeError } from '../../../src/errors.ts';
import { encodeLine, parseLines } from '../../../src/pool/lines.ts';
import { MAX_JSON_DEPTH } from '../../../src/state/json-shape.ts';
import { holdsAlways } from '../../support/property.ts';

const kinds = fc.stringMatching(/^[a-z][a-z0-9.-]{0,10}$/);
const bodies = fc.jsonValue({ maxDepth: 4 }).filter((body) => isWritable(body));

/** Keys that are refused are tried by themselves. */
function isWritable(body: unknown): boolean {
  return !/"(__proto__|xstate\$\$type|constructor)"/.test(JSON.stringify(body));
}

function failureOf(parse: () => unknown): TroupeError {
  try {
    parse();
  } catch (error) {
    if (isTroupeError(error)) return error;
    throw error;
  }
  throw new Error('Expected a TroupeError; nothing was thrown.');
}

/** A line as a forger would write it: any body, with the checksum that fits. */
function forge(body: string): string {
  return `{"k":"row","c":${crc32(body, crc32('row\n'))},"b":${body}}\n`;
}

test('what is written comes back, in order', () => {
  holdsAlways(
    fc.property(fc.array(fc.record({ kind: kinds, body: bodies }), { maxLength: 5 }), (lines) => {
      const text = lines.map(({ kind, body }) => encodeLine(kind, body)).join('');
      // -0 becomes 0, as in all that is stored.
      expect(parseLines(text)).toEqual(JSON.parse(JSON.stringify(lines)));
      expect(parseLines(text.replace(/\n$/, ''))).toHaveLength(lines.length);
    }),
  );
});

test('a damaged line is never accepted, whatever was changed in it', () => {
  const damage = fc.oneof(
    fc.record({ at: fc.nat(), drop: fc.integer({ min: 1, max: 5 }), put: fc.constant('') }),
    fc.record({ at: fc.nat(), drop: fc.constant(0), put: fc.string({ minLength: 1, maxLength: 5 }) }),
    fc.record({ at: fc.nat(), drop: fc.constant(1), put: fc.string({ minLength: 1, maxLength: 1 }) }),
    fc.record({ at: fc.nat(), drop: fc.constant(0), put: fc.constantFrom(' ', '0', '\r', '\t', '"', ',') }),
  );
  holdsAlways(
    fc.property(kinds, bodies, damage, (kind, body, { at, drop, put }) => {
      const line = encodeLine(kind, body).slice(0, -1);
      const place = at % line.length;
      const damaged = line.slice(0, place) + put + line.slice(place + drop);
      fc.pre(damaged !== line && damaged !== '');
      const failure = failureOf(() => parseLines(`${damaged}\n`));
      expect(failure.code).toBe('ERR_DATA_CORRUPT');
      expect(failure.message).toMatch(/^An export, line [12] /);
    }),
  );
});

test('lines that changed places are still good: each has a checksum of its own', () => {
  expect(parseLines(encodeLine('b', 2) + encodeLine('a', 1)).map(({ kind }) => kind)).toEqual(['b', 'a']);
});

test.each([
  ['nothing on a line', '\n', 'is not a line of an export'],
  ['no JSON', 'hello\n', 'is not a line of an export'],
  ['a mark of byte order', `\uFEFF${encodeLine('row', 1)}`, 'is not a line of an export'],
  ['the end of line of Windows', encodeLine('row', 1).replace('\n', '\r\n'), 'is not a line of an export'],
  ['JSON that says the same with spaces', '{"k": "row", "c": 0, "b": 1}\n', 'is not a line of an export'],
  ['a zero before the checksum', encodeLine('row', 1).replace('"c":', '"c":0'), 'is not a line of an export'],
  ['another body', encodeLine('row', 1).replace('"b":1', '"b":2'), 'does not match its checksum'],
  ['another kind', encodeLine('row', 1).replace('row', 'raw'), 'does not match its checksum'],
  ['a body that is no JSON', forge('{"a":}'), 'has a body that is not JSON'],
  ['more after the body', forge('1},"d":{'), 'has a body that is not JSON'],
  ['the key __proto__', forge('{"a":[{"__proto__":{"isAdmin":true}}]}'), "carries the key '__proto__'"],
  ['an escaped key __proto__', forge('{"\\u005f_proto__":{}}'), "carries the key '__proto__'"],
  ['the key constructor.prototype', forge('{"constructor":{"prototype":{"a":1}}}'), "the key 'constructor.prototype'"],
  ['a reference to an actor', forge('{"xstate$$type":1}'), "carries the key 'xstate$$type'"],
  ['too many levels', forge('['.repeat(MAX_JSON_DEPTH + 1) + ']'.repeat(MAX_JSON_DEPTH + 1)), 'is nested deeper than'],
  ['a million levels', forge('['.repeat(1e6) + ']'.repeat(1e6)), 'is nested deeper than'],
])('%s is refused by number of the line, with what to do', (_what, line, why) => {
  const failure = failureOf(() => parseLines(encodeLine('row', 0) + line, { owner: "'a.jsonl'", firstLine: 7 }));
  expect(failure.code).toBe('ERR_DATA_CORRUPT');
  expect(failure.message).toContain("'a.jsonl', line 8 ");
  expect(failure.message).toContain(why);
  expect(failure.message).toMatch(/(take it from a copy|Do not use the file)/);
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
});

test('as many levels as can be stored are read', () => {
  const body = '['.repeat(MAX_JSON_DEPTH) + ']'.repeat(MAX_JSON_DEPTH);
  expect(parseLines(encodeLine('row', JSON.parse(body)))).toHaveLength(1);
});

test('constructor is a word like any other', () => {
  const body = { constructor: 3, words: { constructor: { count: 1 } } };
  expect(parseLines(encodeLine('row', body))).toEqual([{ kind: 'row', body }]);
});

test('a line that is too long is refused before it is read', () => {
  const line = encodeLine('row', 'x'.repeat(100));
  expect(parseLines(line, { maxLineChars: line.length - 1 })).toHaveLength(1);
  const failure = failureOf(() => parseLines(line, { maxLineChars: line.length - 2 }));
  expect(failure).toMatchObject({ code: 'ERR_DATA_TOO_LARGE', details: { chars: line.length - 1 } });
});

test('nothing comes of no text', () => {
  expect(parseLines('')).toEqual([]);
});

test.each([
  ['a kind outside the grammar', 'Row', 1, 'ERR_OPTIONS_INVALID'],
  ['a kind with a quote', 'r"w', 1, 'ERR_OPTIONS_INVALID'],
  ['no value', 'row', undefined, 'ERR_NOT_JSON'],
  ['a date', 'row', new Date(0), 'ERR_NOT_JSON'],
  ['a reserved key', 'row', JSON.parse('{"__proto__":1}'), 'ERR_NOT_JSON'],
  ['constructor.prototype', 'row', { constructor: { prototype: {} } }, 'ERR_DATA_CORRUPT'],
])('%s cannot be written', (_what, kind, body, code) => {
  expect(failureOf(() => encodeLine(kind, body)).code).toBe(code);
});
