/**
 * One process writes one file. The lock is a transaction held open on a small database beside the store (`FILE.lock`):
 * an operating-system lock, so it ends with its holder, however that dies, and a reused pid means nothing. SQLite keeps
 * such locks apart between threads of one process too, which bare POSIX locks do not.
 *
 * The transaction is only *reserved*, never exclusive: others may still read who holds it.
 */
import { chmodSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { TroupeError } from '../../errors.ts';
import { sqliteCode } from './failures.ts';
import { prepareFile } from './connect.ts';
import type { Connect } from './connect.ts';

/** A held lock. */
export interface FileLock {
  release(): void;
}

/** A holder that is just ending (a store thread being replaced) gets this long to let go. */
const PATIENCE_MS = 250;

/**
 * Takes the lock of a store file.
 * @throws {TroupeError} ERR_STORE_LOCKED when another process, or another store in this one, holds it.
 */
export function lockFile(file: string, connect: Connect): FileLock {
  const lockPath = prepareFile(`${file}.lock`);
  const db = connect(lockPath, { timeout: PATIENCE_MS });
  try {
    hold(db);
    chmodSync(lockPath, 0o600);
  } catch (error) {
    const failure = sqliteCode(error)?.startsWith('SQLITE_BUSY')
      ? lockedError(file, readHolder(db), error)
      : openError(file, error);
    db.close();
    throw failure;
  }
  return { release: () => void db.close() };
}

/** Says who we are in one transaction and keeps the next one open. A rival in between makes the second one fail. */
function hold(db: Database): void {
  db.exec('BEGIN IMMEDIATE');
  db.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL)');
  db.exec('DELETE FROM holder');
  db.prepare('INSERT INTO holder (pid) VALUES (?)').run(process.pid);
  db.exec('COMMIT');
  db.exec('BEGIN IMMEDIATE');
}

function readHolder(db: Database): number | undefined {
  try {
    return db.prepare<[], number>('SELECT pid FROM holder').pluck().get();
  } catch {
    return undefined;
  }
}

function lockedError(file: string, pid: number | undefined, cause: unknown): TroupeError {
  const holder = pid === process.pid ? `this process (pid ${pid})` : `process ${pid ?? 'unknown'}`;
  const message = `Store '${file}' is held by ${holder}. Stop it, or give this one another file: one process writes one file.`;
  return new TroupeError('ERR_STORE_LOCKED', message, { cause, details: { file, ...(pid !== undefined && { pid }) } });
}

function openError(file: string, cause: unknown): TroupeError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new TroupeError(
    'ERR_STORE_OPEN',
    `The lock '${file}.lock' could not be taken (${said}). Check the folder's permissions and the disk.`,
    {
      cause,
      details: { file },
    },
  );
}
