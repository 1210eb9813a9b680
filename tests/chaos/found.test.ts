/** What the chaos runs found, made small: each test here failed once. */
import { expect, test } from 'vitest';
import { Definitions } from '../../src/actor/definitions.ts';
import { createRealEnv } from '../../src/env.ts';
import type { Address } from '../../src/index.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { StoreWriter } from '../../src/store/writer.ts';
import type { MainEntry, Suspect } from '../../src/thread/protocol.ts';
import { WorkerHost } from '../../src/thread/worker-host.ts';
import { counter } from '../support/actors-basic.ts';
import { createTestSystem } from '../support/harness.ts';

const COUNTER = 'counter/a' as Address;
const SEND = `{"k":"send","to":"${COUNTER}","from":"boot.main","n":1,"event":{"type":"ADD","n":1}}`;

/** Hosts of one store, one after the other, as when a thread is replaced. */
function createHosts(store = createMemoryStore()) {
  const env = createRealEnv();
  const definitions = new Definitions();
  definitions.add(counter, 'test');
  const writer = new StoreWriter(store, env, () => undefined);
  let hosts = 0;
  const begin = (suspect?: Suspect) => {
    const [main, hostMain] = env.createPort();
    const [hostStore, storeEnd] = env.createPort();
    writer.connect(`host-0.${hosts++}`, storeEnd);
    const waiting: ((entry: MainEntry) => void)[] = [];
    main.onMessage((text) => {
      for (const entry of JSON.parse(text as string) as MainEntry[]) if (entry.k !== 'log') waiting.shift()?.(entry);
    });
    const rest = { index: 0, workers: 1, boot: 'boot', beat: undefined, downtimeMs: 0, maxLive: 10_000 };
    const host = new WorkerHost({ ...rest, env, definitions, main: hostMain, store: hostStore, suspect });
    const ask = (text: string): Promise<MainEntry> =>
      new Promise((resolve) => {
        waiting.push(resolve);
        main.post(`[${text}]`);
      });
    const view = async () => {
      const answer = (await ask(`{"k":"view","to":"${COUNTER}","q":1}`)) as Extract<MainEntry, { k: 'answer' }>;
      return answer.view as { readonly status: string; readonly context: { readonly count: number } };
    };
    return { ask, view, end: () => host.stop() };
  };
  return { begin, store };
}

test('G3: a repeated send whose cell woke before it came is not processed again', async () => {
  const hosts = createHosts();
  const first = hosts.begin();
  expect(await first.ask(SEND)).toEqual({ k: 'ack', to: COUNTER, n: 1 });
  await first.end();
  const second = hosts.begin();
  expect((await second.view()).context.count).toBe(1);
  expect(await second.ask(SEND)).toEqual({ k: 'ack', to: COUNTER, n: 1 });
  expect((await second.view()).context.count).toBe(1);
});

test('G7: starts that a dying thread hit by chance do not add up', async () => {
  const hosts = createHosts();
  const first = hosts.begin();
  await first.ask(SEND);
  await first.end();
  for (let death = 0; death < 5; death++) {
    const host = hosts.begin({ address: COUNTER, what: 'start', attempts: 1, end: 'order' });
    expect((await host.view()).status).toBe('active');
    await host.end();
  }
  expect((await hosts.store.load(COUNTER))?.supervision).toBeNull();
});

test('G6, G7: an id whose event became a dead letter is rejected again, never taken for done', async () => {
  await using troupe = await createTestSystem({ threads: 0 });
  const send = () => troupe.system.actor(counter, 'a').send({ type: 'BOOM' }, { id: 'once' });
  await expect(send()).rejects.toMatchObject({ code: 'ERR_EVENT_FAILED' });
  await expect(send()).rejects.toMatchObject({ code: 'ERR_EVENT_FAILED' });
  await troupe.restart();
  await expect(send()).rejects.toMatchObject({ code: 'ERR_EVENT_FAILED' });
});

/** A store that refuses one commit, once, as if another owner had been faster. */
function refusingOnce(seq: number): Store {
  const store = createMemoryStore();
  const apply = store.commit.bind(store);
  let isDone = false;
  const commit: Store['commit'] = async (batch) => {
    const isHit = !isDone && batch.some((one) => one.seq === seq);
    if (!isHit) return apply(batch);
    isDone = true;
    return batch.map(() => ({ outcome: 'refused', reason: 'seq' }));
  };
  return Object.assign(store, { commit });
}

test('G1: a send whose turn failed while the commit before it was refused gets its outcome all the same', async () => {
  const host = createHosts(refusingOnce(2)).begin();
  await host.ask(SEND);
  const add = SEND.replace('"n":1,', '"n":2,');
  const boom = `{"k":"send","to":"${COUNTER}","from":"boot.main","n":3,"event":{"type":"BOOM"}}`;
  const [added, failed] = await Promise.all([host.ask(add), host.ask(boom)]);
  expect(added).toEqual({ k: 'ack', to: COUNTER, n: 2 });
  expect(failed).toMatchObject({ k: 'ack', n: 3, error: { code: 'ERR_EVENT_FAILED' } });
  expect((await host.view()).context.count).toBe(2);
});
