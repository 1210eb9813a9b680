/** Rules 6 and 7, without threads: who is started, drained and connected when, and in which order. */
import { describe, expect, test } from 'vitest';
import { createRealEnv } from '../../../src/env.ts';
import type { Port } from '../../../src/env.ts';
import { createLogger } from '../../../src/observe/logger.ts';
import { Definitions } from '../../../src/actor/definitions.ts';
import { Routes } from '../../../src/thread/routes.ts';
import { Threads } from '../../../src/system/threads.ts';
import type { HostEvents, Launcher, StoreEvents } from '../../../src/thread/launcher.ts';
import { eventually, failureOf } from '../../support/harness.ts';

const rest = async (): Promise<void> => {
  for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A start is given up soon, and nothing else is ended. */
const MUTE_LIMITS = {
  beatMs: 1000,
  hangMs: 60_000,
  startMs: 50,
  hangMsOf: () => undefined,
  maxBufferBytes: Infinity,
  readRssBytes: () => 0,
};

/** A launcher that only notes what it is asked for. Stores open and hosts get ready at once; drains wait for the test. */
function setUp({ workers = 2, drainsByItself = true, version = 1, muteLaunch = -1 } = {}) {
  const env = createRealEnv();
  const calls: string[] = [];
  let launches = 0;
  const hosts: HostEvents[] = [];
  const heard: string[] = [];
  const mains: Port[] = [];
  const stores: StoreEvents[] = [];
  const announced: { readonly topic: string }[] = [];
  const drains: (() => void)[] = [];
  const launcher: Launcher = {
    createChannel: () => env.createPort(),
    open: (end) => end as never,
    launchHost: ({ index }, ends, events) => {
      calls.push(`launch host ${index}`);
      mains.push(ends.main as Port);
      const exit = (error: unknown): void => {
        (ends.main as Port).close();
        events.exit(error, 'error');
      };
      hosts[index] = { ...events, exit };
      if (launches++ !== muteLaunch)
        env.defer(() => events.report({ kind: 'ready', prints: [{ type: 'a', version, hash: 'x' }] }));
      return {
        connectPeer: (peer) => void calls.push(`connect host ${index} to ${peer}`),
        route: () => {},
        reconnectStore: () => void calls.push(`reconnect host ${index} to store`),
        stop: () => env.defer(() => events.report({ kind: 'stopped' })),
        terminate: async () => void calls.push(`terminate host ${index}`),
      };
    },
    launchStore: (_, events) => {
      calls.push('launch store');
      stores.push(events);
      env.defer(() => events.report({ kind: 'opened' }));
      return {
        connect: (client) => void calls.push(`connect store to ${client}`),
        drain: (client) => {
          calls.push(`drain ${client}`);
          const drained = () => events.report({ kind: 'drained', client });
          if (drainsByItself) env.defer(drained);
          else drains.push(drained);
        },
        close: () => env.defer(() => events.report({ kind: 'closed' })),
        terminate: async () => void calls.push('terminate store'),
      };
    },
  };
  const options = {
    env,
    log: createLogger(() => {}, {}),
    launcher,
    boot: 'boot',
    workers,
    modules: [],
    prints: [{ type: 'a', version: 1, hash: 'x' }],
    store: { url: 'memory:', synchronous: 'full' as const },
    routes: new Routes(workers, new Definitions()),
    maxLive: 10_000,
    ...(muteLaunch >= 0 && { limits: MUTE_LIMITS }),
    rise: async () => 0,
  };
  const threads = new Threads(options, {
    entry: (entry) => void heard.push(entry.k),
    replaced: (index) => {
      calls.push(`replaced ${index}`);
      heard.push('replaced');
    },
    storeTrouble: () => {},
    announce: (topic, data) => void announced.push({ topic, ...data }),
  });
  return { threads, calls, hosts, stores, drains, heard, mains, announced };
}

describe('Threads', () => {
  test('the store opens first, then hosts, and every pair of hosts is connected', async () => {
    const { threads, calls } = setUp();
    await threads.start();
    expect(calls.slice(0, 2)).toEqual(['launch store', 'connect store to main']);
    expect(calls).toEqual(
      expect.arrayContaining([
        'connect store to host-0.0',
        'connect store to host-1.0',
        'connect host 1 to 0',
        'connect host 0 to 1',
      ]),
    );
    await threads.stop(1000);
  });

  test('a thread that blocks while it loads is ended, and another is tried', async () => {
    const { threads, calls, hosts } = setUp({ workers: 1, muteLaunch: 1 });
    await threads.start();
    calls.length = 0;
    hosts[0]?.exit(new Error('died'), 'error');
    await eventually(() => calls.includes('replaced 0'));
    const seen = calls.filter((call) => !call.startsWith('connect'));
    expect(seen).toEqual(['drain host-0.0', 'launch host 0', 'terminate host 0', 'launch host 0', 'replaced 0']);
    await threads.stop(1000);
  });

  test('rule 6: a dead host is replaced only after the store has written everything it posted', async () => {
    const { threads, calls, hosts, drains, announced } = setUp({ drainsByItself: false });
    await threads.start();
    calls.length = 0;
    hosts[0]?.exit(new Error('died'), 'error');
    await rest();
    expect(calls).toEqual(['drain host-0.0']);
    for (const drained of drains) drained();
    await eventually(
      () => calls.at(-1),
      (last) => last === 'replaced 0',
    );
    expect(calls[1]).toBe('launch host 0');
    expect(calls).toContain('connect store to host-0.1');
    expect(announced).toMatchObject([
      { topic: 'system.thread.ended', thread: 0, end: 'error', error: { message: 'died' } },
      { topic: 'system.thread.replaced', thread: 0 },
    ]);
    await threads.stop(1000);
  });

  test('rule 3: what a dead host had answered is heard before what it had not is sent again', async () => {
    const { threads, calls, hosts, heard, mains } = setUp({ workers: 1 });
    await threads.start();
    mains[0]?.post('[{"k":"ack","to":"a/b","n":1}]');
    hosts[0]?.exit(new Error('died'), 'error');
    await eventually(
      () => calls.at(-1),
      (last) => last === 'replaced 0',
    );
    expect(heard).toEqual(['ack', 'replaced']);
    await threads.stop(1000);
  });

  test('rule 7: a dead store is replaced, and every host gets a new port to it', async () => {
    const { threads, calls, stores } = setUp();
    await threads.start();
    calls.length = 0;
    stores[0]?.exit(new Error('died'));
    await eventually(
      () => calls.length,
      (count) => count === 6,
    );
    expect(calls).toEqual([
      'launch store',
      'connect store to main',
      'connect store to host-0.0',
      'reconnect host 0 to store',
      'connect store to host-1.0',
      'reconnect host 1 to store',
    ]);
    await threads.stop(1000);
  });

  test('rules 6 and 7: a store that dies while a host is drained does not hold up the replacement', async () => {
    const { threads, calls, hosts, stores } = setUp({ drainsByItself: false });
    await threads.start();
    hosts[1]?.exit(new Error('died'), 'error');
    await rest();
    stores[0]?.exit(new Error('died too'));
    await eventually(
      () => calls.at(-1),
      (last) => last === 'replaced 1',
    );
    expect(calls.filter((call) => call === 'launch host 1')).toHaveLength(2);
    await threads.stop(1000);
  });

  test('a host with other definitions fails the start and leaves nothing running', async () => {
    const { threads, calls } = setUp({ version: 2 });
    await failureOf(threads.start(), 'ERR_DEFINITION_DIFFERS');
    expect(calls).toEqual(expect.arrayContaining(['terminate host 0', 'terminate store']));
  });

  test('an address always lives on the same host', () => {
    const { threads } = setUp({ workers: 5 });
    const places = Array.from({ length: 100 }, (_, i) => threads.indexOf(`counter/k${i}` as never));
    expect(places).toEqual(Array.from({ length: 100 }, (_, i) => threads.indexOf(`counter/k${i}` as never)));
    expect(new Set(places)).toEqual(new Set([0, 1, 2, 3, 4]));
  });
});
