/** Sessions, keys and values with real threads and SQLite. */
import { expect, test } from 'vitest';
import { createTestSystem } from '../support/harness.ts';

test('keys survive a restart', async () => {
  await using troupe = await createTestSystem({ threads: 1 });
  await troupe.system.kv.set('a', [1], { ttlMs: 60_000 });
  expect(await (await troupe.restart()).kv.get('a')).toEqual([1]);
});
