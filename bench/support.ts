/** What measurements share: a folder or a system of their own, garbage collected on demand, and numbers shared with threads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { createSystem } from '../src/index.ts';
import type { System, SystemOptions } from '../src/index.ts';

/** Runs `work` in a folder that is removed afterwards. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Definitions of the measurements. */
export const ACTORS = new URL('./actors.ts', import.meta.url);

/** Definitions of the measurements of failures. */
export const FAILING_ACTORS = new URL('./failing-actors.ts', import.meta.url);

/** Definitions of the measurements of topics, hibernation, time, and actors that are not stored. */
export const FEATURE_ACTORS = new URL('./feature-actors.ts', import.meta.url);

/** Starts a system with one worker thread and a synced SQLite file in `folder`; the same folder holds the same actors. */
export function startSystem(folder: string, options: Partial<SystemOptions> = {}): Promise<System> {
  return createSystem({ actors: [ACTORS], store: `sqlite:${join(folder, 'bench.db')}`, threads: 1, ...options });
}

/** Runs `work` with such a system, and stops it. */
export async function withSystemIn<T>(
  folder: string,
  work: (system: System) => Promise<T>,
  options: Partial<SystemOptions> = {},
): Promise<T> {
  const system = await startSystem(folder, options);
  try {
    return await work(system);
  } finally {
    await system.stop();
  }
}

/** Runs `work` with such a system in a folder of its own. */
export function withSystem<T>(work: (system: System) => Promise<T>, options: Partial<SystemOptions> = {}): Promise<T> {
  return inFolder((folder) => withSystemIn(folder, work, options));
}

/** Resolves when no actor has anything left to do: every inbox row is consumed, no effect function is in flight. */
export async function drained(system: System): Promise<void> {
  while ((await system.store.call('recoverable', { limit: 1 })).length > 0) await sleep(1);
}

/** A pause, for what has no other sign. Nothing is measured during it. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Bytes of the heap of this thread that are in use after a full collection. */
export function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) collect();
  return process.memoryUsage().heapUsed;
}

/** How much memory the process takes more than at the beginning, as the operating system counts it: every thread, every buffer. */
export class MemoryWatch {
  readonly #beforeBytes: number;
  #mostBytes: number;
  #looks = 0;

  constructor() {
    heapBytes();
    this.#beforeBytes = process.memoryUsage.rss();
    this.#mostBytes = this.#beforeBytes;
  }

  /** Called for each event; looks at one in a thousand. */
  look(): void {
    if (++this.#looks % 1_000 === 0) this.#mostBytes = Math.max(this.#mostBytes, process.memoryUsage.rss());
  }

  /** The most it was. */
  get grownBytes(): number {
    return this.#mostBytes - this.#beforeBytes;
  }
}

const TALLY = 'troupe.bench.tally';

/** Numbers that the actors of threads started from now on share with the host program. */
export interface Tally {
  /** How many runs were noted, the number from which on the host program wants to be woken, and the last order to fail that was followed. */
  readonly counts: Int32Array;
  /** When the last one was noted, and when the last order to fail was followed, in nanoseconds of `process.hrtime`, which is one clock for all threads. */
  readonly atNs: BigInt64Array;
}

/** Makes the tally; call it before the system is started. */
export function openTally(): Tally {
  setEnvironmentData(TALLY, new SharedArrayBuffer(32));
  return toTally();
}

/** Called by actors: counts one run. */
export function note(): void {
  const { counts, atNs } = toTally();
  Atomics.store(atNs, 0, process.hrtime.bigint());
  if (Atomics.add(counts, 0, 1) + 1 >= Atomics.load(counts, 1)) Atomics.notify(counts, 0);
}

/** Called by actors: true for the first that follows order `n`, also when its thread does not outlive that. Orders count up from 1. */
export function strikeOnce(n: number): boolean {
  const { counts, atNs } = toTally();
  if (Atomics.exchange(counts, 2, n) >= n) return false;
  Atomics.store(atNs, 1, process.hrtime.bigint());
  return true;
}

/** Resolves when `count` runs were noted, without looking in between. */
export async function noted({ counts }: Tally, count: number): Promise<void> {
  Atomics.store(counts, 1, count);
  for (let known = Atomics.load(counts, 0); known < count; known = Atomics.load(counts, 0)) {
    await Atomics.waitAsync(counts, 0, known).value;
  }
}

let tally: Tally | undefined;

function toTally(): Tally {
  const shared = getEnvironmentData(TALLY) as unknown as SharedArrayBuffer;
  tally ??= { counts: new Int32Array(shared, 0, 3), atNs: new BigInt64Array(shared, 16, 2) };
  return tally;
}
