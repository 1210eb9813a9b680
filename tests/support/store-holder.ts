/** Holds a store open, as a process (`node store-holder.ts FILE`) or as a thread, until it is ended. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { actorAt, firstCommit } from './store-commits.ts';

const file = isMainThread ? process.argv[2] : (workerData as { readonly file: string }).file;
const store = openSqliteStore({ file: file ?? '' });
await store.commit([firstCommit(actorAt('held'))]);
// A store nobody refers to any more is collected, and its lock with it.
setInterval(() => void store.stats(), 1_000);
if (isMainThread) {
  process.stdout.write('held\n');
} else {
  parentPort?.on('message', () => process.exit(0));
  parentPort?.postMessage('held');
}
