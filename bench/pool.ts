/**
 * A whole snapshot on its way to the disk: what blocks the thread that has it. Inline it is written as text and compressed there;
 * with the pool it is written as text and handed over. The limit of both is writing the text.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { zstdCompress } from 'node:zlib';
import { InlinePool } from '../src/pool/inline-pool.ts';
import { PiscinaPool } from '../src/pool/piscina-pool.ts';
import type { Pool } from '../src/pool/pool.ts';
import { toMessage } from './machines.ts';
import { toFigure } from './measure.ts';
import type { Figure } from './measure.ts';
import { sleep } from './support.ts';

/** Who compresses: nobody, which is the limit; the calling thread; the pool; or the threads of libuv, which Node.js has anyway. */
export type By = 'nobody' | 'inline' | 'pool' | 'libuv';

export interface SnapshotBenchOptions {
  readonly by: By;
  /** Length of the JSON text. */
  readonly bytes: number;
  readonly count: number;
}

/**
 * Time the calling thread works on one snapshot, from the state to the end of its promise: what its event loop was not idle for.
 * One at a time.
 */
export async function benchBlocked({ by, bytes, count }: SnapshotBenchOptions): Promise<Figure> {
  const state = toState(bytes);
  return withCompressor(by, async (compress) => {
    const times = new Float64Array(count);
    for (let n = -Math.ceil(count / 10); n < count; n++) {
      await sleep(0);
      const before = performance.eventLoopUtilization();
      await compress(JSON.stringify(state));
      if (n >= 0) times[n] = performance.eventLoopUtilization(before).active;
    }
    return toFigure(
      times,
      times.reduce((sum, ms) => sum + ms, 0),
    );
  });
}

/** How late the event loop is while a snapshot is compressed every `everyMs`, in milliseconds over the resolution. */
export async function benchLoopDelay(options: SnapshotBenchOptions & { readonly everyMs: number }): Promise<Figure> {
  const { by, bytes, count, everyMs } = options;
  const state = toState(bytes);
  return withCompressor(by, async (compress) => {
    await compress(JSON.stringify(state));
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    for (let n = 0; n < count; n++) {
      await Promise.all([compress(JSON.stringify(state)), sleep(everyMs)]);
    }
    delay.disable();
    return { samples: count, latencyMs: { p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6 } };
  });
}

type Compress = (text: string) => Promise<unknown>;

async function withCompressor<T>(by: By, work: (compress: Compress) => Promise<T>): Promise<T> {
  if (by === 'nobody') return work(async () => {});
  if (by === 'libuv') return work(compressByLibuv);
  await using pool: Pool = by === 'pool' ? new PiscinaPool() : new InlinePool();
  return await work((text) => pool.compress(text));
}

function compressByLibuv(text: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    zstdCompress(text, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

/** A conversation whose JSON text is about so long. */
function toState(bytes: number): { readonly messages: readonly unknown[] } {
  const each = JSON.stringify(toMessage(1_000)).length + 1;
  return { messages: Array.from({ length: Math.max(1, Math.round(bytes / each)) }, (_, id) => toMessage(id)) };
}
