/** Keys and values of the program. */
import { expect, test } from 'vitest';
import { createSimulatedSystem, failureOf } from '../../support/harness.ts';

test('a key is set, read, listed, deleted', async () => {
  await using troupe = await createSimulatedSystem();
  const { kv } = troupe.system;
  await kv.set('plan:1', { steps: [1, 2] });
  await kv.set('plan:2', null);
  await kv.set('other', 'x');
  expect(await kv.get('plan:1')).toEqual({ steps: [1, 2] });
  expect([await kv.get('plan:2'), await kv.has('plan:2')]).toEqual([null, true]);
  expect([await kv.get('nothing'), await kv.has('nothing')]).toEqual([undefined, false]);
  expect(await kv.keys()).toEqual(['other', 'plan:1', 'plan:2']);
  expect(await kv.keys({ prefix: 'plan:', limit: 1 })).toEqual(['plan:1']);
  expect(await kv.keys({ prefix: 'plan:', after: 'plan:1' })).toEqual(['plan:2']);
  expect([await kv.delete('other'), await kv.delete('other')]).toEqual([true, false]);
  expect(await kv.clear('plan:')).toBe(2);
  expect(await kv.keys()).toEqual([]);
});

test('a key expires after its time, and setting it again gives it the new time', async () => {
  await using troupe = await createSimulatedSystem();
  const { kv } = troupe.system;
  await kv.set('a', 1, { ttlMs: 1000 });
  await kv.set('b', 1, { ttlMs: 1000 });
  await kv.set('b', 2);
  await troupe.env.advance(999);
  expect(await kv.get('a')).toBe(1);
  await troupe.env.advance(1);
  expect([await kv.get('a'), await kv.has('a'), await kv.delete('a')]).toEqual([undefined, false, false]);
  expect(await kv.keys()).toEqual(['b']);
});

test('what has expired leaves the store by itself', async () => {
  await using troupe = await createSimulatedSystem();
  await troupe.system.kv.set('a', 1, { ttlMs: 1000 });
  await troupe.env.advance(125_000);
  expect(await troupe.system.store.call('sweepKv', troupe.env.now())).toBe(0);
  expect(await troupe.system.store.call('kvKeys', { prefix: 'user/', now: 0 })).toEqual([]);
});

test("the runtime's own keys are neither seen nor cleared", async () => {
  await using troupe = await createSimulatedSystem();
  const { kv, store } = troupe.system;
  await store.call('kvSet', 'health/own', '1');
  await kv.set('health/own', 2);
  expect(await kv.keys()).toEqual(['health/own']);
  expect(await kv.clear()).toBe(1);
  expect(await store.call('kvGet', 'health/own', 0)).toBe('1');
});

test.each([
  { key: '', says: "The key given to kv.set() is '' (a string)." },
  { key: 'x'.repeat(513), says: 'a string of 513 characters' },
  { key: 'a\nb', says: 'without control characters' },
  { key: 'a\ud800', says: 'without control characters' },
  { key: 7, says: 'is 7 (a number)' },
])('the key $key is refused', async ({ key, says }) => {
  await using troupe = await createSimulatedSystem();
  const set = troupe.system.kv.set(key as string, 1);
  expect((await failureOf(set, 'ERR_OPTIONS_INVALID')).message).toContain(says);
});

test('values that are not JSON, or too large, and options that are none are refused', async () => {
  await using troupe = await createSimulatedSystem();
  const { kv } = troupe.system;
  await failureOf(kv.set('a', undefined as never), 'ERR_NOT_JSON');
  await failureOf(kv.set('a', new Date() as never), 'ERR_NOT_JSON');
  await failureOf(kv.set('a', 'x'.repeat(1_000_000)), 'ERR_OPTIONS_INVALID');
  await failureOf(kv.set('a', 1, { ttlMs: 0 }), 'ERR_OPTIONS_INVALID');
  await failureOf(kv.set('a', 1, { ttl: 5 } as never), 'ERR_OPTIONS_INVALID');
  await failureOf(kv.keys({ limit: 0 }), 'ERR_OPTIONS_INVALID');
  expect(await kv.keys()).toEqual([]);
});
