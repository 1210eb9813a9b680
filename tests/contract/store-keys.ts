/** Keys and values in the store contract: expiry to the millisecond, prefixes of any characters, pages. */
import { expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';

/** Registers what holds of keys. */
export function storeKeysContract(current: () => Store): void {
  expiry(current);
  prefixes(current);
}

const keysOf = (store: Store, prefix: string, now = 0) => store.kvKeys({ prefix, now });

function expiry(current: () => Store): void {
  test('a key is there until the millisecond it expires in, whatever reads it', async () => {
    await current().kvSet('k', 'v', 100);
    expect(await current().kvGet('k', 99)).toBe('v');
    expect(await keysOf(current(), 'k', 99)).toEqual(['k']);
    expect(await current().kvGet('k', 100)).toBeUndefined();
    expect(await keysOf(current(), 'k', 100)).toEqual([]);
    expect(await current().kvDelete('k', 100)).toBe(false);
    expect(await current().kvGet('k', 0)).toBeUndefined();
  });

  test('setting a key anew sets its expiry anew, or takes it away', async () => {
    await current().kvSet('k', 'v', 100);
    await current().kvSet('k', 'w', 200);
    expect(await current().kvGet('k', 150)).toBe('w');
    await current().kvSet('k', 'x');
    expect(await current().kvGet('k', Number.MAX_SAFE_INTEGER)).toBe('x');
    await current().kvSet('k', 'y', 5);
    expect(await current().kvGet('k', 5)).toBeUndefined();
  });

  test('a sweep takes what has expired, and counts it; what has not stays', async () => {
    for (const [key, expiresAt] of [
      ['a', 10],
      ['b', 20],
      ['c', 30],
    ] as const)
      await current().kvSet(key, key, expiresAt);
    await current().kvSet('d', 'd');
    expect(await current().sweepKv(9)).toBe(0);
    expect(await current().sweepKv(20)).toBe(2);
    expect(await current().sweepKv(20)).toBe(0);
    expect(await keysOf(current(), '')).toEqual(['c', 'd']);
    expect(await current().sweepKv(Number.MAX_SAFE_INTEGER)).toBe(1);
    expect(await keysOf(current(), '')).toEqual(['d']);
  });

  test('a clear counts what was there, and takes what had expired along', async () => {
    await current().kvSet('p/1', '1', 10);
    await current().kvSet('p/2', '2', 50);
    await current().kvSet('p/3', '3');
    await current().kvSet('q', 'q');
    expect(await current().kvClear('p/', 20)).toBe(2);
    expect(await keysOf(current(), '')).toEqual(['q']);
    expect(await current().sweepKv(Number.MAX_SAFE_INTEGER)).toBe(0);
  });

  test('values of every kind survive', async () => {
    for (const value of ['', '0', 'null', '🚀é漢', 'a\nb', 'x'.repeat(200_000)]) {
      await current().kvSet('v', value);
      expect(await current().kvGet('v', 0)).toBe(value);
    }
  });
}

function prefixes(current: () => Store): void {
  const keys = ['100%', '100%x', '100x', 'a', 'a*b', 'a?b', 'a_b', 'aXb', 'a[b', 'é', 'éa', 'e', 'A', '漢', '漢字', '🚀', '🚀🚀', '\u{ffff}', '\u{10ffff}', '\u{10ffff}z', "o'k", '"', ' ', '']; // prettier-ignore

  test.each([...keys, '1', '100', 'z', 'a_', '100%x%'])('a prefix means itself alone: %j', async (prefix) => {
    for (const key of keys) await current().kvSet(key, key);
    const wanted = keys.filter((key) => key.startsWith(prefix));
    const found = await keysOf(current(), prefix);
    // The empty key comes before every other, so no page follows it.
    expect([...found].toSorted()).toEqual(wanted.filter((key) => key !== '').toSorted());
    expect(await current().kvClear(prefix, 0)).toBe(wanted.length);
    for (const key of keys) expect(await current().kvGet(key, 0), key).toBe(wanted.includes(key) ? undefined : key);
  });

  test('keys come in the order of their UTF-8 bytes, page by page, each once', async () => {
    const names = ['b', 'a', 'ab', '\u{10ffff}', '\u{e000}', '🚀', 'é', 'z', 'Z'];
    for (const name of names) await current().kvSet(name, '1');
    const pages: string[] = [];
    for (;;) {
      const page = await current().kvKeys({ prefix: '', now: 0, after: pages.at(-1) ?? '', limit: 2 });
      pages.push(...page);
      if (page.length < 2) break;
    }
    expect(pages).toEqual(names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });

  test('a page follows its last key, also when that is gone', async () => {
    for (const key of ['a', 'b', 'c']) await current().kvSet(key, '1');
    await current().kvDelete('b', 0);
    expect(await current().kvKeys({ prefix: '', now: 0, after: 'b' })).toEqual(['c']);
    expect(await current().kvKeys({ prefix: 'a', now: 0, after: 'b' })).toEqual([]);
  });

  test.each([0, 10_001, 2.5])('a page of %s keys is refused', async (limit) => {
    await expect(current().kvKeys({ prefix: '', now: 0, limit })).rejects.toMatchObject({
      code: 'ERR_OPTIONS_INVALID',
    });
  });
}
