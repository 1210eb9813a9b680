/** Actors that are not stored: the same mailbox and turns, no commits; acknowledged means handled. */
import { describe, expect, test } from 'vitest';
import { forEachSeed, testSystem } from '../../../src/testing.ts';
import type { TestSystem, TestSystemOptions } from '../../../src/testing.ts';
import { MAILBOX_CAPACITY, listener, sleeper, smallTally, storedTally, tally } from '../../support/actors-modes.ts';
import type { Note } from '../../support/actors-modes.ts';
import { failureOf } from '../../support/harness.ts';

const MODES = new URL('../../support/actors-modes.ts', import.meta.url);

const create = (options: Partial<TestSystemOptions> = {}): Promise<TestSystem> =>
  testSystem({ actors: [MODES], inlineHosts: 2, recoverEveryMs: 1000, ...options });

const numbersOf = (notes: readonly Note[]): number[] => notes.map(({ n }) => n);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe('what it does', () => {
  test('counts, answers, and shows its state; nothing of it is stored', async () => {
    await using troupe = await create();
    const ref = troupe.system.actor(tally, 'a', { count: 5 });
    await Promise.all(upTo(100).map(() => ref.send({ type: 'ADD', n: 1 })));
    expect(await ref.ask({ type: 'GET' })).toBe(105);
    expect(await ref.snapshot()).toMatchObject({ value: 'idle', context: { count: 105 }, status: 'active' });
    expect((await troupe.system.list()).items).toEqual([]);
  });

  test('a watcher sees what it does and the end of it', async () => {
    await using troupe = await create();
    const ref = troupe.system.actor(tally, 'a', {});
    await ref.send({ type: 'ADD', n: 1 });
    const watch = ref.watch();
    expect((await watch.next()).value).toMatchObject({ context: { count: 1 } });
    const next = watch.next();
    await ref.send({ type: 'ADD', n: 1 });
    expect((await next).value).toMatchObject({ context: { count: 2 } });
    const last = watch.next();
    await ref.send({ type: 'END' });
    expect((await last).value).toMatchObject({ status: 'done', context: { count: 2 } });
    expect((await watch.next()).done).toBe(true);
  });

  test.each(['stop', 'quarantine'] as const)('a watcher sees its end by %s', async (how) => {
    await using troupe = await create();
    const ref = troupe.system.actor(tally, 'a', {});
    await ref.send({ type: 'ADD', n: 1 });
    const watch = ref.watch();
    await watch.next();
    const last = watch.next();
    if (how === 'stop') await ref.stop();
    else for (let i = 0; i < 6; i++) await ref.send({ type: 'BOOM' }).catch(() => {});
    const { value } = await last;
    expect(value).toMatchObject({ status: how === 'stop' ? 'stopped' : 'quarantined' });
    expect((await watch.next()).done).toBe(true);
  });

  test('timers and effect functions come as turns of their own', async () => {
    await using troupe = await create();
    const ref = troupe.system.actor(tally, 'a', {});
    await ref.send({ type: 'WAIT' });
    await troupe.clock.advance(999);
    expect(await ref.ask({ type: 'GET' })).toBe(0);
    await troupe.clock.advance(1);
    expect(await ref.ask({ type: 'GET' })).toBe(100);
    await ref.send({ type: 'WORK' });
    await troupe.clock.advance(0);
    expect(await ref.ask({ type: 'GET' })).toBe(107);
  });

  test('a delivery reaches whoever handles the channel once; without a handler it is dropped and that is said', async () => {
    await using troupe = await create();
    const { system, clock, logs } = troupe;
    const ref = system.actor(tally, 'a', {});
    await ref.send({ type: 'DELIVER', n: 1 });
    await clock.advance(5000);
    expect(logs.some(({ text }) => text.startsWith('a delivery that is not stored was dropped'))).toBe(true);
    const taken: unknown[] = [];
    system.onDelivery('out', ({ payload }) => void taken.push(payload));
    await ref.send({ type: 'DELIVER', n: 2 });
    await clock.advance(5000);
    expect(taken).toEqual([2]);
  });

  test('G12: what it publishes reaches stored subscribers once, in its order', async () => {
    await using troupe = await create();
    const { system, clock } = troupe;
    const heard = system.actor(listener, 'l');
    await heard.send({ type: 'NOTE', from: 'start', n: -1 });
    const ref = system.actor(tally, 'a', {});
    await Promise.all(upTo(50).map((n) => ref.send({ type: 'PUBLISH', topic: 'wake.up', n })));
    await clock.advance(2000);
    expect(numbersOf(await heard.ask({ type: 'LIST' }))).toEqual([-1, ...upTo(50)]);
  });
});

describe('tells', () => {
  test('G6: a stored actor tells it, on the same host and another: each is handled once, in order, and its row goes', () =>
    forEachSeed({ count: 20 }, async (seed) => {
      await using troupe = await create({ seed });
      const { system, clock } = troupe;
      const teller = system.actor(storedTally, 'teller');
      for (const key of ['a', 'b', 'c']) {
        const ref = system.actor(tally, key, {});
        await ref.send({ type: 'ADD', n: 1 });
        await teller.send({ type: 'TELL', to: ref.address, from: 0, count: 30 });
        await teller.send({ type: 'TELL', to: ref.address, from: 30, count: 30 });
      }
      await clock.advance(3000);
      for (const key of ['a', 'b', 'c'])
        expect(numbersOf(await system.actor(tally, key).ask({ type: 'LIST' }))).toEqual(upTo(60));
      expect((await system.stats()).inboxRows).toBe(0);
    }));

  test('rows that wait for it while nobody can make it are handled by the one that is made later, once', () =>
    forEachSeed({ count: 40 }, async (seed) => {
      await using troupe = await create({ seed });
      const { system, clock } = troupe;
      const teller = system.actor(storedTally, 'teller');
      await teller.send({ type: 'ADD', n: 1 });
      const told = teller.send({ type: 'TELL', to: 'tally/a', from: 0, count: 10 });
      const looks = upTo(5).map(() =>
        system
          .actor(tally, 'a')
          .snapshot()
          .catch(() => undefined),
      );
      const made = system.actor(tally, 'a', {}).send({ type: 'ADD', n: 1 });
      await Promise.all([told, made, ...looks]);
      await clock.advance(3000);
      const numbers = numbersOf(await system.actor(tally, 'a').ask({ type: 'LIST' }));
      expect(numbers).toEqual(upTo(10));
      expect((await system.stats()).inboxRows).toBe(0);
    }));

  test('it tells a stored actor, which stores it', async () => {
    await using troupe = await create();
    const { system, clock } = troupe;
    const stored = system.actor(sleeper, 's');
    await system.actor(tally, 'a', {}).send({ type: 'TELL', to: stored.address, from: 0, count: 100 });
    await clock.advance(1000);
    expect(numbersOf(await stored.ask({ type: 'LIST' }))).toEqual(upTo(100));
  });

  test('the host program tells it, and it is handled', async () => {
    await using troupe = await create();
    const ref = troupe.system.actor(tally, 'a', {});
    for (let i = 0; i < 100; i++) await ref.tell({ type: 'ADD', n: 1 });
    await troupe.clock.advance(0);
    expect(await ref.ask({ type: 'GET' })).toBe(100);
  });

  test('two that tell each other for long do not keep others from their answers', async () => {
    await using troupe = await create({ inlineHosts: 1 });
    const { system, clock } = troupe;
    const [ping, pong, other] = [
      system.actor(tally, 'a', {}),
      system.actor(tally, 'b', {}),
      system.actor(tally, 'c', {}),
    ];
    await ping.send({ type: 'PING', to: pong.address, left: 20_000 });
    expect(await other.ask({ type: 'GET' })).toBe(0);
    const soFar = await ping.ask({ type: 'GET' });
    expect(soFar).toBeLessThan(10_000);
    await clock.advance(0);
    expect((await ping.ask({ type: 'GET' })) + (await pong.ask({ type: 'GET' }))).toBe(20_001);
  });
});

describe('failures and ends', () => {
  test('a failure is told, and a new life begins from the input; what waited goes on', async () => {
    await using troupe = await create();
    const ref = troupe.system.actor(tally, 'a', { count: 5 });
    await ref.send({ type: 'ADD', n: 1 });
    const failed = failureOf(ref.send({ type: 'BOOM' }), 'ERR_ACTOR_FAILED');
    const next = ref.send({ type: 'ADD', n: 10 });
    expect((await failed).message).toContain("'tally/a' failed on this event: boom");
    await next;
    expect(await ref.ask({ type: 'GET' })).toBe(15);
  });

  test('G7: of a turn that fails nothing leaves', async () => {
    await using troupe = await create();
    const { system, clock } = troupe;
    const ref = system.actor(tally, 'a', {});
    const failure = await failureOf(ref.send({ type: 'EMIT', effect: 'append' }), 'ERR_ACTOR_FAILED');
    expect(failure.cause).toMatchObject({ code: 'ERR_EFFECT_INVALID' });
    await clock.advance(1000);
    expect((await system.list()).items).toEqual([]);
  });

  test.each(['append', 'schedule', 'unschedule', 'spawn', 'stop', 'subscribe', 'unsubscribe'])(
    'the effect %s needs a store: the turn fails and names it',
    async (effect) => {
      await using troupe = await create();
      const ref = troupe.system.actor(tally, 'a', {});
      const failure = await failureOf(ref.send({ type: 'EMIT', effect }), 'ERR_ACTOR_FAILED');
      expect(failure.message).toContain(`'tally/a' emitted 'troupe.${effect}'`);
      expect(failure.message).toContain('durable: false');
    },
  );

  test('an effect that needs a store on entry fails the creation, and says so', async () => {
    await using troupe = await create();
    const ref = troupe.system.actor(tally, 'a', { effect: 'spawn' });
    const failure = await failureOf(ref.send({ type: 'ADD', n: 1 }), 'ERR_ACTOR_FAILED');
    expect(failure.message).toContain("'tally/a' failed while it was created");
    expect(failure.message).toContain("'troupe.spawn'");
    const other = troupe.system.actor(tally, 'a', { count: 1 });
    await other.send({ type: 'ADD', n: 1 });
    expect(await other.ask({ type: 'GET' })).toBe(2);
  });

  test('G9: when its restarts are spent it is quarantined; a revival begins from the input', async () => {
    await using troupe = await create();
    const { system } = troupe;
    const ref = system.actor(tally, 'a', { count: 5 });
    for (let i = 0; i < 6; i++) await failureOf(ref.send({ type: 'BOOM' }), 'ERR_ACTOR_FAILED');
    const failure = await failureOf(ref.send({ type: 'ADD', n: 1 }), 'ERR_ACTOR_QUARANTINED');
    expect(failure.message).toContain('boom');
    expect((await ref.snapshot()).status).toBe('quarantined');
    await system.revive(ref.address);
    await ref.send({ type: 'ADD', n: 1 });
    expect(await ref.ask({ type: 'GET' })).toBe(6);
  });

  test('a stop ends it ahead of what waits; the senders of that are told', async () => {
    await using troupe = await create();
    const ref = troupe.system.actor(tally, 'a', {});
    await ref.send({ type: 'ADD', n: 1 });
    await ref.stop();
    await ref.stop();
    await failureOf(ref.send({ type: 'ADD', n: 1 }), 'ERR_ACTOR_STOPPED');
    expect(await ref.snapshot()).toMatchObject({ status: 'stopped', context: { count: 1 } });
  });

  test('removed it is gone: the next message begins from nothing', async () => {
    await using troupe = await create();
    const { system } = troupe;
    const ref = system.actor(tally, 'a', {});
    await ref.send({ type: 'ADD', n: 1 });
    await system.remove(ref.address);
    await ref.send({ type: 'ADD', n: 10 });
    expect(await ref.ask({ type: 'GET' })).toBe(10);
    await ref.stop();
    await system.remove(ref.address);
    expect(await ref.ask({ type: 'GET' })).toBe(0);
  });

  test('a state that is not JSON is no harm until somebody looks at it: that fails and names it, the others go on', async () => {
    await using troupe = await create();
    const { system } = troupe;
    const ref = system.actor(tally, 'a', {});
    await ref.send({ type: 'ADD', n: 1 });
    const watch = ref.watch();
    await watch.next();
    await ref.send({ type: 'KEEP_MAP' });
    const failure = await failureOf(ref.snapshot(), 'ERR_NOT_JSON');
    expect(failure.message).toContain('context.kept');
    await ref.send({ type: 'ADD', n: 1 });
    expect(await ref.ask({ type: 'GET' })).toBe(2);
    const other = system.actor(tally, 'b', {});
    await other.send({ type: 'ADD', n: 1 });
    await watch.return();
  });

  test('it is lost with its thread; what is sent again makes it anew', async () => {
    await using troupe = await create({ inlineHosts: 1 });
    const { system, env, clock } = troupe;
    const ref = system.actor(tally, 'a', { count: 5 });
    await ref.send({ type: 'ADD', n: 1 });
    await system.threads.endWorker(0);
    await env.settle();
    await clock.advance(1000);
    await ref.send({ type: 'ADD', n: 2 });
    expect(await ref.ask({ type: 'GET' })).toBe(7);
  });

  test('G14: ends are forgotten when there is no room for them', async () => {
    await using troupe = await create({ inlineHosts: 1, maxLiveActors: 10 });
    const { system, clock } = troupe;
    for (let i = 0; i < 200; i++) await system.actor(tally, `a${i}`, {}).send({ type: 'END' });
    await clock.advance(1000);
    await system.actor(tally, 'a0', {}).send({ type: 'ADD', n: 1 });
    await failureOf(system.actor(tally, 'a199', {}).send({ type: 'END' }), 'ERR_ACTOR_STOPPED');
  });

  test('without input one that needs none is made by an event, and a look alone finds nobody', async () => {
    await using troupe = await create();
    const ref = troupe.system.actor(tally, 'a');
    await failureOf(ref.snapshot(), 'ERR_ACTOR_NOT_FOUND');
    await ref.send({ type: 'ADD', n: 1 });
    expect(await ref.ask({ type: 'GET' })).toBe(1);
  });

  test('nothing can be scheduled for it, and the message says what to do', async () => {
    await using troupe = await create();
    const failure = await failureOf(
      troupe.system.actor(tally, 'a', {}).schedule('k', { type: 'ADD', n: 1 }, { afterMs: 1 }),
      'ERR_SCHEDULE_INVALID',
    );
    expect(failure.message).toContain('durable: false');
  });
});

test('G14: what actors tell one whose mailbox is full is dropped, and what is sent directly is refused', async () => {
  await using troupe = await create({ inlineHosts: 1 });
  const { system, clock } = troupe;
  const ref = system.actor(smallTally, 'a', {});
  await ref.send({ type: 'ADD', n: 0 });
  const teller = system.actor(tally, 'teller', {});
  await teller.send({ type: 'TELL', to: ref.address, from: 0, count: 50 });
  await clock.advance(0);
  expect((await ref.ask({ type: 'LIST' })).length).toBeGreaterThanOrEqual(MAILBOX_CAPACITY);
});

test('G14: however much it publishes, little of that is unacknowledged at a time, and all of it arrives', async () => {
  await using troupe = await create({ inlineHosts: 1 });
  const { system, clock } = troupe;
  const heard = system.actor(listener, 'l');
  await heard.send({ type: 'NOTE', from: 'start', n: -1 });
  const ref = system.actor(tally, 'a', {});
  const sends = upTo(3000).map((n) => ref.send({ type: 'PUBLISH', topic: 'wake.up', n }));
  await Promise.all(sends);
  await clock.advance(3000);
  expect(numbersOf(await heard.ask({ type: 'LIST' }))).toEqual([-1, ...upTo(3000)]);
});
