/** G13: leaving memory races whatever may come for an actor, in every order of deliveries; nothing is lost, doubled or late. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Cell } from '../../src/cell/cell.ts';
import type { HostCell } from '../../src/cell/host-cell.ts';
import { forEachSeed, testSystem } from '../../src/testing.ts';
import type { TestSystem, TestSystemOptions } from '../../src/testing.ts';
import { Hibernation } from '../../src/thread/hibernation.ts';
import { createRandom } from '../../src/testing/random.ts';
import { gate, listener, sleeper, stayer } from '../support/actors-modes.ts';
import type { Note } from '../support/actors-modes.ts';

const MODES = new URL('../support/actors-modes.ts', import.meta.url);

/** A quarter of the sleepers' time: when hibernation looks. */
const LOOK_MS = 25;

/** Cells that were made and have not left memory since. */
const live = new Set<HostCell>();
let sleeps = 0;

beforeEach(() => {
  live.clear();
  sleeps = 0;
  const { sleep } = Cell.prototype;
  const { added } = Hibernation.prototype;
  vi.spyOn(Cell.prototype, 'sleep').mockImplementation(function (this: Cell) {
    const hasLeft = sleep.call(this);
    if (hasLeft) {
      sleeps++;
      live.delete(this);
    }
    return hasLeft;
  });
  vi.spyOn(Hibernation.prototype, 'added').mockImplementation(function (this: Hibernation, address, cell) {
    live.add(cell);
    added.call(this, address, cell);
  });
});
afterEach(() => {
  gate.opened = Promise.resolve();
  vi.restoreAllMocks();
});

function create(seed: number, options: Partial<TestSystemOptions> = {}): Promise<TestSystem> {
  live.clear();
  return testSystem({ actors: [MODES], seed, inlineHosts: 2, recoverEveryMs: 1000, ...options });
}

function closeGate(): () => void {
  let open = (): void => {};
  gate.opened = new Promise<void>((resolve) => (open = resolve));
  return open;
}

const numbersOf = (notes: readonly Note[], from: string): number[] =>
  notes.filter((note) => note.from === from).map(({ n }) => n);

test('G13: a quiet actor leaves memory and is as it was when something comes', async () => {
  await using troupe = await create(1);
  const ref = troupe.system.actor(sleeper, 'a');
  await ref.send({ type: 'NOTE', from: 'main', n: 1 });
  expect(live.size).toBe(1);
  await troupe.clock.advance(200);
  expect([live.size, sleeps]).toEqual([0, 1]);
  await ref.send({ type: 'NOTE', from: 'main', n: 2 });
  expect(numbersOf(await ref.ask({ type: 'LIST' }), 'main')).toEqual([1, 2]);
});

test('G13: an actor that something comes for again and again stays', async () => {
  await using troupe = await create(1);
  const ref = troupe.system.actor(sleeper, 'a');
  for (let n = 0; n < 20; n++) {
    await ref.send({ type: 'NOTE', from: 'main', n });
    await troupe.clock.advance(90);
  }
  expect(sleeps).toBe(0);
});

test('G6, G13: events, tells, ids, timers, schedules and topics that race the leaving are received once each, in order', async () => {
  let totalSleeps = 0;
  await forEachSeed({ count: 150 }, async (seed) => {
    await using troupe = await create(seed);
    const { system, env, clock } = troupe;
    const random = createRandom(seed);
    const ref = system.actor(listener, 'a');
    const teller = system.actor(sleeper, 'teller');
    const pending: Promise<unknown>[] = [];
    const counts = { main: 0, id: 0, teller: 0, later: 0, topic: 0, timer: 0 };
    await ref.send({ type: 'NOTE', from: 'start', n: 0 });
    const acts = [
      () => pending.push(ref.send({ type: 'NOTE', from: 'main', n: counts.main++ })),
      () => {
        const event = { type: 'NOTE', from: 'id', n: counts.id } as const;
        const id = `id-${counts.id++}`;
        for (let i = 0; i < 3; i++) pending.push(ref.send(event, { id }));
      },
      () => pending.push(teller.send({ type: 'TELL', to: ref.address, n: counts.teller++ })),
      () => {
        const n = counts.later++;
        pending.push(ref.send({ type: 'LATER', key: `k${n}`, ms: LOOK_MS * Math.floor(random() * 12), n }));
      },
      () => pending.push(system.bus.publish('wake.up', { n: counts.topic++ })),
      () => pending.push(ref.snapshot()),
    ];
    // At the very times hibernation looks, and now and then in between.
    for (let i = 0; i < 12; i++) {
      const act = acts[Math.floor(random() * acts.length)] as () => void;
      env.setTimeout(act, LOOK_MS * Math.floor(random() * 40) + (random() < 0.2 ? 1 : 0));
    }
    await clock.advance(3000);
    await Promise.all(pending);
    const notes = await ref.ask({ type: 'LIST' });
    const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
    expect(numbersOf(notes, 'main')).toEqual(upTo(counts.main));
    expect(numbersOf(notes, 'id')).toEqual(upTo(counts.id));
    expect(numbersOf(notes, teller.address)).toEqual(upTo(counts.teller));
    expect(numbersOf(notes, 'topic')).toEqual(upTo(counts.topic));
    expect(numbersOf(notes, 'later').toSorted((a, b) => a - b)).toEqual(upTo(counts.later));
    totalSleeps = sleeps;
  });
  expect(totalSleeps).toBeGreaterThan(150);
});

test('G11, G13: a timer due while its actor leaves or has left memory fires once and on time', () =>
  forEachSeed({ count: 60 }, async (seed) => {
    await using troupe = await create(seed);
    const { system, clock } = troupe;
    const ref = system.actor(sleeper, 'a');
    const ms = LOOK_MS * (1 + (seed % 12));
    await ref.send({ type: 'WAIT', ms });
    await clock.advance(ms - 1);
    const before = live.size;
    await clock.advance(1);
    expect(numbersOf(await ref.ask({ type: 'LIST' }), 'timer')).toEqual([0]);
    if (ms > 150) expect(before).toBe(0);
    await clock.advance(3000);
    expect(numbersOf(await ref.ask({ type: 'LIST' }), 'timer')).toEqual([0]);
  }));

test('G11, G13: a scheduled event due while its actor leaves or has left memory comes once and on time', () =>
  forEachSeed({ count: 60 }, async (seed) => {
    await using troupe = await create(seed);
    const { system, clock } = troupe;
    const ref = system.actor(sleeper, 'a');
    const ms = LOOK_MS * (1 + (seed % 12));
    await ref.schedule('k', { type: 'NOTE', from: 'later', n: 1 }, { afterMs: ms });
    await clock.advance(ms);
    expect(numbersOf(await ref.ask({ type: 'LIST' }), 'later')).toEqual([1]);
    await clock.advance(3000);
    expect(numbersOf(await ref.ask({ type: 'LIST' }), 'later')).toEqual([1]);
  }));

test('G13: a stop that races the leaving ends the actor; every send around it either counts or was refused', () =>
  forEachSeed({ count: 100 }, async (seed) => {
    await using troupe = await create(seed);
    const { system, env, clock } = troupe;
    const random = createRandom(seed);
    const ref = system.actor(sleeper, 'a');
    await ref.send({ type: 'NOTE', from: 'main', n: 0 });
    const acknowledged = [0];
    const refused: number[] = [];
    const send = async (n: number): Promise<void> => {
      await ref.send({ type: 'NOTE', from: 'main', n }).then(
        () => acknowledged.push(n),
        (error: { code: string }) => {
          expect(error.code).toBe('ERR_ACTOR_STOPPED');
          refused.push(n);
        },
      );
    };
    const pending: Promise<unknown>[] = [];
    const stopAt = LOOK_MS * (3 + Math.floor(random() * 5));
    env.setTimeout(() => pending.push(ref.stop()), stopAt);
    for (let n = 1; n <= 4; n++) env.setTimeout(() => pending.push(send(n)), stopAt + (random() < 0.5 ? 0 : LOOK_MS));
    await clock.advance(1000);
    await Promise.all(pending);
    const { status, context } = await ref.snapshot();
    expect(status).toBe('stopped');
    expect(numbersOf(context.notes, 'main')).toEqual(acknowledged.toSorted((a, b) => a - b));
    expect(acknowledged.length + refused.length).toBe(5);
  }));

test('G5, G13: an actor with an effect function in flight stays until it is over; the function runs once', async () => {
  await using troupe = await create(1);
  const { system, clock } = troupe;
  const open = closeGate();
  const ref = system.actor(sleeper, 'a');
  await ref.send({ type: 'WORK' });
  await clock.advance(10_000);
  expect([live.size, sleeps]).toEqual([1, 0]);
  open();
  await clock.advance(1000);
  expect([live.size, sleeps]).toEqual([0, 1]);
  expect(await ref.ask({ type: 'LIST' })).toEqual([{ from: 'work', n: 7 }]);
});

test('G13: an actor with a promise of its machine under way stays until it has settled', async () => {
  await using troupe = await create(1);
  const { system, clock } = troupe;
  const open = closeGate();
  const ref = system.actor(sleeper, 'a');
  await ref.send({ type: 'PROMISE' });
  await clock.advance(10_000);
  expect(live.size).toBe(1);
  open();
  await clock.advance(1000);
  expect(live.size).toBe(0);
  expect(await ref.ask({ type: 'LIST' })).toEqual([{ from: 'promise', n: 8 }]);
});

test('G13: a watcher of a sleeping actor sees what it does when it is awake again', async () => {
  await using troupe = await create(1);
  const { system, clock } = troupe;
  const ref = system.actor(sleeper, 'a');
  await ref.send({ type: 'NOTE', from: 'main', n: 1 });
  const watch = ref.watch();
  await watch.next();
  await clock.advance(1000);
  expect(live.size).toBe(0);
  const next = watch.next();
  await ref.send({ type: 'NOTE', from: 'main', n: 2 });
  expect(numbersOf((await next).value?.context.notes ?? [], 'main')).toEqual([1, 2]);
  await watch.return();
});

test('G13: 1,000 actors that wake in the same millisecond all do what they woke for', async () => {
  await using troupe = await create(1);
  const { system, clock } = troupe;
  const refs = Array.from({ length: 1000 }, (_, i) => system.actor(sleeper, `a${i}`));
  await Promise.all(refs.map((ref) => ref.send({ type: 'WAIT', ms: 5000 })));
  await clock.advance(1000);
  expect(live.size).toBe(0);
  await clock.advance(4000);
  const lists = await Promise.all(refs.map((ref) => ref.ask({ type: 'LIST' })));
  expect(lists.every((notes) => JSON.stringify(notes) === '[{"from":"timer","n":0}]')).toBe(true);
});

test('G13: with 2,000 known actors no more than wanted stay in memory, and none forgets anything', async () => {
  await using troupe = await create(1, { inlineHosts: 1, maxLiveActors: 50 });
  const { system, clock } = troupe;
  const refs = Array.from({ length: 2000 }, (_, i) => system.actor(stayer, `a${i}`));
  for (const n of [1, 2]) {
    for (let from = 0; from < refs.length; from += 200) {
      const part = refs.slice(from, from + 200);
      await Promise.all(part.map((ref) => ref.send({ type: 'NOTE', from: 'main', n })));
      expect(live.size).toBeLessThanOrEqual(250);
    }
  }
  await clock.advance(1000);
  expect(live.size).toBeLessThanOrEqual(50);
  for (const ref of refs.filter((_, i) => i % 100 === 0)) {
    expect(numbersOf(await ref.ask({ type: 'LIST' }), 'main')).toEqual([1, 2]);
  }
});

test('G13: a burst of busy actors may be live at once; when they have come to rest the surplus leaves', async () => {
  await using troupe = await create(1, { inlineHosts: 1, maxLiveActors: 10 });
  const { system, clock } = troupe;
  const refs = Array.from({ length: 300 }, (_, i) => system.actor(stayer, `a${i}`));
  await Promise.all(refs.map((ref) => ref.send({ type: 'NOTE', from: 'main', n: 1 })));
  await clock.advance(1000);
  expect(live.size).toBeLessThanOrEqual(10);
});

test('G13: those used least recently leave first', async () => {
  await using troupe = await create(1, { inlineHosts: 1, maxLiveActors: 10 });
  const { system, clock } = troupe;
  const favourite = system.actor(stayer, 'favourite');
  for (let i = 0; i < 200; i++) {
    await favourite.send({ type: 'NOTE', from: 'main', n: i });
    await system.actor(stayer, `a${i}`).send({ type: 'NOTE', from: 'main', n: 1 });
  }
  await clock.advance(1000);
  expect([...live].some((cell) => (cell as Cell).address === favourite.address)).toBe(true);
});
