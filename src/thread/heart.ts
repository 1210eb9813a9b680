/** The beat of a thread: a timer that says again and again that the event loop still goes round, and what memory is held beside the heap. */
import type { Env, TimerHandle } from '../env.ts';
import type { BeatWriter } from './beat.ts';

export interface HeartOptions {
  readonly env: Env;
  readonly beat: BeatWriter;
  readonly everyMs: number;
  /** Memory held outside the heap. */
  readonly readExternalBytes: () => number;
}

/** Begins to beat. Returns how to end that; until then its timer keeps the thread alive. */
export function startHeart({ env, beat, everyMs, readExternalBytes }: HeartOptions): () => void {
  let timer: TimerHandle;
  const again = (): void => {
    beat.beat(readExternalBytes());
    timer = env.setTimeout(again, everyMs);
  };
  again();
  return () => env.clearTimeout(timer);
}
