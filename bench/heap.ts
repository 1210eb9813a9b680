/** Heap that one live actor holds. The system runs inline, so that one heap has it all, with SQLite, so that rows are not in it. */
import { createActor } from 'xstate';
import type { AnyActorRef } from 'xstate';
import type { Figure } from './measure.ts';
import { counterMachine } from './machines.ts';
import { createCounters } from './send.ts';
import { heapBytes, sleep, withSystem } from './support.ts';

/** Of bare XState actors: created, started, sent to once. */
export function benchBareHeap(count: number): Figure {
  const actors: AnyActorRef[] = [];
  const create = (): void => {
    const actor = createActor(counterMachine).start();
    actor.send({ type: 'ADD', n: 1 });
    actors.push(actor);
  };
  for (let n = 0; n < count / 10; n++) create();
  const warmUps = actors.length;
  const before = heapBytes();
  for (let n = 0; n < count; n++) create();
  const bytes = heapBytes() - before;
  // Counted afterwards, so that they are alive until then.
  const samples = actors.length - warmUps;
  return { samples, bytes: Math.round(bytes / samples) };
}

/** Of live actors of ours: created by a send, idle since. */
export function benchHeap(count: number): Promise<Figure> {
  return withSystem(
    async (system) => {
      await createCounters(system, Math.ceil(count / 10));
      const before = await settledHeapBytes();
      await createCounters(system, count + Math.ceil(count / 10));
      return { samples: count, bytes: Math.round(((await settledHeapBytes()) - before) / count) };
    },
    { threads: 0, synchronous: 'normal' },
  );
}

/** Turns of the event loop that were under way let go of what they held. */
export async function settledHeapBytes(): Promise<number> {
  await sleep(100);
  return heapBytes();
}
