/** Threads on probation: who is moved where, when they go home, and what must happen before. */
import { expect, test } from 'vitest';
import type { Address } from '../../../src/actor/address.ts';
import { Definitions } from '../../../src/actor/definitions.ts';
import { createLogger } from '../../../src/observe/logger.ts';
import type { HostStart } from '../../../src/system/hosts.ts';
import { Probations } from '../../../src/system/probations.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';
import { Routes } from '../../../src/thread/routes.ts';

const A = 'a/1' as never;
const B = 'a/2' as never;

/** Hosts that only note what they are asked for. */
function setUp({ starts = true } = {}) {
  const env = createSimulatedEnv({ seed: 1 });
  const routes = new Routes(1, new Definitions());
  const calls: string[] = [];
  const slots = new Map<number, { index: number; incarnation: number; isReady: boolean }>();
  const hosts = {
    route: (address: Address, index: number | undefined) => {
      calls.push(`route ${address} ${index ?? 'home'}`);
      routes.set(address, index);
    },
    get: (index: number) => slots.get(index),
    start: async ({ index, isOnProbation }: HostStart, served: () => void) => {
      if (!starts) throw new Error('no thread');
      calls.push(`start ${index}${isOnProbation ? ' on probation' : ''}`);
      const launched = { terminate: async () => void calls.push(`terminate ${index}`) };
      slots.set(index, { index, incarnation: 0, isReady: true, launched } as never);
      served();
    },
    stop: async ({ index }: { index: number }) => void calls.push(`stop ${index}`),
    forget: (index: number) => slots.delete(index),
  };
  let next = 5;
  const probations = new Probations({
    env,
    log: createLogger(() => {}, {}),
    hosts: hosts as never,
    store: { drain: async (client: string) => void calls.push(`drain ${client}`) } as never,
    routes,
    quietMs: 60_000,
    nextIndex: () => next++,
    isStopping: () => false,
    moved: (index, addresses) => void calls.push(`moved ${index} ${[...addresses].join(' ')}`),
  });
  return { probations, calls, env, routes, slots };
}

test('several suspects share one thread, and nothing is sent to them before it serves', async () => {
  const { probations, calls, env } = setUp();
  probations.admit([A, B]);
  await env.settle();
  expect(calls).toEqual(['route a/1 5', 'route a/2 5', 'start 5 on probation', 'moved 5 a/1 a/2']);
});

test('one suspect is alone on probation, and nobody starts none', async () => {
  const { probations, calls, env } = setUp();
  probations.admit([]);
  probations.admit([A]);
  probations.admit([B, 'a/3' as never]);
  await env.settle();
  expect(calls.filter((call) => call.startsWith('start'))).toEqual(['start 5 on probation', 'start 6 on probation']);
  expect([5, 6, 7].map((index) => probations.isAlone(index))).toEqual([true, false, false]);
});

test('no more than two threads are on probation at a time', async () => {
  const { probations, calls, env } = setUp();
  for (const n of [1, 2, 3]) probations.admit([`b/${n}` as never, `c/${n}` as never]);
  await env.settle();
  expect(calls.filter((call) => call.startsWith('start'))).toEqual(['start 5 on probation', 'start 6 on probation']);
});

test('rule 6: after a quiet time they go home, once the store has written what they posted', async () => {
  const { probations, calls, env, routes } = setUp();
  probations.admit([A, B]);
  await env.settle();
  calls.length = 0;
  await env.advance(59_999);
  expect(calls).toEqual([]);
  await env.advance(1);
  expect(calls).toEqual([
    'stop 5',
    'terminate 5',
    'drain host-5.0',
    'route a/1 home',
    'route a/2 home',
    'moved 5 a/1 a/2',
  ]);
  expect([...routes.placed]).toEqual([]);
});

test('trouble starts their time again, and one that is being replaced is not sent home', async () => {
  const { probations, calls, env, slots } = setUp();
  probations.admit([A, B]);
  await env.advance(50_000);
  probations.renew(5);
  calls.length = 0;
  await env.advance(50_000);
  expect(calls).toEqual([]);
  slots.get(5)!.isReady = false;
  await env.advance(50_000);
  expect(calls).toEqual([]);
});

test('where no thread can be had they go home at once', async () => {
  const { probations, calls, env } = setUp({ starts: false });
  probations.admit([A, B]);
  await env.settle();
  expect(calls).toEqual(['route a/1 5', 'route a/2 5', 'route a/1 home', 'route a/2 home', 'moved 5 a/1 a/2']);
});
