/** The beat of a thread: a timer that says again and again that the event loop still goes round, and what memory is held. */
import type { Env, TimerHandle } from '../env.ts';
import type { BeatWriter, ThreadMemory } from './beat.ts';

export interface HeartOptions {
  readonly env: Env;
  readonly beat: BeatWriter;
  readonly everyMs: number;
  readonly readMemory: () => ThreadMemory;
}

/** Begins to beat. Returns how to end that; until then its timer keeps the thread alive. */
export function startHeart({ env, beat, everyMs, readMemory }: HeartOptions): () => void {
  let timer: TimerHandle;
  const again = (): void => {
    beat.beat(readMemory());
    timer = env.setTimeout(again, everyMs);
  };
  again();
  return () => env.clearTimeout(timer);
}
