/** What a system costs that has nothing to do: processor time of the whole process, in points of one core. */
import type { System, SystemOptions } from '../src/index.ts';
import type { Figure } from './measure.ts';
import { createCounters } from './send.ts';
import { runAll } from './measure.ts';
import { sleep, withSystem } from './support.ts';

/** Time for what was begun to come to rest: writes of the store, garbage, the thread in reserve. */
const SETTLE_MS = 5_000;
const WINDOW_MS = 20_000;

export interface BeatOptions {
  readonly actors: number;
  /** Time between two signs of life of a thread, in milliseconds. */
  readonly beatMs: number;
}

/** Idle actors, all live, with beats at some pace. */
export function benchBeats({ actors, beatMs }: BeatOptions): Promise<Figure> {
  return measureIdle(
    { beatMs, hangMs: Math.max(5_000, 2 * beatMs) },
    async (system) => void (await createCounters(system, actors)),
  );
}

export interface WatchOptions {
  /** Actors that are registered with the watch over agents. */
  readonly agents: number;
  readonly isMonitoring: boolean;
}

/** Idle actors under watch, or registered only. */
export function benchWatch({ agents, isMonitoring }: WatchOptions): Promise<Figure> {
  return measureIdle({}, async (system) => {
    if (!isMonitoring) await system.health.stop();
    await createCounters(system, agents);
    await runAll(agents, 64, (n, done) => void system.health.register(`counter/a${n}`).then(done));
  });
}

function measureIdle(options: Partial<SystemOptions>, prepare: (system: System) => Promise<void>): Promise<Figure> {
  return withSystem(async (system) => {
    await prepare(system);
    await sleep(SETTLE_MS);
    const before = { usage: process.cpuUsage(), watchMs: watchMsOf(system), atMs: performance.now() };
    await sleep(WINDOW_MS);
    const { user, system: kernel } = process.cpuUsage(before.usage);
    const elapsedMs = performance.now() - before.atMs;
    const toPoints = (ms: number): number => (ms / elapsedMs) * 100;
    const watchPoints = toPoints(watchMsOf(system) - before.watchMs);
    return { samples: 1, cpuPoints: toPoints((user + kernel) / 1_000), ...(watchPoints > 0 && { watchPoints }) };
  }, options);
}

/** What the watch over agents says of itself. */
function watchMsOf({ health }: System): number {
  return health.stats().monitor.cpuMs;
}
