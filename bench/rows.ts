/** What is measured, beside which limit, with which target (targets are ratios: machines are shared and noisy). */
import { benchDurableSend } from './send.ts';
import { benchBareWriter, benchStoreWriter, benchUnbatched } from './store.ts';
import type { Figure } from './measure.ts';

/** A single measurement, in a process of its own. */
export const MEASUREMENTS: Readonly<Record<string, () => Promise<Figure>>> = {
  'unbatched-full': () => benchUnbatched({ commits: 3_000 }),
  'bare-writer-1': () => benchBareWriter({ inFlight: 1, commits: 4_000 }),
  'bare-writer-64': () => benchBareWriter({ inFlight: 64, commits: 40_000 }),
  'store-writer-1': () => benchStoreWriter({ inFlight: 1, commits: 4_000 }),
  'store-writer-64': () => benchStoreWriter({ inFlight: 64, commits: 40_000 }),
  'durable-send-1': () => benchDurableSend({ inFlight: 1, sends: 3_000, actors: 64 }),
  'durable-send-64': () => benchDurableSend({ inFlight: 64, sends: 40_000, actors: 1_000 }),
};

/** A row of the table: one measurement over another. */
export interface Row {
  readonly name: string;
  readonly ours: string;
  readonly baseline: string;
  /** What is compared: throughput (more is better) or the median latency (less is better). */
  readonly by: 'perSecond' | 'p50';
  /** The ratio to reach. */
  readonly target: number;
}

export const ROWS: readonly Row[] = [
  { name: 'durable send alone', ours: 'durable-send-1', baseline: 'bare-writer-1', by: 'p50', target: 1.5 },
  {
    name: 'durable send, 64 in flight, to the bare writer',
    ours: 'durable-send-64',
    baseline: 'bare-writer-64',
    by: 'perSecond',
    target: 0.7,
  },
  {
    name: 'durable send, 64 in flight, to unbatched',
    ours: 'durable-send-64',
    baseline: 'unbatched-full',
    by: 'perSecond',
    target: 6,
  },
  { name: 'store writer alone', ours: 'store-writer-1', baseline: 'bare-writer-1', by: 'p50', target: 1.2 },
  {
    name: 'store writer, 64 in flight',
    ours: 'store-writer-64',
    baseline: 'bare-writer-64',
    by: 'perSecond',
    target: 0.85,
  },
];
