/** An Env whose event loop is real and whose clock stands still until it is told to go on. */
import { createRealEnv } from '../../src/env.ts';
import type { Env } from '../../src/env.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** An Env for tests of waiting, and the hand on its clock. */
export interface ManualEnv extends Env {
  /** Moves time and fires what is due, in order. */
  advance(ms: number): void;
  /** Delays of the timers that are set, soonest first. */
  pendingMs(): number[];
}

/** Makes one, at time 0. */
export function createManualEnv(): ManualEnv {
  const timers = new Set<Timer>();
  let nowMs = 0;
  return {
    ...createRealEnv(),
    now: () => nowMs,
    monotonicMs: () => nowMs,
    setTimeout: (callback, delayMs) => {
      const timer = { at: nowMs + delayMs, callback };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (handle) => void timers.delete(handle as Timer),
    pendingMs: () => [...timers].map((timer) => timer.at - nowMs).toSorted((a, b) => a - b),
    advance: (ms) => {
      nowMs += ms;
      for (const timer of [...timers].toSorted((a, b) => a.at - b.at)) {
        if (timer.at <= nowMs && timers.delete(timer)) timer.callback();
      }
    },
  };
}

/** Lets the event loop turn a few times, so that ports and deferred work come to rest. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
