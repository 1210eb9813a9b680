/** G15: failures that meet a start, a stop, a sleep, or the end of everything. */
import { describe, expect, test } from 'vitest';
import { setup } from 'xstate';
import { defineActor, fromEffect, replace } from '../../../src/index.ts';
import type { Effect } from '../../../src/index.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import { childOf, parentOf, replaceable, substitute, world } from '../../support/actors-supervised.ts';
import { at, createFamily } from '../../support/supervision.ts';

const family = parentOf('family');

/** Throws on entry for as long as it is broken. */
const starter = defineActor(
  'starter',
  setup({ types: { context: {} as Record<string, never>, emitted: {} as Effect } }).createMachine({
    context: {},
    entry: ({ self }) => {
      if (world.broken.has(self.id)) throw new Error('fails in its start');
    },
    on: { PING: {} },
  }),
  { supervise: { maxRestarts: 4, backoff: { minMs: 100, maxMs: 100, jitter: 0 } } },
);

describe('a child that fails in its start', () => {
  test('G15: is tried again, after pauses; once it starts all is well', async () => {
    await using t = await createFamily([starter, family]);
    world.broken.add('starter/a');
    const parent = t.system.actor(family, 'p', { children: ['starter/a'] });
    await parent.snapshot();
    await t.clock.advance(250);
    expect(await t.system.lifecycle(at('starter', 'a'))).toMatchObject({ state: 'pausing', attempt: 4 });
    world.broken.clear();
    await t.clock.advance(100);
    await t.system.actor(starter, 'a').send({ type: 'PING' });
    expect((await parent.snapshot()).context.heard).toEqual([]);
  });

  test('G15: is given up on in the end, and its parent hears of it', async () => {
    await using t = await createFamily([starter, family]);
    world.broken.add('starter/a');
    const parent = t.system.actor(family, 'p', { children: ['starter/a'] });
    await parent.snapshot();
    await t.clock.advance(10_000);
    expect((await parent.snapshot()).context.heard).toEqual(['starter/a quarantined']);
    expect(await t.statusOf('starter/a')).toBe('quarantined');
    world.broken.clear();
    await t.system.revive(at('starter', 'a'));
    await t.system.actor(starter, 'a').send({ type: 'PING' });
    expect(t.on('system.actor.failed').filter(({ kind }) => kind === 'ended')).toEqual([]);
  });

  test('G15: can be stopped between two tries, with its parent', async () => {
    await using t = await createFamily([starter, family]);
    world.broken.add('starter/a');
    const parent = t.system.actor(family, 'p', { children: ['starter/a'] });
    await parent.snapshot();
    await t.clock.advance(50);
    const stopped = parent.stop();
    await t.clock.advance(6000);
    await stopped;
    world.broken.clear();
    await t.clock.advance(60_000);
    expect(await t.statusOf('starter/a')).not.toBe('active');
  });
});

describe('a stop', () => {
  test('G15: of an actor that throws while it is stopped stops it all the same', async () => {
    const clingy = defineActor(
      'clingy',
      setup({ actors: { hold: fromEffect(async () => new Promise(() => {})) } }).createMachine({
        invoke: { src: 'hold', id: 'hold' },
        exit: () => {
          throw new Error('fails in its stop');
        },
      }),
    );
    await using t = await createFamily([clingy]);
    const ref = t.system.actor(clingy, 'a');
    await ref.snapshot().catch(() => {});
    await ref.stop();
    await t.clock.advance(10);
    expect(['stopped', undefined]).toContain(await t.statusOf('clingy/a'));
  });

  test('G15: of the system in the middle of pauses and restarts leaves everything to the next start', async () => {
    const child = childOf('child', { maxRestarts: 1000, backoff: { minMs: 500, maxMs: 500, jitter: 0 } });
    const store = Object.assign(createMemoryStore(), { close: async () => {} });
    const openStore = async () => store;
    const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
    const t = await createFamily([child, family], { openStore });
    await t.system.actor(family, 'p', { children: keys.map((key) => `child/${key}`) }).snapshot();
    for (const key of keys) world.broken.add(`child/${key}`);
    await Promise.all(keys.map((key) => t.system.actor(child, key).send({ type: 'BREAK' })));
    await t.clock.advance(300);
    await t.stop();
    await using later = await createFamily([child, family], { openStore, seed: 2, startAt: 1_700_000_100_000 });
    await later.clock.advance(5000);
    for (const key of keys) await later.system.actor(child, key).send({ type: 'ADD' });
    expect((await later.system.actor(child, 'k7').snapshot()).context.count).toBe(1);
  });

  test('G9: a child that does not stop in its time is left to itself: its parent ends then, and the order waits for the child', async () => {
    const stubborn = defineActor('stubborn', family.machine, {
      supervise: { stopTimeoutMs: 700 },
      hibernateAfterMs: 20,
    });
    const store = createMemoryStore();
    const load = store.load.bind(store);
    let isStuck = false;
    const stuck: typeof load = (address) =>
      isStuck && address === 'stubborn/b' ? Promise.reject(new Error('this row cannot be read')) : load(address);
    await using t = await createFamily([stubborn, family], {
      openStore: async () => Object.assign(store, { load: stuck }),
    });
    const parent = t.system.actor(family, 'p', { children: ['stubborn/a', 'stubborn/b', 'stubborn/c'] });
    await parent.snapshot();
    await t.clock.advance(2000);
    isStuck = true;
    const stopped = parent.stop();
    await t.clock.advance(600);
    const statuses = async () =>
      Promise.all(['a', 'b', 'c'].map(async (key) => (await load(at('stubborn', key)))?.status));
    expect([(await load(at('family', 'p')))?.status, ...(await statuses())]).toEqual([
      'active',
      'active',
      'active',
      'stopped',
    ]);
    await t.clock.advance(200);
    await stopped;
    expect([(await load(at('family', 'p')))?.status, ...(await statuses())]).toEqual([
      'stopped',
      'stopped',
      'active',
      'stopped',
    ]);
    expect(await store.inbox(at('stubborn', 'b'))).toMatchObject([{ kind: 'stop' }]);
  });

  test.each(['stop', 'remove'] as const)(
    'G9: a child that comes to be only after the %s of its parent follows it',
    async (how) => {
      const late = parentOf('late');
      const store = createMemoryStore();
      const load = store.load.bind(store);
      let isHeld = true;
      const held: typeof load = (address) =>
        isHeld && address === 'late/b' ? Promise.reject(new Error('this row cannot be read')) : load(address);
      const openStore = async () => Object.assign(store, { load: held });
      await using t = await createFamily([late, family], { openStore });
      const parent = t.system.actor(family, 'p');
      await parent.send({ type: 'SPAWN', address: 'late/b' });
      await (how === 'stop' ? parent.stop() : t.system.remove(parent.address));
      isHeld = false;
      await t.clock.advance(5000);
      expect((await load(at('late', 'b')))?.status).toBe(how === 'stop' ? 'stopped' : undefined);
      expect(await store.inbox(at('late', 'b'))).toEqual([]);
    },
  );
});

describe('what was found by attacks', () => {
  test('G15: a stop that waits behind what was told does not wait for the end of a pause', async () => {
    const child = childOf('child', { backoff: { minMs: 60_000, maxMs: 60_000, jitter: 0 } });
    await using t = await createFamily([child]);
    const ref = t.system.actor(child, 'a');
    world.broken.add('child/a');
    await ref.send({ type: 'BREAK' });
    await t.clock.advance(1000);
    const restarted = t.system.restart(ref.address);
    await restarted;
    await t.clock.advance(20);
    expect(t.on('system.actor.failed')).toHaveLength(3);
    await ref.stop();
    expect(await t.statusOf('child/a')).toBe('stopped');
  });

  test('G15: a held child is stopped with its parent, and one that is replaced meanwhile is no end of it', async () => {
    const alerted = childOf('alerted', { onFailure: 'alert' });
    await using t = await createFamily([alerted, replaceable, substitute, family]);
    const parent = t.system.actor(family, 'p', { children: ['alerted/a', 'replaceable/b'] });
    await parent.snapshot();
    await t.clock.advance(10);
    const failing = [
      t.system
        .actor(alerted, 'a')
        .send({ type: 'THROW' })
        .catch(() => {}),
      t.system
        .actor(replaceable, 'b')
        .send({ type: 'THROW' })
        .catch(() => {}),
    ];
    const stopped = parent.stop();
    await t.clock.advance(10_000);
    await Promise.all([stopped, ...failing]);
    expect([await t.statusOf('alerted/a'), await t.statusOf('replaceable/b')]).toEqual(['stopped', 'stopped']);
  });

  test('G15: an actor made anew under the key of one that was removed is held to nothing of it', async () => {
    await using t = await createFamily([replaceable, substitute]);
    const ref = t.system.actor(replaceable, 'a');
    await ref.send({ type: 'THROW' });
    const gone = t.system.remove(ref.address);
    await Promise.all([gone, ref.send({ type: 'ADD' })]);
    await ref.send({ type: 'ADD' });
    expect((await ref.snapshot()).context).toMatchObject({ runs: [] });
    await ref.send({ type: 'THROW' });
    expect(t.on('system.actor.failed').at(-1)).toMatchObject({ decision: 'replace', restarts: 0 });
  });

  test('G15: a substitute whose first state cannot be saved is not there at all', async () => {
    const big = defineActor(
      'big',
      setup({ types: { context: {} as { text: string } } }).createMachine({ context: { text: 'x'.repeat(5000) } }),
      { maxStateBytes: 1024 },
    );
    const small = defineActor('small', childOf('child').machine, {
      supervise: { onFailure: replace('big', () => ({})) },
    });
    await using t = await createFamily([big, small]);
    const ref = t.system.actor(small, 'a');
    await ref.send({ type: 'ADD' });
    const error = await ref.send({ type: 'THROW' }).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'ERR_ACTOR_QUARANTINED', cause: { code: 'ERR_REPLACEMENT' } });
    expect((await ref.snapshot()).context.count).toBe(1);
    expect(t.on('system.actor.failed').map(({ decision }) => decision)).toEqual(['quarantine']);
  });

  test('G15: many children that fail at once are answered at once', async () => {
    const sturdy = childOf('sturdy', { maxRestarts: 1000 });
    const bound = parentOf('bound', { strategy: 'one-for-all' });
    const store = createMemoryStore();
    const apply = store.commit.bind(store);
    let rows = 0;
    const commit: typeof apply = (batch) => {
      for (const { inbox = [] } of batch) rows += inbox.filter(({ kind }) => kind === 'restart').length;
      return apply(batch);
    };
    await using t = await createFamily([sturdy, bound], { openStore: async () => Object.assign(store, { commit }) });
    const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
    await t.system.actor(bound, 'p', { children: keys.map((key) => `sturdy/${key}`) }).snapshot();
    for (const key of keys) world.broken.add(`sturdy/${key}`);
    await Promise.all(keys.map((key) => t.system.actor(sturdy, key).send({ type: 'BREAK' })));
    await t.clock.advance(15);
    world.broken.clear();
    await t.clock.advance(5000);
    expect(new Set(t.restarted).size).toBe(100);
    // One by one it would be 100 for each failure.
    expect(rows).toBeLessThan(100 * 50);
  });
});

describe('a sleep', () => {
  test('G13, G15: an actor that failed and sleeps remembers its budget, and an event that races its sleep fails it as any other', async () => {
    const child = childOf('napper', { maxRestarts: 4, withinMs: 3_600_000 });
    const sleepy = defineActor('sleepy', child.machine, {
      supervise: { maxRestarts: 4, withinMs: 3_600_000 },
      hibernateAfterMs: 20,
    });
    await using t = await createFamily([sleepy]);
    const ref = t.system.actor(sleepy, 'a');
    for (let i = 0; i < 4; i++) {
      await ref.send({ type: 'THROW' }).catch(() => {});
      await t.clock.advance(15 + i * 5);
    }
    expect(t.on('system.actor.failed').map(({ restarts }) => restarts)).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    await expect(ref.send({ type: 'THROW' })).rejects.toMatchObject({ code: 'ERR_ACTOR_QUARANTINED' });
  });
});

describe('an effect function that makes no progress', () => {
  const waiting = defineActor(
    'waiting',
    setup({
      types: { context: {} as Record<string, never>, events: {} as { type: 'GO' } },
      actors: {
        wait: fromEffect(async ({ attempt, progress, signal }) => {
          world.lives.push(`attempt ${attempt}`);
          for (let i = 0; i < (attempt === 1 ? 3 : 0); i++) {
            await world.pause?.(80);
            progress();
          }
          if (attempt > 1) return 'done';
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          return 'aborted';
        }),
      },
    }).createMachine({
      context: {},
      initial: 'idle',
      states: {
        idle: { on: { GO: 'busy' } },
        busy: { invoke: { src: 'wait', id: 'wait', onDone: 'over' } },
        over: {},
      },
    }),
    { supervise: { stallMs: 100 } },
  );

  test('R11: progress keeps it; without any its actor is charged, made anew, and the function runs again under its key', async () => {
    await using t = await createFamily([waiting]);
    world.pause = (ms) => new Promise((resolve) => void t.env.setTimeout(() => resolve(), ms));
    const ref = t.system.actor(waiting, 'a');
    await ref.send({ type: 'GO' });
    await t.clock.advance(240);
    expect(t.on('system.actor.failed')).toEqual([]);
    await t.clock.advance(150);
    expect(t.on('system.actor.failed')).toMatchObject([
      { address: 'waiting/a', kind: 'stall', decision: 'restart', error: { code: 'ERR_EFFECT_STALLED' } },
    ]);
    expect(world.lives).toEqual(['attempt 1', 'attempt 2']);
    expect((await ref.snapshot()).value).toBe('over');
  });
});
