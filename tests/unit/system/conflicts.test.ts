/** G18: writes that depend on what was read, from the host program. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testSystem } from '../../../src/testing.ts';
import { counter } from '../../support/actors-basic.ts';
import { BASIC, createSimulatedSystem, failureOf } from '../../support/harness.ts';

const add = (n: number) => ({ type: 'ADD', n }) as const;

test('G18: an event with ifSeq is handled only for that seq; a refused one changes nothing', async () => {
  await using troupe = await createSimulatedSystem();
  const ref = troupe.system.actor(counter, 'a');
  await ref.send(add(1));
  const { seq } = await ref.snapshot();
  await ref.send(add(2), { ifSeq: seq });
  const error = await failureOf(ref.send(add(4), { ifSeq: seq }), 'ERR_CONFLICT');
  expect(error.details).toEqual({ address: 'counter/a', ifSeq: seq, seq: seq + 1 });
  expect(error.message).toBe(
    `'counter/a' is at seq ${seq + 1}, not at seq ${seq} any more: it was changed since it was looked at. Look again and decide anew, as ref.update() does.`,
  );
  expect(await ref.snapshot()).toMatchObject({ seq: seq + 1, context: { count: 3 } });
});

test('G18: of many writers for one seq, sent at once, exactly one wins; what comes after keeps its place', async () => {
  await using troupe = await createSimulatedSystem();
  const ref = troupe.system.actor(counter, 'a');
  await ref.send(add(0));
  const { seq } = await ref.snapshot();
  const writes = Array.from({ length: 50 }, () => ref.send(add(1), { ifSeq: seq }).then(String, String));
  const plain = ref.send(add(100));
  const outcomes = await Promise.all(writes);
  await plain;
  expect(outcomes.filter((outcome) => outcome === 'undefined')).toHaveLength(1);
  expect(await ref.snapshot()).toMatchObject({ seq: seq + 2, context: { count: 101 } });
});

test('G18: what was sent before it counts, also when it is not durable yet', async () => {
  await using troupe = await createSimulatedSystem();
  const ref = troupe.system.actor(counter, 'a');
  await ref.send(add(1));
  const { seq } = await ref.snapshot();
  const [first, second] = await Promise.allSettled([ref.send(add(1)), ref.send(add(1), { ifSeq: seq })]);
  expect([first.status, second.status]).toEqual(['fulfilled', 'rejected']);
  expect((await ref.snapshot()).context.count).toBe(2);
});

test('G6, G18: an id that was done before is done, whatever its condition says now', async () => {
  await using troupe = await createSimulatedSystem();
  const ref = troupe.system.actor(counter, 'a');
  await ref.send(add(1));
  const { seq } = await ref.snapshot();
  await ref.send(add(1), { ifSeq: seq, id: 'once' });
  await ref.send(add(1), { ifSeq: seq, id: 'once' });
  expect((await ref.snapshot()).context.count).toBe(2);
});

test('G18: an event with ifSeq that fails its actor becomes a dead letter, not a conflict with its own tries', async () => {
  await using troupe = await createSimulatedSystem();
  const ref = troupe.system.actor(counter, 'a');
  await ref.send(add(1));
  const { seq } = await ref.snapshot();
  await failureOf(troupe.run(ref.send({ type: 'BOOM' }, { ifSeq: seq })), 'ERR_EVENT_FAILED');
});

test('an event with ifSeq creates nobody', async () => {
  await using troupe = await createSimulatedSystem();
  await failureOf(troupe.system.actor(counter, 'a').send(add(1), { ifSeq: 1 }), 'ERR_ACTOR_NOT_FOUND');
  expect((await troupe.system.list()).items).toEqual([]);
});

test.each([
  { ifSeq: 0, says: "Option 'ifSeq' is 0 (a number). Use the seq of a snapshot" },
  { ifSeq: '5', says: "Option 'ifSeq' is '5' (a string)" },
])('ifSeq $ifSeq is refused', async ({ ifSeq, says }) => {
  await using troupe = await createSimulatedSystem();
  const sent = troupe.system.actor(counter, 'a').send(add(1), { ifSeq } as never);
  expect((await failureOf(sent, 'ERR_OPTIONS_INVALID')).message).toContain(says);
});

test('G18: an update looks again after 100 ms, three times, then gives up; lastWriteWins goes through', async () => {
  await using troupe = await testSystem({ actors: [BASIC] });
  const ref = troupe.system.actor(counter, 'a');
  await ref.send(add(1));
  const decide = async () => {
    await ref.send(add(1));
    return add(1000);
  };
  const from = troupe.clock.now();
  const failure = failureOf(ref.update(decide), 'ERR_CONFLICT');
  await troupe.clock.advance(299);
  expect((await ref.snapshot()).context.count).toBe(4);
  await troupe.clock.advance(1);
  expect((await failure).details).toEqual({ address: 'counter/a', tries: 4, seq: 5 });
  expect(troupe.clock.now() - from).toBe(300);
  const forced = ref.update(decide, { retries: 1, delayMs: 10, lastWriteWins: true });
  await troupe.clock.advance(10);
  expect(await forced).toBe(true);
  expect((await ref.snapshot()).context.count).toBe(1007);
});

test('an update that finds nothing to do sends nothing', async () => {
  await using troupe = await createSimulatedSystem();
  const ref = troupe.system.actor(counter, 'a');
  await ref.send(add(1));
  expect(await ref.update(({ context }) => (context.count > 0 ? undefined : add(1)))).toBe(false);
  expect(await ref.snapshot()).toMatchObject({ seq: 1 });
  const refused = failureOf(
    ref.update(() => undefined, { retry: 3 } as never),
    'ERR_OPTIONS_INVALID',
  );
  expect((await refused).message).toBe(
    "Option 'retry' of update() is unknown. Known options: retries, delayMs, lastWriteWins.",
  );
});

/** Each write is decided on the count it saw: a lost one shows in the sum. */
const doubling = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  writers: fc.integer({ min: 2, max: 12 }),
  isHostLost: fc.boolean(),
});

test('G18: of many updates at once none is lost and none counts twice, also when their host is lost in between', async () => {
  await fc.assert(
    fc.asyncProperty(doubling, async ({ seed, writers, isHostLost }) => {
      await using troupe = await createSimulatedSystem({ seed });
      const ref = troupe.system.actor(counter, 'a');
      await ref.send(add(1));
      const seen: number[] = [];
      const write = async () => {
        let last = 0;
        await ref.update(({ context }) => add((last = context.count)), { retries: 1000, delayMs: 1 });
        seen.push(last);
      };
      const writes = Promise.all(Array.from({ length: writers }, write));
      await troupe.env.step(Math.floor(seed % 40), 0);
      if (isHostLost) await troupe.system.threads.endWorker(troupe.system.threads.indexOf(ref.address));
      const done = troupe.run(writes);
      const clock = (async () => {
        for (let i = 0; i < 3000 && seen.length < writers; i++) await troupe.env.advance(1);
      })();
      await Promise.all([done, clock]);
      expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: writers }, (_, i) => 2 ** i));
      expect((await troupe.run(ref.snapshot())).context.count).toBe(2 ** writers);
    }),
    { numRuns: 60 },
  );
});
