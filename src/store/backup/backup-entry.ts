/** The thread that makes one copy of a store, says what came of it, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { isTroupeError } from '../../errors.ts';
import { encodeError } from '../../thread/error-codec.ts';
import type { CopyReport } from './run.ts';
import { backupError, checkPaths } from './task.ts';
import type { CopyResult, CopyTask } from './task.ts';

async function copy(task: CopyTask): Promise<CopyResult> {
  checkPaths(task);
  if (task.kind === 'sqlite') {
    const { copySqlite } = await import('../sqlite/copy.ts');
    return copySqlite(task);
  }
  const { copyFolder } = await import('../file/copy.ts');
  return copyFolder(task);
}

async function run(task: CopyTask): Promise<CopyReport> {
  try {
    return { kind: 'done', result: await copy(task) };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const message = `'${task.from}' could not be copied to '${task.to}' (${said}). Make room or mend the disk, then try again.`;
    return { kind: 'failed', error: encodeError(isTroupeError(error) ? error : backupError(message, task.to, error)) };
  }
}

parentPort?.postMessage(await run(workerData as CopyTask));
