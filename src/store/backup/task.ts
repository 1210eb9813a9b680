/** Copies of a store: what is asked for, what came of it, and what may be wrong with it. The copying itself has a thread of its own. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join, basename, resolve } from 'node:path';
import { threadId } from 'node:worker_threads';
import { TroupeError } from '../../errors.ts';

/** A copy that is to be made. */
export interface CopyTask {
  readonly kind: 'sqlite' | 'file';
  /** `backup` copies a store that may be in use, `restore` one that is to be used. */
  readonly purpose: 'backup' | 'restore';
  readonly from: string;
  readonly to: string;
  /** What stands at `to` goes. */
  readonly isOverwrite: boolean;
}

/** A copy that was made. */
export interface CopyResult {
  /** Where it is. */
  readonly path: string;
  readonly bytes: number;
}

/** ERR_BACKUP: what happened, then what to do. */
export function backupError(message: string, path: string, cause?: unknown): TroupeError {
  return new TroupeError('ERR_BACKUP', message, { details: { path }, ...(cause !== undefined && { cause }) });
}

/**
 * Refuses what must not be copied onto.
 * @throws {TroupeError} ERR_BACKUP.
 */
export function checkPaths({ from, to, isOverwrite, purpose }: CopyTask): void {
  if (!existsSync(from))
    throw backupError(
      `There is nothing at '${from}' to ${purpose === 'backup' ? 'copy' : 'restore'}. Check the path.`,
      from,
    );
  if (realPath(from) === realPath(to))
    throw backupError(`'${to}' is the store itself. Choose another path for the copy.`, to);
  if (isWithin(realPath(from), to) || isWithin(realPath(to), from))
    throw backupError(
      `'${to}' and '${from}' lie one within the other, and would go together. Choose another path.`,
      to,
    );
  if (isOverwrite || !existsSync(to)) return;
  const next = purpose === 'backup' ? 'Choose another path' : 'Choose another path, or pass overwrite: true';
  throw backupError(`'${to}' is there already, and a copy does not take its place. ${next}.`, to);
}

/** Whether a path, which need not be there, is below a folder. */
function isWithin(folder: string, path: string): boolean {
  const parent = dirname(path);
  return realPath(parent) === folder || (parent !== path && isWithin(folder, parent));
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return existsSync(dirname(path)) ? join(realpathSync(dirname(path)), basename(path)) : resolve(path);
  }
}

/** A name beside the copy that nobody else uses, for as long as it is not whole. */
export function temporaryName(to: string): string {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  return `${to}.${process.pid}-${threadId}.tmp`;
}

/** Gives a whole file its name, durably. Where that may not replace anything it does not, whoever was faster. */
export function nameFile(temporary: string, { to, isOverwrite }: CopyTask): void {
  syncPath(temporary);
  if (isOverwrite) renameSync(temporary, to);
  else linkOrRename(temporary, to);
  syncPath(dirname(to));
}

function linkOrRename(temporary: string, to: string): void {
  try {
    linkSync(temporary, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw backupError(`'${to}' was made by someone else meanwhile. Choose another path.`, to, error);
    // Not every file system has links.
    return renameSync(temporary, to);
  }
  rmSync(temporary);
}

/** Makes a file or a folder durable. */
export function syncPath(path: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
