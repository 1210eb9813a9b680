/** One grammar at every edge. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashAddress, parseAddress, toAddress, typeOf } from '../../../src/actor/address.ts';

const KEY = /^[A-Za-z0-9][A-Za-z0-9_:-]{0,127}$/;

describe('addresses', () => {
  test.each(['a', 'A9', 'a:b', 'a_b-c', '0', 'x'.repeat(128)])('the key %j is taken', (key) => {
    expect(parseAddress(toAddress('session', key))).toEqual({ type: 'session', key, address: `session/${key}` });
    expect(typeOf(toAddress('session', key))).toBe('session');
  });

  test.each(['', '.', '..', '../x', 'a.b', '*', '>', 'a b', 'a/b', 'é', '-a', '_a', ':a', 'a\n', 'x'.repeat(129)])(
    'the key %j is refused',
    (key) => {
      expect(() => toAddress('session', key)).toThrow(
        expect.objectContaining({ code: 'ERR_ADDRESS', details: { type: 'session', key } }),
      );
    },
  );

  test.each(['', '1a', '_a', 'a.b', 'a/b', 'a:b', 'a'.repeat(65)])('the type %j is refused', (type) => {
    expect(() => toAddress(type, 'a')).toThrow(expect.objectContaining({ code: 'ERR_ADDRESS' }));
  });

  test.each(['session', 'session/', '/a', 'a/b/c', ''])('%j is not an address', (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'ERR_ADDRESS' }));
  });

  test.each([null, undefined, 7, {}])('%j is neither a key nor an address', (value) => {
    expect(() => toAddress('session', value as never)).toThrow(expect.objectContaining({ code: 'ERR_ADDRESS' }));
    expect(() => parseAddress(value as never)).toThrow(expect.objectContaining({ code: 'ERR_ADDRESS' }));
  });

  test('whatever is taken is one NATS token and comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 140 }), (key) => {
        if (!KEY.test(key)) {
          expect(() => toAddress('t', key)).toThrow();
          return;
        }
        expect(key).not.toMatch(/[.*>\s/\\]/);
        expect(parseAddress(toAddress('t', key)).key).toBe(key);
      }),
    );
  });

  test('the hash is the same everywhere and spreads over threads', () => {
    expect(hashAddress(toAddress('session', 'user-42'))).toBe(hashAddress('session/user-42' as never));
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) counts[hashAddress(toAddress('a', `k${i}`)) % 4]!++;
    for (const count of counts) expect(count).toBeGreaterThan(800);
  });
});
