/** Answers are JSON for everybody, and say nothing that was not meant for others. */
import { expect, test } from 'vitest';
import { ERROR_CATALOGUE, TroupeError } from '../../../src/errors.ts';
import type { ErrorCode } from '../../../src/errors.ts';
import { fitAnswer, toDone, toRefused } from '../../../src/nats/answers.ts';

test('what was done is said in one object', () => {
  expect(toDone()).toEqual({ text: '{"ok":true}' });
  expect(toDone({ seq: 3 })).toEqual({ text: '{"ok":true,"seq":3}' });
  expect(toDone({ reply: null })).toEqual({ text: '{"ok":true,"reply":null}' });
});

test('an error has code, message and details, and the headers of services on NATS', () => {
  const error = new TroupeError('ERR_ADDRESS', 'Key "ü\r\nX: y" is not valid.', { details: { key: 'ü' } });
  const { text, headers } = toRefused(error, true);
  expect(JSON.parse(text)).toEqual({
    ok: false,
    error: { code: 'ERR_ADDRESS', message: error.message, details: { key: 'ü' } },
  });
  expect(headers).toEqual({
    'Nats-Service-Error-Code': '400',
    'Nats-Service-Error': 'ERR_ADDRESS: Key " X: y" is not valid.',
  });
  expect(toRefused(error, false).headers).toBeUndefined();
});

test.each(Object.keys(ERROR_CATALOGUE) as ErrorCode[])('%s has a number', (code) => {
  const { headers } = toRefused(new TroupeError(code, 'x'.repeat(10_000)), true);
  expect(headers?.['Nats-Service-Error-Code']).toMatch(/^[45]\d\d$/);
  expect(headers?.['Nats-Service-Error']?.length).toBe(512);
});

test('neither stacks nor causes leave, nor the words of an error that is not ours', () => {
  const cause = new Error('password=secret');
  const ours = toRefused(new TroupeError('ERR_ACTOR_FAILED', 'failed', { cause }), true);
  const other = toRefused(cause, true);
  for (const { text, headers } of [ours, other]) {
    expect(`${text}${JSON.stringify(headers)}`).not.toMatch(/secret|\.ts:/);
  }
  expect(JSON.parse(other.text)).toMatchObject({ ok: false, error: { code: 'ERR_INTERNAL' } });
});

test('an answer the server would not take becomes an error that says so', () => {
  const large = toDone({ reply: 'x'.repeat(4096) });
  expect(fitAnswer(large, 8192, true)).toBe(large);
  const { text, headers } = fitAnswer(large, 4096, true);
  expect(JSON.parse(text)).toMatchObject({
    ok: false,
    error: { code: 'ERR_DATA_TOO_LARGE', details: { maxBytes: 4096 } },
  });
  expect(headers?.['Nats-Service-Error-Code']).toBe('413');
});
