/**
 * The physical limits of the store: single synced commits, and a bare group-commit writer, a worker that writes 1 KB rows and
 * acknowledges them over its port.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';
import { measure, measureEach } from './measure.ts';
import type { Figure } from './measure.ts';
import { inFolder } from './support.ts';

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

/** What is measured unless it is said otherwise. */
export const STORE_BENCH_DEFAULTS: StoreBenchOptions = {
  inFlight: 64,
  commits: 40_000,
  actors: 1_000,
  textLength: 300,
};

/** Synced commits of 1 KB rows, one by one, on this thread. */
export async function benchUnbatched(options: Partial<StoreBenchOptions> = {}): Promise<Figure> {
  return inFolder(async (folder) => {
    const db = new BetterSqlite3(join(folder, 'unbatched.db'));
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)');
    const insert = db.prepare('INSERT INTO rows (text) VALUES (?)');
    const text = 'x'.repeat(options.textLength ?? 1_000);
    const figure = measureEach(options.commits ?? 5_000, () => void insert.run(text));
    db.close();
    return figure;
  });
}

/** The limit for a writer thread: rows through a port into one table, one transaction per turn of its event loop. */
export async function benchBareWriter(
  options: Partial<StoreBenchOptions> & { readonly how?: 'insert' | 'update' } = {},
): Promise<Figure> {
  const settings = { ...STORE_BENCH_DEFAULTS, textLength: 1_000, ...options };
  return inFolder(async (folder) => {
    const workerData = { file: join(folder, 'bare.db'), actors: settings.actors, how: options.how ?? 'insert' };
    const worker = new Worker(new URL('./store-bare-writer.ts', import.meta.url), { workerData });
    await once(worker, 'message');
    const { write, settle } = createBareClient((rows) => worker.postMessage(rows), 'x'.repeat(settings.textLength));
    worker.on('message', settle);
    const figure = await measure({ count: settings.commits, inFlight: settings.inFlight }, write);
    worker.postMessage('close');
    await once(worker, 'exit');
    return figure;
  });
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
