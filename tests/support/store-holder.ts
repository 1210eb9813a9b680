/** Holds a store open, as a process (`node store-holder.ts FILE`, or a URL) or as a thread, until it is ended. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { openStore } from '../../src/store/open-store.ts';
import { actorAt, firstCommit } from './store-commits.ts';

const file = isMainThread ? (process.argv[2] ?? '') : (workerData as { readonly file: string }).file;
const store = await openStore({ url: /^(file|sqlite):/.test(file) ? file : `sqlite:${file}`, synchronous: 'full' });
await store.commit([firstCommit(actorAt('held'))]);
// A store nobody refers to any more is collected, and its lock with it.
setInterval(() => void store.stats(), 1_000);
if (isMainThread) {
  process.stdout.write('held\n');
} else {
  parentPort?.on('message', () => process.exit(0));
  parentPort?.postMessage('held');
}
