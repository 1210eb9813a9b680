/** Errors cross threads as plain data, and are errors again on the other side. */
import { describe, expect, test } from 'vitest';
import { ERROR_CATALOGUE, TroupeError, isTroupeError } from '../../../src/errors.ts';
import type { ErrorCode } from '../../../src/errors.ts';
import { decodeError, encodeError } from '../../../src/thread/error-codec.ts';

const roundTrip = (error: unknown): Error =>
  decodeError(JSON.parse(JSON.stringify(structuredClone(encodeError(error)))) as never);

describe('error codec', () => {
  test.each(Object.keys(ERROR_CATALOGUE) as ErrorCode[])('%s keeps class, code, message and details', (code) => {
    const error = roundTrip(new TroupeError(code, 'What happened.', { details: { path: 'a.b', n: 1 } }));
    expect(error).toBeInstanceOf(TroupeError);
    expect(isTroupeError(error, code)).toBe(true);
    expect(error).toMatchObject({ name: 'TroupeError', message: 'What happened.', details: { path: 'a.b', n: 1 } });
  });

  test('causes come along, each with its name and code', () => {
    const root = Object.assign(new RangeError('disk'), { code: 'SQLITE_FULL' });
    const error = roundTrip(
      new TroupeError('ERR_STORE_UNAVAILABLE', 'No room.', { cause: new TypeError('middle', { cause: root }) }),
    );
    expect(error.cause).toMatchObject({
      name: 'TypeError',
      message: 'middle',
      cause: { name: 'RangeError', message: 'disk', code: 'SQLITE_FULL' },
    });
    expect((error.cause as Error).cause).toBeInstanceOf(Error);
  });

  test('a cause that leads in circles ends somewhere', () => {
    const error = new Error('round');
    error.cause = error;
    expect(roundTrip(error).message).toBe('round');
  });

  test('the stack of where it was thrown is kept', () => {
    const error = new TypeError('here');
    expect(roundTrip(error).stack).toBe(error.stack);
  });

  test.each([
    ['text', 'text'],
    [{ why: 1 }, '{"why":1}'],
    [undefined, 'undefined'],
    [null, 'null'],
    [5n, '5'],
    [Symbol('s'), 'Symbol(s)'],
  ])('%o, thrown, becomes an Error', (thrown, message) => {
    const error = roundTrip(thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe(message);
  });

  test('a code nobody knows stays a code, on a plain Error', () => {
    const error = roundTrip(Object.assign(new Error('x'), { code: 'ERR_OF_USER' }));
    expect(error).not.toBeInstanceOf(TroupeError);
    expect(error).toMatchObject({ code: 'ERR_OF_USER' });
  });

  test('details that are no JSON do not get in the way', () => {
    expect(roundTrip(new TroupeError('ERR_INTERNAL', 'x', { details: { big: 5n } }))).toMatchObject({ details: {} });
  });
});
