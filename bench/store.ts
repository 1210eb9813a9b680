/**
 * What the writer thread costs over the physical limit: single synced commits, a bare group-commit writer (a worker that
 * updates 1 KB rows, acknowledged over its port), and ours, with the same number in flight. Figures only; the runner
 * that prints and compares them is `bench/run.ts`.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';
import { ROOT, toAddress } from '../src/actor/address.ts';
import { createRealEnv } from '../src/env.ts';
import { createStoreClient } from '../src/store/store-client.ts';
import type { Commit } from '../src/store/store.ts';
import { toPort } from '../src/thread/port.ts';
import { measure, runAll, toFigure } from './measure.ts';
import type { Figure } from './measure.ts';

/** How to measure. */
export interface StoreBenchOptions {
  readonly inFlight: number;
  /** Commits to write, beside a tenth of them to warm up. */
  readonly commits: number;
  /** Actors, or rows, they are spread over. */
  readonly actors: number;
  /** Characters of the state, or row. */
  readonly textLength: number;
}

const DEFAULTS: StoreBenchOptions = { inFlight: 64, commits: 40_000, actors: 1_000, textLength: 300 };

/** Synced commits of 1 KB rows, one by one, on this thread. */
export async function benchUnbatched(options: Partial<StoreBenchOptions> = {}): Promise<Figure> {
  return inFolder(async (folder) => {
    const db = new BetterSqlite3(join(folder, 'unbatched.db'));
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)');
    const insert = db.prepare('INSERT INTO rows (text) VALUES (?)');
    const text = 'x'.repeat(options.textLength ?? 1_000);
    const figure = measureSync(options.commits ?? 5_000, () => void insert.run(text));
    db.close();
    return figure;
  });
}

/** The limit for a writer thread: rows through a port into one table, one transaction per turn of its event loop. */
export async function benchBareWriter(
  options: Partial<StoreBenchOptions> & { readonly how?: 'insert' | 'update' } = {},
): Promise<Figure> {
  const settings = { ...DEFAULTS, textLength: 1_000, ...options };
  return inFolder(async (folder) => {
    const workerData = { file: join(folder, 'bare.db'), actors: settings.actors, how: options.how ?? 'insert' };
    const worker = new Worker(new URL('./store-bare-writer.ts', import.meta.url), { workerData });
    await once(worker, 'message');
    const { write, settle } = createBareClient((rows) => worker.postMessage(rows), 'x'.repeat(settings.textLength));
    worker.on('message', settle);
    const figure = await measure(toMeasure(settings), write);
    worker.postMessage('close');
    await once(worker, 'exit');
    return figure;
  });
}

/** Ours: state commits of small actors through the store client and the store thread. */
export async function benchStoreWriter(options: Partial<StoreBenchOptions> = {}): Promise<Figure> {
  const settings = { ...DEFAULTS, ...options };
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
    const figure = await measure(toMeasure(settings), post);
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

/** Rows leave as one message per turn, as with the store client. */
function createBareClient(post: (rows: readonly (readonly [number, number, string])[]) => void, text: string) {
  const open = new Map<number, () => void>();
  let outgoing: (readonly [number, number, string])[] = [];
  let lastN = 0;
  return {
    write: (index: number, done: () => void): void => {
      if (outgoing.length === 0) setImmediate(flush);
      open.set(++lastN, done);
      outgoing.push([lastN, index, text]);
    },
    settle: (acknowledged: readonly number[]): void => {
      for (const n of acknowledged) {
        const done = open.get(n);
        open.delete(n);
        done?.();
      }
    },
  };

  function flush(): void {
    if (outgoing.length === 0) return;
    const rows = outgoing;
    outgoing = [];
    post(rows);
  }
}

function measureSync(commits: number, write: () => void): Figure {
  for (let n = 0; n < commits / 10; n++) write();
  const times = new Float64Array(commits);
  for (let n = 0; n < commits; n++) {
    const startMs = performance.now();
    write();
    times[n] = performance.now() - startMs;
  }
  return toFigure(
    times,
    times.reduce((sum, ms) => sum + ms, 0),
  );
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function toMeasure({ commits, inFlight }: StoreBenchOptions): { count: number; inFlight: number } {
  return { count: commits, inFlight };
}
