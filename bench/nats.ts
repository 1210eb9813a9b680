/** The bus of systems that share a NATS server: from a publication in one to the handler in the other, and catching up after an outage on either side. */
import type { System } from '../src/index.ts';
import { createNatsServer } from '../tests/support/nats-server.ts';
import type { NatsServer } from '../tests/support/nats-server.ts';
import { fillLog, measureHeard, measureManyHeard, TOPIC } from './bus.ts';
import type { ReplayOptions } from './bus.ts';
import { listener } from './feature-actors.ts';
import { runAll, toFigure, toThroughput } from './measure.ts';
import type { Figure } from './measure.ts';
import { addStream, MAX_STORE_BYTES, publishPlain, STREAM, VERSION, withPlain, withServer } from './nats-server.ts';
import type { PlainClient } from './nats-server.ts';
import { FEATURE_ACTORS, inFolder, noted, openTally, sleep, startSystem, withSystem, withSystemIn } from './support.ts';

const optionsFor = (server: NatsServer) => ({ actors: [FEATURE_ACTORS], nats: server.url });

/** Runs `work` with two systems, each with a store of its own, in this process. */
function withTwo<T>(work: (from: System, to: System) => Promise<T>): Promise<T> {
  return withServer((server) =>
    withSystem((from) => withSystem((to) => work(from, to), optionsFor(server)), optionsFor(server)),
  );
}

/** From `publish` in one system to a function in the other, one at a time. */
export function benchNatsHeard(count: number): Promise<Figure> {
  return withTwo((from, to) => measureHeard({ from, to }, count));
}

/** The same with 64 in flight. */
export function benchNatsManyHeard(publications: number): Promise<Figure> {
  return withTwo((from, to) => measureManyHeard({ from, to }, publications));
}

/** From `publish` to a function of the same system, which has a server beside it: nobody waits for that. */
export function benchNatsLocal(count: number): Promise<Figure> {
  return withServer((server) =>
    withSystem((system) => measureHeard({ from: system, to: system }, count), optionsFor(server)),
  );
}

/** From `publish` in one system to the action of an actor in the other, one at a time. */
export function benchNatsActor(count: number): Promise<Figure> {
  const tally = openTally();
  return withTwo(async (from, to) => {
    await to.actor(listener, 'one', {}).snapshot();
    let heard = 0;
    const run = async (): Promise<number> => {
      const begunNs = process.hrtime.bigint();
      void from.bus.publish(TOPIC, { n: heard });
      await noted(tally, ++heard);
      return Number(Atomics.load(tally.atNs, 0) - begunNs) / 1e6;
    };
    for (let n = 0; n < count / 10; n++) await run();
    const times = new Float64Array(count);
    const startMs = performance.now();
    for (let n = 0; n < count; n++) times[n] = await run();
    return toFigure(times, performance.now() - startMs);
  });
}

/** How often the stream is asked how much it holds. */
const POLL_MS = 10;

/**
 * What was published while there was no server, once there is one: events per second from the first look at the stream that finds some to the one that
 * finds all, so that the wait for the connection is not in it.
 */
export async function benchNatsDrain(count: number): Promise<Figure> {
  await using server = await createNatsServer({ version: VERSION, jetstream: { maxFileBytes: MAX_STORE_BYTES } });
  const nats = { servers: server.url, required: false };
  return await withSystem(
    async (system) => {
      await fillLog(system, count);
      await server.restart();
      return withPlain(server, (client) => timeArrival(client, count));
    },
    { actors: [FEATURE_ACTORS], nats },
  );
}

async function timeArrival(client: PlainClient, count: number): Promise<Figure> {
  let first: { readonly atMs: number; readonly messages: number } | undefined;
  for (;;) {
    const messages = await countMessages(client);
    const atMs = performance.now();
    if (first && messages >= count) return toThroughput(messages - first.messages, atMs - first.atMs);
    if (messages > 0) first ??= { atMs, messages };
    await sleep(POLL_MS);
  }
}

async function countMessages({ manager }: PlainClient): Promise<number> {
  const info = await manager.streams.info(STREAM).catch(() => undefined);
  return info?.state.messages ?? 0;
}

/**
 * What others published while the system was down, until an actor of it has handled all: from when the system has started. A round is a start.
 */
export function benchNatsCatchUp({ count, rounds }: ReplayOptions): Promise<Figure> {
  const tally = openTally();
  return withServer((server) =>
    inFolder((folder) =>
      withPlain(server, async (client) => {
        await addStream(client);
        await withSystemIn(folder, (system) => system.actor(listener, 'one', {}).snapshot(), optionsFor(server));
        const times = new Float64Array(rounds);
        for (let round = -1; round < rounds; round++) {
          const from = (round + 1) * count;
          await runAll(count, 512, (n, done) => void publishPlain(client, from + n).then(done));
          const system = await startSystem(folder, optionsFor(server));
          const startMs = performance.now();
          await noted(tally, from + count);
          if (round >= 0) times[round] = performance.now() - startMs;
          await system.stop();
        }
        const { latencyMs } = toFigure(times, 1);
        return { ...toThroughput(count, latencyMs?.p50 ?? 0), ...(latencyMs && { latencyMs }) };
      }),
    ),
  );
}
