/** Tells a missing session or group in the words of whoever asked for it. */
import { TroupeError, isTroupeError } from '../errors.ts';

/**
 * Resolves when the actor behind `ref` exists.
 * @throws {TroupeError} `code` when it does not.
 */
export async function assertExists(
  ref: { snapshot(): Promise<unknown> },
  code: 'ERR_SESSION_NOT_FOUND' | 'ERR_GROUP_NOT_FOUND',
  id: string,
): Promise<void> {
  try {
    await ref.snapshot();
  } catch (error) {
    if (!isTroupeError(error, 'ERR_ACTOR_NOT_FOUND')) throw error;
    const kind = code === 'ERR_SESSION_NOT_FOUND' ? 'session' : 'group';
    throw new TroupeError(code, `There is no ${kind} '${id}'. List the ${kind}s, or create it.`, {
      cause: error,
      details: { id },
    });
  }
}
