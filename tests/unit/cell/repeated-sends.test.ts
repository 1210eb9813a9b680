/** What a simulated story found, made small: sends that come again to a cell which does not know yet what it has done. */
import { afterEach, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { Definitions } from '../../../src/actor/definitions.ts';
import type { Address, OverflowPolicy } from '../../../src/index.ts';
import { TroupeError, defineActor } from '../../../src/index.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { Commit, Store } from '../../../src/store/store.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { createSimulatedEnv } from '../../../src/testing.ts';
import type { MainEntry } from '../../../src/thread/protocol.ts';
import { WorkerHost } from '../../../src/thread/worker-host.ts';

const TO = 'tally/a' as Address;

const machine = setup({ types: {} as { context: { readonly count: number }; events: { type: 'ADD' } } }).createMachine({
  context: { count: 0 },
  on: { ADD: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
});

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Hosts of one store, one after the other, with a mailbox of two. */
function createHosts(overflow: OverflowPolicy, store: Store = createMemoryStore()) {
  const env = createSimulatedEnv();
  const definitions = new Definitions();
  definitions.add(defineActor('tally', machine, { mailbox: { capacity: 2, overflow } }), 'test');
  const writer = new StoreWriter(store, env, () => undefined);
  let hosts = 0;
  const begin = () => {
    const [main, hostMain] = env.createPort();
    const [hostStore, storeEnd] = env.createPort();
    writer.connect(`host-0.${hosts++}`, storeEnd);
    const heard: MainEntry[] = [];
    main.onMessage((text) => void heard.push(...(JSON.parse(text as string) as MainEntry[])));
    const rest = {
      index: 0,
      workers: 1,
      boot: 'boot',
      beat: undefined,
      suspect: undefined,
      downtimeMs: 0,
      maxLive: 10,
    };
    const host = new WorkerHost({ ...rest, env, definitions, main: hostMain, store: hostStore });
    const postFor = async (ms: number, ...texts: readonly string[]): Promise<readonly MainEntry[]> => {
      heard.length = 0;
      main.post(`[${texts.join(',')}]`);
      await env.advance(ms);
      return heard.filter(({ k }) => k === 'ack' || k === 'answer');
    };
    const post = (...texts: readonly string[]): Promise<readonly MainEntry[]> => postFor(1000, ...texts);
    const end = async (): Promise<void> => void (await Promise.all([host.stop(), env.settle()]));
    ends.push(end);
    return { post, postFor, end };
  };
  return { begin, env, store };
}

const send = (n: number): string => `{"k":"send","to":"${TO}","from":"boot.main","n":${n},"event":{"type":"ADD"}}`;
const tell = `{"k":"tell","to":"${TO}","event":{"type":"ADD"}}`;
const ack = (n: number) => ({ k: 'ack', to: TO, n });

test.each(['reject', 'drop-oldest'] as const)(
  'G3, G14: with %s, what had been processed is not refused for want of room when it comes again',
  async (overflow) => {
    const { begin } = createHosts(overflow);
    const first = begin();
    for (const n of [1, 2, 3, 4]) expect(await first.post(send(n))).toEqual([ack(n)]);
    await first.end();
    expect(await begin().post(send(1), send(2), send(3), send(4))).toEqual([1, 2, 3, 4].map(ack));
  },
);

/** The first commit is applied, nobody hears of it, and then another owner takes the actor over. */
function losingTouch(): Store {
  const store = createMemoryStore();
  const apply = store.commit.bind(store);
  let isLost = false;
  const commit: Store['commit'] = async (batch: readonly Commit[]) => {
    const results = await apply(batch);
    if (isLost) return results;
    isLost = true;
    await store.fence(TO);
    throw new TroupeError('ERR_STORE_UNAVAILABLE', 'Gone.', { details: { isOutcomeUnknown: true } });
  };
  return Object.assign(store, { commit });
}

test('what is told at most once is not processed again when nobody knows whether its commit applied', async () => {
  const { begin, store } = createHosts('block', losingTouch());
  const host = begin();
  expect(await host.post(tell, send(1))).toEqual([ack(1)]);
  expect((await store.load(TO))?.seq).toBe(1);
  const [answer] = await host.post(`{"k":"view","to":"${TO}","q":1}`);
  expect(answer).toMatchObject({ view: { context: { count: 2 } } });
});

test('G1, G14: what had been committed makes no room for what comes while its cell loads again', async () => {
  const { begin, env, store } = createHosts('drop-oldest', losingTouch());
  const host = begin();
  expect(await host.postFor(50, send(1), send(2))).toEqual([]);
  const load = store.load.bind(store);
  store.load = async (address) => {
    await new Promise<void>((resolve) => void env.setTimeout(resolve, 500));
    return load(address);
  };
  // Refused at 100 ms, since another owner has it; loaded again at 600 ms.
  expect(await host.postFor(250)).toEqual([]);
  expect(await host.post(send(3), send(4))).toEqual([1, 2, 3, 4].map(ack));
});

const sendIf = (n: number, ifSeq: number): string =>
  `{"k":"send","to":"${TO}","from":"boot.main","n":${n},"id":"if:${n}","ifSeq":${ifSeq},"event":{"type":"ADD"}}`;

test('G3, G18: sends with a condition that come again have the outcome they had', async () => {
  const { begin } = createHosts('block');
  const first = begin();
  await first.post(send(1));
  const outcomes = async ({ post }: ReturnType<typeof begin>) => {
    const acks = (await post(sendIf(2, 1), sendIf(3, 1), send(4))) as readonly {
      n: number;
      error?: { code: string };
    }[];
    return acks.toSorted((a, b) => a.n - b.n).map(({ error }) => error?.code);
  };
  expect(await outcomes(first)).toEqual([undefined, 'ERR_CONFLICT', undefined]);
  await first.end();
  expect(await outcomes(begin())).toEqual([undefined, 'ERR_CONFLICT', undefined]);
});
