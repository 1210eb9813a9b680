/** What the actors of a simulated story see of the world around them: its clock, and somebody who watches. */
import type { Env } from '../../src/env.ts';

/** A run of an effect function that began. */
export interface RunMark {
  readonly id: string;
  readonly key: string;
  readonly attempt: number;
}

export interface World {
  readonly env: Env;
  /** How often the wall clock was set back. */
  readonly jumps: number;
  /** A number nobody else has: for actors that forget what they counted. */
  serial(): number;
  /** An effect function begins. */
  begun(mark: RunMark): void;
  /** An actor that is not stored takes an event. */
  taken(address: string, id: string): void;
}

let current: World | undefined;

/** Sets the world of the story that runs; one at a time. */
export function setWorld(world: World): void {
  current = world;
}

/** The world of the story that runs. */
export function theWorld(): World {
  if (!current) throw new Error('No story runs.');
  return current;
}

/** Waits in simulated time; ends early, with an error, when the signal says so. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const { env } = theWorld();
  return new Promise((resolve, reject) => {
    const timer = env.setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      env.clearTimeout(timer);
      reject(new Error('aborted'));
    });
  });
}
