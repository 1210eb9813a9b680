/** The other end of `bench/baselines-thread.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';
import { restoreRows } from './baselines-state.ts';
import type { BareTask } from './baselines-thread.ts';

const { by, atNs, file } = workerData as BareTask;

parentPort?.on('message', () => {
  Atomics.store(atNs, 0, process.hrtime.bigint());
  if (by === 'EXIT') process.exit();
  while (by === 'HANG') Math.random();
});
if (file !== undefined) restore(file);
parentPort?.postMessage('ready');

function restore(path: string): void {
  const db = new BetterSqlite3(path, { readonly: true });
  restoreRows(db.prepare<[], { readonly text: string }>('SELECT text FROM rows').all());
  db.close();
}
