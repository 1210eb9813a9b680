/** The store thread with real threads around it: rules 6 and 7, where ports, exits and terminations meet. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommitResult } from '../../src/store/store.ts';
import { toPort } from '../../src/thread/port.ts';
import { actorAt, firstCommit, nextCommit, outcomeOf, tell } from '../support/store-commits.ts';
import { settle } from '../support/store-env.ts';
import { tempStoreFile } from '../support/store-files.ts';
import { startStoreThread } from '../support/store-thread.ts';
import type { StoreThread } from '../support/store-thread.ts';

const A = actorAt('a');
const B = actorAt('b');

describe('store thread', () => {
  let files: ReturnType<typeof tempStoreFile>;
  let thread: StoreThread | undefined;
  const options = () => ({ url: `sqlite:${files.file}`, synchronous: 'full' }) as const;

  beforeEach(() => void (files = tempStoreFile()));
  afterEach(async () => {
    await thread?.kill();
    thread = undefined;
    files.clean();
  });

  test('opens, serves a client, closes, and ends by itself', async () => {
    thread = await startStoreThread(options());
    const client = thread.client('host');
    const result = await new Promise<CommitResult>((resolve) => client.post(firstCommit(A, { log: ['"x"'] }), resolve));
    expect(result).toEqual({ outcome: 'done' });
    expect(await client.call('load', A)).toMatchObject({ seq: 1, marks: null });
    expect(await client.call('log', A)).toMatchObject([{ n: 1, text: '"x"' }]);
    await expect(client.call('list', { cursor: '?' })).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
    await thread.close();
    expect(thread.reports.map(({ kind }) => kind)).toEqual(['opened', 'closed']);
  });

  test.each([
    { url: 'redis://nowhere', code: 'ERR_OPTIONS_INVALID' },
    { url: 'sqlite:', code: 'ERR_OPTIONS_INVALID' },
    { url: 'sqlite:/dev/null/no/store.db', code: 'ERR_STORE_OPEN' },
  ])('a store that cannot be opened ($url) is reported with its code, and the thread ends', async ({ url, code }) => {
    await expect(startStoreThread({ url, synchronous: 'full' })).rejects.toMatchObject({ code });
  });

  test('a second thread on the same file is told that it is held', async () => {
    thread = await startStoreThread(options());
    await expect(startStoreThread(options())).rejects.toMatchObject({
      code: 'ERR_STORE_LOCKED',
      details: { pid: process.pid },
    });
  });

  test('a memory store runs in a thread as well', async () => {
    thread = await startStoreThread({ url: 'memory:', synchronous: 'full' });
    const client = thread.client('host');
    await client.call('kvSet', 'k', 'v');
    expect(await client.call('kvGet', 'k', 0)).toBe('v');
    await thread.close();
  });

  test('garbage from a client or from main does not end the thread', async () => {
    thread = await startStoreThread(options());
    const port = thread.connect('mallory');
    for (const garbage of [undefined, null, 1, 'x', [], { kind: 'commits', commits: [[1, 'counter/a'], 5] }])
      port.postMessage(garbage);
    thread.send({ kind: 'nonsense' } as never);
    thread.send({ kind: 'connect', client: 'x' } as never);
    thread.send(null as never);
    const client = thread.client('host');
    client.post({ ...firstCommit(B), marks: Symbol.iterator.toString() }, () => undefined);
    client.post({ address: A } as never, () => undefined);
    expect(await client.call('load', B)).toMatchObject({ seq: 1 });
    port.close();
    await thread.close();
    expect(thread.reports.filter(({ kind }) => kind === 'log').length).toBeGreaterThan(5);
  });

  test('rule 6, G1: after a worker exited in the middle of its posts, drained means all of them are written', async () => {
    thread = await startStoreThread(options());
    for (let round = 0; round < 5; round++) {
      const limit = 150 + round * 37;
      const { worker } = startPoster(thread, `exit-${round}`, limit);
      await once(worker, 'exit');
      await thread.drain(`exit-${round}`);
      expect(await thread.client(`look-${round}`).call('load', actorAt(`exit-${round}`))).toMatchObject({ seq: limit });
    }
  });

  test('rule 6: after a worker was terminated anywhere, nothing of it is written once it is drained', async () => {
    thread = await startStoreThread(options());
    const look = thread.client('look');
    for (let round = 0; round < 8; round++) {
      const { worker, counts } = startPoster(thread, `kill-${round}`, Infinity);
      await posted(counts, 50 + round * 20);
      await worker.terminate();
      await thread.drain(`kill-${round}`);
      const address = actorAt(`kill-${round}`);
      const drainedAt = (await look.call('load', address))?.seq ?? 0;
      // The last post may have been cut off between its two counts.
      expect(drainedAt).toBeGreaterThanOrEqual(Atomics.load(counts, 1));
      expect(drainedAt).toBeLessThanOrEqual(Atomics.load(counts, 0));
      // Each of these is a turn of the store thread, in which it would write what it still had.
      for (let turn = 0; turn < 20; turn++) await look.call('kvSet', 'turn', String(turn));
      expect((await look.call('load', address))?.seq, `accepted after drained, round ${round}`).toBe(drainedAt);
    }
  });

  test('rule 6: a worker that never took its port over is drained', async () => {
    thread = await startStoreThread(options());
    const port = thread.connect('early');
    const worker = new Worker('', { eval: true, workerData: { port }, transferList: [port] });
    await worker.terminate();
    await thread.drain('early');
  });

  test('rule 7, G1, G3: the store thread dies and is replaced, again and again: every commit once, in order', async () => {
    thread = await startStoreThread(options());
    const client = thread.client('host');
    const total = 3_000;
    const outcomes: string[] = [];
    let seq = 0;
    const post = (): void => {
      if (seq === total) return;
      seq++;
      const rows = { inbox: [tell(B, `row-${seq}`)], log: [`"${seq}"`] };
      client.post(seq === 1 ? firstCommit(A, rows) : nextCommit(A, seq, rows), (result) => {
        outcomes.push(outcomeOf(result));
        post();
      });
    };
    for (let i = 0; i < 64; i++) post();
    let deaths = 0;
    while (outcomes.length < total) {
      const target = Math.min(total, outcomes.length + 1 + deaths * 30);
      // Some turns later is in the middle of something else each time.
      while (outcomes.length < target) await settle(1 + deaths);
      if (deaths >= 8) continue;
      deaths++;
      await thread.kill();
      thread = await startStoreThread(options());
      client.reconnect(toPort(thread.connect(`host-${deaths}`)));
    }
    expect(deaths).toBeGreaterThan(1);
    expect(outcomes.filter((outcome) => outcome.startsWith('refused'))).toEqual([]);
    expect(await client.call('load', A)).toMatchObject({ seq: total });
    const log = await client.call('log', A, { limit: 10_000 });
    expect(log.map(({ text }) => text)).toEqual(Array.from({ length: total }, (_, index) => `"${index + 1}"`));
    const inbox = await client.call('inbox', B, { limit: 10_000 });
    expect(inbox.map(({ id }) => id)).toEqual(Array.from({ length: total }, (_, index) => `row-${index + 1}`));
    expect(client.unacknowledged).toBe(0);
  });

  test('close waits for what was taken in', async () => {
    thread = await startStoreThread(options());
    const client = thread.client('host');
    let done = 0;
    client.post(firstCommit(A), () => done++);
    for (let seq = 2; seq <= 500; seq++) client.post(nextCommit(A, seq), () => done++);
    await client.call('stats');
    await thread.close();
    expect(done).toBe(500);
  });
});

/** Resolves once a worker has posted that many. */
async function posted(counts: Int32Array<SharedArrayBuffer>, wanted: number): Promise<void> {
  for (;;) {
    const seen = Atomics.load(counts, 1);
    if (seen >= wanted) return;
    await Atomics.waitAsync(counts, 1, seen).value;
  }
}

function startPoster(thread: StoreThread, name: string, limit: number) {
  const counters = new SharedArrayBuffer(8);
  const port = thread.connect(name);
  const workerData = { port, key: name, counters, limit };
  const worker = new Worker(new URL('../support/store-poster.ts', import.meta.url), {
    workerData,
    transferList: [port],
  });
  return { worker, counts: new Int32Array(counters) };
}
