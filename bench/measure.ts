/** Runs something many times, some in flight, and says how fast it was. Every measurement warms up first. */

/** One measurement: what it found of how many per second, how long one took, and what it needs. */
export interface Figure {
  readonly samples: number;
  readonly perSecond?: number;
  readonly latencyMs?: Quantiles;
  readonly bytes?: number;
  /** Processor time of the whole process, in percent of one core. */
  readonly cpuPoints?: number;
  /** The part of it that the watch over agents says it took. */
  readonly watchPoints?: number;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export interface MeasureOptions {
  /** Runs to measure, beside a tenth of them to warm up. */
  readonly count: number;
  readonly inFlight: number;
}

/** Starts run `n` and calls `done` when it is over. */
export type Start = (n: number, done: () => void) => void;

/** Measures runs that are asynchronous. */
export async function measure({ count, inFlight }: MeasureOptions, start: Start): Promise<Figure> {
  await runAll(Math.ceil(count / 10), inFlight, start);
  const times = new Float64Array(count);
  const startMs = performance.now();
  await runAll(count, inFlight, (n, done) => {
    const begunMs = performance.now();
    start(n, () => {
      times[n] = performance.now() - begunMs;
      done();
    });
  });
  return toFigure(times, performance.now() - startMs);
}

/** Measures runs that are synchronous, each by itself, after a `prepare` that does not count: for what takes microseconds. */
export function measureEach(count: number, run: (n: number) => void, prepare: (n: number) => void = () => {}): Figure {
  const time = (n: number): number => {
    prepare(n);
    const startMs = performance.now();
    run(n);
    return performance.now() - startMs;
  };
  for (let n = 0; n < count / 10; n++) time(n);
  const times = Float64Array.from({ length: count }, (_, n) => time(n));
  return toFigure(
    times,
    times.reduce((sum, ms) => sum + ms, 0),
  );
}

/** Measures runs that are synchronous, all of them at once: their throughput, without a clock in between. */
export function measureTogether(count: number, run: (n: number) => void): Figure {
  for (let n = 0; n < count / 10; n++) run(n);
  const startMs = performance.now();
  for (let n = 0; n < count; n++) run(n);
  return toThroughput(count, performance.now() - startMs);
}

/** Measures what ends for all runs at once: `work` starts `count` of them and resolves when the last one is over. */
export async function measureBulk(count: number, work: (count: number) => Promise<void>): Promise<Figure> {
  await work(Math.ceil(count / 10));
  const startMs = performance.now();
  await work(count);
  return toThroughput(count, performance.now() - startMs);
}

/** Measures the same `count` things several times over, after once to warm up: the latency is that of all of them, the throughput that of the median. */
export async function measureRounds(
  { count, rounds }: { readonly count: number; readonly rounds: number },
  work: (round: number) => Promise<void>,
): Promise<Figure> {
  const times = new Float64Array(rounds);
  if (rounds > 1) await work(rounds);
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    await work(round);
    times[round] = performance.now() - startMs;
  }
  const { latencyMs } = toFigure(times, 1);
  return { ...toThroughput(count, latencyMs?.p50 ?? 0), ...(latencyMs && { latencyMs }) };
}

/** Summarizes runs whose times are not known one by one. */
export function toThroughput(samples: number, elapsedMs: number): Figure {
  return { samples, perSecond: Math.round((samples / elapsedMs) * 1_000) };
}

/** Summarizes times of single runs. */
export function toFigure(times: Float64Array, elapsedMs: number): Figure {
  const sorted = times.toSorted();
  const at = (quantile: number): number => sorted[Math.floor((sorted.length - 1) * quantile)] ?? 0;
  return { ...toThroughput(times.length, elapsedMs), latencyMs: { p50: at(0.5), p99: at(0.99) } };
}

/** Starts `count` runs, `inFlight` at a time. */
export function runAll(count: number, inFlight: number, start: Start): Promise<void> {
  return new Promise((resolve) => {
    if (count <= 0) return resolve();
    let started = 0;
    let finished = 0;
    const done = (): void => {
      if (++finished === count) resolve();
      else if (started < count) next();
    };
    const next = (): void => start(started++, done);
    for (let i = 0; i < Math.min(inFlight, count); i++) next();
  });
}
