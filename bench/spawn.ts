/** What the next actor costs beside those there are: a child by its parent's effect, an actor by the first send to it. */
import type { System } from '../src/index.ts';
import { child, counter, parent } from './actors.ts';
import { measure, measureBulk, runAll } from './measure.ts';
import type { Figure } from './measure.ts';
import { createCounters } from './send.ts';
import { drained, withSystem } from './support.ts';

/** Children there are before, of all parents: the same at every point of the curve, so that code is as warm and files as full. */
const ALL_CHILDREN = 10_000;

export interface SpawnBenchOptions {
  /** Children a parent has before. */
  readonly children: number;
  /** How many more are spawned, one after the other, and measured. */
  readonly count: number;
}

/** From the send to a parent until its new child is durable and the host program knows of it. */
export function benchSpawn({ children, count }: SpawnBenchOptions): Promise<Figure> {
  const parents = ALL_CHILDREN / children;
  return withSystem(async (system) => {
    const spawn = (actorType: string, n: number): Promise<void> =>
      system.actor(parent, `p${n % parents}`).send({ type: 'SPAWN', actorType, key: `c${n}` });
    await runAll(ALL_CHILDREN, 64, (n, done) => void spawn(counter.type, n).then(done));
    await drained(system);
    let born = (): void => {};
    system.onDelivery('born', () => born());
    let n = 0;
    return measure({ count, inFlight: 1 }, (_, done) => {
      born = done;
      void spawn(child.type, n++);
    });
  });
}

export interface CreateBenchOptions {
  /** Actors there are before. */
  readonly existing: number;
  readonly count: number;
}

/** From the first send to an actor until it is durable. */
export function benchCreate({ existing, count }: CreateBenchOptions): Promise<Figure> {
  return withSystem(async (system) => {
    await createCounters(system, existing);
    const create = toCreate(system);
    return measure({ count, inFlight: 1 }, (_, done) => create(done));
  });
}

/** Actors created by sends, 64 in flight: throughput. */
export function benchCreateMany(count: number): Promise<Figure> {
  return withSystem((system) => {
    const create = toCreate(system);
    return measureBulk(count, (some) => runAll(some, 64, (_, done) => create(done)));
  });
}

function toCreate(system: System): (done: () => void) => void {
  let created = 0;
  return (done) => void system.actor(counter, `new${created++}`).send({ type: 'ADD', n: 1 }).then(done);
}
