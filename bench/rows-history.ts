/** The rows of histories, and of what conversations take on disk. */
import type { Row } from './rows.ts';

/** Their part of the table. */
export const HISTORY_ROWS: readonly Row[] = [
  {
    name: 'durable send, 64 in flight, with a history to without',
    ours: 'recorded-send-64',
    limit: 'durable-send-64',
    by: 'perSecond',
    is: '>=',
    target: 0.5,
  },
  {
    name: 'durable send alone, with a history to without',
    ours: 'recorded-send-1',
    limit: 'durable-send-1',
    by: 'p50',
    is: '<=',
    target: 1.3,
  },
  ...[100, 1_000, 10_000].map((messages): Row => ({
    name: `session message with a history, one more to ${messages.toLocaleString('en')} as to 10`,
    ours: `recorded-message-${messages}`,
    limit: 'recorded-message-10',
    by: 'p50',
    is: '<=',
    target: 2,
  })),
  {
    name: 'bytes per message in a log of 10,000, to whole states',
    ours: 'message-bytes-10000',
    limit: 'whole-bytes-10000',
    by: 'bytes',
    is: '<=',
    target: 0.01,
  },
  {
    name: 'bytes per message in a log of 10,000, 1,000 events kept, to whole states',
    ours: 'recorded-bytes-10000',
    limit: 'whole-bytes-10000',
    by: 'bytes',
    is: '<=',
    target: 0.01,
  },
  {
    name: 'state at one of 1,000 events, to a durable send',
    ours: 'at',
    limit: 'durable-send-1',
    by: 'p50',
    is: '<=',
    target: 5,
  },
  {
    name: 'fork at one of 1,000 events, to a durable send',
    ours: 'fork',
    limit: 'durable-send-1',
    by: 'p50',
    is: '<=',
    target: 20,
  },
  {
    name: 'idle actor, hibernated, 100,000 of them',
    ours: 'sleeping-heap-100000',
    limit: 'bare-heap',
    by: 'bytes',
    is: '<=',
    target: 50,
    isAbsolute: true,
  },
];
