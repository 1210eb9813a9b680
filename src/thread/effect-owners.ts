/**
 * Whose effect function a piece of work belongs to, also long after the function has begun: in a callback of a timer, in what follows an
 * await. An error that nobody caught there ends the thread between two turns; this is how main learns whose it was.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { BeatMark, BeatWriter } from './beat.ts';

/** Runs effect functions so that what they lead to can be told apart. */
export interface EffectOwners {
  /** Runs an effect function, and everything that follows from it, in the name of its actor. */
  run<T>(address: string, key: string, run: () => T): T;
  /** Runs what the runtime does on behalf of an effect function: turns that it leads to are not its own. */
  exit<T>(run: () => T): T;
}

/** Inline there is nobody to tell. */
export const NO_OWNERS: EffectOwners = {
  run: (_address, _key, run) => run(),
  exit: (run) => run(),
};

/** Watches this thread: when it ends in an effect function, by an error or by `process.exit`, the beat says in whose. */
export function watchOwners(beat: BeatWriter): EffectOwners {
  const owners = new AsyncLocalStorage<BeatMark>();
  const note = (): void => {
    const owner = owners.getStore();
    if (owner) beat.mark(owner.address, owner.what);
  };
  process.on('uncaughtExceptionMonitor', note);
  process.on('exit', note);
  return {
    run: (address, what, run) => owners.run({ address, what }, run),
    exit: (run) => owners.exit(run),
  };
}
