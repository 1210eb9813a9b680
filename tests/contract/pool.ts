/**
 * What every pool must do, whatever runs its tasks: P1 what is taken settles, P3 what comes out is what went in, or an error. An
 * adapter's test file is one call of `poolContract`.
 */
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_POOL_BYTES } from '../../src/pool/pool.ts';
import { encodeLine } from '../../src/pool/lines.ts';
import type { Pool } from '../../src/pool/pool.ts';
import { failureOf } from '../support/harness.ts';
import { holdsAlwaysAsync } from '../support/property.ts';

/** Makes a pool whose tasks take `maxBytes` at most. */
export type MakePool = (options?: { readonly maxBytes?: number }) => Pool;

const toText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
/** Bytes that cover their whole buffer. */
const bytesOf = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

/** Registers the suite for one adapter. */
export function poolContract(name: string, makePool: MakePool): void {
  describe(`pool contract: ${name}`, () => {
    let pool: Pool;
    beforeAll(() => {
      pool = makePool();
    });
    afterAll(() => pool.stop());
    const current = (): Pool => pool;

    roundTrips(current, makePool);
    ownership(current, makePool);
    damage(current);
    bombs(current, makePool);
    lines(current, makePool);
    badInput(current, makePool);
    stops(makePool);
  });
}

function roundTrips(current: () => Pool, makePool: MakePool): void {
  test('P3: any text comes back', async () => {
    await holdsAlwaysAsync(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 3_000 }), async (text) => {
        const packed = await current().compress(text);
        expect(toText(await current().decompress(packed))).toBe(text);
      }),
      300,
    );
  });

  test('P3: any bytes come back', async () => {
    await holdsAlwaysAsync(
      fc.asyncProperty(fc.uint8Array({ maxLength: 20_000 }), async (bytes) => {
        const packed = await current().compress(bytes.slice());
        expect(await current().decompress(packed)).toEqual(bytes);
      }),
      300,
    );
  });

  test('many tasks at once each get their own result', async () => {
    const texts = Array.from({ length: 50 }, (_, n) => `${n} `.repeat(n * 50));
    const packed = await Promise.all(texts.map((text) => current().compress(text)));
    const back = await Promise.all(packed.map((bytes) => current().decompress(bytes)));
    expect(back.map(toText)).toEqual(texts);
  });

  test('as many bytes as a task takes come back, though they cannot be made smaller', async () => {
    await using pool = makePool({ maxBytes: 300_000 });
    const noise = toNoise(300_000);
    const packed = await pool.compress(noise.slice());
    expect(packed.length).toBeGreaterThan(300_000);
    expect(await pool.decompress(packed)).toEqual(noise);
  });
}

function ownership(current: () => Pool, makePool: MakePool): void {
  test('bytes that cover their whole buffer are taken: they are empty afterwards', async () => {
    const bytes = bytesOf(1, 2, 3);
    const packing = current().compress(bytes);
    expect(bytes.length).toBe(0);
    const packed = await packing;
    expect(await current().decompress(packed)).toEqual(bytesOf(1, 2, 3));
    expect(packed.length).toBe(0);
  });

  test('bytes that share a buffer are copied at the call: what is written there later does not count', async () => {
    const buffer = bytesOf(9, 1, 2, 3, 9);
    const packing = current().compress(buffer.subarray(1, 4));
    buffer.fill(0);
    expect(await current().decompress(await packing)).toEqual(bytesOf(1, 2, 3));
    expect(buffer.length).toBe(5);
  });

  test('a small Buffer leaves its neighbours in the slab of Node.js alone', async () => {
    const [small, neighbour] = [Buffer.from('small'), Buffer.from('neighbour')];
    expect(toText(await current().decompress(await current().compress(small)))).toBe('small');
    expect(neighbour.toString()).toBe('neighbour');
  });

  test('bytes in shared memory are copied', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(7);
    expect(await current().decompress(await current().compress(shared))).toEqual(bytesOf(7, 7, 7));
    expect(shared).toHaveLength(3);
  });

  test('what comes out covers its whole buffer, so that it can be moved on', async () => {
    const packed = await current().compress('text '.repeat(1_000));
    expect(packed.byteLength).toBe(packed.buffer.byteLength);
    const back = await current().decompress(packed);
    expect(back.byteLength).toBe(back.buffer.byteLength);
  });

  test('bytes that are refused stay with the caller', async () => {
    await using pool = makePool({ maxBytes: 10 });
    const bytes = new Uint8Array(11).fill(5);
    await failureOf(pool.compress(bytes), 'ERR_DATA_TOO_LARGE');
    expect(bytes).toEqual(new Uint8Array(11).fill(5));
  });
}

function damage(current: () => Pool): void {
  const original = JSON.stringify(Array.from({ length: 40 }, (_, id) => ({ id, name: `actor ${id * 7}` })));

  test('P3: damaged bytes never give other content: they are refused, or the damage did not matter', async () => {
    const packed = await current().compress(original);
    const change = fc.record({ at: fc.nat(packed.length - 1), to: fc.nat(255) });
    await holdsAlwaysAsync(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const damaged = packed.slice();
        for (const { at, to } of changes) damaged[at] = to;
        await expectSameOrRefused(current(), damaged, original);
      }),
      1_000,
    );
  });

  test.each([
    ['nothing', () => new Uint8Array(0)],
    ['text', () => new TextEncoder().encode('this was never compressed')],
    ['a frame that is cut off', (packed: Uint8Array) => packed.slice(0, -1)],
    ['half a frame', (packed: Uint8Array) => packed.slice(0, packed.length / 2)],
    ['a frame and more', (packed: Uint8Array) => Uint8Array.from([...packed, 0])],
    ['two frames', (packed: Uint8Array) => Uint8Array.from([...packed, ...packed])],
    ['a frame with its first byte gone', (packed: Uint8Array) => packed.slice(1)],
  ])('P3: %s is refused, by the name of its owner', async (_what, spoil) => {
    const spoilt = spoil(await current().compress(original));
    const failure = await failureOf(current().decompress(spoilt, { owner: "Snapshot 7 of 'a/1'" }), 'ERR_DATA_CORRUPT');
    expect(failure.message).toMatch(
      /^Snapshot 7 of 'a\/1': the compressed bytes are damaged: .+ Take them from a copy/,
    );
  });
}

async function expectSameOrRefused(pool: Pool, bytes: Uint8Array, original: string): Promise<void> {
  const result: unknown = await pool.decompress(bytes).then(toText, (error: unknown) => error);
  if (result === original) return;
  expect(result).toMatchObject({ name: 'TroupeError', code: expect.stringMatching(/^ERR_DATA_(CORRUPT|TOO_LARGE)$/) });
}

function bombs(current: () => Pool, makePool: MakePool): void {
  test('a small blob that would become large is refused before it has', async () => {
    await using pool = makePool({ maxBytes: 1_000_000 });
    const bomb = new Uint8Array(zstdCompressSync(Buffer.alloc(256_000_000)));
    expect(bomb.length).toBeLessThan(100_000);
    const before = process.memoryUsage().arrayBuffers;
    const failure = await failureOf(pool.decompress(bomb), 'ERR_DATA_TOO_LARGE');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16_000_000);
    expect(failure).toMatchObject({ details: { maxBytes: 1_000_000 } });
    expect(failure.message).toContain('hold more than the 1000000 that may come out');
  });

  test('a caller may allow less than the pool does, to the byte', async () => {
    const packed = await current().compress('x'.repeat(1_000));
    await failureOf(current().decompress(packed.slice(), { maxBytes: 999 }), 'ERR_DATA_TOO_LARGE');
    expect(await current().decompress(packed, { maxBytes: 1_000 })).toHaveLength(1_000);
  });

  test('a frame that asks for a window of 128 MB is refused, whatever it holds', async () => {
    const small = await current().decompress(frameWithWindow(0));
    expect(toText(small)).toBe('hello');
    const failure = await failureOf(current().decompress(frameWithWindow(17)), 'ERR_DATA_CORRUPT');
    expect(failure.message).toContain('too much memory');
  });
}

/** A frame with 'hello' in it, which asks for a window of 1 KB times two to the power of `exponent`. */
function frameWithWindow(exponent: number): Uint8Array {
  return bytesOf(0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3, (5 << 3) | 1, 0, 0, ...new TextEncoder().encode('hello'));
}

function lines(current: () => Pool, makePool: MakePool): void {
  const written = [
    { kind: 'actor', body: { name: 'ä𝄞', list: [1, null, true] } },
    { kind: 'event', body: 'text' },
  ];
  const text = written.map(({ kind, body }) => encodeLine(kind, body)).join('');

  test('lines come back, from text and from bytes', async () => {
    expect(await current().parseLines(text)).toEqual(written);
    expect(await current().parseLines(new TextEncoder().encode(text))).toEqual(written);
  });

  test('a damaged line is refused by its number', async () => {
    const damaged = text.replace('text', 'next');
    const failure = await failureOf(
      current().parseLines(damaged, { owner: "'a.jsonl'", firstLine: 100 }),
      'ERR_DATA_CORRUPT',
    );
    expect(failure.message).toMatch(/^'a\.jsonl', line 101 does not match its checksum\./);
    await failureOf(current().parseLines(text, { maxLineChars: 20 }), 'ERR_DATA_TOO_LARGE');
  });

  test('bytes that are not UTF-8 are refused', async () => {
    await failureOf(current().parseLines(bytesOf(0xff, 0xfe)), 'ERR_DATA_CORRUPT');
  });

  test('lines over the limit of the pool are refused, and what is neither text nor bytes', async () => {
    await using pool = makePool({ maxBytes: 10 });
    await failureOf(pool.parseLines(text), 'ERR_DATA_TOO_LARGE');
    await failureOf(pool.parseLines(7 as never), 'ERR_OPTIONS_INVALID');
  });
}

function badInput(current: () => Pool, makePool: MakePool): void {
  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7 (a number)'],
    [{ length: 3 }, 'an object'],
    [new ArrayBuffer(3), 'an object'],
    [new Uint16Array(3), 'an object'],
  ])('%s is no data', async (value, shown) => {
    const compressing = await failureOf(current().compress(value as never, { owner: 'A test' }), 'ERR_OPTIONS_INVALID');
    expect(compressing.message).toBe(`A test: compress() was given ${shown}. Pass text or a Uint8Array.`);
    const back = await failureOf(current().decompress(value as never), 'ERR_OPTIONS_INVALID');
    expect(back.message).toBe(`Data given to the pool: decompress() was given ${shown}. Pass a Uint8Array.`);
  });

  test('text is not decompressed', async () => {
    await failureOf(current().decompress('text' as never), 'ERR_OPTIONS_INVALID');
  });

  test.each([-1, 0.5, Number.NaN, MAX_POOL_BYTES + 1, '10'])('maxBytes of %s is refused', async (maxBytes) => {
    const failure = await failureOf(
      current().decompress(bytesOf(1), { maxBytes: maxBytes as never }),
      'ERR_OPTIONS_INVALID',
    );
    expect(failure.message).toContain(`Use a whole number from 0 to ${MAX_POOL_BYTES}.`);
    expect(() => makePool({ maxBytes: maxBytes as never })).toThrow('The pool: maxBytes is');
  });

  test('what is over the limit is refused: bytes, text, and text that is over it only as UTF-8', async () => {
    await using pool = makePool({ maxBytes: 10 });
    for (const data of [new Uint8Array(11), 'x'.repeat(11), 'ä'.repeat(6)]) {
      const failure = await failureOf(pool.compress(data, { owner: 'A test' }), 'ERR_DATA_TOO_LARGE');
      expect(failure.message).toMatch(
        /^A test: compress\(\) was given 1[12] bytes, and takes 10 at most\. Split them\.$/,
      );
    }
    await failureOf(pool.decompress(new Uint8Array(1_000)), 'ERR_DATA_TOO_LARGE');
    expect(pool.stats()).toMatchObject({ done: 0, failed: 0 });
  });

  test('64 MB is the most without saying anything, and a call with more does not touch it', async () => {
    const bytes = new Uint8Array(MAX_POOL_BYTES + 1);
    await failureOf(current().compress(bytes), 'ERR_DATA_TOO_LARGE');
    expect(bytes).toHaveLength(MAX_POOL_BYTES + 1);
  });
}

function stops(makePool: MakePool): void {
  test('after stop, which may come twice, everything is refused', async () => {
    const pool = makePool();
    await pool.compress('text');
    await Promise.all([pool.stop(), pool.stop()]);
    await failureOf(pool.compress('text'), 'ERR_SYSTEM_STOPPED');
    await failureOf(pool.decompress(bytesOf(1)), 'ERR_SYSTEM_STOPPED');
    expect(pool.stats()).toEqual({ threads: 0, running: 0, waiting: 0, heldBytes: 0, done: 1, failed: 0 });
  });

  test('a pool that was never used stops', async () => {
    await makePool().stop();
  });

  test('stats count what is done and what failed', async () => {
    await using pool = makePool();
    await pool.compress('text');
    await failureOf(pool.decompress(bytesOf(1, 2, 3)), 'ERR_DATA_CORRUPT');
    expect(pool.stats()).toMatchObject({ running: 0, waiting: 0, heldBytes: 0, done: 1, failed: 1 });
  });
}

/** Bytes without a pattern, the same at every run. */
function toNoise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}
