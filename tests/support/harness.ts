/** The verbs of system tests: start, restart, end a thread, wait for a fact. It owns all waiting and leaves nothing behind. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystem, isTroupeError } from '../../src/index.ts';
import type { ErrorCode, System, SystemOptions, TroupeError } from '../../src/index.ts';
import { testSystem } from '../../src/testing.ts';
import type { SimulatedEnv, TestSystem, TestSystemOptions } from '../../src/testing.ts';

/** Definitions most tests use. */
export const BASIC = new URL('./actors-basic.ts', import.meta.url);

export interface LogLine {
  readonly level: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface TestOptions extends Partial<Omit<SystemOptions, 'log' | 'store' | 'env'>> {
  /** @default 'sqlite', in a folder of its own */
  readonly store?: 'sqlite' | 'memory' | `sqlite:${string}` | `file:${string}`;
}

/** A system in a folder of its own. It can be stopped and started again on the same file. */
export interface TestTroupe extends AsyncDisposable {
  readonly system: System;
  readonly folder: string;
  readonly file: string;
  readonly logs: readonly LogLine[];
  /** Stops and starts anew on the same file. */
  restart(changes?: TestOptions): Promise<System>;
  stop(): Promise<void>;
  start(changes?: TestOptions): Promise<System>;
  /** Ends the worker thread an address lives on, and resolves when another has taken its place. */
  endWorkerOf(address: string): Promise<void>;
  /** Ends the store thread, and resolves when another has taken its place. */
  endStore(): Promise<void>;
}

/** Starts a system with threads (2 by default) and SQLite. Use it with `await using`. */
export async function createTestSystem(options: TestOptions = {}): Promise<TestTroupe> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-test-'));
  const file = join(folder, 'troupe.db');
  const logs: LogLine[] = [];
  let system: System;
  const start = async (changes: TestOptions = {}): Promise<System> => {
    const { store = 'sqlite', ...rest } = { actors: [BASIC], threads: 2, recoverEveryMs: 200, ...options, ...changes };
    const url = store === 'sqlite' ? `sqlite:${file}` : store === 'memory' ? 'memory:' : store;
    system = await createSystem({
      ...rest,
      store: url,
      log: (level, fields, text) => void logs.push({ level, text, fields }),
    });
    return system;
  };
  const clean = (): void => rmSync(folder, { recursive: true, force: true });
  await start().catch((error: unknown) => {
    clean();
    throw error;
  });
  return {
    get system() {
      return system;
    },
    folder,
    file,
    logs,
    start,
    stop: () => system.stop(),
    restart: async (changes) => {
      await system.stop();
      return start(changes);
    },
    endWorkerOf: async (address) => {
      await system.threads.endWorker(system.threads.indexOf(address as never));
    },
    endStore: () => system.threads.endStore(),
    [Symbol.asyncDispose]: async () => {
      await system.stop();
      clean();
    },
  };
}

/** A deterministic system: inline, memory store, simulated time, deliveries in an order of the seed. */
export interface SimulatedTroupe extends AsyncDisposable {
  readonly system: System;
  readonly env: SimulatedEnv;
  readonly logs: readonly LogLine[];
  /** Drives the system until `promise` has settled. Where that never comes it says what is left. */
  run<T>(promise: Promise<T>): Promise<T>;
}

export async function createSimulatedSystem(options: Partial<TestSystemOptions> = {}): Promise<SimulatedTroupe> {
  const troupe = await testSystem({ actors: [BASIC], ...options });
  const { system, env, logs } = troupe;
  const run = <T>(promise: Promise<T>): Promise<T> => drive(troupe, promise);
  return { system, env, logs, run, [Symbol.asyncDispose]: () => run(troupe.stop()) };
}

const DEADLINE_MS = 15_000;
const PAUSE_MS = 5;

async function drive<T>({ env, seed, unresolved }: TestSystem, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const note = (): void => void (isSettled = true);
  promise.then(note, note);
  const deadline = performance.now() + DEADLINE_MS;
  while (!isSettled) {
    if (performance.now() > deadline)
      throw new Error(`With seed ${seed} nothing moves any more. Unresolved: ${JSON.stringify(unresolved())}`);
    await env.settle();
  }
  return promise;
}

/** Looks until what it sees is a fact, and returns it. On timeout it prints what it last saw. */
export async function eventually<T>(look: () => T | Promise<T>, isFact: (seen: T) => boolean = Boolean): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const seen = await look();
    if (isFact(seen)) return seen;
    if (performance.now() > deadline)
      throw new Error(`Not within ${DEADLINE_MS} ms: ${String(isFact)}. Last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** The TroupeError a promise rejects with. */
export async function failureOf(promise: Promise<unknown>, code?: ErrorCode): Promise<TroupeError> {
  const failure: unknown = await promise.then(
    (value) => new Error(`Resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (isTroupeError(failure, code)) return failure;
  throw new Error(`Expected a TroupeError${code === undefined ? '' : ` ${code}`}, got: ${String(failure)}`, {
    cause: failure,
  });
}

/** Lines of a journal that effect functions write; none when there is no file yet. */
export function readJournal<T>(file: string): readonly T[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as T);
  } catch {
    return [];
  }
}
