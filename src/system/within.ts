/** Waiting that ends: a stop must not hang on what never settles. */
import type { Env } from '../env.ts';

/** Resolves when `work` is over, however it ended, or its time is up. */
export function within(env: Env, timeoutMs: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = env.setTimeout(resolve, timeoutMs);
    const done = (): void => {
      env.clearTimeout(timer);
      resolve();
    };
    work.then(done, done);
  });
}
