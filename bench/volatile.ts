/** Tells and asks to actors that keep nothing, in a worker thread or inline: how near to bare ports and bare XState. */
import type { ActorRef, System } from '../src/index.ts';
import { plainCounter, volatileAnswerer, volatileCounter } from './feature-actors.ts';
import { measure, measureBulk, runAll } from './measure.ts';
import type { Figure } from './measure.ts';
import { FEATURE_ACTORS, withSystem } from './support.ts';

export interface VolatileOptions {
  /** Worker threads; 0 runs the actors inline. */
  readonly threads: 0 | 1;
  readonly actors: number;
}

/** Tells between two looks at the event loop, as a program that does other things too. */
const TELLS_PER_TURN = 1_024;

export interface TellOptions extends VolatileOptions {
  readonly tells: number;
  /** To plain functions instead of machines. @default false */
  readonly isPlain?: boolean;
}

/** Tells, as fast as they are taken. They end with a send to each actor, which is acknowledged after all before it. */
export function benchTell({ threads, actors, tells, isPlain = false }: TellOptions): Promise<Figure> {
  return withVolatile(threads, async (system) => {
    const counter = (isPlain ? plainCounter : volatileCounter) as typeof volatileCounter;
    const refs = Array.from({ length: actors }, (_, i) => system.actor(counter, `v${i}`));
    await finish(refs);
    return measureBulk(tells, async (count) => {
      await tellAll(refs, count - Math.min(actors, count));
      await finish(refs.slice(0, count));
    });
  });
}

/** Asks, spread over actors. */
export function benchAsk(
  options: VolatileOptions & { readonly asks: number; readonly inFlight: number },
): Promise<Figure> {
  const { threads, actors, asks: count, inFlight } = options;
  return withVolatile(threads, async (system) => {
    const refs = Array.from({ length: actors }, (_, i) => system.actor(volatileAnswerer, `v${i}`));
    const ask = async (n: number): Promise<unknown> => refs[n % actors]?.ask({ type: 'GET' });
    await runAll(actors, 64, (n, done) => void ask(n).then(done));
    return measure({ count, inFlight }, (n, done) => void ask(n).then(done));
  });
}

function withVolatile(threads: 0 | 1, work: (system: System) => Promise<Figure>): Promise<Figure> {
  return withSystem(work, { threads, actors: [FEATURE_ACTORS], store: 'memory:' });
}

async function tellAll(refs: readonly ActorRef<typeof volatileCounter>[], count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await refs[n % refs.length]?.tell({ type: 'ADD', n: 1 });
    if (n % TELLS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

async function finish(refs: readonly ActorRef<typeof volatileCounter>[]): Promise<void> {
  await Promise.all(refs.map((ref) => ref.send({ type: 'ADD', n: 1 })));
}
