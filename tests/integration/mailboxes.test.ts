/** Rule 9, G14: mailboxes hold what they say; whoever sends to a full one is told, or waits; nothing is lost or reordered. */
import { afterEach, expect, test, vi } from 'vitest';
import type { ActorRef } from '../../src/index.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { forEachSeed, testSystem } from '../../src/testing.ts';
import type { TestSystem, TestSystemOptions } from '../../src/testing.ts';
import { MAILBOX_CAPACITY, blocking, dropping, rejecting, storedTally } from '../support/actors-modes.ts';
import { createTestSystem, eventually, failureOf } from '../support/harness.ts';

const MODES = new URL('../support/actors-modes.ts', import.meta.url);

/** All of them have the same machine. */
type Bounded = ActorRef<typeof blocking>;

const create = (options: Partial<TestSystemOptions> = {}): Promise<TestSystem> =>
  testSystem({ actors: [MODES], inlineHosts: 2, recoverEveryMs: 1000, ...options });

afterEach(() => void vi.restoreAllMocks());

/** Holds every commit back until what it returns is called. */
function holdStore(): () => void {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const prototype = Object.getPrototypeOf(createMemoryStore()) as Store;
  const { commit } = prototype;
  const spy = vi.spyOn(prototype, 'commit').mockImplementation(async function (this: Store, ...args) {
    await opened;
    return commit.apply(this, args);
  });
  return () => {
    spy.mockRestore();
    open();
  };
}

/** What became of each of many sends, and what the actor had noted in the end. */
interface Burst {
  readonly outcomes: readonly string[];
  readonly noted: readonly number[];
}

async function sendMany(ref: Bounded, from: number, count: number): Promise<readonly string[]> {
  const sends = Array.from({ length: count }, (_, i) => ref.send({ type: 'NOTE', from: 'main', n: from + i }));
  return Promise.all(
    sends.map((sent) =>
      sent.then(
        () => 'done',
        (error: { code: string }) => error.code,
      ),
    ),
  );
}

async function burst(ref: Bounded, count: number): Promise<Burst> {
  const outcomes = await sendMany(ref, 0, count);
  return { outcomes, noted: (await ref.ask({ type: 'LIST' })).map(({ n }) => n) };
}

const doneOf = (outcomes: readonly string[]): number[] =>
  outcomes.flatMap((outcome, n) => (outcome === 'done' ? [n] : []));

test('reject: a burst leaves as many as fit; the others are refused and were not processed', () =>
  forEachSeed({ count: 30 }, async (seed) => {
    await using troupe = await create({ seed });
    const { outcomes, noted } = await burst(troupe.system.actor(rejecting, 'a'), 20);
    expect(noted).toEqual(doneOf(outcomes));
    expect(new Set(outcomes)).toEqual(new Set(['done', 'ERR_MAILBOX_FULL']));
    expect(noted.length).toBeGreaterThanOrEqual(MAILBOX_CAPACITY);
  }));

test('drop-oldest: the newest stay, in order; whoever gave way is told and was not processed', () =>
  forEachSeed({ count: 30 }, async (seed) => {
    await using troupe = await create({ seed });
    const { outcomes, noted } = await burst(troupe.system.actor(dropping, 'a'), 20);
    expect(noted).toEqual(doneOf(outcomes));
    expect(new Set(outcomes)).toEqual(new Set(['done', 'ERR_MAILBOX_DROPPED']));
    expect(outcomes.at(-1)).toBe('done');
  }));

test('G4: block: every send waits its turn, none is lost, order stays', () =>
  forEachSeed({ count: 30 }, async (seed) => {
    await using troupe = await create({ seed });
    const { outcomes, noted } = await burst(troupe.system.actor(blocking, 'a'), 200);
    expect(outcomes.every((outcome) => outcome === 'done')).toBe(true);
    expect(noted).toEqual(Array.from({ length: 200 }, (_, n) => n));
  }));

test('G1, G4: block: a command among sends that wait makes none of them pass for a repetition', () =>
  forEachSeed({ count: 30 }, async (seed) => {
    await using troupe = await create({ seed });
    const { system, clock } = troupe;
    const ref = system.actor(blocking, 'a');
    const first = sendMany(ref, 0, 20);
    const scheduled = ref.schedule('k', { type: 'NOTE', from: 'later', n: 99 }, { afterMs: 500 });
    const second = sendMany(ref, 20, 20);
    await Promise.all([first, scheduled, second]);
    expect((await ref.ask({ type: 'LIST' })).map(({ n }) => n)).toEqual(Array.from({ length: 40 }, (_, n) => n));
    await clock.advance(1000);
    expect((await ref.ask({ type: 'LIST' })).at(-1)).toEqual({ from: 'later', n: 99 });
  }));

test('block: a snapshot shows what this caller sent before, what waits included', async () => {
  await using troupe = await create();
  const ref = troupe.system.actor(blocking, 'a');
  const sends = sendMany(ref, 0, 50);
  expect((await ref.snapshot()).context.notes).toHaveLength(50);
  await sends;
});

test('G1, G10: when its thread dies a send is done once or refused, and refused ones were not processed, in every order', () =>
  forEachSeed({ count: 40 }, async (seed) => {
    for (const definition of [rejecting, dropping, blocking]) {
      await using troupe = await create({ seed, inlineHosts: 1 });
      const { system, env, clock } = troupe;
      const ref = system.actor(definition, 'a') as Bounded;
      await ref.send({ type: 'NOTE', from: 'main', n: 0 });
      const open = holdStore();
      const sent = sendMany(ref, 0, 30);
      open();
      for (let i = 0; i < seed % 12; i++) await Promise.resolve();
      env.defer(() => void system.threads.endWorker(0));
      await clock.advance(2000);
      const outcomes = await sent;
      const noted = (await ref.ask({ type: 'LIST' })).map(({ n }) => n).slice(1);
      expect(noted).toEqual(doneOf(outcomes));
    }
  }));

test.each([rejecting, dropping])(
  'tells over the capacity of $type wait on disk, and all arrive',
  async (definition) => {
    await using troupe = await create();
    const { system, clock } = troupe;
    const ref = system.actor(definition, 'a') as Bounded;
    await ref.send({ type: 'NOTE', from: 'main', n: -1 });
    const teller = system.actor(storedTally, 'teller');
    await teller.send({ type: 'TELL', to: ref.address, from: 0, count: 500 });
    await clock.advance(2000);
    const notes = (await ref.ask({ type: 'LIST' })).filter(({ from }) => from === teller.address);
    expect(notes.map(({ n }) => n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
  },
);

test('G14: more than maxPending of the host program are refused; earlier ones are not harmed, and then there is room', async () => {
  await using troupe = await create({ maxPending: 5 });
  const ref = troupe.system.actor(blocking, 'a');
  const sends = sendMany(ref, 0, 8);
  const looks = Array.from({ length: 6 }, () => ref.snapshot());
  const failure = await failureOf(looks.at(-1) as Promise<unknown>, 'ERR_OVERLOADED');
  expect(failure.message).toContain("none was taken for 'blocking/a'");
  await failureOf(ref.ask({ type: 'LIST' }), 'ERR_OVERLOADED');
  expect(await sends).toEqual([
    ...Array.from({ length: 5 }, () => 'done'),
    ...Array.from({ length: 3 }, () => 'ERR_OVERLOADED'),
  ]);
  await Promise.all(looks.slice(0, 5));
  await ref.send({ type: 'NOTE', from: 'main', n: 9 });
  expect((await ref.ask({ type: 'LIST' })).map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 9]);
});

test('a stop overtakes what waits: each sender knows whether its event counts', () =>
  forEachSeed({ count: 30 }, async (seed) => {
    await using troupe = await create({ seed });
    const { system, env } = troupe;
    const ref = system.actor(blocking, 'a');
    await ref.send({ type: 'NOTE', from: 'main', n: -1 });
    const open = holdStore();
    const sent = sendMany(ref, 0, 100);
    await env.settle();
    const stopped = ref.stop();
    open();
    await stopped;
    const outcomes = await sent;
    const { status, context } = await ref.snapshot();
    expect(status).toBe('stopped');
    expect(context.notes.slice(1).map(({ n }) => n)).toEqual(doneOf(outcomes));
    expect(outcomes.at(-1)).toBe('ERR_ACTOR_STOPPED');
  }));

test('G14: what is told from the host program while the store is slow is bounded, and dropped beyond', async () => {
  await using troupe = await create({ inlineHosts: 1 });
  const { system, env, clock } = troupe;
  const ref = system.actor(blocking, 'a');
  await ref.send({ type: 'NOTE', from: 'main', n: -1 });
  const open = holdStore();
  for (let n = 0; n < 5000; n++) void ref.tell({ type: 'NOTE', from: 'tell', n });
  await env.settle();
  open();
  await clock.advance(2000);
  const notes = (await ref.ask({ type: 'LIST' })).filter(({ from }) => from === 'tell').map(({ n }) => n);
  expect(notes.length).toBeLessThan(2000);
  expect(notes).toEqual(notes.toSorted((a, b) => a - b));
});

test('G6, G14: a flood of 100,000 tells from one thread to another arrives whole, once each, in order, in bounded memory', async () => {
  await using troupe = await createTestSystem({ actors: [MODES], threads: 2 });
  const { system } = troupe;
  const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
  const placeOf = (key: string): number | undefined => system.threads.indexOf(`stored-tally/${key}` as never);
  const from = system.actor(storedTally, 'k0');
  const to = system.actor(storedTally, keys.find((key) => placeOf(key) !== placeOf('k0')) as string);
  await to.ask({ type: 'GET' });
  const rssBytes = process.memoryUsage.rss();
  for (let n = 0; n < 100_000; n += 1000) void from.send({ type: 'FLOOD', to: to.address, from: n, count: 1000 });
  // In steps: on a busy machine the whole takes longer than one wait.
  for (let reached = 20_000; reached <= 100_000; reached += 20_000) {
    await eventually(
      () => to.ask({ type: 'GET' }),
      (count) => count >= reached,
    );
  }
  expect(await to.ask({ type: 'GET' })).toBe(100_000);
  expect((await to.snapshot()).context.kept).toBe(null);
  expect(process.memoryUsage.rss() - rssBytes).toBeLessThan(400_000_000);
  expect((await system.stats()).inboxRows).toBe(0);
});
