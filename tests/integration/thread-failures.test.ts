/** G10: what blocks, ends or fills a thread is named, and nobody beside it loses anything. */
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import type { SystemEvents } from '../../src/supervision/events.ts';
import { counter } from '../support/actors-basic.ts';
import { hanging, patient } from '../support/actors-hang.ts';
import type { EffectFault, TurnFault } from '../support/actors-hang.ts';
import { BASIC, createTestSystem, eventually } from '../support/harness.ts';
import type { TestOptions, TestTroupe } from '../support/harness.ts';

const HANG = new URL('../support/actors-hang.ts', import.meta.url);

type Ended = SystemEvents['system.thread.ended'];

/** A system with one thread, on which every actor is everybody's neighbour, and what it says of its threads. */
async function createWatched(options: TestOptions = {}) {
  const troupe = await createTestSystem({ actors: [BASIC, HANG], threads: 1, beatMs: 50, hangMs: 300, ...options });
  const ended: Ended[] = [];
  const replaced: SystemEvents['system.thread.replaced'][] = [];
  await troupe.system.bus.subscribe('system.>', ({ topic, data }) => {
    if (topic === 'system.thread.ended') ended.push(data as never);
    if (topic === 'system.thread.replaced') replaced.push(data as never);
  });
  return { troupe, ended, replaced };
}

/** Sends to a neighbour until the thread has been lost and is there again. Returns how many were acknowledged. */
async function sendThroughout(troupe: TestTroupe, isOver: () => boolean): Promise<number> {
  const neighbour = troupe.system.actor(counter, 'neighbour');
  const sends: Promise<void>[] = [];
  await eventually(() => {
    sends.push(neighbour.send({ type: 'ADD', n: 1 }));
    return isOver();
  });
  await Promise.all(sends);
  return sends.length;
}

/** The threads that have loaded and run no host. */
function watchReserve(): { readonly size: number } & Disposable {
  const loaded = new Set<Worker>();
  const watch = (worker: Worker): void => {
    worker.on('message', ({ kind }: { kind: string }) => {
      if (kind === 'prepared') loaded.add(worker);
      if (kind === 'ready') loaded.delete(worker);
    });
    worker.on('exit', () => void loaded.delete(worker));
  };
  process.on('worker', watch);
  return {
    get size() {
      return loaded.size;
    },
    [Symbol.dispose]: () => void process.off('worker', watch),
  };
}

const IN_TURNS: readonly { fault: TurnFault; end: Ended['end']; limits?: TestOptions }[] = [
  { fault: 'loop', end: 'hang' },
  { fault: 'regex', end: 'hang' },
  { fault: 'wait', end: 'hang' },
  { fault: 'exit', end: 'exit' },
  { fault: 'heap', end: 'memory', limits: { maxThreadHeapMb: 32, hangMs: 10_000 } },
  { fault: 'buffers', end: 'memory', limits: { maxThreadHeapMb: 32, maxThreadBufferMb: 64, hangMs: 10_000 } },
];

test.each(IN_TURNS)(
  'G10: a turn that does this ends its thread alone, by name: $fault',
  async ({ fault, end, limits }) => {
    const { troupe, ended, replaced } = await createWatched(limits);
    await using _ = troupe;
    const culprit = troupe.system.actor(hanging, 'culprit', { journal: join(troupe.folder, 'journal') });
    await culprit.send({ type: 'ADD' });
    const faulty = culprit.send({ type: 'FAULT', fault });
    const sent = await sendThroughout(troupe, () => replaced.length > 0);
    await faulty;
    expect(ended).toMatchObject([
      { thread: 0, end, culprit: { address: 'hanging/culprit', what: expect.stringMatching(/:\d+$/) } },
    ]);
    expect(await troupe.system.actor(counter, 'neighbour').ask({ type: 'GET' })).toEqual({ count: sent });
    expect(await culprit.ask({ type: 'GET' })).toEqual({ count: 1, done: 0 });
  },
);

const IN_EFFECTS: readonly { fault: EffectFault; end: Ended['end'] }[] = [
  { fault: 'loop at once', end: 'hang' },
  { fault: 'throw in a timer', end: 'error' },
  { fault: 'reject unheard', end: 'error' },
  { fault: 'exit later', end: 'exit' },
];

test.each(IN_EFFECTS)(
  'G10: an effect function that does this ends its thread alone, by name: $fault',
  async ({ fault, end }) => {
    const { troupe, ended, replaced } = await createWatched();
    await using _ = troupe;
    const culprit = troupe.system.actor(hanging, 'culprit', { journal: join(troupe.folder, 'journal') });
    void culprit.send({ type: 'RUN', fault });
    const sent = await sendThroughout(troupe, () => replaced.length > 0);
    expect(ended).toMatchObject([{ thread: 0, end, culprit: { address: 'hanging/culprit' } }]);
    expect(await troupe.system.actor(counter, 'neighbour').ask({ type: 'GET' })).toEqual({ count: sent });
    await eventually(
      () => culprit.ask({ type: 'GET' }),
      ({ done }) => done === 1,
    );
  },
);

const BETWEEN_TURNS: readonly { fault: EffectFault; end: Ended['end']; limits?: TestOptions }[] = [
  { fault: 'microtasks', end: 'hang' },
  { fault: 'loop later', end: 'hang' },
  { fault: 'buffers later', end: 'memory', limits: { maxThreadBufferMb: 64 } },
];

test.each(BETWEEN_TURNS)(
  'G10: an effect function that does this is a suspect, though it is the only one, and named once that is proven: $fault',
  async ({ fault, end, limits }) => {
    const { troupe, ended, replaced } = await createWatched(limits);
    await using _ = troupe;
    const culprit = troupe.system.actor(hanging, 'culprit', { journal: join(troupe.folder, 'journal') });
    void culprit.send({ type: 'RUN', fault });
    const sent = await sendThroughout(troupe, () => replaced.length > 1);
    expect(ended).toMatchObject([
      { thread: 0, end, suspects: ['hanging/culprit'] },
      { thread: 1, end, culprit: { address: 'hanging/culprit' } },
    ]);
    expect(ended[0]?.culprit).toBeUndefined();
    expect(await troupe.system.actor(counter, 'neighbour').ask({ type: 'GET' })).toEqual({ count: sent });
    await eventually(
      () => culprit.ask({ type: 'GET' }),
      ({ done }) => done === 1,
    );
  },
);

test('G10: one that waits in an effect function is not charged for what the timer of an action beside it does', async () => {
  const { troupe, ended, replaced } = await createWatched();
  await using _ = troupe;
  const journal = join(troupe.folder, 'journal');
  await troupe.system.actor(hanging, 'innocent', { journal }).send({ type: 'RUN', fault: 'wait' });
  const culprit = troupe.system.actor(hanging, 'culprit', { journal });
  await culprit.send({ type: 'ADD' });
  await culprit.send({ type: 'FAULT', fault: 'throw later' });
  await eventually(() => replaced.length);
  expect(ended).toEqual([{ thread: 0, end: 'error', error: expect.anything() }]);
});

test('G10: of several that may have blocked a thread none is charged, and the second time the right one is named', async () => {
  const { troupe, ended, replaced } = await createWatched({ threads: 2 });
  await using _ = troupe;
  const { threads } = troupe.system;
  const journal = join(troupe.folder, 'journal');
  const refs = Array.from({ length: 12 }, (_unused, i) => troupe.system.actor(hanging, `k${i}`, { journal }));
  const [culprit, ...others] = refs.filter(({ address }) => threads.indexOf(address) === 0);
  const waiting = others.slice(0, 2);
  await Promise.all(waiting.map((ref) => ref.send({ type: 'RUN', fault: 'wait' })));
  void culprit!.send({ type: 'RUN', fault: 'loop later' });
  await eventually(() => ended.length === 2 && replaced.length === 2);
  const suspects = [culprit!, ...waiting].map(({ address }) => address).toSorted();
  expect(ended[0]).toMatchObject({ thread: 0, end: 'hang', suspects });
  expect(ended[0]?.culprit).toBeUndefined();
  expect(ended[1]).toMatchObject({ thread: 2, end: 'hang', culprit: { address: culprit!.address } });
  await eventually(
    () => culprit!.ask({ type: 'GET' }) as Promise<{ done: number }>,
    ({ done }) => done === 1,
  );
  for (const ref of refs) await ref.send({ type: 'ADD' });
  for (const ref of refs) expect(await ref.ask({ type: 'GET' })).toMatchObject({ count: 1 });
});

test('G10: an error that nobody caught names its effect function exactly, whatever else is in flight', async () => {
  const { troupe, ended, replaced } = await createWatched();
  await using _ = troupe;
  const journal = join(troupe.folder, 'journal');
  await troupe.system.actor(hanging, 'waiting', { journal }).send({ type: 'RUN', fault: 'wait' });
  void troupe.system.actor(hanging, 'culprit', { journal }).send({ type: 'RUN', fault: 'throw in a timer' });
  await eventually(() => replaced.length);
  expect(ended).toMatchObject([
    { end: 'error', culprit: { address: 'hanging/culprit' }, error: { message: 'nobody catches this' } },
  ]);
});

test('G10: a hang is noticed within its limit and two beats, and says how long it lasted', async () => {
  const { troupe, ended } = await createWatched();
  await using _ = troupe;
  const culprit = troupe.system.actor(hanging, 'culprit', { journal: join(troupe.folder, 'journal') });
  await culprit.send({ type: 'ADD' });
  const startMs = performance.now();
  void culprit.send({ type: 'FAULT', fault: 'loop' });
  await eventually(() => ended.length);
  // Two beats of 50 ms, and what a busy machine takes to start timers and tell of it.
  expect(performance.now() - startMs).toBeLessThan(300 + 100 + 400);
  expect(ended[0]?.blockedMs).toBeGreaterThanOrEqual(250);
});

test('G10: a thread with more short turns waiting than fit into the limit is at work, not blocked', async () => {
  const { troupe, ended } = await createWatched();
  await using _ = troupe;
  const journal = join(troupe.folder, 'journal');
  const refs = Array.from({ length: 20 }, (_unused, i) => troupe.system.actor(hanging, `k${i}`, { journal }));
  // 1.2 s of work in one go, of 15 ms each: four times the limit.
  await Promise.all(refs.flatMap((ref) => Array.from({ length: 4 }, () => ref.send({ type: 'SPIN', ms: 15 }))));
  expect(ended).toEqual([]);
  for (const ref of refs) expect(await ref.ask({ type: 'GET' })).toMatchObject({ count: 4 });
});

test('an actor may block its thread for as long as its own definition says', async () => {
  const { troupe, ended } = await createWatched();
  await using _ = troupe;
  const culprit = troupe.system.actor(patient, 'culprit', { journal: join(troupe.folder, 'journal') });
  await culprit.send({ type: 'ADD' });
  void culprit.send({ type: 'FAULT', fault: 'loop' });
  await eventually(() => ended.length);
  expect(ended[0]).toMatchObject({ end: 'hang', culprit: { address: 'patient/culprit' } });
  expect(ended[0]?.blockedMs).toBeGreaterThanOrEqual(1450);
});

test('G10: threads that are lost one after the other, with and without one in reserve, lose nothing', async () => {
  using reserve = watchReserve();
  const { troupe, ended, replaced } = await createWatched();
  await using _ = troupe;
  const ref = troupe.system.actor(counter, 'a');
  const sends: Promise<void>[] = [];
  for (let round = 0; round < 5; round++) {
    sends.push(ref.send({ type: 'ADD', n: 1 }));
    // Odd rounds wait until one is in reserve.
    if (round % 2 === 1) await eventually(() => reserve.size);
    await troupe.system.threads.endWorker(0);
    await eventually(() => replaced.length > round);
  }
  await Promise.all(sends);
  expect(await ref.ask({ type: 'GET' })).toEqual({ count: 5 });
  expect(ended.map(({ end }) => end)).toEqual(Array.from({ length: 5 }, () => 'order'));
});

test('a thread ended by order is told as such, and the figures of the threads can be read', async () => {
  const { troupe, ended, replaced } = await createWatched();
  await using _ = troupe;
  expect(troupe.system.threads.stats()).toMatchObject([{ index: 0, incarnation: 0 }]);
  await troupe.system.threads.endWorker(0);
  await eventually(() => replaced.length);
  expect(ended).toEqual([{ thread: 0, end: 'order' }]);
  await eventually(
    () => troupe.system.threads.stats(),
    ([stats]) => stats?.incarnation === 1 && stats.externalBytes > 0 && stats.beatAgeMs < 300,
  );
  expect(troupe.system.threads.watchedForMs).toBeGreaterThan(0);
});
