/** From a publication to the handler of an actor that subscribes: durable on both sides. */
import type { System } from '../src/index.ts';
import { listener, publisher } from './feature-actors.ts';
import { measureBulk, runAll, toFigure } from './measure.ts';
import type { Figure } from './measure.ts';
import { drained, FEATURE_ACTORS, noted, openTally, withSystem } from './support.ts';
import type { Tally } from './support.ts';

/** Who publishes: an actor by its effect, or the host program. */
export type PublishedBy = 'actor' | 'host';

/** Publications one at a time: from the call, or from the send to the publisher, to the run of the listener's action. */
export function benchPublish({ by, count }: { readonly by: PublishedBy; readonly count: number }): Promise<Figure> {
  const tally = openTally();
  return withListener(async (system) => {
    const say = toSay(system, by);
    let heard = Atomics.load(tally.counts, 0);
    const run = async (n: number): Promise<number> => timeOne(tally, ++heard, () => say(n));
    for (let n = 0; n < count / 10; n++) await run(n);
    const times = new Float64Array(count);
    const startMs = performance.now();
    for (let n = 0; n < count; n++) times[n] = await run(n);
    return toFigure(times, performance.now() - startMs);
  });
}

/** Publications of the host program, 64 in flight, until the listener has committed all of them: throughput. */
export function benchPublishMany(publications: number): Promise<Figure> {
  openTally();
  return withListener(async (system) => {
    const say = toSay(system, 'host');
    return measureBulk(publications, async (count) => {
      await runAll(count, 64, (n, done) => void say(n).then(done));
      await drained(system);
    });
  });
}

/** Milliseconds from the call to the action, by the one clock that all threads have; the acknowledgement is not in it. */
async function timeOne(tally: Tally, count: number, say: () => Promise<void>): Promise<number> {
  const begunNs = process.hrtime.bigint();
  const said = say();
  await noted(tally, count);
  const elapsedMs = Number(Atomics.load(tally.atNs, 0) - begunNs) / 1e6;
  await said;
  return elapsedMs;
}

function toSay(system: System, by: PublishedBy): (n: number) => Promise<void> {
  const ref = system.actor(publisher, 'one');
  return by === 'actor' ? (n) => ref.send({ type: 'SAY', n }) : (n) => system.bus.publish('bench.host', { n });
}

/** An actor subscribes from its creation on, which a look at its state brings about. */
function withListener(work: (system: System) => Promise<Figure>): Promise<Figure> {
  return withSystem(
    async (system) => {
      await system.actor(listener, 'one', {}).snapshot();
      return work(system);
    },
    { actors: [FEATURE_ACTORS] },
  );
}
