/** Looks at a value again and again, for readers that need not know at once. */
import type { Env, TimerHandle } from '../env.ts';
import { isTroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Version } from './versions.ts';

/** How often to look. */
export interface FollowOptions {
  /** Time between two looks, in milliseconds, counted from the end of one. 10 to 86,400,000. @default 1000 */
  readonly everyMs?: number;
  /** Hears why a look failed, or the listener; the next look comes all the same. What it throws itself is logged. */
  readonly onError?: (error: unknown) => void | Promise<void>;
}

/** A reader that follows a value. */
export interface Following extends AsyncDisposable {
  /** No look begins any more. Resolves when the one under way is over, so a listener must not await it. */
  stop(): Promise<void>;
}

export const DEFAULT_EVERY_MS = 1000;

/** What a reader works with. */
export interface FollowContext {
  readonly env: Env;
  readonly log: Logger;
  /** @throws {TroupeError} ERR_SYSTEM_STOPPED once the system stops: that is the last look. */
  readonly find: () => Promise<Version | undefined>;
}

/** Begins to follow. */
export function follow(
  { env, log, find }: FollowContext,
  { everyMs = DEFAULT_EVERY_MS, onError }: FollowOptions,
  listener: (version: Version) => void | Promise<void>,
): Following {
  let seen = 0;
  let timer: TimerHandle;
  let isStopped = false;
  const lookOnce = async (): Promise<void> => {
    const last = await find();
    // A lower number: it was removed and made anew.
    if (isStopped || !last || last.version === seen) return;
    await listener(last);
    seen = last.version;
  };
  const fail = async (error: unknown): Promise<void> => {
    if (isTroupeError(error, 'ERR_SYSTEM_STOPPED')) isStopped = true;
    try {
      await onError?.(error);
    } catch (thrown) {
      log.error('onError of versions.follow() threw', { error: encodeError(thrown) });
    }
  };
  const look = async (): Promise<void> => {
    await lookOnce().catch(fail);
    if (!isStopped) timer = env.setTimeout(() => void (looking = look()), everyMs);
  };
  let looking = look();
  const stop = async (): Promise<void> => {
    isStopped = true;
    env.clearTimeout(timer);
    await looking;
  };
  return { stop, [Symbol.asyncDispose]: stop };
}
