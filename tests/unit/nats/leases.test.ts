/** Of two systems in one namespace only one serves a type: leases, in simulated time. */
import { expect, test } from 'vitest';
import { createLogger } from '../../../src/observe/logger.ts';
import {
  LEASE_TTL_MS,
  UNHELD,
  decideLease,
  holdLease,
  isHeld,
  readHolder,
  toHolderText,
} from '../../../src/nats/lease.ts';
import type { SystemIdentity } from '../../../src/nats/lease.ts';
import { Leases } from '../../../src/nats/leases.ts';
import type { LeasesOptions } from '../../../src/nats/leases.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';
import type { SimulatedEnv } from '../../../src/testing.ts';
import { MemoryNats } from '../../support/nats-memory.ts';
import type { MemoryNatsClient } from '../../support/nats-memory.ts';
import { identity } from './fixture.ts';

interface Holding {
  readonly client: MemoryNatsClient;
  readonly leases: Leases;
  readonly started: Promise<void>;
  readonly said: readonly { readonly topic: string; readonly data: unknown }[];
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

interface World {
  readonly env: SimulatedEnv;
  begin(
    name: string,
    types?: readonly string[],
    more?: Partial<SystemIdentity> & { readonly isModest?: boolean },
  ): Holding;
  /** Lets an hour pass at most, for a promise of a start. */
  until(started: Promise<void>): Promise<unknown>;
}

function world(seed = 1): World {
  const env = createSimulatedEnv({ seed, shuffle: true });
  const nats = new MemoryNats(env);
  return {
    env,
    begin: (name, types = ['session'], { isModest = false, ...more } = {}) => {
      const client = nats.connect();
      const said: { topic: string; data: unknown }[] = [];
      const errors: string[] = [];
      const warnings: string[] = [];
      const options: LeasesOptions = {
        client,
        env,
        types,
        isModest,
        self: identity(name, more),
        announce: (topic, data) => void said.push({ topic, data }),
        log: createLogger((level, _fields, text) => {
          if (level === 'error') errors.push(text);
          if (level === 'warn') warnings.push(text);
        }, {}),
      };
      const leases = new Leases(options);
      const started = leases.start();
      started.catch(() => {});
      return { client, leases, started, said, errors, warnings };
    },
    until: async (started) => {
      let outcome: { readonly value: unknown } | undefined;
      started.then(
        () => (outcome = { value: undefined }),
        (error: unknown) => (outcome = { value: error }),
      );
      for (let i = 0; i < 600 && !outcome; i++) await env.advance(100);
      return outcome?.value;
    },
  };
}

test.each([
  { entry: undefined, hasHeld: false, step: 'create' },
  { entry: identity('a'), hasHeld: true, step: 'update' },
  { entry: identity('a', { boot: 'former' }), hasHeld: false, step: 'update' },
  // A copy of our store took over while this run was served by it: one of the two must give way.
  { entry: identity('a', { boot: 'copy' }), hasHeld: true, step: 'wait' },
  { entry: identity('b'), hasHeld: false, step: 'wait' },
])('a key of $entry.boot leads to $step', ({ entry, hasHeld, step }) => {
  const stored = entry && { text: toHolderText(entry, 0), revision: 3 };
  expect(decideLease(stored, identity('a'), hasHeld).step).toBe(step);
});

test('Z1: a lease counts from the moment its write was begun', () => {
  const state = holdLease(UNHELD, 1000, 1, 5000);
  expect(isHeld(state, 1000 + LEASE_TTL_MS - 1)).toBe(true);
  expect(isHeld(state, 1000 + LEASE_TTL_MS)).toBe(false);
  expect(isHeld(UNHELD, 0)).toBe(false);
});

test.each(['', 'no json', 'null', '7', '{}'])('a key that holds %o is held by somebody unknown', (text) => {
  expect(readHolder(text)).toMatchObject({ name: 'unknown', storeId: '' });
});

test('Z2: a second system fails within one life of the key, and names the first and what to do', async () => {
  const { begin, until, env } = world();
  const one = begin('one');
  await until(one.started);
  expect(one.leases.held).toEqual(['session']);
  const begunMs = env.monotonicMs();
  const two = begin('two');
  expect(await until(two.started)).toMatchObject({
    code: 'ERR_NATS_CONFLICT',
    message: expect.stringMatching(
      /by another system already: 'one' on here, process 7, since .*use another namespace/,
    ) as string,
    details: { type: 'session', name: 'one', host: 'here', pid: 7 },
  });
  expect(env.monotonicMs() - begunMs).toBeLessThanOrEqual(LEASE_TTL_MS);
  expect(two.leases.held).toEqual([]);
  expect(one.leases.held).toEqual(['session']);
});

test('a modest system leaves a type to whoever serves it, at once and for its whole run', async () => {
  const { begin, until, env } = world();
  const one = begin('one', ['session', 'shop']);
  await until(one.started);
  const begunMs = env.monotonicMs();
  const two = begin('two', ['order', 'session', 'shop'], { isModest: true });
  expect(await until(two.started)).toBeUndefined();
  expect(env.monotonicMs() - begunMs).toBeLessThanOrEqual(100);
  expect(two.leases.held).toEqual(['order']);
  await Promise.all([one.leases.stop(), env.advance(4 * LEASE_TTL_MS)]);
  expect(two.leases.held).toEqual(['order']);
  expect(two.leases.wants('session')).toBe(false);
  expect(two.errors).toEqual([]);
  expect(two.warnings).toEqual([expect.stringContaining("Actors of type 'session', 'shop' are served")]);
});

test('a system waits out one that has died, and takes over', async () => {
  const { begin, until, env } = world();
  const one = begin('one');
  await until(one.started);
  one.client.set('closed');
  const begunMs = env.monotonicMs();
  const two = begin('two');
  expect(await until(two.started)).toBeUndefined();
  expect(two.leases.held).toEqual(['session']);
  expect(one.leases.held).toEqual([]);
  expect(env.monotonicMs() - begunMs).toBeLessThanOrEqual(LEASE_TTL_MS + 1000);
});

test('a former run of the same store does not hold up the next, nor does one that stopped', async () => {
  const { begin, until, env } = world();
  const one = begin('one');
  await until(one.started);
  one.client.set('closed');
  const next = begin('one', ['session'], { boot: 'next' });
  expect(await until(next.started)).toBeUndefined();
  await env.advance(0);
  await Promise.all([next.leases.stop(), env.advance(1000)]);
  const begunMs = env.monotonicMs();
  const two = begin('two');
  expect(await until(two.started)).toBeUndefined();
  expect(env.monotonicMs() - begunMs).toBeLessThanOrEqual(100);
});

test('of two that start together one gets every type', async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const { begin, until } = world(seed);
    const both = [begin('one', ['a', 'b', 'c']), begin('two', ['c', 'b', 'a'])];
    const outcomes = await Promise.all(both.map(({ started }) => until(started)));
    expect(
      outcomes.filter((outcome) => outcome === undefined),
      `seed ${seed}`,
    ).toHaveLength(1);
    expect(
      both.map(({ leases }) => leases.held.length).toSorted((a, b) => a - b),
      `seed ${seed}`,
    ).toEqual([0, 3]);
  }
});

test('Z1: a system that is cut off stops serving before another can begin, says so when it is back, and serves again when that one stops', async () => {
  const { begin, until, env } = world();
  const one = begin('one');
  await until(one.started);
  await env.advance(60_000);
  expect(one.leases.held).toEqual(['session']);
  one.client.set('reconnecting');
  const two = begin('two');
  let servedByBoth = 0;
  for (let i = 0; i < 200; i++) {
    await env.advance(100);
    if (one.leases.holds('session') && two.leases.holds('session')) servedByBoth++;
  }
  expect(servedByBoth).toBe(0);
  expect([one.leases.holds('session'), two.leases.holds('session')]).toEqual([false, true]);
  one.client.set('connected');
  await env.advance(100);
  expect(one.leases.holds('session')).toBe(false);
  expect(one.said).toMatchObject([
    { topic: 'system.nats.unserved', data: { type: 'session', holder: { name: 'two' } } },
  ]);
  expect(one.errors).toMatchObject([expect.stringContaining("'two' on here")]);
  await env.advance(60_000);
  expect(one.said, 'said once').toHaveLength(1);
  await Promise.all([two.leases.stop(), env.advance(10_000)]);
  expect(one.leases.held).toEqual(['session']);
  expect(one.said.at(-1)).toEqual({ topic: 'system.nats.served', data: { type: 'session' } });
});

test('a system that was cut off and that nobody replaced goes on', async () => {
  const { begin, until, env } = world();
  const one = begin('one');
  await until(one.started);
  one.client.set('reconnecting');
  await env.advance(LEASE_TTL_MS * 3);
  expect(one.leases.held).toEqual([]);
  one.client.set('connected');
  await env.advance(100);
  expect(one.leases.held).toEqual(['session']);
  expect(one.errors).toEqual([]);
});

test('without a server at the start it begins with nothing, and takes its leases when there is one', async () => {
  const { begin, env } = world();
  const one = begin('one');
  one.client.set('reconnecting');
  const two = begin('two', ['other']);
  two.client.set('reconnecting');
  await Promise.all([one.started, two.started, env.advance(60_000)]);
  expect(two.leases.held).toEqual([]);
  two.client.set('connected');
  await env.advance(100);
  expect(two.leases.held).toEqual(['other']);
});

test('who else serves a type is looked up, and remembered for a few seconds', async () => {
  const { begin, until, env } = world();
  const one = begin('one', ['a']);
  const two = begin('two', ['b']);
  await Promise.all([until(one.started), until(two.started)]);
  expect(await one.leases.holderOf('b')).toMatchObject({ name: 'two' });
  expect(await one.leases.holderOf('c')).toBeUndefined();
  expect(await one.leases.holderOf('a')).toBeUndefined();
  await Promise.all([two.leases.stop(), env.advance(1000)]);
  expect(await one.leases.holderOf('b')).toMatchObject({ name: 'two' });
  await env.advance(5000);
  expect(await one.leases.holderOf('b')).toBeUndefined();
});
