/** The pure parts of health: verdicts, pauses, ids, numbers, and what is kept in the store. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentStore } from '../../../src/health/agent-store.ts';
import type { AgentRecord } from '../../../src/health/agent.ts';
import { AGENT_BACKOFF } from '../../../src/health/backoff.ts';
import { pauseBefore } from '../../../src/supervision/backoff.ts';
import { RecentIds } from '../../../src/bus/recent-ids.ts';
import { judge, lookEveryMs } from '../../../src/health/judge.ts';
import { HealthTally } from '../../../src/health/tally.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';

const RECORD = { heartbeatMs: 2000, missedBeats: 2, zombieAfterMs: 60_000 };
const EXTERNAL = { isActor: false, record: RECORD, beatMs: 0, activityMs: 0, waiting: undefined };
const ACTOR = { ...EXTERNAL, isActor: true };
const waits = (sinceMs: number, seenMs: number) => ({ pos: 1, sinceMs, seenMs });

test.each([
  { story: 'a fresh heartbeat', signs: EXTERNAL, nowMs: 1, expected: 'alive' },
  { story: 'two intervals of silence, to the millisecond', signs: EXTERNAL, nowMs: 4000, expected: 'alive' },
  { story: 'a little more', signs: EXTERNAL, nowMs: 4200, expected: 'disconnected' },
  { story: 'heartbeats without activity', signs: { ...EXTERNAL, beatMs: 60_000 }, nowMs: 60_000, expected: 'zombie' },
  { story: 'an idle actor', signs: ACTOR, nowMs: 1e9, expected: 'alive' },
  {
    story: 'an actor with fresh work',
    signs: { ...ACTOR, waiting: waits(50_000, 60_000) },
    nowMs: 60_000,
    expected: 'alive',
  },
  {
    story: 'an actor whose work waits',
    signs: { ...ACTOR, waiting: waits(1000, 61_000) },
    nowMs: 61_000,
    expected: 'zombie',
  },
  {
    story: 'an actor nobody has looked at since',
    signs: { ...ACTOR, waiting: waits(1000, 50_000) },
    nowMs: 1e9,
    expected: 'alive',
  },
  {
    story: 'an actor that is slow, but gets things done',
    signs: { ...ACTOR, waiting: waits(0, 61_000), activityMs: 50_000 },
    nowMs: 61_000,
    expected: 'alive',
  },
  {
    story: 'an actor that may take as long as it wants',
    signs: { ...ACTOR, record: { ...RECORD, zombieAfterMs: 0 }, waiting: waits(0, 1e9) },
    nowMs: 1e9,
    expected: 'alive',
  },
])('H2, H3: $story: $expected', ({ signs, nowMs, expected }) => {
  expect(judge(signs, nowMs)).toBe(expected);
});

test('H2: at the default interval the verdict falls, look included, within 5 s', () => {
  const graceMs = 200;
  expect(2000 * 2 + graceMs + lookEveryMs(2000)).toBeLessThan(5000);
  expect([lookEveryMs(Infinity), lookEveryMs(100)]).toEqual([500, 25]);
});

test('H4: pauses begin at nothing, grow, and stay within their bounds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const pauseMs = pauseBefore(attempt, AGENT_BACKOFF, random);
      expect(pauseBefore(1, AGENT_BACKOFF, random)).toBe(0);
      expect(pauseMs).toBeLessThanOrEqual(AGENT_BACKOFF.maxMs);
      expect(pauseMs).toBeGreaterThanOrEqual(AGENT_BACKOFF.minMs * (1 - AGENT_BACKOFF.jitter));
      expect(pauseBefore(attempt + 1, AGENT_BACKOFF, 0)).toBeGreaterThanOrEqual(pauseBefore(attempt, AGENT_BACKOFF, 0));
    }),
  );
});

test('H5: of the ids that were handed over those used last are known', () => {
  const ids = new RecentIds(3);
  for (const id of ['a', 'b', 'c']) ids.add(id);
  expect(ids.has('a')).toBe(true);
  ids.add('d');
  expect(['a', 'b', 'c', 'd'].map((id) => ids.has(id))).toEqual([true, false, true, true]);
  expect(ids.size).toBe(3);
});

test('H6: durations are counted over the last thousand', () => {
  const tally = new HealthTally(createSimulatedEnv());
  expect(tally.stats([])).toMatchObject({ meanRecoveryMs: 0, p99RecoveryMs: 0, recoveryRate: 1 });
  for (let i = 0; i < 500; i++) tally.recovered(1_000_000);
  for (let i = 1; i <= 1000; i++) tally.recovered(i);
  tally.givenUp = 500;
  expect(tally.stats(['healthy', 'failed'])).toMatchObject({
    agents: 2,
    recovered: 1500,
    recoveryRate: 0.75,
    meanRecoveryMs: 500.5,
    p99RecoveryMs: 990,
  });
});

const record = (agent: string, more: Partial<AgentRecord> = {}): AgentRecord => ({
  agent,
  ...RECORD,
  strategy: 'restart',
  maxAttempts: 10,
  topics: [],
  replay: 'critical-only',
  ...more,
});

/** A store that answers a little later, and notes what it wrote. */
function createKept() {
  const store = createMemoryStore();
  const written: string[] = [];
  const call = async (method: string, ...args: readonly string[]): Promise<unknown> => {
    await Promise.resolve();
    if (method === 'kvSet') written.push(args[0] ?? '');
    return (store as unknown as Record<string, (...rest: readonly string[]) => unknown>)[method]?.(...args);
  };
  const open = (): AgentStore => new AgentStore({ call } as never);
  return { written, open };
}

test('G16: registrations are kept by pages, and come back in order', async () => {
  const { open, written } = createKept();
  const kept = open();
  await kept.load();
  await Promise.all(Array.from({ length: 250 }, (_, i) => kept.save(record(`a${i}`))));
  await kept.savePlace(7);
  expect(written.length).toBeLessThan(20);
  const { records, place } = await open().load();
  expect(records.map(({ agent }) => agent)).toEqual(Array.from({ length: 250 }, (_, i) => `a${i}`));
  expect(place).toBe(7);
});

test('G16: whatever is saved and removed, in whatever order, the store holds what came last', async () => {
  const step = fc.record({
    agent: fc.integer({ min: 0, max: 150 }),
    attempts: fc.integer({ min: 0, max: 9 }),
    isAwaited: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 300 }), async (steps) => {
      const { open } = createKept();
      const kept = open();
      await kept.load();
      const expected = new Map<string, number>();
      const saves: Promise<void>[] = [];
      for (const { agent, attempts, isAwaited } of steps) {
        const name = `a${agent}`;
        const done = attempts === 0 ? kept.remove(name) : kept.save(record(name, { maxAttempts: attempts }));
        if (attempts === 0) expected.delete(name);
        else expected.set(name, attempts);
        saves.push(done);
        if (isAwaited) await done;
      }
      await Promise.all(saves);
      const { records } = await open().load();
      expect(new Map(records.map(({ agent, maxAttempts }) => [agent, maxAttempts]))).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});
