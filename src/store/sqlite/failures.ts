/** What SQLite's errors mean to the store. Foreign errors end here: they ride along as cause. */
import { TroupeError } from '../../errors.ts';

/** Result codes after which trying again later may help: the place is at fault, not what was written. */
const UNAVAILABLE =
  /^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CORRUPT|NOTADB|CANTOPEN|PERM|AUTH|NOMEM|PROTOCOL|INTERRUPT|ABORT|SCHEMA)/;

/** Result codes of a failed COMMIT that SQLite has taken back for certain. */
const TAKEN_BACK = /^SQLITE_(FULL|BUSY|LOCKED)/;

/** SQLite's result code, if the error is one of SQLite's. */
export function sqliteCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined;
}

/** True when the place failed; false when the commit itself cannot be written (wrong types, too big, a constraint). */
export function isPlaceAtFault(error: unknown): boolean {
  const code = sqliteCode(error);
  // A closed handle is a TypeError of the driver; it means the place is gone.
  return code === undefined ? isClosedHandle(error) : UNAVAILABLE.test(code);
}

function isClosedHandle(error: unknown): boolean {
  return error instanceof TypeError && error.message.includes('database connection is not open');
}

/** True when a COMMIT that failed with this error may have reached the disk all the same. */
export function isCommitOutcomeUnknown(error: unknown): boolean {
  return !TAKEN_BACK.test(sqliteCode(error) ?? '');
}

/** True when the handle must not be used again: after an I/O error SQLite's picture of the file may be wrong. */
export function isHandleSpoilt(error: unknown): boolean {
  return (
    !/^SQLITE_(FULL|BUSY|LOCKED|READONLY)/.test(sqliteCode(error) ?? '') ||
    sqliteCode(error) === 'SQLITE_READONLY_DBMOVED'
  );
}

/** True when the file itself is damaged where it was read: reading it again brings nothing else. */
export function isFileDamaged(error: unknown): boolean {
  return sqliteCode(error)?.startsWith('SQLITE_CORRUPT') ?? false;
}

/** ERR_STATE_CORRUPT around what SQLite said. */
export function toDamaged(file: string, cause: unknown): TroupeError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new TroupeError(
    'ERR_STATE_CORRUPT',
    `Store '${file}' is damaged where it was read (${said}). Nothing was changed; stop, run PRAGMA integrity_check on a copy, and restore the file from a backup.`,
    { cause, details: { file, sqliteCode: sqliteCode(cause) } },
  );
}

/** ERR_STORE_UNAVAILABLE around what SQLite said. */
export function toUnavailable(file: string, cause: unknown, isOutcomeUnknown = false): TroupeError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const next = isOutcomeUnknown
    ? 'Whether it was saved is unknown: post the same commits again, marked as resent.'
    : 'Nothing was changed; make room or mend the disk, then try again.';
  return new TroupeError('ERR_STORE_UNAVAILABLE', `Store '${file}' could not save or read (${said}). ${next}`, {
    cause,
    details: { file, isOutcomeUnknown, ...(sqliteCode(cause) && { sqliteCode: sqliteCode(cause) }) },
  });
}
