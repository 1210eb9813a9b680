/** Looks at a value again and again, for readers that need not know at once. */
import type { Env, TimerHandle } from '../env.ts';
import type { Version } from './versions.ts';

/** How often to look. */
export interface FollowOptions {
  /** Time between two looks, in milliseconds, counted from the end of one. 10 to 86,400,000. @default 1000 */
  readonly everyMs?: number;
  /** Hears why a look failed; the next comes all the same. */
  readonly onError?: (error: unknown) => void;
}

/** A reader that follows a value. */
export interface Following extends AsyncDisposable {
  /** No look begins any more. Resolves when the one under way is over. */
  stop(): Promise<void>;
}

export const DEFAULT_EVERY_MS = 1000;

/** Begins to follow. */
export function follow(
  env: Env,
  find: () => Promise<Version | undefined>,
  { everyMs = DEFAULT_EVERY_MS, onError }: FollowOptions,
  listener: (version: Version) => void | Promise<void>,
): Following {
  let seen = 0;
  let timer: TimerHandle;
  let isStopped = false;
  const look = async (): Promise<void> => {
    try {
      const last = await find();
      // A lower number: it was removed and made anew.
      if (!isStopped && last && last.version !== seen) {
        await listener(last);
        seen = last.version;
      }
    } catch (error) {
      onError?.(error);
    }
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
