/** Tells that a session has expired, or is gone, in the words of whoever called it. */
import { TroupeError, isTroupeError } from '../errors.ts';

/**
 * Passes on what a call to a session comes to. A session ends by itself only when it expires.
 * @throws {TroupeError} ERR_SESSION_EXPIRED or ERR_SESSION_NOT_FOUND when that is why it was refused.
 */
export async function unlessOver<T>(id: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw explain(id, error);
  }
}

function explain(id: string, error: unknown): unknown {
  const options = { cause: error, details: { id } };
  if (isTroupeError(error, 'ERR_ACTOR_NOT_FOUND')) {
    const message = `There is no session '${id}' any more: it was deleted, or expired and was swept. Create another.`;
    return new TroupeError('ERR_SESSION_NOT_FOUND', message, options);
  }
  if (!isTroupeError(error, 'ERR_ACTOR_STOPPED') || error.details['status'] !== 'done') return error;
  const message = `Session '${id}' has expired and takes nothing more. Create another; its history can be read until a sweep removes it.`;
  return new TroupeError('ERR_SESSION_EXPIRED', message, options);
}
