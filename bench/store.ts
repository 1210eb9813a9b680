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

/** One measurement: commits per second, and how long one took to be acknowledged. */
export interface StoreFigure {
  readonly perSecond: number;
  readonly ackMs: { readonly p50: number; readonly p99: number };
  readonly samples: number;
}

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

type Write = (index: number, done: () => void) => void;

/** Synced commits of 1 KB rows, one by one, on this thread. */
export async function benchUnbatched(options: Partial<StoreBenchOptions> = {}): Promise<StoreFigure> {
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
): Promise<StoreFigure> {
  const settings = { ...DEFAULTS, textLength: 1_000, ...options };
  return inFolder(async (folder) => {
    const workerData = { file: join(folder, 'bare.db'), actors: settings.actors, how: options.how ?? 'insert' };
    const worker = new Worker(new URL('./store-bare-writer.ts', import.meta.url), { workerData });
    await once(worker, 'message');
    const { write, settle } = createBareClient((rows) => worker.postMessage(rows), 'x'.repeat(settings.textLength));
    worker.on('message', settle);
    const figure = await measure(settings, write);
    worker.postMessage('close');
    await once(worker, 'exit');
    return figure;
  });
}

/** Ours: state commits of small actors through the store client and the store thread. */
export async function benchStoreWriter(options: Partial<StoreBenchOptions> = {}): Promise<StoreFigure> {
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
    await run(actors.length, settings.inFlight, (_, index, done) => post(index, done));
    const figure = await measure(settings, post);
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

function measureSync(commits: number, write: () => void): StoreFigure {
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

async function measure({ commits, inFlight }: StoreBenchOptions, write: Write): Promise<StoreFigure> {
  await run(Math.ceil(commits / 10), inFlight, (_, index, done) => write(index, done));
  const times = new Float64Array(commits);
  const startMs = performance.now();
  await run(commits, inFlight, (n, index, done) => {
    const postedMs = performance.now();
    write(index, () => {
      times[n] = performance.now() - postedMs;
      done();
    });
  });
  return toFigure(times, performance.now() - startMs);
}

function toFigure(times: Float64Array, elapsedMs: number): StoreFigure {
  const sorted = times.toSorted();
  const at = (quantile: number): number => sorted[Math.floor((sorted.length - 1) * quantile)] ?? 0;
  const perSecond = Math.round((times.length / elapsedMs) * 1_000);
  return { perSecond, ackMs: { p50: at(0.5), p99: at(0.99) }, samples: times.length };
}

/** Starts `count` writes, `inFlight` at a time. */
function run(
  count: number,
  inFlight: number,
  start: (n: number, index: number, done: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    let started = 0;
    let finished = 0;
    const done = (): void => {
      if (++finished === count) resolve();
      else if (started < count) next();
    };
    const next = (): void => {
      const n = started++;
      start(n, n, done);
    };
    for (let i = 0; i < Math.min(inFlight, count); i++) next();
  });
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
