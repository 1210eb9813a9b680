/**
 * A worker that posts commits of one actor as fast as it can and counts them in shared memory: counter 0 before a post,
 * counter 1 after it, which it tells whoever waits for that one. It ends by `process.exit` after `limit` posts, or goes on until it is terminated.
 */
import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { encodeCommit } from '../../src/store/commit-codec.ts';
import { actorAt, firstCommit, nextCommit } from './store-commits.ts';

const { port, key, counters, limit } = workerData as {
  readonly port: MessagePort;
  readonly key: string;
  readonly counters: SharedArrayBuffer;
  readonly limit: number;
};
const counts = new Int32Array(counters);
const address = actorAt(key);

function postSome(): void {
  for (let i = 0; i < 10; i++) {
    const seq = Atomics.add(counts, 0, 1) + 1;
    const commit = seq === 1 ? firstCommit(address) : nextCommit(address, seq);
    port.postMessage({ kind: 'commits', commits: [encodeCommit(seq, commit, false)] });
    Atomics.add(counts, 1, 1);
    Atomics.notify(counts, 1);
    if (seq === limit) process.exit(0);
  }
  setImmediate(postSome);
}

port.on('message', () => undefined);
postSome();
