/** What foreign clients send is read at the edge, and what is wrong is named. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toAddress } from '../../../src/actor/address.ts';
import { isTroupeError } from '../../../src/errors.ts';
import { parseActorRequest, parseActorSubject } from '../../../src/nats/actor-request.ts';
import { holdsAlways } from '../../support/property.ts';

const to = toAddress('session', 'ada');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string, headers = {}): unknown => parseActorRequest(to, bytes(text), headers);

function thrownBy(run: () => unknown): { readonly code: string; readonly message: string } {
  try {
    run();
  } catch (error) {
    if (isTroupeError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('a subject names type and key', () => {
  expect(parseActorSubject('troupe.default.actor.session.user-42:b', 'default')).toEqual({
    type: 'session',
    key: 'user-42:b',
    address: 'session/user-42:b',
  });
});

test.each([
  ['troupe.default.actor.session', "Subject 'troupe.default.actor.session' has no key behind 'troupe.default.actor.'"],
  ['troupe.default.actor.session.a.b', 'has 3 tokens instead of 2'],
  ['troupe.default.actor.*.a', "Actor type '*' is not valid"],
  ['troupe.default.actor.session.>', "Key '>' of actor type 'session' is not valid"],
  ['troupe.default.actor.session.*', "Key '*'"],
  ['troupe.default.actor.session.a/b', "Key 'a/b'"],
  ['troupe.default.actor.session.', "Key ''"],
  [`troupe.default.actor.session.${'k'.repeat(129)}`, 'Use 1 to 128 characters'],
  [`troupe.default.actor.${'a.'.repeat(5000)}a`, 'has 5001 tokens instead of 2'],
])('the subject %s is refused', (subject, words) => {
  const error = thrownBy(() => parseActorSubject(subject, 'default'));
  expect(error.code).toBe('ERR_ADDRESS');
  expect(error.message).toContain(words);
  expect(error.message.length).toBeLessThan(400);
});

test('a payload is the event, and headers say the rest', () => {
  const headers = { 'nats-msg-id': 'm-1', 'troupe-input': '{"user":"ada"}', 'troupe-timeout-ms': '500', other: 'x' };
  expect(read('{"type":"SAY","text":"hi"}', headers)).toEqual({
    event: { type: 'SAY', text: 'hi' },
    id: 'm-1',
    input: { user: 'ada' },
    timeoutMs: 500,
  });
});

test('a client without headers wraps the event, and what it says comes before the headers', () => {
  const wrapped = '{"event":{"type":"SAY","text":"hi"},"input":{"user":"ada"},"id":"m-1","timeoutMs":500}';
  const expected = { event: { type: 'SAY', text: 'hi' }, input: { user: 'ada' }, id: 'm-1', timeoutMs: 500 };
  expect(read(wrapped)).toEqual(expected);
  expect(read(wrapped, { 'nats-msg-id': 'other', 'troupe-timeout-ms': '7' })).toEqual(expected);
  expect(read('{"event":{"type":"SAY"}}', { 'nats-msg-id': 'other' })).toEqual({ event: { type: 'SAY' }, id: 'other' });
});

test('an input without an event only creates', () => {
  expect(read('{"input":{"user":"ada"}}')).toEqual({ input: { user: 'ada' } });
  expect(read('', { 'troupe-input': '{"user":"ada"}' })).toEqual({ input: { user: 'ada' } });
  expect(read('{"input":null}')).toEqual({ input: null });
});

test('an event with fields called event or input stays an event', () => {
  const event = { type: 'SAY', event: 1, input: 2 };
  expect(read(JSON.stringify(event))).toEqual({ event });
});

test.each([
  ['', {}, 'ERR_NOT_JSON', 'is empty'],
  ['hi', {}, 'ERR_NOT_JSON', 'is not JSON'],
  ['{"type":"SAY"', {}, 'ERR_NOT_JSON', 'is not JSON'],
  ['null', {}, 'ERR_EVENT_INVALID', 'is null instead of an object'],
  ['[]', {}, 'ERR_EVENT_INVALID', 'is an array'],
  ['"SAY"', {}, 'ERR_EVENT_INVALID', "is 'SAY' (a string)"],
  ['{}', {}, 'ERR_EVENT_INVALID', 'has no type'],
  ['{"type":7}', {}, 'ERR_EVENT_INVALID', 'has the type 7 (a number)'],
  ['{"type":"xstate.after.1.x"}', {}, 'ERR_EVENT_INVALID', "begin with 'xstate.' are the machine's own"],
  ['{"event":{"type":"xstate.stop"}}', {}, 'ERR_EVENT_INVALID', "'xstate.stop'"],
  ['{"event":{"text":"hi"}}', {}, 'ERR_EVENT_INVALID', 'without a type'],
  ['{"event":[]}', {}, 'ERR_EVENT_INVALID', 'an array without a type'],
  [
    '{"event":{"type":"A"},"inputs":{}}',
    {},
    'ERR_EVENT_INVALID',
    "a field 'inputs' besides event, input, id, timeoutMs",
  ],
  ['{"event":{"type":"A"},"id":7}', {}, 'ERR_OPTIONS_INVALID', "'id' of a request to 'session/ada' is 7"],
  ['{"event":{"type":"A"},"timeoutMs":"9"}', {}, 'ERR_OPTIONS_INVALID', "'timeoutMs' of a request"],
  [
    '{"type":"A"}',
    { 'troupe-timeout-ms': 'soon' },
    'ERR_OPTIONS_INVALID',
    "'Troupe-Timeout-Ms' of a request to 'session/ada' is 'soon'",
  ],
  ['{"type":"A"}', { 'troupe-timeout-ms': '0' }, 'ERR_OPTIONS_INVALID', '0 (a number)'],
  ['{"type":"A"}', { 'troupe-timeout-ms': '99999999999' }, 'ERR_OPTIONS_INVALID', 'from 1 to 86400000'],
  ['{"type":"A"}', { 'troupe-input': '{user' }, 'ERR_NOT_JSON', "Header 'Troupe-Input' of a request to 'session/ada'"],
])('the payload %s with %o is refused', (text, headers, code, words) => {
  const error = thrownBy(() => read(text, headers));
  expect(error.code).toBe(code);
  expect(error.message).toContain(words);
});

test('bytes that are not UTF-8 are refused', () => {
  const error = thrownBy(() => parseActorRequest(to, Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), {}));
  expect(error).toMatchObject({ code: 'ERR_NOT_JSON', message: expect.stringContaining('is not UTF-8') as string });
});

test('whatever comes, it is read or refused with an error of the catalogue', () => {
  const payload = fc.oneof(fc.uint8Array(), fc.json().map(bytes), fc.string().map(bytes));
  holdsAlways(
    fc.property(payload, fc.dictionary(fc.string(), fc.string()), (data, headers) => {
      try {
        const request = parseActorRequest(to, data, headers);
        expect(request.event === undefined || typeof request.event.type === 'string').toBe(true);
      } catch (error) {
        expect(isTroupeError(error)).toBe(true);
      }
    }),
  );
});
