/**
 * Ours: what the writer thread costs over the bare one of `bench/baselines-store.ts`, with the same number in flight. No actors
 * run, only commits.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { ROOT, toAddress } from '../src/actor/address.ts';
import { createRealEnv } from '../src/env.ts';
import { createStoreClient } from '../src/store/store-client.ts';
import type { Commit } from '../src/store/store.ts';
import { toPort } from '../src/thread/port.ts';
import { STORE_BENCH_DEFAULTS } from './baselines-store.ts';
import type { StoreBenchOptions } from './baselines-store.ts';
import { measure, runAll } from './measure.ts';
import type { Figure } from './measure.ts';
import { inFolder } from './support.ts';

/** State commits of small actors through the store client and the store thread. */
export async function benchStoreWriter(options: Partial<StoreBenchOptions> = {}): Promise<Figure> {
  const settings = { ...STORE_BENCH_DEFAULTS, ...options };
  return inFolder(async (folder) => {
    const worker = new Worker(new URL('../src/store/store-entry.ts', import.meta.url));
    const { port1, port2 } = new MessageChannel();
    worker.postMessage({ kind: 'open', options: { url: `sqlite:${join(folder, 'ours.db')}`, synchronous: 'full' } });
    worker.postMessage({ kind: 'connect', client: 'bench', port: port2 }, [port2]);
    await once(worker, 'message');
    const client = createStoreClient(toPort(port1), createRealEnv());
    const actors = Array.from({ length: settings.actors }, (_, index) => ({
      address: toAddress('bench', `actor-${index}`),
      seq: 0,
    }));
    const text = 'x'.repeat(settings.textLength);
    const post = (index: number, done: () => void): void => {
      const actor = actors[index % actors.length];
      if (!actor) return;
      client.post(toCommit(actor.address, ++actor.seq, text), (result) => {
        if (result.outcome !== 'done') throw new Error(`Commit ${index} was ${JSON.stringify(result)}`);
        done();
      });
    };
    // First commits create the actors; what is measured are the commits of actors that live.
    await runAll(actors.length, settings.inFlight, post);
    const figure = await measure({ count: settings.commits, inFlight: settings.inFlight }, post);
    client.close();
    worker.postMessage({ kind: 'close' });
    await once(worker, 'exit');
    return figure;
  });
}

function toCommit(address: Commit['address'], seq: number, text: string): Commit {
  const state = { kind: 'snapshot', text, checksum: 123_456_789 } as const;
  const commit: Commit = {
    address,
    epoch: 0,
    seq,
    at: 1_700_000_000_000 + seq,
    version: 1,
    status: 'active',
    state,
    marks: `{"boot":${seq}}`,
  };
  return seq === 1 ? { ...commit, actor: { type: 'bench', parent: ROOT, meta: '{}' } } : commit;
}
