/** How long events take from being published to being handled. */
import type { Env } from '../env.ts';
import { HISTOGRAM_BYTES, Histogram } from '../observe/histogram.ts';
import type { BusEventRow } from '../store/store.ts';
import type { BusLatency } from './bus-stats.ts';

/** Is told of every event that code handled, and was published while it was subscribed. */
export interface BusMeter {
  /** Called when a handler is done with an event, once per subscription. */
  handled(row: BusEventRow): void;
  readonly summary: BusLatency;
}

/** Makes a meter that counts and does not look at the time: what it says of the last minutes is what there was since the beginning. */
export function createMeter(
  env: Env,
  histogram: Histogram = new Histogram(new SharedArrayBuffer(HISTOGRAM_BYTES)),
): BusMeter {
  return {
    handled: ({ at }) => histogram.count(env.now() - at),
    get summary() {
      const { summary } = histogram;
      return { ...summary, lastMinute: summary, lastFiveMinutes: summary };
    },
  };
}
