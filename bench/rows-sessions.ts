/** The rows of sessions: the floors that users were promised, beside one synced write. */
import type { Row } from './rows.ts';

const MESSAGES = [100, 1_000] as const;

/** Their part of the table. */
export const SESSION_ROWS: readonly Row[] = [
  ...MESSAGES.map((messages): Row => ({
    name: `restore a session with ${messages} messages`,
    ours: `session-restore-${messages}`,
    limit: 'bare-writer-1',
    by: 'p99',
    is: '<=',
    target: 100,
    isAbsolute: true,
  })),
  ...MESSAGES.map((messages): Row => ({
    name: `save a session with ${messages} messages`,
    ours: `session-save-${messages}`,
    limit: 'bare-writer-1',
    by: 'p99',
    is: '<=',
    target: 50,
    isAbsolute: true,
  })),
  {
    name: 'restore 100 sessions with 100 messages at once',
    ours: 'session-restore-at-once',
    limit: 'bare-writer-1',
    by: 'p99',
    is: '<=',
    target: 100,
    isAbsolute: true,
  },
  {
    name: 'save 100 sessions with 100 messages at once',
    ours: 'session-save-at-once',
    limit: 'bare-writer-1',
    by: 'p99',
    is: '<=',
    target: 50,
    isAbsolute: true,
  },
];
