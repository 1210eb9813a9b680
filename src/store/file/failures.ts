/** What the file system's errors mean to the store. */
import { TroupeError, isTroupeError } from '../../errors.ts';

/** ERR_STORE_UNAVAILABLE around what went wrong. */
export function toUnavailable(folder: string, cause: unknown, isOutcomeUnknown = false): TroupeError {
  const next = isOutcomeUnknown
    ? 'Whether it was saved is unknown: post the same commits again, marked as resent.'
    : 'Nothing was changed; make room or mend the disk, then try again.';
  const message = `Store '${folder}' could not save or read (${said(cause)}). ${next}`;
  return new TroupeError('ERR_STORE_UNAVAILABLE', message, { cause, details: { folder, isOutcomeUnknown } });
}

/** ERR_STORE_OPEN for a folder, or one file in it; an error that says enough by itself stays what it is. */
export function toOpenError(
  path: string,
  cause: unknown,
  next = "Check the folder's permissions and the disk.",
): TroupeError {
  if (isTroupeError(cause)) return cause;
  const message = `Store '${path}' could not be opened (${said(cause)}). ${next}`;
  return new TroupeError('ERR_STORE_OPEN', message, { cause, details: { file: path } });
}

/** ERR_STORE_OPEN for a file that is not what it was when it was written. */
export function toDamageError(path: string, cause: unknown): TroupeError {
  return toOpenError(
    path,
    cause,
    'It is damaged or gone, and what follows builds on it: put it back, or restore the store from a backup with restoreBackup(). Nothing was changed.',
  );
}

function said(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
