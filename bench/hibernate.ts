/** Actors that left memory: what waking one costs, and what one costs that sleeps. */
import type { System } from '../src/index.ts';
import { settledHeapBytes } from './heap.ts';
import { sleeper } from './feature-actors.ts';
import { measure, runAll } from './measure.ts';
import type { Figure } from './measure.ts';
import { FEATURE_ACTORS, sleep, withSystem } from './support.ts';

/** Many times what `hibernateAfterMs` of the sleeper asks for. Nothing is measured meanwhile. */
const ASLEEP_AFTER_MS = 1_000;

/** One send at a time, each to an actor that sleeps. */
export function benchWake(count: number): Promise<Figure> {
  const actors = count + Math.ceil(count / 10);
  return withSystem(
    async (system) => {
      await createSleepers(system, 0, actors);
      let next = 0;
      return measure({ count, inFlight: 1 }, (_, done) => void add(system, next++).then(done));
    },
    { actors: [FEATURE_ACTORS] },
  );
}

/** Heap that one sleeping actor holds, inline. */
export function benchSleepingHeap(count: number): Promise<Figure> {
  const warmUps = Math.ceil(count / 10);
  return withSystem(
    async (system) => {
      await createSleepers(system, 0, warmUps);
      const before = await settledHeapBytes();
      await createSleepers(system, warmUps, count);
      return { samples: count, bytes: Math.round(((await settledHeapBytes()) - before) / count) };
    },
    { actors: [FEATURE_ACTORS], threads: 0, synchronous: 'normal' },
  );
}

async function createSleepers(system: System, from: number, count: number): Promise<void> {
  await runAll(count, 64, (n, done) => void add(system, from + n).then(done));
  await sleep(ASLEEP_AFTER_MS);
}

function add(system: System, n: number): Promise<void> {
  return system.actor(sleeper, `s${n}`).send({ type: 'ADD', n: 1 });
}
