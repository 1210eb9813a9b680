/** The rows of noticing failures, of recovering from them, and of what the watch for them costs. */
import type { Row } from './rows.ts';

/** Their part of the table. */
export const SUPERVISION_ROWS: readonly Row[] = [
  { name: 'detect exit', ours: 'detect-exit', limit: 'bare-exit', by: 'p99', is: '<=', target: 50, isAbsolute: true },
  // A limit of 1,000 ms, and two beats.
  {
    name: 'detect hang',
    ours: 'detect-hang',
    limit: 'bare-terminate',
    by: 'p99',
    is: '<=',
    target: 1_500,
    isAbsolute: true,
  },
  {
    name: 'detect external agent',
    ours: 'detect-external',
    limit: 'bare-timer',
    by: 'p99',
    is: '<=',
    target: 5_000,
    isAbsolute: true,
  },
  { name: 'restart', ours: 'restart', limit: 'durable-send-1', by: 'p99', is: '<=', target: 5, isAbsolute: true },
  {
    name: 'thread replacement, 1,000 actors',
    ours: 'replace-thread',
    limit: 'bare-replace',
    by: 'p99',
    is: '<=',
    target: 250,
    isAbsolute: true,
  },
  {
    name: 'heartbeat CPU, 10,000 actors',
    ours: 'idle-beats',
    limit: 'idle-beats-rare',
    by: 'cpuPoints',
    is: '<=',
    target: 0.2,
    isDifference: true,
  },
  {
    name: 'monitor CPU, 100 agents',
    ours: 'watched-100',
    limit: 'unwatched-100',
    by: 'cpuPoints',
    is: '<=',
    target: 1,
    isDifference: true,
  },
  {
    name: 'monitor CPU, 10,000 agents',
    ours: 'watched-10000',
    limit: 'unwatched-10000',
    by: 'cpuPoints',
    is: '<=',
    target: 1,
    isDifference: true,
  },
];
