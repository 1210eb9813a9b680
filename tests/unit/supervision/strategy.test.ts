/** G15: whom a failure concerns: strategies, escalation, substitutes, the order of ends. */
import { describe, expect, test } from 'vitest';
import { defineActor } from '../../../src/index.ts';
import { encodeSnapshot } from '../../../src/state/codec.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { SupervisePolicy } from '../../../src/index.ts';
import {
  childMachine,
  childOf,
  illMatched,
  parentOf,
  picky,
  replaceable,
  substitute,
  world,
} from '../../support/actors-supervised.ts';
import { at, createFamily } from '../../support/supervision.ts';
import type { Family } from '../../support/supervision.ts';

const child = childOf('child');
const fleeting = childOf('fleeting', { restart: 'temporary' });

/** A grandparent over a parent over children, two of which have a child of their own. */
async function createTree(supervise: SupervisePolicy): Promise<Family> {
  const parent = parentOf('parent', supervise);
  const t = await createFamily([child, fleeting, parent, parentOf('middle')]);
  const root = t.system.actor(parent, 'p', { children: ['child/a', 'middle/b', 'child/c', 'fleeting/d'] });
  await root.snapshot();
  await t.system.actor(parentOf('middle'), 'b').send({ type: 'SPAWN', address: 'child/b1' });
  await t.clock.advance(0);
  return t;
}

async function throwIn(t: Family, address: string): Promise<void> {
  const [, key = ''] = address.split('/');
  // One failure: the second try of the event would be a second one.
  world.broken.add(address);
  await t.system.actor(child, key).send({ type: 'BREAK' });
  await t.clock.advance(10);
  world.broken.clear();
  await t.clock.advance(200);
}

/** Failures of one actor, and who was made anew how often. */
function livesAfter(t: Family): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const address of t.restarted) counts[address] = (counts[address] ?? 0) + 1;
  return counts;
}

describe('strategies', () => {
  test.each([
    { strategy: 'one-for-one', expected: ['child/a'] },
    { strategy: 'one-for-all', expected: ['child/a', 'child/b1', 'child/c', 'middle/b'] },
    { strategy: 'rest-for-one', expected: ['child/a', 'child/b1', 'child/c', 'middle/b'] },
  ] as const)(
    'G15: $strategy: the first child fails, exactly $expected are made anew',
    async ({ strategy, expected }) => {
      await using t = await createTree({ strategy });
      await throwIn(t, 'child/a');
      expect(Object.keys(livesAfter(t)).toSorted()).toEqual(expected);
      expect(await t.statusOf('fleeting/d')).toBe(strategy === 'one-for-one' ? 'active' : 'stopped');
    },
  );

  test.each([
    { strategy: 'one-for-all', expected: ['child/a', 'child/b1', 'child/c', 'middle/b'] },
    { strategy: 'rest-for-one', expected: ['child/c'] },
  ] as const)(
    'G15: $strategy: a later child fails, exactly $expected are made anew',
    async ({ strategy, expected }) => {
      await using t = await createTree({ strategy });
      await throwIn(t, 'child/c');
      expect(Object.keys(livesAfter(t)).toSorted()).toEqual(expected);
    },
  );

  test('G15: a failing parent leaves its children alone, whatever its strategy', async () => {
    await using t = await createTree({ strategy: 'one-for-all' });
    await t.system
      .actor(parentOf('middle'), 'b')
      .send({ type: 'THROW' })
      .catch(() => {});
    await t.clock.advance(100);
    expect(Object.keys(livesAfter(t)).toSorted()).toEqual(['child/a', 'child/b1', 'child/c', 'middle/b']);
    const { 'parent/p': _parent, ...before } = livesAfter(t);
    await t.system
      .actor(parentOf('parent'), 'p')
      .send({ type: 'THROW' })
      .catch(() => {});
    await t.clock.advance(100);
    expect(livesAfter(t)).toMatchObject(before);
  });

  test('G15: a child that fails while it is made anew, and while its parent is, comes through', async () => {
    await using t = await createTree({ strategy: 'one-for-all' });
    world.broken.add('child/a').add('child/c');
    await Promise.all([
      t.system.actor(child, 'a').send({ type: 'BREAK' }),
      t.system.actor(child, 'c').send({ type: 'BREAK' }),
      t.system
        .actor(parentOf('parent'), 'p')
        .send({ type: 'THROW' })
        .catch(() => {}),
    ]);
    await t.clock.advance(30);
    world.broken.clear();
    await t.clock.advance(10_000);
    for (const address of ['parent/p', 'child/a', 'child/c', 'middle/b', 'child/b1'])
      expect([address, await t.statusOf(address)]).toEqual([address, 'active']);
    await t.system.actor(child, 'a').send({ type: 'ADD' });
    expect((await t.system.actor(child, 'a').snapshot()).context.count).toBe(1);
  });
});

describe('escalation', () => {
  const brittle = childOf('brittle', { maxRestarts: 4, onGiveUp: 'escalate', backoff: { minMs: 1, maxMs: 1 } });

  test('G15: a child that is given up on takes its parent with it: all below begin anew, the child released', async () => {
    const parent = parentOf('parent');
    await using t = await createFamily([brittle, child, parent]);
    await t.system.actor(parent, 'p', { children: ['brittle/a', 'child/b'] }).snapshot();
    await t.clock.advance(0);
    world.broken.add('brittle/a');
    await t.system.actor(brittle, 'a').send({ type: 'BREAK' });
    await t.clock.advance(16);
    world.broken.clear();
    await t.clock.advance(1000);
    const failures = t.on('system.actor.failed').filter(({ address }) => address === 'parent/p');
    expect(failures[0]).toMatchObject({ kind: 'child', what: 'brittle/a', decision: 'restart' });
    expect(await t.statusOf('brittle/a')).toBe('active');
    expect(livesAfter(t)['child/b']).toBe(failures.length);
    expect((await t.system.actor(parent, 'p').snapshot()).context.heard).toEqual([]);
    await t.system.actor(brittle, 'a').send({ type: 'ADD' });
  });

  test('G15: a parent whose budget is spent that way is held, and its child with it; at the root nothing is above', async () => {
    const parent = parentOf('parent', { maxRestarts: 4, onGiveUp: 'escalate' });
    await using t = await createFamily([brittle, parent]);
    await t.system.actor(parent, 'p', { children: ['brittle/a'] }).snapshot();
    await t.clock.advance(0);
    world.broken.add('brittle/a');
    await t.system.actor(brittle, 'a').send({ type: 'BREAK' });
    await t.clock.advance(50_000);
    expect([await t.statusOf('parent/p'), await t.statusOf('brittle/a')]).toEqual(['quarantined', 'quarantined']);
    expect(t.on('system.actor.failed').at(-1)).toMatchObject({ address: 'parent/p', decision: 'quarantine' });
  });
});

describe('substitutes', () => {
  test('G15: a substitute takes over address, log, mailbox and the event that failed, for good', async () => {
    const parent = parentOf('parent');
    await using t = await createFamily([replaceable, substitute, parent]);
    const root = t.system.actor(parent, 'p', { children: ['replaceable/a'] });
    await root.snapshot();
    const ref = t.system.actor(replaceable, 'a');
    await ref.send({ type: 'ADD' });
    await Promise.all([ref.send({ type: 'THROW' }), ref.send({ type: 'ADD' })]);
    expect((await ref.snapshot()).context).toEqual({ count: 101, note: 'took the event that failed' });
    await t.system.restart(ref.address);
    expect((await ref.snapshot()).context).toMatchObject({ count: 101 });
    await t.clock.advance(0);
    expect((await root.snapshot()).context.heard).toEqual(['replaceable/a replaced by substitute']);
    expect(t.on('system.actor.replaced')).toEqual([{ address: 'replaceable/a', by: 'substitute' }]);
  });

  test('G15: the substitute is what comes back after a restart of the system, without the timers of the one before', async () => {
    const store = Object.assign(createMemoryStore(), { close: async () => {} });
    const openStore = async () => store;
    const t = await createFamily([replaceable, substitute], { openStore });
    const ref = t.system.actor(replaceable, 'a');
    await ref.send({ type: 'BREAK' });
    await ref.send({ type: 'THROW' });
    expect(await store.load(ref.address)).toMatchObject({
      timers: null,
      inFlight: null,
      supervision: '{"as":"substitute"}',
    });
    await t.stop();
    await using later = await createFamily([replaceable, substitute], { openStore, seed: 2 });
    await later.system.actor(replaceable, 'a').send({ type: 'ADD' });
    expect((await later.system.actor(replaceable, 'a').snapshot()).context).toMatchObject({ count: 100 });
  });

  test('one that refuses its input is not there at all: the actor is held as it was, with both reasons', async () => {
    await using t = await createFamily([illMatched, picky]);
    const ref = t.system.actor(illMatched, 'a');
    await ref.send({ type: 'ADD' });
    const error = await ref.send({ type: 'THROW' }).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'ERR_ACTOR_QUARANTINED', cause: { code: 'ERR_REPLACEMENT' } });
    expect(await t.statusOf('ill-matched/a')).toBe('quarantined');
    expect((await ref.snapshot()).context.count).toBe(1);
  });

  test.each([
    { with: 'nobody', say: 'which is not loaded' },
    { with: 'circle', say: "leads back to 'circle': circle -> circle" },
    { with: 'deaf', say: "does not take the event 'ADD'" },
  ])('a substitute that cannot work is refused at the start: $say', async ({ with: type, say }) => {
    const { z } = await import('zod');
    const deaf = defineActor('deaf', childMachine, { events: { OTHER: z.object({}) } });
    const circle = defineActor('circle', childMachine, {
      events: { ADD: z.object({}) },
      supervise: { onFailure: { kind: 'replace', with: type, toInput: () => ({}) } },
    });
    const error = await createFamily([deaf, circle]).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'ERR_DEFINITION_INVALID' });
    expect((error as Error).message).toContain(say);
  });
});

describe('the order of ends', () => {
  test('G9: children end before their parent, those started last first', async () => {
    const parent = parentOf('parent');
    const middle = parentOf('middle');
    const ends: string[] = [];
    const store = createMemoryStore();
    const apply = store.commit.bind(store);
    const commit: typeof apply = (batch) => {
      for (const { address, status } of batch) if (status === 'stopped') ends.push(address);
      return apply(batch);
    };
    const openStore = async () => Object.assign(store, { commit });
    await using t = await createFamily([child, parent, middle], { openStore });
    const root = t.system.actor(parent, 'p', { children: ['child/a', 'middle/b', 'child/c'] });
    await root.snapshot();
    await t.system.actor(middle, 'b').send({ type: 'SPAWN', address: 'child/b1' });
    await t.clock.advance(10);
    await root.stop();
    expect(ends).toEqual(['child/c', 'child/b1', 'middle/b', 'child/a', 'parent/p']);
  });

  test('a thousand children that fail in the same second all come back', async () => {
    const sturdy = childOf('sturdy');
    const parent = parentOf('parent');
    await using t = await createFamily([sturdy, parent]);
    const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`);
    await t.system.actor(parent, 'p', { children: keys.map((key) => `sturdy/${key}`) }).snapshot();
    for (const key of keys) world.broken.add(`sturdy/${key}`);
    await Promise.all(keys.map((key) => t.system.actor(sturdy, key).send({ type: 'BREAK' })));
    await t.clock.advance(30);
    world.broken.clear();
    await t.clock.advance(10_000);
    expect(new Set(t.restarted).size).toBe(1000);
    const counts = await Promise.all(
      keys.map(async (key) => {
        await t.system.actor(sturdy, key).send({ type: 'ADD' });
        return (await t.system.actor(sturdy, key).snapshot()).context.count;
      }),
    );
    expect(counts.every((count) => count === 1)).toBe(true);
  });

  test('parents in a circle neither restart nor stop forever', async () => {
    const circle = parentOf('circle', { strategy: 'one-for-all', stopTimeoutMs: 1000 });
    const store = createMemoryStore();
    const state = {
      kind: 'snapshot',
      ...encodeSnapshot({ status: 'active', value: {}, context: { heard: [] } } as never),
    } as const;
    const born = (key: string, parent: string) => ({
      address: at('circle', key),
      epoch: 1,
      seq: 1,
      at: 1,
      version: 1,
      status: 'active' as const,
      state,
      actor: { type: 'circle', parent: at('circle', parent), meta: '{}' },
    });
    await store.commit([born('a', 'c'), born('b', 'a'), born('c', 'b')]);
    await using t = await createFamily([circle], { openStore: async () => store });
    const a = t.system.actor(circle, 'a');
    await a.send({ type: 'THROW' }).catch(() => {});
    await t.clock.advance(60_000);
    // Each of three failures has what is below made anew, until it comes back to where the order began.
    expect(Object.keys(livesAfter(t)).toSorted()).toEqual(['circle/a', 'circle/b']);
    expect(Math.max(...Object.values(livesAfter(t)))).toBeLessThanOrEqual(3);
    const stopped = a.stop();
    await t.clock.advance(20_000);
    await stopped;
    for (const key of ['a', 'b', 'c']) expect(await t.statusOf(`circle/${key}`)).toBe('stopped');
  });
});
