import { beforeEach, describe, expect, test } from 'vitest';
import { createLocalPorts } from '../../../src/env.ts';
import type { Port } from '../../../src/env.ts';
import { decodeCommit } from '../../../src/store/commit-codec.ts';
import type { StoreRequest } from '../../../src/store/protocol.ts';
import { createStoreClient } from '../../../src/store/store-client.ts';
import { actorAt, firstCommit, nextCommit, outcomeOf } from '../../support/store-commits.ts';
import { createManualEnv, settle } from '../../support/store-env.ts';

const A = actorAt('a');

/** The other end, as a store thread that answers by hand. */
function fakeThread() {
  const [ours, theirs] = createLocalPorts((callback) => void setImmediate(callback));
  const requests: StoreRequest[] = [];
  theirs.onMessage((message) => requests.push(message as StoreRequest));
  /** What came, in order: seq of a commit, with `!` when resent, or the name of a call. */
  const seen = () =>
    requests.flatMap((request) =>
      request.kind === 'call'
        ? [request.method]
        : request.commits.map((encoded) => {
            const { commit } = decodeCommit(encoded);
            return `${commit.seq}${commit.isResent === true ? '!' : ''}`;
          }),
    );
  return { ours, theirs, requests, seen };
}

describe('store client', () => {
  const env = createManualEnv();
  let thread = fakeThread();
  let client = createStoreClient(thread.ours, env);
  let results: string[] = [];
  const post = (seq: number) =>
    client.post(seq === 1 ? firstCommit(A) : nextCommit(A, seq), (result) =>
      results.push(`${seq} ${outcomeOf(result)}`),
    );

  beforeEach(() => {
    thread = fakeThread();
    client = createStoreClient(thread.ours, env);
    results = [];
  });

  const reconnect = (port: Port = (thread = fakeThread()).ours) => client.reconnect(port);

  test('C1: commits of one turn leave as one message, calls in their place between them', async () => {
    post(1);
    post(2);
    void client.call('load', A);
    post(3);
    await settle();
    expect(thread.seen()).toEqual(['1', '2', 'load', '3']);
    expect(thread.requests.map(({ kind }) => kind)).toEqual(['commits', 'call', 'commits']);
    expect(client.unacknowledged).toBe(3);
  });

  test('results settle commits once; those for unknown numbers are ignored', async () => {
    post(1);
    post(2);
    await settle();
    const refused = { outcome: 'refused', reason: 'seq' } as const;
    thread.theirs.post({ kind: 'results', results: [1, 0, 2, refused, 1, 0, 99, 0] });
    thread.theirs.post({ kind: 'answer', id: 1, value: 'no call' });
    await settle();
    expect(results).toEqual(['1 done', '2 refused: seq']);
    expect(client.unacknowledged).toBe(0);
  });

  test('rule 7, G1, C2: after the store thread was replaced, what is unacknowledged goes again, in order, as resent', async () => {
    for (const seq of [1, 2, 3]) post(seq);
    const answer = client.call('load', A);
    await settle();
    thread.theirs.post({ kind: 'results', results: [1, 0] });
    await settle();
    thread.theirs.close();
    await settle();
    post(4);
    await settle();
    reconnect();
    post(5);
    await settle();
    expect(thread.seen()).toEqual(['2!', '3!', 'load', '4', '5']);
    thread.theirs.post({ kind: 'results', results: [2, { outcome: 'repeated' }, 3, 0, 5, 0, 6, 0] });
    thread.theirs.post({ kind: 'answer', id: 4, value: undefined });
    await settle();
    expect(await answer).toBeUndefined();
    expect(results).toEqual(['1 done', '2 repeated', '3 done', '4 done', '5 done']);
    expect(client.unacknowledged).toBe(0);
  });

  test('rule 7: a second replacement before any answer resends all of it again', async () => {
    post(1);
    await settle();
    reconnect();
    await settle();
    reconnect();
    post(2);
    await settle();
    expect(thread.seen()).toEqual(['1!', '2']);
  });

  test('what the former thread still says after a reconnect is not listened to', async () => {
    post(1);
    await settle();
    const former = thread;
    former.theirs.post({ kind: 'results', results: [1, { outcome: 'refused', reason: 'seq' }] });
    reconnect();
    await settle();
    expect(results).toEqual([]);
    expect(thread.seen()).toEqual(['1!']);
  });

  test('a failed call rejects with the error that was thrown', async () => {
    const answer = client.call('load', A);
    await settle();
    thread.theirs.post({
      kind: 'failure',
      id: 1,
      error: { name: 'TroupeError', code: 'ERR_STORE_UNAVAILABLE', message: 'no' },
    });
    await expect(answer).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', message: 'no' });
  });

  test('closing rejects open calls, leaves commits without a result, and refuses later calls', async () => {
    post(1);
    const open = client.call('load', A);
    await settle();
    client.close();
    await expect(open).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    await expect(client.call('stats')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    post(2);
    await settle();
    expect(results).toEqual([]);
    expect(client.unacknowledged).toBe(0);
  });
});
