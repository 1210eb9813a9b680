/** Lists and statistics of sessions. */
import { expect, test } from 'vitest';
import type { SessionFilter } from '../../../src/index.ts';
import { createSimulatedSystem, failureOf } from '../../support/harness.ts';

async function createSome() {
  const troupe = await createSimulatedSystem();
  const { sessions } = troupe.system;
  await sessions.create({ id: 'a', user: 'ada', metadata: { project: 'x', 'a.b': 5 } });
  await troupe.env.advance(10);
  await sessions.create({ id: 'b', user: 'bob', metadata: { project: 'x', isOpen: true } });
  await troupe.env.advance(10);
  await sessions.create({ id: 'c', user: 'ada', metadata: { project: 'y', list: [1] }, idleAfterMs: 1000 });
  return troupe;
}

test('sessions are found by user, lifecycle, status, time and metadata, in either order', async () => {
  await using troupe = await createSome();
  const { sessions } = troupe.system;
  const find = async (filter: SessionFilter) => (await sessions.list(filter)).items.map(({ id }) => id);
  const { createdAt } = (await sessions.list({ metadata: { isOpen: true } })).items[0] ?? { createdAt: 0 };
  expect(await find({})).toEqual(['c', 'b', 'a']);
  expect(await find({ order: 'oldest' })).toEqual(['a', 'b', 'c']);
  expect(await find({ user: 'ada', order: 'oldest' })).toEqual(['a', 'c']);
  expect(await find({ metadata: { project: 'x' } })).toEqual(['b', 'a']);
  expect(await find({ metadata: { project: 'x', 'a.b': 5 } })).toEqual(['a']);
  expect(await find({ metadata: { 'a.b': '5' } })).toEqual([]);
  expect(await find({ createdAfter: createdAt - 1, createdBefore: createdAt + 1 })).toEqual(['b']);
  await troupe.env.advance(1500);
  expect(await find({ lifecycle: 'idle' })).toEqual(['c']);
  await (await sessions.get('b')).end();
  expect(await find({ statuses: ['stopped'] })).toEqual(['b']);
  await (await sessions.get('a')).ref.send({ type: 'METADATA', metadata: { project: 'y' } });
  expect(await find({ metadata: { project: 'y' } })).toEqual(['c', 'a']);
});

test.each([
  { filter: { metadata: 5 }, says: "Option 'metadata' of sessions.list() is 5 (a number). Use an object" },
  { filter: { metadata: { a: null } }, says: "Its 'a' is null: use a text" },
  { filter: { metadata: { a: 'x'.repeat(257) } }, says: 'use a text of at most 256 characters' },
  {
    filter: { metadata: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, i])) },
    says: 'It has 33 fields: filter by at most 32',
  },
  {
    filter: { order: 'up' },
    says: "Option 'order' of sessions.list() is 'up' (a string). Use one of 'newest', 'oldest'",
  },
  { filter: { address: 'session/a' }, says: "Option 'address' of sessions.list() is unknown" },
])('a list refuses $filter', async ({ filter, says }) => {
  await using troupe = await createSimulatedSystem();
  const listed = troupe.system.sessions.list(filter as never);
  expect((await failureOf(listed, 'ERR_OPTIONS_INVALID')).message).toContain(says);
});

test('statistics count sessions, what they hold, and how long saves and restores take', async () => {
  await using troupe = await createSome();
  const { sessions } = troupe.system;
  const b = await sessions.get('b');
  await b.say('hällo');
  await b.say('again');
  await troupe.env.advance(1500);
  await b.end();
  const stats = await sessions.stats();
  expect(stats).toMatchObject({
    sessions: 3,
    byLifecycle: { active: 2, idle: 1, expired: 0 },
    byStatus: { active: 2, stopped: 1, done: 0, failed: 0, quarantined: 0 },
    messages: 2,
    logBytes: Buffer.byteLength('{"author":"user","text":"hällo"}{"author":"user","text":"again"}'),
  });
  expect(stats.stateBytes).toBeGreaterThan(300);
  expect(stats.save.count).toBeGreaterThanOrEqual(7);
  expect(stats.restore.count).toBe(0);
  await troupe.env.advance(400_000);
  await (await sessions.get('a')).describe();
  expect((await sessions.stats()).restore.count).toBe(1);
});
