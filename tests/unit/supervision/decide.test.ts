/** G7: what a failure leads to, as a table. */
import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/supervision/decide.ts';
import type { Failure, History } from '../../../src/supervision/decide.ts';

const SPEC = {
  restart: 'transient',
  maxRestarts: 5,
  withinMs: 1000,
  backoff: { minMs: 50, maxMs: 1000, factor: 2, jitter: 0 },
  onFailure: 'restart',
  onGiveUp: 'quarantine',
} as const;

/** A failure as the table writes it: with an event, or with none to blame. */
const failureOf = (failure: Omit<Failure, 'kind'>): Failure => ({
  kind: failure.eventId === undefined ? 'internal' : 'event',
  ...failure,
});
const NOW = 10_000;

describe('decide', () => {
  test.each([
    {
      name: 'the first failure of an event: once more',
      failure: { eventId: 'e', attempts: 1 },
      before: [],
      action: 'retry',
      after: [NOW],
    },
    {
      name: 'the second: once more, and it counts once',
      failure: { eventId: 'e', attempts: 2 },
      before: [9999],
      action: 'retry',
      after: [9999],
    },
    {
      name: 'the third: a dead letter',
      failure: { eventId: 'e', attempts: 3 },
      before: [9999],
      action: 'dead-letter',
      after: [9999],
    },
    {
      name: 'more than three, after a crash: a dead letter',
      failure: { eventId: 'e', attempts: 9 },
      before: [],
      action: 'dead-letter',
      after: [],
    },
    { name: 'no event to blame: restart', failure: { attempts: 1 }, before: [], action: 'restart', after: [NOW] },
    {
      name: 'internal failures all count',
      failure: { attempts: 1 },
      before: [9001, 9500],
      action: 'restart',
      after: [9001, 9500, NOW],
    },
    {
      name: 'the budget is still kept',
      failure: { attempts: 1 },
      before: [9600, 9700, 9800, 9900],
      action: 'restart',
      after: [9600, 9700, 9800, 9900, NOW],
    },
    {
      name: 'the budget is spent',
      failure: { attempts: 1 },
      before: [9500, 9600, 9700, 9800, 9900],
      action: 'quarantine',
      after: [9500, 9600, 9700, 9800, 9900, NOW],
    },
    {
      name: 'the budget is spent by different events',
      failure: { eventId: 'f', attempts: 1 },
      before: [9500, 9600, 9700, 9800, 9900],
      action: 'quarantine',
      after: [9500, 9600, 9700, 9800, 9900, NOW],
    },
    {
      name: 'the same event again does not spend it',
      failure: { eventId: 'f', attempts: 3 },
      before: [9500, 9600, 9700, 9800, 9900],
      action: 'dead-letter',
      after: [9500, 9600, 9700, 9800, 9900],
    },
    {
      name: 'what lies outside the window is forgotten',
      failure: { attempts: 1 },
      before: [1, 2, 3, 4, 9000],
      action: 'restart',
      after: [NOW],
    },
  ])('$name', ({ failure, before, action, after }) => {
    const decision = decide(SPEC, failureOf(failure), { restarts: before }, NOW, 0);
    expect({ action: decision.action, restarts: decision.history.restarts }).toEqual({ action, restarts: after });
  });

  test('one poison event reaches the dead letters under the least budget', () => {
    let history: History = { restarts: [] };
    const actions = [1, 2, 3].map((attempts) => {
      const failure = failureOf({ eventId: 'e', attempts });
      const decision = decide({ ...SPEC, maxRestarts: 4 }, failure, history, NOW + attempts, 0);
      history = decision.history;
      return decision.action;
    });
    expect(actions).toEqual(['retry', 'retry', 'dead-letter']);
    expect(history.restarts).toHaveLength(1);
  });
});
