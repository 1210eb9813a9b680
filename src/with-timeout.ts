/** Waiting for something that may not come. */
import type { Env } from './env.ts';

/** Resolves when `begin` calls `done`, or its time is up. */
export function withTimeout(env: Env, timeoutMs: number, begin: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = env.setTimeout(resolve, timeoutMs);
    begin(() => {
      env.clearTimeout(timer);
      resolve();
    });
  });
}
