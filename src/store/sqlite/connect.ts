/** Opening the file: folder and permissions, pragmas, migrations. The only place that makes connections. */
import { chmodSync, closeSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { Database, Options } from 'better-sqlite3';
import { TroupeError } from '../../errors.ts';
import { sqliteCode } from './failures.ts';
import { assertUsable, migrate } from './schema.ts';

/** Makes a connection. Tests pass their own to inject failures. */
export type Connect = (file: string, options?: Options) => Database;

/** How a writing connection syncs. */
export type Synchronous = 'full' | 'normal';

const BUSY_TIMEOUT_MS = 5_000;

/** Frames of 4 KB in the write-ahead log before SQLite writes it back by itself: 64 MB. Idle time comes first. */
const WAL_FRAMES = 16_384;

/** The real connection. */
export const connectFile: Connect = (file, options) =>
  new BetterSqlite3(file, { timeout: BUSY_TIMEOUT_MS, ...options });

/**
 * The one name of a store file, whatever path leads to it, with its folder made (0700) and the file itself (0600).
 * @throws {TroupeError} ERR_STORE_OPEN when folder or file cannot be made.
 */
export function prepareFile(path: string): string {
  const wanted = resolve(path);
  try {
    mkdirSync(dirname(wanted), { recursive: true, mode: 0o700 });
    const file = toRealPath(wanted);
    createPrivately(file);
    return file;
  } catch (error) {
    throw toOpenError(wanted, error);
  }
}

function toRealPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return join(realpathSync(dirname(file)), basename(file));
  }
}

/** SQLite gives the files beside it (-wal, -shm) the mode of the main file. */
function createPrivately(file: string): void {
  try {
    // 'wx', so that a file SQLite holds is never opened here: closing it would drop this process's locks on it (POSIX).
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    chmodSync(file, 0o600);
  }
}

/**
 * Opens the connection that writes.
 * @throws {TroupeError} ERR_STORE_NEWER, ERR_STORE_OPEN.
 */
export function openWriting(file: string, synchronous: Synchronous, connect: Connect): Database {
  try {
    inspect(file, connect);
    const db = connect(file);
    try {
      setPragmas(db, synchronous);
      migrate(db);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw error instanceof TroupeError ? error : toOpenError(file, error);
  }
}

/** Looks at the file through a connection that cannot change it, so that a newer store stays as it is. */
function inspect(file: string, connect: Connect): void {
  try {
    look(connect(file, { readonly: true }), file);
  } catch (error) {
    // A process was killed while it made the file, before there was a write-ahead log: that must be taken back first.
    if (sqliteCode(error) !== 'SQLITE_READONLY_ROLLBACK') throw error;
    look(connect(file), file);
  }
}

function look(db: Database, file: string): void {
  try {
    assertUsable(db, file);
  } finally {
    db.close();
  }
}

function setPragmas(db: Database, synchronous: Synchronous): void {
  db.pragma('journal_mode = WAL');
  // Explicit: the driver's default in WAL mode is NORMAL, although the pragma reads FULL before the first transaction.
  db.pragma(`synchronous = ${synchronous === 'full' ? 'FULL' : 'NORMAL'}`);
  // macOS syncs to the drive's cache only, unless told otherwise. No effect elsewhere.
  if (synchronous === 'full') db.pragma('fullfsync = ON');
  db.pragma(`wal_autocheckpoint = ${WAL_FRAMES}`);
  db.pragma('foreign_keys = OFF');
  db.pragma('trusted_schema = OFF');
}

/** ERR_STORE_OPEN around what went wrong. */
export function toOpenError(file: string, cause: unknown): TroupeError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new TroupeError(
    'ERR_STORE_OPEN',
    `Store '${file}' could not be opened (${said}). Check the path, its permissions and the disk.`,
    {
      cause,
      details: { file },
    },
  );
}
