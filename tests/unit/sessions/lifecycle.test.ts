/** S2, S8: sessions that nobody needs leave the store, and quiet ones leave memory. */
import { afterEach, expect, test, vi } from 'vitest';
import { Hibernation } from '../../../src/thread/hibernation.ts';
import { createSimulatedSystem } from '../../support/harness.ts';

const MINUTE_MS = 60_000;

afterEach(() => vi.restoreAllMocks());

/** Sessions in memory, counted where they come and go. */
function countLive(): { readonly now: () => number; readonly most: () => number } {
  const live = new Map<unknown, Set<string>>();
  const { added, removed } = Hibernation.prototype;
  let most = 0;
  const size = (): number => [...live.values()].reduce((sum, addresses) => sum + addresses.size, 0);
  vi.spyOn(Hibernation.prototype, 'added').mockImplementation(function (this: Hibernation, address, cell) {
    const addresses = live.get(this) ?? new Set<string>();
    live.set(this, addresses);
    if (address.startsWith('session/')) addresses.add(address);
    most = Math.max(most, size());
    added.call(this, address, cell);
  });
  vi.spyOn(Hibernation.prototype, 'removed').mockImplementation(function (this: Hibernation, address) {
    live.get(this)?.delete(address);
    removed.call(this, address);
  });
  return { now: size, most: () => most };
}

test('S8: of 1,000 sessions no more than the limit stay in memory, those used last', async () => {
  const live = countLive();
  await using troupe = await createSimulatedSystem({ inlineHosts: 2, degradation: { hotSessions: 50 } });
  const { sessions } = troupe.system;
  for (let i = 0; i < 1000; i++) await sessions.create({ id: `s${i}`, user: 'ada' });
  await troupe.env.advance(1000);
  expect(live.now()).toBeLessThanOrEqual(50);
  expect(live.most()).toBeLessThanOrEqual(60);
  const restoresOf = async (id: string) => {
    const before = (await sessions.stats()).restore.count;
    await (await sessions.get(id)).describe();
    return (await sessions.stats()).restore.count - before;
  };
  expect(await restoresOf('s999')).toBe(0);
  expect(await restoresOf('s0')).toBe(1);
  expect(await restoresOf('s0')).toBe(0);
  for (let i = 0; i < 1000; i += 3) await (await sessions.get(`s${i}`)).say('hello');
  await troupe.env.advance(1000);
  expect(live.now()).toBeLessThanOrEqual(50);
  expect((await sessions.stats()).messages).toBe(334);
});

test('S2: a sweep every five minutes, or as often as asked, removes what has expired and says how many', async () => {
  await using troupe = await createSimulatedSystem({ sessionSweepEveryMs: 10_000 });
  const { sessions, bus } = troupe.system;
  const counts: number[] = [];
  await bus.subscribe('system.session.swept', ({ data }) => void counts.push((data as { count: number }).count));
  for (let i = 0; i < 130; i++) await sessions.create({ id: `s${i}`, user: 'ada', expireAfterMs: MINUTE_MS });
  await sessions.create({ id: 'kept', user: 'ada' });
  await troupe.env.advance(MINUTE_MS + 11_000);
  // Some may expire while a sweep is under way; the next takes those.
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(130);
  const before = counts.length;
  expect((await sessions.list()).items.map(({ id }) => id)).toEqual(['kept']);
  await troupe.env.advance(30_000);
  expect({ counts: counts.length, more: await sessions.sweep() }).toEqual({ counts: before, more: 0 });
});
