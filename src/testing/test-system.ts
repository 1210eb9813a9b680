/**
 * A system for tests: the real one, on the calling thread, with simulated time, a store in memory, and an order of deliveries
 * that the seed decides. Sends and asks are simply awaited; time passes when the test says so.
 */
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { LogFields, LogLevel } from '../observe/logger.ts';
import { createSystem } from '../system/create-system.ts';
import { OPTION_NAMES } from '../system/options.ts';
import type { SystemOptions } from '../system/options.ts';
import type { System } from '../system/system.ts';
import { checkClockTime, checkOptions, checkSeed, invalid } from './checks.ts';
import { createSimulatedEnv } from './simulated-env.ts';
import type { SimulatedEnv, SimulatedEnvOptions } from './simulated-env.ts';
import type { PendingTimer } from './simulated-time.ts';

/**
 * What `testSystem` takes. Where years pass, `recoverEveryMs: 600_000` spares most of the work: the system looks for work that
 * often, in simulated time too.
 */
export interface TestSystemOptions
  extends Omit<SystemOptions, 'env' | 'log' | 'threads'>, Pick<SimulatedEnvOptions, 'seed' | 'startAt'> {
  /** Where actors are kept. @default 'memory:' */
  readonly store?: string;
  /** Worker hosts side by side. @default 3 */
  readonly inlineHosts?: number;
}

/** A line the system logged, from `debug` on. */
export interface LogLine {
  readonly level: LogLevel;
  readonly fields: LogFields;
  readonly text: string;
}

/** The hand on the clock of a test system. */
export interface TestClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /**
   * Lets time pass, 0 ms or more, and resolves when everything that became due, and what followed, has come to rest.
   * @throws {TroupeError} ERR_SCHEDULE_INVALID when `ms` is something else.
   */
  advance(ms: number): Promise<void>;
  /**
   * Sets the wall clock, forward or back, as an operator would: at once, and no time passes. Resolves when everything that
   * became due has come to rest.
   * @throws {TroupeError} ERR_SCHEDULE_INVALID when `at` is no time.
   */
  set(at: number): Promise<void>;
}

/** What still waits for something. */
export interface Unresolved {
  /** Timers that have not fired, in order of time; the system's own are among them. */
  readonly timers: readonly PendingTimer[];
  /** Callbacks that wait for their turn; none after `clock.advance`. */
  readonly callbacks: number;
  /** Messages of the test that have no answer yet. */
  readonly pending: System['pending'];
}

/** A system under test. Use it with `await using`. */
export interface TestSystem extends AsyncDisposable {
  readonly system: System;
  readonly clock: TestClock;
  readonly env: SimulatedEnv;
  /** Repeats the run: the same ids, the same order. */
  readonly seed: number;
  readonly logs: readonly LogLine[];
  unresolved(): Unresolved;
  /** Stops the system, and lets as much time pass as that takes. */
  stop(): Promise<void>;
}

/** What a test system decides itself, and what to do instead. */
const OWN: Readonly<Record<'env' | 'log' | 'threads', string>> = {
  env: 'A test system makes its own from seed and startAt, and shows it as env. Leave it out.',
  log: 'A test system keeps every line in logs. Leave it out.',
  threads:
    'A test system runs on the calling thread. Leave it out: inlineHosts gives it several hosts, createSystem() runs threads.',
};

const KNOWN = ['seed', 'startAt', ...OPTION_NAMES.filter((name) => !Object.hasOwn(OWN, name))];

/**
 * Starts a system for tests, at rest.
 * @throws {TroupeError} ERR_OPTIONS_INVALID when an option is unknown, out of bounds, or decided by the test system itself;
 * ERR_SCHEDULE_INVALID when `startAt` is no time; whatever else `createSystem` throws.
 */
export async function testSystem(given: TestSystemOptions): Promise<TestSystem> {
  assertOptions(given);
  const { seed = 1, startAt, ...options } = given;
  const env = createSimulatedEnv({ seed, ...(startAt !== undefined && { startAt }) });
  const logs: LogLine[] = [];
  const log: SystemOptions['log'] = (level, fields, text) => void logs.push({ level, fields, text });
  const system = await createSystem({ store: 'memory:', inlineHosts: 3, ...options, threads: 0, env, log });
  await env.settle();
  // Only now: the start reads modules, and real input and output would decide what there is to pick from.
  env.isShuffled = true;
  const stop = (): Promise<void> => stopSystem(system, env, seed);
  return {
    system,
    clock: createClock(env),
    env,
    seed,
    logs,
    unresolved: () => unresolvedOf(system, env),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function assertOptions(options: TestSystemOptions): void {
  const own = Object.entries(OWN).find(([name]) => Object.hasOwn(options ?? {}, name));
  if (own) {
    const [name, advice] = own;
    const value = (options as unknown as Record<string, unknown>)[name];
    throw invalid(name, `testSystem: option '${name}' is ${describeValue(value)}. ${advice}`);
  }
  checkOptions('testSystem', options, KNOWN, "{ actors: [new URL('./actors.ts', import.meta.url)] }");
  const { seed, startAt } = options;
  if (seed !== undefined) checkSeed("testSystem: option 'seed'", seed);
  if (startAt !== undefined) checkClockTime("testSystem: option 'startAt' is", startAt);
}

function createClock(env: SimulatedEnv): TestClock {
  return {
    now: () => env.now(),
    advance: (ms) => env.advance(ms),
    set: async (at) => {
      env.setClock(at);
      await env.settle();
    },
  };
}

function unresolvedOf({ pending }: System, { pendingTimers, waiting }: SimulatedEnv): Unresolved {
  return { timers: pendingTimers, callbacks: waiting, pending };
}

/** More than the time limits of `System.stop` together. */
const STOP_LIMIT_MS = 60_000;
const STOP_STEP_MS = 1000;

async function stopSystem(system: System, env: SimulatedEnv, seed: number): Promise<void> {
  let isOver = false;
  const note = (): void => void (isOver = true);
  const stopped = system.stop();
  stopped.then(note, note);
  await env.settle();
  for (let waitedMs = 0; !isOver && waitedMs < STOP_LIMIT_MS; waitedMs += STOP_STEP_MS) await env.advance(STOP_STEP_MS);
  if (!isOver) throw notStopped(system, env, seed);
  await stopped;
}

function notStopped(system: System, env: SimulatedEnv, seed: number): TroupeError {
  const { timers, callbacks, pending } = unresolvedOf(system, env);
  const { sends, asks, requests } = pending;
  return new TroupeError(
    'ERR_INTERNAL',
    `The test system with seed ${seed} did not stop within ${STOP_LIMIT_MS} ms of its time. Waiting: ${timers.length} timers, ${callbacks} callbacks, ${sends + asks + requests} answers. Look for an effect function that never settles.`,
    { details: { seed, timers, callbacks, pending } },
  );
}
