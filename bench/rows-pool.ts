/** The rows of the pool: what a whole snapshot costs the thread that has it, and what packed histories cost and save. */
import type { Row } from './rows.ts';

/** Sizes of the JSON text that are measured, in KB. The rows stand for those from `POOL_MIN_BYTES` on. */
export const SNAPSHOT_SIZES_KB = [1, 4, 8, 16, 32, 64, 128, 256, 1_024, 4_096] as const;

const ROW_SIZES_KB = [32, 256, 1_024, 4_096] as const;

const toName = (kb: number): string => (kb < 1_024 ? `${kb} KB` : `${kb / 1_024} MB`);

/** Their part of the table. */
export const POOL_ROWS: readonly Row[] = [
  ...ROW_SIZES_KB.map((kb): Row => ({
    name: `snapshot of ${toName(kb)}, caller blocked, pool to stringify`,
    ours: `snapshot-pool-${kb}`,
    limit: `snapshot-nobody-${kb}`,
    by: 'p50',
    is: '<=',
    target: 1.2,
    isVolatile: true,
  })),
  ...ROW_SIZES_KB.map((kb): Row => ({
    name: `snapshot of ${toName(kb)}, caller blocked, pool to inline`,
    ours: `snapshot-pool-${kb}`,
    limit: `snapshot-inline-${kb}`,
    by: 'p50',
    is: '<=',
    target: 0.8,
    isVolatile: true,
  })),
  {
    name: 'event loop delay with snapshots of 1 MB, pool to inline',
    ours: 'loop-delay-pool',
    limit: 'loop-delay-inline',
    by: 'p99',
    is: '<=',
    target: 0.5,
    isVolatile: true,
  },
  {
    name: 'bytes per event of a session, packed history to rows',
    ours: 'history-bytes-packed',
    limit: 'history-bytes-rows',
    by: 'bytes',
    is: '<=',
    target: 0.1,
  },
  ...(['actor', 'main'] as const).map((loop): Row => ({
    name: `event loop delay of ${loop === 'main' ? 'main' : "an actor's thread"} while histories are packed, pool to nothing packed`,
    ours: `packing-delay-${loop}-pool`,
    limit: `packing-delay-${loop}-nobody`,
    by: 'p99',
    is: '<=',
    target: 2,
    isVolatile: true,
  })),
  {
    name: 'event loop delay of main while histories are packed, pool to inline',
    ours: 'packing-delay-main-pool',
    limit: 'packing-delay-main-inline',
    by: 'p99',
    is: '<=',
    target: 0.8,
    isVolatile: true,
  },
];

/** What says where the pool begins to pay, and what Node.js could do without it. */
export const POOL_LIMITS: readonly string[] = [
  ...SNAPSHOT_SIZES_KB.flatMap((kb) => [`snapshot-nobody-${kb}`, `snapshot-inline-${kb}`, `snapshot-pool-${kb}`]),
  'snapshot-libuv-32',
  'snapshot-libuv-1024',
  'loop-delay-libuv',
  'loop-delay-nobody',
  'packing-delay-actor-inline',
];
