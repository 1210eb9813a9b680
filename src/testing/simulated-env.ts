/** The Env whose time is an input: it moves only when it is told to, and its randomness comes from a seed. */
import { createLocalPorts, createRealEnv } from '../env.ts';
import type { Env } from '../env.ts';
import { checkClockTime, checkOptions, checkSeed, checkStretch, checkSwitch } from './checks.ts';
import { Driver } from './driver.ts';
import { createRandom, randomText, randomUuid } from './random.ts';
import { SimulatedTime } from './simulated-time.ts';
import type { PendingTimer } from './simulated-time.ts';

/**
 * An Env whose clock stands still until `advance` moves it. What is due at the time it shows runs by itself, with the next
 * turns of the event loop, in an order that the seed decides.
 */
export interface SimulatedEnv extends Env {
  /**
   * Moves both clocks by `ms`, firing what becomes due in order of time, and lets everything that follows come to rest. A
   * call while another is under way follows it.
   * @param ms 0 or more; 0 only lets things come to rest
   * @throws {TroupeError} ERR_SCHEDULE_INVALID when `ms` is something else; otherwise what a callback throws.
   */
  advance(ms: number): Promise<void>;
  /** Lets everything that is due now come to rest. Rejects with what a callback throws. */
  settle(): Promise<void>;
  /**
   * Takes at most `count` callbacks, one after the other, letting up to `withinMs` pass where nothing is due, and stops in the
   * middle of whatever goes on: the moment for a crash. Returns how many it took. Rejects with what a callback throws.
   */
  step(count: number, withinMs?: number): Promise<number>;
  /** Forgets every callback and every timer, as the end of a process does: what waits for them never goes on. */
  discard(): void;
  /**
   * Lets the wall clock jump, forward or back, while no time passes: timeouts stay as far away as they were. Alarms that
   * have become due fire with the next `settle` or `advance`, or by themselves.
   * @throws {TroupeError} ERR_SCHEDULE_INVALID when `now` is no time.
   */
  setClock(now: number): void;
  /** Whether the next callback is picked at random from those that wait; may be changed at any time. */
  isShuffled: boolean;
  /** Callbacks that wait for their turn; none when everything has come to rest. */
  readonly waiting: number;
  /** Timers that have not fired, in order of time. */
  readonly pendingTimers: readonly PendingTimer[];
}

export interface SimulatedEnvOptions {
  /** Repeats the same randomness and the same order; a whole number from 0 to 4294967295. @default 1 */
  readonly seed?: number;
  /** Where the clock starts, in milliseconds since the epoch. @default 1_700_000_000_000 */
  readonly startAt?: number;
  /** Picks the next callback at random from those that wait, instead of the oldest. @default false */
  readonly shuffle?: boolean;
  /** Nothing runs by itself, only by `settle`, `advance` and `step`. @default false */
  readonly isManual?: boolean;
}

/** Keeps the order of callbacks apart from the numbers that code draws, so that neither moves the other. */
const ORDER_SALT = 0x9e3779b9;

/**
 * Makes a simulated Env.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when an option is unknown or out of bounds; ERR_SCHEDULE_INVALID when `startAt`
 * is no time.
 */
export function createSimulatedEnv(options: SimulatedEnvOptions = {}): SimulatedEnv {
  const { seed, startAt, shuffle, isManual } = resolveOptions(options);
  const random = createRandom(seed);
  const time = new SimulatedTime(startAt);
  const driver = new Driver({ time, random: createRandom((seed ^ ORDER_SALT) >>> 0), nextTurn: createRealEnv().defer });
  driver.isShuffled = shuffle;
  driver.isManual = isManual;
  const defer = (callback: () => void): void => driver.defer(callback);
  /** What was set for now, or the past, needs somebody to fire it. */
  const woken = <T>(result: T): T => {
    driver.wake();
    return result;
  };
  return {
    now: () => time.now(),
    monotonicMs: () => time.elapsedMs,
    setTimeout: (callback, delayMs) => woken(time.setTimeout(callback, delayMs)),
    setAlarm: (dueAt, callback) => woken(time.setAlarm(dueAt, callback)),
    clearTimeout: (handle) => time.clear(handle),
    setClock: (now) => woken(time.setClock(now)),
    defer,
    random,
    randomId: () => randomText(random, 22),
    randomUuid: () => randomUuid(random),
    // One by one, so that what comes over other ports can come in between, as it does with threads.
    createPort: () => createLocalPorts(defer, 1),
    settle: () => driver.settle(),
    step: (count, withinMs = 0) => driver.step(count, withinMs),
    discard: () => driver.discard(),
    advance: async (ms) => {
      checkStretch(ms, time.now());
      await driver.advance(ms);
    },
    get isShuffled() {
      return driver.isShuffled;
    },
    set isShuffled(isOn) {
      driver.isShuffled = isOn;
    },
    get waiting() {
      return driver.waiting;
    },
    get pendingTimers() {
      return time.pending;
    },
  };
}

function resolveOptions(options: SimulatedEnvOptions): Required<SimulatedEnvOptions> {
  const call = 'createSimulatedEnv';
  checkOptions(call, options, ['seed', 'startAt', 'shuffle', 'isManual'], '{ seed: 7 }');
  const { seed = 1, startAt = 1_700_000_000_000, shuffle = false, isManual = false } = options;
  checkSeed(`${call}: option 'seed'`, seed);
  checkClockTime(`${call}: option 'startAt' is`, startAt);
  checkSwitch(call, 'shuffle', shuffle);
  checkSwitch(call, 'isManual', isManual);
  return { seed, startAt, shuffle, isManual };
}
