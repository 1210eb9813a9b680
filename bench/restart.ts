/** What failures cost those who wait: an actor made anew, and all actors of a thread that ended. */
import type { System } from '../src/index.ts';
import { counter } from './actors.ts';
import { breaker } from './failing-actors.ts';
import { toFigure } from './measure.ts';
import type { Figure } from './measure.ts';
import { createCounters } from './send.ts';
import { FAILING_ACTORS, noted, openTally, sleep, withSystem } from './support.ts';

/** Time until the next thread stands ready in reserve again, with room to spare. Nothing is measured meanwhile. */
const SPARE_READY_MS = 3_000;

/** One actor after the other fails in a turn of its timer: from there to its turn after the restart. */
export function benchRestart(count: number): Promise<Figure> {
  const tally = openTally();
  return withSystem(
    async (system) => {
      const times: number[] = [];
      const warmUps = Math.ceil(count / 10);
      const startMs = performance.now();
      for (let n = 1; n <= warmUps + count; n++) {
        const isBack = noted(tally, n);
        await system.actor(breaker, `b${n}`).send({ type: 'BREAK', n });
        await isBack;
        times.push(Number(Atomics.load(tally.atNs, 0) - Atomics.load(tally.atNs, 1)) / 1e6);
      }
      return toFigure(Float64Array.from(times.slice(warmUps)), performance.now() - startMs);
    },
    { actors: [FAILING_ACTORS], log: 'silent' },
  );
}

export interface ReplacementOptions {
  /** Actors of the thread, all live. */
  readonly actors: number;
  /** Ends of their thread. */
  readonly rounds: number;
}

/** Ends the thread of many live actors: from there to the acknowledgement of a send to each. */
export function benchReplacement({ actors, rounds }: ReplacementOptions): Promise<Figure> {
  return withSystem(
    async (system) => {
      await createCounters(system, actors);
      const times: number[] = [];
      const startMs = performance.now();
      // The first end is for warming up.
      for (let round = 0; round <= rounds; round++) {
        await sleep(SPARE_READY_MS);
        const found = await timeReplacement(system, actors);
        if (round > 0) times.push(...found);
      }
      return toFigure(Float64Array.from(times), performance.now() - startMs);
    },
    { log: 'silent' },
  );
}

async function timeReplacement(system: System, actors: number): Promise<readonly number[]> {
  const startMs = performance.now();
  const ended = system.threads.endWorker(0);
  const times = Array.from({ length: actors }, async (_, n) => {
    await system.actor(counter, `a${n}`).send({ type: 'ADD', n: 1 });
    return performance.now() - startMs;
  });
  await ended;
  return Promise.all(times);
}
