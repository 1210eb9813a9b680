/**
 * Second entry: what tests of machines and of Troupe itself need. Time is an input: the simulated Env moves only when it is
 * told to, and its randomness comes from a seed.
 */
import { createLocalPorts } from './env.ts';
import type { Env } from './env.ts';

/** An Env whose clock stands still until `advance` moves it. */
export interface SimulatedEnv extends Env {
  /**
   * Moves the clock by `ms`, firing what becomes due in order of time, and lets everything that follows come to rest.
   * @param ms 0 or more; 0 only lets things come to rest
   */
  advance(ms: number): Promise<void>;
  /** Lets everything that is due now come to rest. */
  settle(): Promise<void>;
  /** Timers that have not fired, in order of time. */
  readonly pendingTimers: readonly { readonly dueAt: number }[];
}

export interface SimulatedEnvOptions {
  /** Repeats the same randomness. @default 1 */
  readonly seed?: number;
  /** Where the clock starts, in milliseconds since the epoch. @default 1_700_000_000_000 */
  readonly startAt?: number;
}

interface Timer {
  readonly dueAt: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Rounds of empty queues after which things count as at rest: promises need some to reach their next step. */
const QUIET_ROUNDS = 20;

/** Makes a simulated Env. */
export function createSimulatedEnv({ seed = 1, startAt = 1_700_000_000_000 }: SimulatedEnvOptions = {}): SimulatedEnv {
  const timers = new Set<Timer>();
  const random = createRandom(seed);
  let deferred: (() => void)[] = [];
  let now = startAt;
  let order = 0;

  const runDeferred = (): boolean => {
    const callbacks = deferred;
    deferred = [];
    for (const callback of callbacks) callback();
    return callbacks.length > 0;
  };
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
      await Promise.resolve();
      if (runDeferred()) quiet = 0;
    }
  };
  const nextTimer = (until: number): Timer | undefined =>
    [...timers].filter(({ dueAt }) => dueAt <= until).toSorted((a, b) => a.dueAt - b.dueAt || a.order - b.order)[0];
  const defer = (callback: () => void): void => void deferred.push(callback);

  return {
    now: () => now,
    monotonicMs: () => now - startAt,
    setTimeout: (callback, delayMs) => {
      const timer = { dueAt: now + Math.max(0, delayMs), order: order++, callback };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (handle) => void timers.delete(handle as Timer),
    defer,
    random,
    randomId: () => randomText(random, 22),
    randomUuid: () => randomUuid(random),
    createPort: () => createLocalPorts(defer),
    settle,
    advance: async (ms) => {
      const until = now + ms;
      await settle();
      for (let timer = nextTimer(until); timer; timer = nextTimer(until)) {
        timers.delete(timer);
        now = Math.max(now, timer.dueAt);
        timer.callback();
        await settle();
      }
      now = until;
    },
    get pendingTimers() {
      return [...timers].toSorted((a, b) => a.dueAt - b.dueAt || a.order - b.order);
    },
  };
}

/** A seeded generator, uniform in [0, 1): mulberry32. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function randomText(random: () => number, length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
}

function randomUuid(random: () => number): string {
  const hex = (length: number): string => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');
  const variant = '89ab'[Math.floor(random() * 4)] ?? '8';
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(12)}`;
}
