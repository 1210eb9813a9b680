/**
 * A copy of a SQLite store: `VACUUM INTO` reads one moment of it, whoever writes meanwhile, on a connection that cannot write.
 * It gets its name when it is whole, checked and synced.
 */
import { closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { isTroupeError } from '../../errors.ts';
import { backupError, nameFile, temporaryName } from '../backup/task.ts';
import type { CopyResult, CopyTask } from '../backup/task.ts';
import { connectFile } from './connect.ts';
import { lockFile } from './lock.ts';
import { assertOurs, assertUsable } from './schema.ts';

/**
 * Copies a store, live or not, to a file that is not open.
 * @throws {TroupeError} ERR_BACKUP, ERR_STORE_NEWER, ERR_STORE_LOCKED.
 */
export function copySqlite(task: CopyTask): CopyResult {
  const temporary = temporaryName(task.to);
  try {
    rmSync(temporary, { force: true });
    closeSync(openSync(temporary, 'wx', 0o600));
    writeCopy(task, temporary);
    if (existsSync(task.to) && task.isOverwrite) replace(temporary, task);
    else nameFile(temporary, task);
    return { path: task.to, bytes: statSync(task.to).size };
  } finally {
    for (const end of ['', '-journal']) rmSync(`${temporary}${end}`, { force: true });
  }
}

/** Under the lock of the store that goes: nobody has it open, or opens it meanwhile. Its log is not to be taken for that of the copy. */
function replace(temporary: string, task: CopyTask): void {
  const lock = lockFile(task.to, connectFile);
  try {
    for (const end of ['-wal', '-shm', '-journal']) rmSync(`${task.to}${end}`, { force: true });
    nameFile(temporary, task);
  } finally {
    lock.release();
  }
}

function writeCopy({ from, purpose }: CopyTask, temporary: string): void {
  withDatabase(from, (db) => {
    // A store in use is read by itself all the time; one that is to be used has to be whole before.
    if (purpose === 'restore') assertWhole(db, from);
    db.prepare('VACUUM INTO ?').run(temporary);
  });
  withDatabase(temporary, (db) => assertWhole(db, from));
}

function withDatabase(file: string, work: (db: Database) => void): void {
  try {
    const db = connectFile(file, { readonly: true });
    try {
      assertOurs(db, file);
      assertUsable(db, file);
      work(db);
    } finally {
      db.close();
    }
  } catch (error) {
    if (isTroupeError(error, 'ERR_BACKUP') || isTroupeError(error, 'ERR_STORE_NEWER')) throw error;
    throw notWhole(file, error instanceof Error ? error.message : String(error), error);
  }
}

function assertWhole(db: Database, from: string): void {
  const [first] = db.pragma('quick_check(1)') as readonly { readonly quick_check: string }[];
  if (first?.quick_check !== 'ok') throw notWhole(from, first?.quick_check ?? 'no answer');
}

function notWhole(file: string, said: string, cause?: unknown) {
  return backupError(
    `'${file}' is not a whole store of Troupe (${said}). Nothing was changed; use another copy.`,
    file,
    cause,
  );
}
