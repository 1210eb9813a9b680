/** How soon it is seen that a thread is gone or blocked, or that an external agent is silent. */
import type { System, SystemEvents, SystemTopic } from '../src/index.ts';
import { breaker } from './failing-actors.ts';
import { toFigure } from './measure.ts';
import type { Figure } from './measure.ts';
import { FAILING_ACTORS, openTally, sleep, withSystem } from './support.ts';
import type { Tally } from './support.ts';

/** The default pace of signs of life, in milliseconds. */
const BEAT_MS = 250;
/** Time a turn may block its thread here, in milliseconds. */
const HANG_MS = 1_000;
/** Time over which the last heartbeats of external agents are spread: longer than any look takes to come round. */
const SPREAD_MS = 2_000;

export interface ThreadEndOptions {
  /** `EXIT`: the turn ends its thread; `HANG`: it never ends. */
  readonly by: 'EXIT' | 'HANG';
  readonly count: number;
}

/** From the turn that ends or blocks its thread to the event that tells the host program. */
export function benchThreadEnd({ by, count }: ThreadEndOptions): Promise<Figure> {
  const tally = openTally();
  return withSystem(
    async (system) => {
      const times = new Float64Array(count);
      const startMs = performance.now();
      for (let n = 0; n < count; n++) {
        // At any point between two beats, as faults come.
        await sleep(Math.random() * BEAT_MS);
        times[n] = await timeEnd(system, tally, { by, n: n + 1 });
      }
      return toFigure(times, performance.now() - startMs);
    },
    { actors: [FAILING_ACTORS], beatMs: BEAT_MS, hangMs: HANG_MS, log: 'silent' },
  );
}

/** The event comes again on the next thread, and its acknowledgement says that this one serves. */
async function timeEnd(
  system: System,
  tally: Tally,
  { by, n }: { readonly by: 'EXIT' | 'HANG'; readonly n: number },
): Promise<number> {
  const seen = nextEvent(system, 'system.thread.ended', 1);
  const replaced = nextEvent(system, 'system.thread.replaced', 1);
  const subscriptions = await Promise.all([seen.subscribed, replaced.subscribed]);
  const sent = system.actor(breaker, `b${n}`).send({ type: by, n });
  const [ended] = await seen.times;
  await Promise.all([replaced.times, sent]);
  for (const subscription of subscriptions) await subscription.stop();
  return Number((ended ?? 0n) - Atomics.load(tally.atNs, 1)) / 1e6;
}

/** From the last heartbeat of each of many external agents, at the default pace, to the event that says it is disconnected. */
export function benchSilence(agents: number): Promise<Figure> {
  return withSystem(
    async (system) => {
      const lastNs = new Map<string, bigint>();
      const times = new Map<string, number>();
      const { promise, resolve } = Promise.withResolvers<void>();
      await system.bus.subscribe('system.agent.health', ({ data }) => {
        const { agent, to } = data as SystemEvents['system.agent.health'];
        if (to !== 'disconnected') return;
        times.set(agent, Number(process.hrtime.bigint() - (lastNs.get(agent) ?? 0n)) / 1e6);
        if (times.size === agents) resolve();
      });
      for (let n = 0; n < agents; n++) await system.health.register(`external-${n}`, { strategy: 'alert' });
      const startMs = performance.now();
      for (let n = 0; n < agents; n++) {
        await sleep(SPREAD_MS / agents);
        system.health.heartbeat(`external-${n}`);
        lastNs.set(`external-${n}`, process.hrtime.bigint());
      }
      await promise;
      return toFigure(Float64Array.from(times.values()), performance.now() - startMs);
    },
    { degradation: false, log: 'silent' },
  );
}

interface NextEvents {
  readonly subscribed: Promise<{ stop(): Promise<void> }>;
  /** When each of them came, in nanoseconds of `process.hrtime`. */
  readonly times: Promise<readonly bigint[]>;
}

function nextEvent(system: System, topic: SystemTopic, count: number): NextEvents {
  const { promise: times, resolve } = Promise.withResolvers<readonly bigint[]>();
  const seen: bigint[] = [];
  const subscribed = system.bus.subscribe(topic, () => {
    seen.push(process.hrtime.bigint());
    if (seen.length === count) resolve(seen);
  });
  return { subscribed, times };
}
