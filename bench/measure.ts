/** Runs something many times, some in flight, and says how fast it was. */

/** One measurement: how many per second, and how long one took. */
export interface Figure {
  readonly perSecond: number;
  readonly ackMs: { readonly p50: number; readonly p99: number };
  readonly samples: number;
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

/** Summarizes times of single runs. */
export function toFigure(times: Float64Array, elapsedMs: number): Figure {
  const sorted = times.toSorted();
  const at = (quantile: number): number => sorted[Math.floor((sorted.length - 1) * quantile)] ?? 0;
  const perSecond = Math.round((times.length / elapsedMs) * 1_000);
  return { perSecond, ackMs: { p50: at(0.5), p99: at(0.99) }, samples: times.length };
}

/** Starts `count` runs, `inFlight` at a time. */
export function runAll(count: number, inFlight: number, start: Start): Promise<void> {
  return new Promise((resolve) => {
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
