/** Durable sends through the whole system: ref, worker thread, turn, commit with a sync, acknowledgement. */
import type { ActorRef, System } from '../src/index.ts';
import { counter, relay } from './actors.ts';
import { measure, measureBulk, runAll } from './measure.ts';
import type { Figure } from './measure.ts';
import { drained, withSystem } from './support.ts';

export interface SendBenchOptions {
  readonly inFlight: number;
  readonly sends: number;
  /** Actors the sends are spread over. */
  readonly actors: number;
}

/** Sends that are acknowledged once they are durable. */
export function benchDurableSend({ inFlight, sends, actors }: SendBenchOptions): Promise<Figure> {
  return withSystem(async (system) => {
    const refs = await createCounters(system, actors);
    return measure({ count: sends, inFlight }, (n, done) => void add(refs, n).then(done));
  });
}

/**
 * A tells B, from the send to A until B's commit: the time ends when no inbox row is left, so both commits of every event
 * are in it. A is acknowledged before B runs, hence throughput only.
 */
export function benchPipeline({ inFlight, sends, actors }: SendBenchOptions): Promise<Figure> {
  return withSystem(async (system) => {
    const receivers = await createCounters(system, actors);
    const refs = receivers.map((_, i) => system.actor(relay, `a${i}`));
    const pass = (n: number): Promise<void> => {
      const to = receivers[n % actors]?.address ?? '';
      return refs[n % actors]?.send({ type: 'PASS', to }) ?? Promise.resolve();
    };
    await runAll(actors, inFlight, (n, done) => void pass(n).then(done));
    return measureBulk(sends, async (count) => {
      await runAll(count, inFlight, (n, done) => void pass(n).then(done));
      await drained(system);
    });
  });
}

/** Creates counters and waits until they are durable. */
export async function createCounters(system: System, count: number): Promise<readonly ActorRef<typeof counter>[]> {
  const refs = Array.from({ length: count }, (_, i) => system.actor(counter, `a${i}`));
  await runAll(count, 256, (n, done) => void add(refs, n).then(done));
  return refs;
}

/** Sends to one of `refs`, in turn. */
export function add(refs: readonly ActorRef<typeof counter>[], n: number): Promise<void> {
  return refs[n % refs.length]?.send({ type: 'ADD', n: 1 }) ?? Promise.resolve();
}
