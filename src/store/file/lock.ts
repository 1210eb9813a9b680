/**
 * One process writes one folder. The lock is a transaction held open on a small database in it, like that of the SQLite
 * store, through the SQLite that is built into Node: an operating-system lock, so it ends with its holder, process or
 * thread, however that dies, and a reused pid means nothing.
 *
 * What it cannot do: hold over a network file system that keeps no locks, or against a program that does not ask.
 */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { TroupeError } from '../../errors.ts';
import { toOpenError } from './failures.ts';

/** A held lock. */
export interface FolderLock {
  release(): void;
}

/** The lock's file, and what SQLite may leave beside it. */
export const LOCK_FILES: readonly string[] = ['lock', 'lock-journal', 'lock-wal', 'lock-shm'];

/** A holder that is just ending (a store thread being replaced) gets this long to let go. */
const PATIENCE_MS = 250;

const SQLITE_BUSY = 5;

/**
 * Takes the lock of a folder.
 * @throws {TroupeError} ERR_STORE_LOCKED when another process, or another store in this one, holds it; ERR_STORE_OPEN.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, 'lock');
  try {
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(path, { timeout: PATIENCE_MS });
    try {
      hold(db);
      chmodSync(path, 0o600);
    } catch (error) {
      const failure = isBusy(error) ? lockedError(folder, readHolder(db), error) : error;
      db.close();
      throw failure;
    }
    return { release: () => db.close() };
  } catch (error) {
    throw toOpenError(path, error);
  }
}

/** Says who we are in one transaction and keeps the next one open. A rival in between makes the second one fail. */
function hold(db: DatabaseSync): void {
  // Nothing in it outlives its holder.
  db.exec('PRAGMA synchronous = OFF');
  db.exec('PRAGMA journal_mode = MEMORY');
  db.exec('BEGIN IMMEDIATE');
  db.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL)');
  db.exec('DELETE FROM holder');
  db.prepare('INSERT INTO holder (pid) VALUES (?)').run(process.pid);
  db.exec('COMMIT');
  db.exec('BEGIN IMMEDIATE');
}

function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number } | null)?.errcode ?? 0) % 256 === SQLITE_BUSY;
}

function readHolder(db: DatabaseSync): number | undefined {
  try {
    return (db.prepare('SELECT pid FROM holder').get() as { pid: number } | undefined)?.pid;
  } catch {
    return undefined;
  }
}

function lockedError(folder: string, pid: number | undefined, cause: unknown): TroupeError {
  const holder = pid === process.pid ? `this process (pid ${pid})` : `process ${pid ?? 'unknown'}`;
  const message = `Store '${folder}' is held by ${holder}. Stop it, or give this one another folder: one process writes one folder.`;
  return new TroupeError('ERR_STORE_LOCKED', message, {
    cause,
    details: { file: folder, ...(pid !== undefined && { pid }) },
  });
}
