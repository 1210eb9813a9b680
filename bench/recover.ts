/** A start over actors with work in flight: until the effect function of each runs again. */
import type { System } from '../src/index.ts';
import { worker } from './actors.ts';
import { runAll, toThroughput } from './measure.ts';
import type { Figure } from './measure.ts';
import { inFolder, noted, openTally, startSystem, withSystemIn } from './support.ts';

/**
 * Stops with `actors` that each have an effect function in flight and starts again. The time of a start over an empty file,
 * measured just before, is taken off: what is left is reading, restoring and beginning again.
 */
export function benchRecover(actors: number): Promise<Figure> {
  const tally = openTally();
  return inFolder(async (folder) => {
    await withSystemIn(folder, (system) => createWorkers(system, actors));
    const emptyMs = await inFolder((empty) => timeStart(empty));
    const filledMs = await timeStart(folder, () => noted(tally, actors));
    return toThroughput(actors, Math.max(filledMs - emptyMs, 1));
  });
}

async function timeStart(folder: string, settled: () => Promise<void> = async () => {}): Promise<number> {
  const startMs = performance.now();
  const system = await startSystem(folder);
  await settled();
  const elapsedMs = performance.now() - startMs;
  await system.stop();
  return elapsedMs;
}

async function createWorkers(system: System, count: number): Promise<void> {
  const create = (n: number): Promise<void> => system.actor(worker, `w${n}`).send({ type: 'ADD', n: 1 });
  await runAll(count, 256, (n, done) => void create(n).then(done));
}
