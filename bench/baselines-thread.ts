/** The limits of noticing and replacing threads: bare workers, and a bare timer. */
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { fillRows } from './baselines-state.ts';
import { toFigure } from './measure.ts';
import type { Figure } from './measure.ts';
import { inFolder, sleep } from './support.ts';

/** What the other end, `bench/bare-thread.ts`, is to do. */
export interface BareTask {
  readonly by: 'EXIT' | 'HANG' | 'RESTORE';
  /** Of `EXIT`: where it notes when, in nanoseconds of `process.hrtime`. */
  readonly atNs: BigInt64Array;
  /** Of `RESTORE`: the rows. */
  readonly file?: string;
}

/** From `process.exit` in a bare worker to the event that tells this thread. */
export async function benchBareExit(count: number): Promise<Figure> {
  const atNs = new BigInt64Array(new SharedArrayBuffer(8));
  return measureRounds(count, async () => {
    const worker = startBare({ by: 'EXIT', atNs });
    await once(worker, 'message');
    const exited = once(worker, 'exit');
    worker.postMessage('go');
    await exited;
    return Number(process.hrtime.bigint() - Atomics.load(atNs, 0)) / 1e6;
  });
}

/** From the call to the end of a bare worker that is in an endless loop. */
export async function benchBareTerminate(count: number): Promise<Figure> {
  return measureRounds(count, async () => {
    const worker = startBare({ by: 'HANG', atNs: new BigInt64Array(1) });
    await once(worker, 'message');
    worker.postMessage('go');
    await sleep(50);
    const startMs = performance.now();
    await worker.terminate();
    return performance.now() - startMs;
  });
}

/** Ends a bare worker, starts another, and has it load the same modules and restore the same rows. */
export function benchBareReplacement({
  actors,
  rounds,
}: {
  readonly actors: number;
  readonly rounds: number;
}): Promise<Figure> {
  return inFolder(async (folder) => {
    const file = join(folder, 'bare.db');
    fillRows(file, actors).close();
    const task = { by: 'RESTORE', atNs: new BigInt64Array(1), file } as const;
    let worker = startBare(task);
    await once(worker, 'message');
    const figure = await measureRounds(rounds, async () => {
      const startMs = performance.now();
      await worker.terminate();
      worker = startBare(task);
      await once(worker, 'message');
      return performance.now() - startMs;
    });
    await worker.terminate();
    return figure;
  });
}

/** Timers of `ms`, begun one after the other over `spreadMs`, by the clock. */
export async function benchBareTimer({
  ms,
  spreadMs,
  count,
}: {
  readonly ms: number;
  readonly spreadMs: number;
  readonly count: number;
}): Promise<Figure> {
  const startMs = performance.now();
  const timers: Promise<number>[] = [];
  for (let n = 0; n < count; n++) {
    await sleep(spreadMs / count);
    const begunMs = performance.now();
    timers.push(sleep(ms).then(() => performance.now() - begunMs));
  }
  return toFigure(Float64Array.from(await Promise.all(timers)), performance.now() - startMs);
}

async function measureRounds(count: number, time: () => Promise<number>): Promise<Figure> {
  const times = new Float64Array(count);
  await time();
  const startMs = performance.now();
  for (let n = 0; n < count; n++) times[n] = await time();
  return toFigure(times, performance.now() - startMs);
}

function startBare(task: BareTask): Worker {
  return new Worker(new URL('./bare-thread.ts', import.meta.url), { workerData: task });
}
