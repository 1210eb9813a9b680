/** The beat of a thread: a timer that says again and again that the event loop still goes round, and what memory is held. */
import type { Env, TimerHandle } from '../env.ts';
import type { BeatWriter, ThreadMemory } from './beat.ts';

export interface HeartOptions {
  readonly env: Env;
  readonly beat: BeatWriter;
  readonly everyMs: number;
  readonly readMemory: () => ThreadMemory;
}

/** Memory is read at every fourth beat: reading it costs more than all else about a beat. */
export const BEATS_PER_READING = 4;

/** Begins to beat. Returns how to end that; until then its timer keeps the thread alive. */
export function startHeart({ env, beat, everyMs, readMemory }: HeartOptions): () => void {
  let timer: TimerHandle;
  let memory: ThreadMemory | undefined;
  let beats = 0;
  const again = (): void => {
    if (beats++ % BEATS_PER_READING === 0) memory = readMemory();
    if (memory) beat.beat(memory);
    timer = env.setTimeout(again, everyMs);
  };
  again();
  return () => env.clearTimeout(timer);
}
