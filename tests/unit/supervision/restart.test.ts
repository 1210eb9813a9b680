/** G15: what becomes of one actor that fails: restarts, pauses, budgets, holding, ends. */
import { describe, expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import { childOf, parentOf, world } from '../../support/actors-supervised.ts';
import { at, createFamily } from '../../support/supervision.ts';

const family = parentOf('family');
const steady = childOf('steady');

describe('a failure without an event to blame', () => {
  test('G15: the first restart comes at once, later ones after pauses that double; the state is that of the last commit', async () => {
    const child = childOf('child', { backoff: { minMs: 100, maxMs: 1000, factor: 2, jitter: 0 } });
    await using t = await createFamily([child]);
    const ref = t.system.actor(child, 'a');
    await ref.send({ type: 'ADD' });
    world.broken.add('child/a');
    await ref.send({ type: 'BREAK' });
    await t.clock.advance(10);
    await t.clock.advance(10);
    await t.clock.advance(110);
    await t.clock.advance(210);
    expect(t.on('system.actor.failed').map(({ delayMs, attempt }) => [attempt, delayMs])).toEqual([
      [1, 0],
      [2, 100],
      [3, 200],
      [4, 400],
    ]);
    expect(await t.system.lifecycle(ref.address)).toMatchObject({ state: 'pausing', attempt: 4, delayMs: 400 });
    world.broken.clear();
    await t.clock.advance(1000);
    expect((await ref.snapshot()).context.count).toBe(1);
    expect(await t.system.lifecycle(ref.address)).toMatchObject({ state: 'running' });
  });

  test('G15: the budget spent, it is held with state, mailbox and error; revived, it goes on with both', async () => {
    const child = childOf('child', { maxRestarts: 4, backoff: { minMs: 1, maxMs: 1 } });
    await using t = await createFamily([child, family]);
    const parent = t.system.actor(family, 'p', { children: ['child/a'] });
    await parent.snapshot();
    const ref = t.system.actor(child, 'a');
    await ref.send({ type: 'ADD' });
    world.broken.add('child/a');
    await ref.send({ type: 'BREAK' });
    await t.clock.advance(1000);
    expect(await t.statusOf('child/a')).toBe('quarantined');
    expect((await parent.snapshot()).context.heard).toEqual(['child/a quarantined']);
    expect(t.on('system.actor.quarantined')).toMatchObject([
      { address: 'child/a', parent: 'family/p', error: { message: 'child/a is broken' } },
    ]);
    await expect(ref.send({ type: 'ADD' })).rejects.toMatchObject({ code: 'ERR_ACTOR_QUARANTINED' });
    world.broken.clear();
    await t.system.revive(ref.address);
    await t.clock.advance(100);
    await ref.send({ type: 'ADD' });
    expect((await ref.snapshot()).context.count).toBe(2);
    expect(t.on('system.actor.released')).toEqual([{ address: 'child/a', how: 'revived' }]);
    expect(t.on('system.actor.restarted').at(-1)).toMatchObject({ cause: 'revival' });
    await ref.send({ type: 'THROW' }).catch(() => {});
    expect(t.on('system.actor.failed').at(-1)).toMatchObject({ restarts: 1 });
  });

  test('G15: the budget survives a restart of the system', async () => {
    const child = childOf('child', { maxRestarts: 4, withinMs: 3_600_000, backoff: { minMs: 1, maxMs: 1 } });
    const store = Object.assign(createMemoryStore(), { close: async () => {} });
    const openStore = async () => store;
    for (let boot = 0; boot < 2; boot++) {
      await using t = await createFamily([child], {
        openStore,
        seed: 1 + boot,
        startAt: 1_700_000_000_000 + boot * 60_000,
      });
      const ref = t.system.actor(child, 'a');
      world.broken.add('child/a');
      await ref.send({ type: 'BREAK' });
      await t.clock.advance(10);
      world.broken.clear();
      await t.clock.advance(100);
      expect(t.on('system.actor.failed').map(({ restarts }) => restarts)).toEqual(boot === 0 ? [1, 2] : [3, 4]);
    }
  });

  test('G15: an actor that fails at once, forever, is tried ever more rarely: no busy loop', async () => {
    const child = childOf('child', { maxRestarts: 1000, withinMs: 1 });
    await using t = await createFamily([child]);
    world.broken.add('child/a');
    await t.system.actor(child, 'a').send({ type: 'BREAK' });
    await t.clock.advance(3_600_000);
    const failures = t.on('system.actor.failed').length;
    expect(failures).toBeGreaterThan(100);
    expect(failures).toBeLessThan(3600 / 24 + 20);
  });
});

describe('kinds of actors', () => {
  test('G15: a temporary one ends with its first failure, and its parent hears of it', async () => {
    const child = childOf('child', { restart: 'temporary' });
    await using t = await createFamily([child, family]);
    const parent = t.system.actor(family, 'p', { children: ['child/a'] });
    await parent.snapshot();
    const ref = t.system.actor(child, 'a');
    await expect(ref.send({ type: 'THROW' })).rejects.toMatchObject({ code: 'ERR_ACTOR_STOPPED' });
    await t.clock.advance(0);
    expect((await parent.snapshot()).context.heard).toEqual(['child/a failed']);
    expect(await t.statusOf('child/a')).toBe('failed');
    expect(t.on('system.actor.failed')).toMatchObject([{ decision: 'end', kind: 'event' }]);
  });

  test('G15: a transient one that comes to its end stays down; a permanent one begins again from its input', async () => {
    const transient = childOf('transient');
    const permanent = childOf('permanent', { restart: 'permanent' });
    await using t = await createFamily([transient, permanent]);
    for (const definition of [transient, permanent]) {
      const ref = t.system.actor(definition, 'a');
      await ref.send({ type: 'ADD' });
      await ref.send({ type: 'FINISH' });
      await t.clock.advance(1);
    }
    expect(await t.statusOf('transient/a')).toBe('done');
    expect(await t.statusOf('permanent/a')).toBe('active');
    const ref = t.system.actor(permanent, 'a');
    expect((await ref.snapshot()).context.count).toBe(0);
    expect(t.on('system.actor.failed')).toMatchObject([{ kind: 'ended', decision: 'restart' }]);
    await ref.stop();
    expect(await t.statusOf('permanent/a')).toBe('stopped');
  });

  test('G15: under onFailure alert it is left down at once, and says so', async () => {
    const child = childOf('child', { onFailure: 'alert' });
    await using t = await createFamily([child]);
    const ref = t.system.actor(child, 'a');
    await ref.send({ type: 'ADD' });
    await expect(ref.send({ type: 'THROW' })).rejects.toMatchObject({ code: 'ERR_ACTOR_QUARANTINED' });
    expect(t.on('system.actor.failed')).toMatchObject([{ decision: 'alert', attempt: 1 }]);
    await t.system.revive(ref.address);
    expect((await ref.snapshot()).context.count).toBe(1);
  });

  test('R12: under alert an event that fails it after each revival is a dead letter in the end', async () => {
    const child = childOf('child', { onFailure: 'alert' });
    await using t = await createFamily([child], { recoverEveryMs: 2000 });
    const ref = t.system.actor(child, 'a');
    await ref.schedule('poison', { type: 'THROW' }, { afterMs: 10 });
    await t.clock.advance(20);
    for (let revivals = 0; revivals < 2; revivals++) {
      expect(await t.statusOf('child/a')).toBe('quarantined');
      await t.system.revive(ref.address);
      await t.clock.advance(5000);
    }
    expect(t.on('system.actor.failed').map(({ decision }) => decision)).toEqual(['alert', 'alert', 'dead-letter']);
    await ref.send({ type: 'ADD' });
    expect(await t.system.deadLetters()).toMatchObject([{ address: 'child/a', attempts: 3 }]);
  });
});

describe('orders', () => {
  test('G15: a stop gets in between a failure and the next try', async () => {
    const child = childOf('child', { backoff: { minMs: 60_000, maxMs: 60_000, jitter: 0 } });
    await using t = await createFamily([child]);
    const ref = t.system.actor(child, 'a');
    world.broken.add('child/a');
    await ref.send({ type: 'BREAK' });
    await t.clock.advance(1000);
    expect(await t.system.lifecycle(ref.address)).toMatchObject({ state: 'pausing' });
    await ref.stop();
    expect(await t.statusOf('child/a')).toBe('stopped');
    await t.clock.advance(120_000);
    expect(t.on('system.actor.failed')).toHaveLength(2);
  });

  test('G15: so does the stop of its parent', async () => {
    const child = childOf('child', { backoff: { minMs: 60_000, maxMs: 60_000, jitter: 0 } });
    await using t = await createFamily([child, family]);
    const parent = t.system.actor(family, 'p', { children: ['child/a', 'child/b'] });
    await parent.snapshot();
    world.broken.add('child/a');
    await t.system.actor(child, 'a').send({ type: 'BREAK' });
    await t.clock.advance(1000);
    await parent.stop();
    expect([await t.statusOf('child/a'), await t.statusOf('child/b'), await t.statusOf('family/p')]).toEqual([
      'stopped',
      'stopped',
      'stopped',
    ]);
  });

  test('G15: restart makes an actor anew: effects run again under their key', async () => {
    await using t = await createFamily([steady]);
    const ref = t.system.actor(steady, 'a');
    await ref.send({ type: 'ADD' });
    await t.system.restart(ref.address);
    expect(world.lives).toEqual(['steady/a:1', 'steady/a:2']);
    expect((await ref.snapshot()).context.count).toBe(1);
    expect(t.on('system.actor.restarted')).toMatchObject([{ address: 'steady/a', cause: 'order' }]);
  });

  test('discard lets go of a held actor, its mailbox becomes dead letters; it does nothing to others', async () => {
    const child = childOf('child', { onFailure: 'alert' });
    await using t = await createFamily([child]);
    const ref = t.system.actor(child, 'a');
    await t.system.discard(ref.address);
    await ref.send({ type: 'ADD' });
    await t.system.discard(ref.address);
    expect(await t.statusOf('child/a')).toBe('active');
    await ref.send({ type: 'THROW' }).catch(() => {});
    await t.system.discard(ref.address);
    expect(await t.statusOf('child/a')).toBe('stopped');
    expect(t.on('system.actor.released')).toEqual([{ address: 'child/a', how: 'discarded' }]);
  });

  test('the life of an actor nobody knows is refused by name', async () => {
    await using t = await createFamily([steady]);
    await expect(t.system.lifecycle(at('steady', 'nobody'))).rejects.toMatchObject({
      code: 'ERR_ACTOR_NOT_FOUND',
      message: "'steady/nobody' does not exist. Create it, or correct the address.",
    });
  });
});
