/** Reads that wait in the writer for a publication, and a writer that is abandoned: what the bus and simulated crashes lean on. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { StoreReport } from '../../src/store/protocol.ts';
import { createStoreClient } from '../../src/store/store-client.ts';
import type { BusQuery } from '../../src/store/queries.ts';
import type { Commit } from '../../src/store/store.ts';
import { StoreWriter } from '../../src/store/writer.ts';
import { actorAt, firstCommit, hostCommit, nextCommit, outcomeOf, publication } from '../support/store-commits.ts';
import { createManualEnv, settle } from '../support/store-env.ts';
import { createFlakyStore } from '../support/store-flaky.ts';

const A = actorAt('a');

let env = createManualEnv();
let store = createFlakyStore(createMemoryStore());
let reports: StoreReport[] = [];
let writer = new StoreWriter(store, env, () => undefined);
let reads = 0;

beforeEach(() => {
  env = createManualEnv();
  store = createFlakyStore(createMemoryStore());
  reports = [];
  writer = new StoreWriter(store, env, (report) => reports.push(report));
  reads = 0;
  const busEvents = store.busEvents.bind(store);
  store.busEvents = (query) => {
    reads++;
    return busEvents(query);
  };
});

function connect(name: string) {
  const [ours, theirs] = env.createPort();
  writer.connect(name, theirs);
  const client = createStoreClient(ours, env);
  const answers: string[] = [];
  const results: string[] = [];
  return {
    client,
    answers,
    results,
    wait: (query: BusQuery = {}) =>
      client.call('busEvents', { wait: true, ...query }).then(
        (rows) => answers.push(rows.map(({ id }) => id).join(' ')),
        (error: { readonly code?: string }) => answers.push(String(error.code)),
      ),
    post: (commit: Commit) => client.post(commit, (result) => results.push(outcomeOf(result))),
  };
}

const publish = (...ids: readonly string[]): Commit =>
  hostCommit({ publish: ids.map((id) => publication(id, `topic.${id}`)) });

describe('store writer: reads that wait', () => {
  test('W6: a read with something to tell is answered at once', async () => {
    const { post, wait, answers } = connect('main');
    post(publish('a', 'b'));
    void wait();
    await settle();
    expect(answers).toEqual(['a b']);
  });

  test('W6: a read waits for the first publication, whoever posts it, and looks once for each', async () => {
    const main = connect('main');
    const host = connect('host');
    void main.wait();
    await settle();
    host.post(firstCommit(A));
    await settle();
    expect([main.answers, reads]).toEqual([[], 1]);
    host.post(nextCommit(A, 2, { publish: [publication('a', 'topic')] }));
    await settle();
    expect([main.answers, reads]).toEqual([['a'], 2]);
    host.post(nextCommit(A, 3, { publish: [publication('b', 'topic')] }));
    await settle();
    expect([main.answers, reads]).toEqual([['a'], 2]);
    expect(
      env.pendingMs().filter((ms) => ms !== 200),
      'no polling',
    ).toEqual([]);
  });

  test('W6: a read that is ahead of what was published goes on waiting', async () => {
    const { post, wait, answers } = connect('main');
    post(publish('a'));
    await settle();
    void wait({ afterPos: (await store.lastBusPos()) + 1 });
    post(publish('b'));
    await settle();
    expect(answers).toEqual([]);
    post(publish('c'));
    await settle();
    expect(answers).toEqual(['c']);
  });

  test('W6: publications of one transaction come in one answer, as far as the limit', async () => {
    const { post, wait, answers } = connect('main');
    void wait({ limit: 2 });
    await settle();
    post(publish('a'));
    post(publish('b', 'c'));
    await settle();
    expect(answers).toEqual(['a b']);
  });

  test('W3, W6: a waiting read holds up neither the calls nor the commits of its client', async () => {
    const { client, post, wait, answers, results } = connect('main');
    void wait();
    post(firstCommit(A));
    expect(await client.call('load', A)).toMatchObject({ seq: 1 });
    await client.call('kvSet', 'k', 'v');
    expect([results, answers]).toEqual([['done'], []]);
  });

  test('W6: a publication that wrote nothing, or was refused, wakes nobody for good', async () => {
    const { post, wait, answers, results } = connect('main');
    post(publish('a'));
    await settle();
    void wait({ afterPos: await store.lastBusPos() });
    post(publish('a'));
    post(nextCommit(A, 2, { publish: [publication('b', 'topic')] }));
    await settle();
    expect([results, answers]).toEqual([['done', 'done', 'refused: seq'], []]);
    post(publish('c'));
    await settle();
    expect(answers).toEqual(['c']);
  });

  test('W4, W6, G12: a publication whose outcome was unknown is told as soon as it can be read, and once', async () => {
    const { post, wait, answers, results } = connect('main');
    post(firstCommit(A));
    void wait();
    await settle();
    store.failures.push('unknown-saved');
    post(nextCommit(A, 2, { publish: [publication('a', 'topic')] }));
    await settle();
    expect(answers).toEqual(['a']);
    env.advance(100);
    await settle();
    expect([results, answers]).toEqual([['done', 'repeated'], ['a']]);
  });

  test('W6: a read that fails when its turn comes answers with the failure', async () => {
    const { post, wait, answers } = connect('main');
    void wait();
    await settle();
    store.busEvents = async () => {
      throw Object.assign(new Error('gone'), { code: 'ERR_TEST' });
    };
    post(publish('a'));
    await settle();
    expect(answers).toHaveLength(1);
    expect(answers[0]).not.toBe('a');
  });

  test('rule 6, W6: a client that leaves takes its waiting reads along, and is drained', async () => {
    const { client, wait } = connect('gone');
    const { post } = connect('main');
    void wait();
    await settle();
    client.close();
    await writer.drain('gone');
    post(publish('a'));
    await settle();
    expect(reads).toBe(1);
  });

  test('rule 7, W6: a waiting read goes on with the writer that replaces the one before', async () => {
    const { client, wait, answers } = connect('main');
    void wait();
    await settle();
    writer.abandon();
    await settle();
    writer = new StoreWriter(store, env, () => undefined);
    const [ours, theirs] = env.createPort();
    writer.connect('main', theirs);
    client.reconnect(ours);
    connect('host').post(publish('a'));
    await settle();
    expect(answers).toEqual(['a']);
  });

  test('close does not wait for a read that waits', async () => {
    const { wait, answers } = connect('main');
    void wait();
    await settle();
    await writer.close();
    await settle();
    expect(answers).toEqual([]);
    expect(env.pendingMs()).toEqual([]);
  });
});

describe('store writer: abandoned', () => {
  test('G3: what was not written never is, nobody is answered, no timer is left, the store stays open', async () => {
    const { client, post, results } = connect('host');
    post(firstCommit(A));
    await settle();
    post(nextCommit(A, 2));
    void client.call('kvSet', 'k', 'v').catch(() => undefined);
    await settle(1);
    writer.abandon();
    await settle();
    expect(results).toEqual(['done']);
    expect(await store.load(A)).toMatchObject({ seq: 1 });
    expect(await store.kvGet('k', 0)).toBeUndefined();
    expect(env.pendingMs()).toEqual([]);
  });

  test('rule 7, G3: a transaction under way may be written; resent to the next writer it is repeated', async () => {
    const { client, post, results } = connect('host');
    const commit = store.commit.bind(store);
    let letGo = (): void => undefined;
    store.commit = async (batch) => {
      const done = await commit(batch);
      await new Promise<void>((resolve) => (letGo = resolve));
      return done;
    };
    store.failures.push('not-saved');
    post(firstCommit(A));
    await settle();
    letGo();
    env.advance(100);
    await settle();
    writer.abandon();
    letGo();
    await settle();
    expect([results, env.pendingMs()]).toEqual([[], []]);
    expect(reports).toEqual([]);
    store.commit = commit;
    writer = new StoreWriter(store, env, () => undefined);
    const [ours, theirs] = env.createPort();
    writer.connect('host', theirs);
    client.reconnect(ours);
    await settle();
    expect(results).toEqual(['repeated']);
  });

  test('of calls under way the first is finished, the next is not begun', async () => {
    const { client } = connect('host');
    const begun: string[] = [];
    let letGo = (): void => undefined;
    store.kvSet = async (key) => {
      begun.push(key);
      await new Promise<void>((resolve) => (letGo = resolve));
    };
    for (const key of ['one', 'two']) void client.call('kvSet', key, 'v');
    await settle();
    writer.abandon();
    letGo();
    await settle();
    expect(begun).toEqual(['one']);
  });

  test('while the store cannot save, the next try is dropped with the rest', async () => {
    const { post, results } = connect('host');
    store.failures.push('not-saved');
    post(firstCommit(A));
    await settle();
    writer.abandon();
    expect(env.pendingMs()).toEqual([]);
    env.advance(10_000);
    await settle();
    expect(results).toEqual([]);
    expect(await store.load(A)).toBeUndefined();
    expect(reports).toEqual([]);
  });

  test('who connects to it finds the port closed', async () => {
    writer.abandon();
    const [ours, theirs] = env.createPort();
    let isClosed = false;
    ours.onMessage(() => undefined);
    ours.onClose(() => (isClosed = true));
    writer.connect('late', theirs);
    await settle();
    expect(isClosed).toBe(true);
  });
});
