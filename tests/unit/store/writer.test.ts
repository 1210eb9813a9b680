import { beforeEach, describe, expect, test } from 'vitest';
import type { Port } from '../../../src/env.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import { encodeCommit } from '../../../src/store/commit-codec.ts';
import type { StoreReport, StoreResponse } from '../../../src/store/protocol.ts';
import { createStoreClient } from '../../../src/store/store-client.ts';
import type { Commit, CommitResult } from '../../../src/store/store.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { actorAt, firstCommit, nextCommit, outcomeOf, snapshot, tell } from '../../support/store-commits.ts';
import { createManualEnv, settle } from '../../support/store-env.ts';
import { createFlakyStore } from '../../support/store-flaky.ts';

const A = actorAt('a');
const B = actorAt('b');

describe('store writer', () => {
  let env = createManualEnv();
  let store = createFlakyStore(createMemoryStore());
  let reports: StoreReport[] = [];
  let writer = new StoreWriter(store, env, (report) => reports.push(report));

  beforeEach(() => {
    env = createManualEnv();
    store = createFlakyStore(createMemoryStore());
    reports = [];
    writer = new StoreWriter(store, env, (report) => reports.push(report));
  });

  function connect(name: string): Port {
    const [ours, theirs] = env.createPort();
    writer.connect(name, theirs);
    return ours;
  }

  function client(name = 'host') {
    const port = connect(name);
    const client = createStoreClient(port, env);
    const results: string[] = [];
    const post = (commit: Commit) =>
      client.post(commit, (result: CommitResult) =>
        results.push(`${commit.address}#${commit.seq} ${outcomeOf(result)}`),
      );
    return { ...client, client, port, results, post };
  }

  const kinds = () => reports.map(({ kind }) => kind);

  test('commits of one turn, from all clients, share one transaction; results go to whom they belong', async () => {
    const one = client('one');
    const two = client('two');
    one.post(firstCommit(A));
    two.post(firstCommit(B));
    one.post(nextCommit(A, 2));
    await settle();
    expect(store.batches).toHaveLength(1);
    expect(one.results).toEqual(['counter/a#1 done', 'counter/a#2 done']);
    expect(two.results).toEqual(['counter/b#1 done']);
  });

  test('W1, G4: commits of a client are written in the order posted, over many turns', async () => {
    const { post, results } = client();
    post(firstCommit(A));
    for (let seq = 2; seq <= 200; seq++) {
      post(nextCommit(A, seq));
      if (seq % 7 === 0) await settle(1);
    }
    await settle();
    expect(results.map((line) => line.replace('counter/a#', ''))).toEqual(
      Array.from({ length: 200 }, (_, index) => `${index + 1} done`),
    );
  });

  test('a transaction holds at most 2,000 commits or 2 MB, and at least one commit', async () => {
    const { post } = client();
    post(firstCommit(A));
    for (let seq = 2; seq <= 4_500; seq++) post(nextCommit(A, seq));
    await settle();
    expect(store.batches.map(({ length }) => length)).toEqual([2_000, 2_000, 500]);
    store.batches.length = 0;
    for (let seq = 4_501; seq <= 4_506; seq++) post(nextCommit(A, seq, { state: snapshot('x'.repeat(900_000)) }));
    post(nextCommit(A, 4_507, { state: snapshot('x'.repeat(3_000_000)) }));
    post(nextCommit(A, 4_508));
    await settle();
    expect(store.batches.map(({ length }) => length)).toEqual([2, 2, 2, 1, 1]);
  });

  test('W3: a call sees every commit its client posted before it', async () => {
    const { client: host, post } = client();
    post(firstCommit(A));
    const one = host.call('load', A);
    post(nextCommit(A, 2));
    const two = host.call('load', A);
    expect((await one)?.seq).toBeGreaterThanOrEqual(1);
    expect((await two)?.seq).toBe(2);
  });

  test('calls answer in order, and their errors keep their code', async () => {
    const { client: host } = client();
    const order: number[] = [];
    await Promise.all([
      host.call('kvSet', 'k', 'v').then(() => order.push(1)),
      host.call('kvGet', 'k', 0).then((value) => order.push(value === 'v' ? 2 : -2)),
      expect(host.call('list', { limit: -1 })).rejects.toMatchObject({
        code: 'ERR_OPTIONS_INVALID',
        name: 'TroupeError',
      }),
    ]);
    expect(order).toEqual([1, 2]);
  });

  test('W4, G1: a batch that failed is kept and tried again in order; the first failure is told nobody', async () => {
    const { post, results } = client();
    store.failures.push('not-saved', 'not-saved', 'not-saved');
    post(firstCommit(A));
    await settle();
    expect([reports, results]).toEqual([[], []]);
    post(nextCommit(A, 2));
    await settle();
    expect(store.batches).toHaveLength(1);
    for (const [index, delayMs] of [100, 1_000, 5_000].entries()) {
      expect(env.pendingMs()).toEqual([delayMs]);
      expect(reports).toHaveLength(index);
      env.advance(delayMs);
      await settle();
    }
    expect(results).toEqual(['counter/a#1 done', 'counter/a#2 done']);
    expect(store.batches.at(-1)?.some(({ isResent }) => isResent)).toBe(false);
    expect(reports).toMatchObject([
      { kind: 'trouble', retryInMs: 1_000, error: { code: 'ERR_STORE_UNAVAILABLE' } },
      { kind: 'trouble', retryInMs: 5_000 },
      { kind: 'recovered' },
    ]);
  });

  test('S6: tries again after 1, 5, 30 and then every 60 seconds, and begins anew with the next trouble', async () => {
    const { post } = client();
    store.failures.push(...Array.from({ length: 9 }, () => 'not-saved' as const));
    post(firstCommit(A));
    await settle();
    const waits: number[] = [];
    while (store.failures.length > 0) {
      waits.push(env.pendingMs()[0] ?? -1);
      env.advance(waits.at(-1) ?? 0);
      await settle();
    }
    expect(waits).toEqual([100, 1_000, 5_000, 30_000, 60_000, 60_000, 60_000, 60_000]);
    env.advance(60_000);
    await settle();
    expect(kinds()).toEqual([...Array.from({ length: 8 }, () => 'trouble'), 'recovered']);
    store.failures.push('not-saved');
    post(nextCommit(A, 2));
    await settle();
    expect(env.pendingMs()).toContain(100);
  });

  test('a failure that is over at the next try is told nobody', async () => {
    const { post, results } = client();
    store.failures.push('unknown-not-saved');
    post(firstCommit(A));
    await settle();
    env.advance(100);
    await settle();
    expect([results, reports]).toEqual([['counter/a#1 done'], []]);
  });

  test.each([
    { failure: 'unknown-saved', outcome: 'repeated' },
    { failure: 'unknown-not-saved', outcome: 'done' },
  ] as const)(
    'rules 5 and 7, G3: an outcome that is unknown ($failure) is resent as such: $outcome',
    async ({ failure, outcome }) => {
      const { post, results } = client();
      post(firstCommit(A));
      await settle();
      store.failures.push(failure, 'not-saved');
      post(nextCommit(A, 2, { inbox: [tell(B, 'once')] }));
      await settle();
      post(nextCommit(A, 3));
      env.advance(100);
      await settle();
      env.advance(1_000);
      await settle();
      expect(results).toEqual(['counter/a#1 done', `counter/a#2 ${outcome}`, 'counter/a#3 done']);
      expect(await store.inbox(B)).toHaveLength(1);
      const last = store.batches.at(-1);
      expect(last?.map(({ seq, isResent }) => [seq, isResent === true])).toEqual([
        [2, true],
        [3, false],
      ]);
    },
  );

  test('reads go on while nothing can be saved, unless they depend on what is not saved', async () => {
    const { client: host, post } = client('one');
    const other = client('two').client;
    post(firstCommit(B));
    await settle();
    store.failures.push('not-saved');
    post(firstCommit(A));
    await settle();
    expect(await other.call('stats')).toMatchObject({ actors: 1 });
    expect(await host.call('load', B)).toMatchObject({ seq: 1 });
    expect(await host.call('stats'), 'of whoever waits himself, too').toMatchObject({ actors: 1 });
    expect((await host.call('list')).items).toMatchObject([{ address: B }]);
    expect(await host.call('deadLetters')).toEqual([]);
    const blocked: string[] = [];
    const own = host.call('load', A).then((actor) => blocked.push(`load ${actor?.seq}`));
    const inbox = host.call('inbox', B).then(() => blocked.push('inbox'));
    const fence = host.call('fence', B).then((epoch) => blocked.push(`fence ${epoch}`));
    const after = host.call('load', B).then((actor) => blocked.push(`load at epoch ${actor?.epoch}`));
    await settle();
    expect(blocked).toEqual([]);
    env.advance(100);
    await Promise.all([own, inbox, fence, after]);
    expect(blocked).toEqual(['load 1', 'inbox', 'fence 1', 'load at epoch 1']);
  });

  test('S6: while the store cannot save, calls that write are not tried but refused, and reads are not held up by them', async () => {
    const { client: host, post } = client('one');
    const other = client('two').client;
    store.failures.push('unknown-not-saved');
    post(firstCommit(A));
    await settle();
    const writes = [
      other.call('kvSet', 'k', 'v'),
      other.call('kvClear', '', 0),
      other.call('sweepKv', 0),
      other.call('sweepHistory', 'counter', 0),
      other.call('packSnapshot', A, 1, new Uint8Array(1)),
      other.call('adopt', [{ commit: firstCommit(actorAt('b')), log: [], waiting: [] }]),
    ];
    for (const write of writes)
      await expect(write).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        details: { isOutcomeUnknown: false },
      });
    expect(await other.call('kvGet', 'k', 0)).toBeUndefined();
    env.advance(100);
    await other.call('kvSet', 'k', 'v');
    expect(await host.call('kvGet', 'k', 0)).toBe('v');
  });

  test('rule 6: drained when the port has closed and everything before that is written', async () => {
    const { client: host, post } = client('host');
    let isDrained = false;
    store.failures.push('not-saved');
    post(firstCommit(A));
    post(nextCommit(A, 2));
    const drained = writer.drain('host').then(() => (isDrained = true));
    await settle();
    expect(isDrained).toBe(false);
    host.close();
    await settle();
    expect(isDrained, 'closed, but not written').toBe(false);
    env.advance(100);
    await drained;
    expect(await store.load(A)).toMatchObject({ seq: 2 });
  });

  test('rule 6: an open port is not drained, however idle; an unknown client is', async () => {
    const { client: host } = client('host');
    let isDrained = false;
    void writer.drain('host').then(() => (isDrained = true));
    await settle();
    expect(isDrained).toBe(false);
    await writer.drain('nobody');
    host.close();
    await settle();
    expect(isDrained).toBe(true);
    await writer.drain('host');
  });

  test('garbage is dropped, logged by client, and stops nobody', async () => {
    const port = connect('mallory');
    const { post, results } = client('host');
    const good = encodeCommit(1, firstCommit(B), false);
    for (const garbage of [null, 7, 'x', {}, { kind: 'commits' }, { kind: 'call', id: 1, method: 'close', args: [] }])
      port.post(garbage);
    port.post({ kind: 'call', id: 2, method: 'constructor', args: [] });
    port.post({ kind: 'commits', commits: [null, {}, [], [1], good] });
    post(firstCommit(A));
    await settle();
    expect(results).toEqual(['counter/a#1 done']);
    expect(await store.load(B)).toMatchObject({ seq: 1 });
    const logs = reports.filter((report) => report.kind === 'log');
    expect(logs).toHaveLength(7 + 4);
    expect(logs[0]).toMatchObject({ level: 'error', fields: { client: 'mallory' } });
  });

  test('the store tidies up after 200 ms without a write, once', async () => {
    const { post } = client();
    post(firstCommit(A));
    await settle();
    env.advance(150);
    post(nextCommit(A, 2));
    await settle();
    env.advance(150);
    expect(store.idleCalls).toBe(0);
    env.advance(50);
    expect(store.idleCalls).toBe(1);
    expect(env.pendingMs()).toEqual([]);
  });

  test('close writes what was taken in, answers, and closes ports and store', async () => {
    const { post, results, port } = client();
    let isClosed = false;
    port.onClose(() => (isClosed = true));
    post(firstCommit(A));
    await settle(2);
    await writer.close();
    await settle();
    expect(results).toEqual(['counter/a#1 done']);
    expect(isClosed).toBe(true);
    await expect(store.load(A)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
  });

  test('close says so when something could not be saved; it was never acknowledged', async () => {
    const { post, results } = client();
    store.failures.push('not-saved', 'not-saved');
    post(firstCommit(A));
    await settle();
    await expect(writer.close()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect(results).toEqual([]);
  });

  test('W2: a result leaves only after its transaction', async () => {
    const port = connect('raw');
    const messages: StoreResponse[] = [];
    port.onMessage((message) => messages.push(message as StoreResponse));
    const commit = store.commit.bind(store);
    const states: number[] = [];
    store.commit = async (batch) => {
      states.push(messages.length);
      const results = await commit(batch);
      await settle(3);
      states.push(messages.length);
      return results;
    };
    port.post({ kind: 'commits', commits: [encodeCommit(1, firstCommit(A), false)] });
    await settle();
    expect(states).toEqual([0, 0]);
    expect(messages).toEqual([{ kind: 'results', results: [1, 0] }]);
  });
});
