/**
 * What is measured, beside which limit, with which target (the targets of the project; ratios where machines would differ).
 * A limit is a baseline, or an earlier point of our own curve. Volatile rows stand in a table of their own.
 */

import { BUS_LIMITS, BUS_ROWS } from './rows-bus.ts';
import { HISTORY_ROWS } from './rows-history.ts';
import { POOL_LIMITS, POOL_ROWS } from './rows-pool.ts';
import { SESSION_ROWS } from './rows-sessions.ts';
import { SUPERVISION_ROWS } from './rows-supervision.ts';

/** A figure that rows compare: throughput, a latency in milliseconds, bytes, or percent of one core. */
export type Metric = 'perSecond' | 'p50' | 'p99' | 'bytes' | 'cpuPoints';

/** A row of the table: one measurement beside another. */
export interface Row {
  readonly name: string;
  /** Name of the measurement. */
  readonly ours: string;
  /** Name of the measurement beside it. */
  readonly limit: string;
  readonly by: Metric;
  readonly is: '>=' | '<=';
  /** What ours divided by the limit has to reach. */
  readonly target: number;
  /** True when the target is one of ours alone, in the unit of the metric; the ratio is shown, and decides nothing. */
  readonly isAbsolute?: true;
  /** True when the target is what ours may be above the limit, in the unit of the metric. */
  readonly isDifference?: true;
  /** True for what is not saved. */
  readonly isVolatile?: true;
}

/** What "flat" has to mean on machines with this much noise: within a fifth. */
const FLAT = 0.8;

/** The table. */
export const ROWS: readonly Row[] = [
  { name: 'durable send alone', ours: 'durable-send-1', limit: 'bare-writer-1', by: 'p50', is: '<=', target: 1.5 },
  {
    name: 'durable send, 64 in flight, to the bare writer',
    ours: 'durable-send-64',
    limit: 'bare-writer-64',
    by: 'perSecond',
    is: '>=',
    target: 0.7,
  },
  {
    name: 'durable send, 64 in flight, to unbatched',
    ours: 'durable-send-64',
    limit: 'unbatched-full',
    by: 'perSecond',
    is: '>=',
    target: 6,
  },
  {
    name: 'durable pipeline, A tells B',
    ours: 'durable-pipeline-64',
    limit: 'durable-send-64',
    by: 'perSecond',
    is: '>=',
    target: 0.5,
  },
  { name: 'store writer alone', ours: 'store-writer-1', limit: 'bare-writer-1', by: 'p50', is: '<=', target: 1.2 },
  {
    name: 'store writer, 64 in flight',
    ours: 'store-writer-64',
    limit: 'bare-writer-64',
    by: 'perSecond',
    is: '>=',
    target: 0.85,
  },
  {
    name: 'spawn, the 10,000th child to the 100th',
    ours: 'spawn-10000',
    limit: 'spawn-100',
    by: 'p50',
    is: '<=',
    target: 1.5,
  },
  {
    name: 'create by send, the 10,000th to the 1,000th',
    ours: 'create-10000',
    limit: 'create-1000',
    by: 'p50',
    is: '<=',
    target: 1.5,
  },
  {
    name: 'create by send, 64 in flight, to bare create + start',
    ours: 'create-64',
    limit: 'bare-create',
    by: 'perSecond',
    is: '>=',
    target: 0.5,
  },
  {
    name: 'idle actor, live',
    ours: 'heap',
    limit: 'bare-heap',
    by: 'bytes',
    is: '<=',
    target: 4_600,
    isAbsolute: true,
  },
  {
    name: 'recover 10,000',
    ours: 'recover-10000',
    limit: 'bare-recover-10000',
    by: 'perSecond',
    is: '>=',
    target: 0.5,
  },
  {
    name: 'delta save, one more message to 100 as to 10',
    ours: 'delta-send-100',
    limit: 'delta-send-10',
    by: 'p50',
    is: '<=',
    target: 2,
  },
  {
    name: 'delta save, one more message to 1,000 as to 10',
    ours: 'delta-send-1000',
    limit: 'delta-send-10',
    by: 'p50',
    is: '<=',
    target: 2,
  },
  {
    name: 'delta save, one more message to 10,000 as to 10',
    ours: 'delta-send-10000',
    limit: 'delta-send-10',
    by: 'p50',
    is: '<=',
    target: 2,
  },
  {
    name: 'delta save, thread blocked at 1,000',
    ours: 'delta-save-1000',
    limit: 'whole-save-1000',
    by: 'p50',
    is: '<=',
    target: 0.02,
  },
  {
    name: 'delta save, thread blocked at 10,000 as at 10',
    ours: 'delta-save-10000',
    limit: 'delta-save-10',
    by: 'p50',
    is: '<=',
    target: 2,
  },
  {
    name: 'append, one more row to 10,000 as to 10',
    ours: 'append-send-10000',
    limit: 'append-send-10',
    by: 'p50',
    is: '<=',
    target: 2,
  },
  {
    name: 'cost per event, 1,000 actors stored as 10',
    ours: 'stored-1000',
    limit: 'stored-10',
    by: 'perSecond',
    is: '>=',
    target: FLAT,
  },
  {
    name: 'cost per event, 100,000 actors stored as 10',
    ours: 'stored-100000',
    limit: 'stored-10',
    by: 'perSecond',
    is: '>=',
    target: FLAT,
  },
  {
    name: 'cost per event, 10,000 actors live as 10',
    ours: 'live-10000',
    limit: 'live-10',
    by: 'perSecond',
    is: '>=',
    target: FLAT,
  },
  {
    name: 'publish to handled, by an actor',
    ours: 'publish-actor',
    limit: 'bare-writer-1',
    by: 'p99',
    is: '<=',
    target: 1,
    isAbsolute: true,
  },
  {
    name: 'publish to handled, by the host program',
    ours: 'publish-host',
    limit: 'bare-writer-1',
    by: 'p99',
    is: '<=',
    target: 1,
    isAbsolute: true,
  },
  {
    name: 'publications, 64 in flight, to durable send',
    ours: 'publish-64',
    limit: 'durable-send-64',
    by: 'perSecond',
    is: '>=',
    target: 0.5,
  },
  {
    name: 'timers of machines, lateness under load',
    ours: 'late-after',
    limit: 'bare-writer-1',
    by: 'p99',
    is: '<=',
    target: 50,
    isAbsolute: true,
  },
  {
    name: 'scheduled events, lateness under load',
    ours: 'late-schedule',
    limit: 'bare-writer-1',
    by: 'p99',
    is: '<=',
    target: 50,
    isAbsolute: true,
  },
  {
    name: 'wake from hibernation',
    ours: 'wake',
    limit: 'durable-send-1',
    by: 'p99',
    is: '<=',
    target: 2,
    isAbsolute: true,
  },
  {
    name: 'idle actor, hibernated',
    ours: 'sleeping-heap',
    limit: 'bare-heap',
    by: 'bytes',
    is: '<=',
    target: 50,
    isAbsolute: true,
  },
  ...SUPERVISION_ROWS,
  {
    name: 'thread tell, 10,000 actors, to bare sends',
    ours: 'tell-thread',
    limit: 'bare-send-10000',
    by: 'perSecond',
    is: '>=',
    target: 0.9,
    isVolatile: true,
  },
  {
    name: 'thread tell, plain handlers, to structured clones in 64s',
    ours: 'tell-thread-plain',
    limit: 'port-clone-64',
    by: 'perSecond',
    is: '>=',
    target: 0.8,
    isVolatile: true,
  },
  {
    name: 'inline tell, 10,000 actors, to bare sends',
    ours: 'tell-inline',
    limit: 'bare-send-10000',
    by: 'perSecond',
    is: '>=',
    target: 0.85,
    isVolatile: true,
  },
  {
    name: 'ask alone',
    ours: 'ask-thread-1',
    limit: 'port-round-trip',
    by: 'p50',
    is: '<=',
    target: 1.3,
    isVolatile: true,
  },
  {
    name: 'ask alone, p99',
    ours: 'ask-thread-1',
    limit: 'port-round-trip',
    by: 'p99',
    is: '<=',
    target: 2,
    isVolatile: true,
  },
  {
    name: 'ask, 64 in flight',
    ours: 'ask-thread-64',
    limit: 'port-ask-64',
    by: 'perSecond',
    is: '>=',
    target: 0.8,
    isVolatile: true,
  },
  {
    name: 'inline ask alone',
    ours: 'ask-inline-1',
    limit: 'bare-ask',
    by: 'p50',
    is: '<=',
    target: 2,
    isVolatile: true,
  },
  ...HISTORY_ROWS,
  ...POOL_ROWS,
  ...SESSION_ROWS,
  ...BUS_ROWS,
];

/** Limits that have no row; a run of all rows measures them too. */
export const LIMITS: readonly string[] = [
  'bare-send-1-actor',
  'bare-send-10000',
  'bare-restore',
  'port-round-trip',
  'port-ask-64',
  'port-clone-64',
  'port-json-64',
  ...POOL_LIMITS,
  ...BUS_LIMITS,
];
