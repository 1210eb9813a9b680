/** Makes copies of stores in a thread of its own, so that neither the store thread nor the main thread waits. */
import { Worker } from 'node:worker_threads';
import { entryUrl } from '../../thread/entry.ts';
import { decodeError } from '../../thread/error-codec.ts';
import type { EncodedError } from '../../thread/error-codec.ts';
import { backupError } from './task.ts';
import type { CopyResult, CopyTask } from './task.ts';

/** What the thread says at its end. */
export type CopyReport =
  | { readonly kind: 'done'; readonly result: CopyResult }
  /** `error` is an encoded error. */
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * Makes a copy.
 * @throws {TroupeError} ERR_BACKUP, ERR_STORE_NEWER, ERR_STORE_LOCKED.
 */
export function runCopy(task: CopyTask): Promise<CopyResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(entryUrl('../store/backup/backup-entry'), { name: 'troupe-backup', workerData: task });
    worker.once('message', (report: CopyReport) => {
      if (report.kind === 'done') resolve(report.result);
      else reject(decodeError(report.error as EncodedError));
    });
    const end = (cause: unknown): void =>
      reject(backupError(`The copy to '${task.to}' was cut off. Try again.`, task.to, cause));
    worker.once('error', end);
    worker.once('exit', end);
  });
}
