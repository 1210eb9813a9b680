/** What the checker sees of durable time, shown with histories that are broken on purpose. */
import { expect, test } from 'vitest';
import type { CallOutcome, HistoryLine, Invocation, LifeMark } from '../../support/chaos-history.ts';
import type { LoggedEntry, TickPolicy } from '../../support/chaos-verdict.ts';
import { judge } from '../../support/checker.ts';

const CLOCK = 'clock/c0';
const TICKER = 'ticker/t0';

/** Something is scheduled under the one key of these tests, at time `at`. */
function set(n: number, dueAt: number, more: Partial<Invocation> = {}): Invocation {
  return {
    t: 'call',
    id: `b.${n}`,
    op: 'schedule',
    to: CLOCK,
    route: [],
    from: 'b',
    n,
    isKeyed: false,
    at: 0,
    timer: { key: 'k', dueAt },
    ...more,
  };
}

function clear(n: number): Invocation {
  return set(n, 0, { op: 'unschedule', timer: { key: 'k' } });
}

function end(n: number, at = 0): CallOutcome {
  return { t: 'end', id: `b.${n}`, from: 'b', n, is: 'ok', at };
}

function life(phase: LifeMark['phase'], at: number): LifeMark {
  return { t: 'life', phase, id: 'b', at };
}

/** The events of calls, as they came. */
function rings(...came: readonly (readonly [n: number, at: number])[]): LoggedEntry[] {
  return came.map(([n, at], i) => ({
    row: i + 1,
    id: `b.${n}^`,
    from: `b.${n}^`,
    n: 1,
    place: i + 1,
    ring: { key: 'k', at },
  }));
}

function kindsOf(lines: readonly HistoryLine[], logs: Readonly<Record<string, LoggedEntry[]>>): readonly string[] {
  return judge({ lines, logs: new Map(Object.entries(logs)), leftovers: {} }).violations.map(({ kind }) => kind);
}

test('G11: something scheduled that came once, at its time or later, is good', () => {
  const lines = [set(1, 100), end(1)];
  const verdict = judge({ lines, logs: new Map([[CLOCK, rings([1, 100])]]), leftovers: {} });
  expect(verdict).toMatchObject({ violations: [], lost: 0, time: { orders: 1, rings: 1, cancelled: 0 } });
});

test.each([
  ['came before its time', [set(1, 100), end(1)], rings([1, 99]), ['timer-early']],
  [
    'came before its time, counted from the call',
    [set(1, 0, { at: 50, timer: { key: 'k', afterMs: 50 } }), end(1)],
    rings([1, 99]),
    ['timer-early'],
  ],
  ['never came', [set(1, 100), end(1)], [], ['timer-lost']],
  ['came twice', [set(1, 100), end(1)], rings([1, 100], [1, 101]), ['twice']],
  ['was never scheduled', [], rings([1, 100]), ['invented']],
  ['came after it was taken back', [set(1, 100), end(1), clear(2), end(2, 50)], rings([1, 100]), ['timer-undead']],
  [
    'came after it was moved',
    [set(1, 100), end(1), set(2, 200), end(2, 50)],
    rings([1, 100], [2, 200]),
    ['timer-undead'],
  ],
  ['was moved and never came', [set(1, 100), end(1), set(2, 200), end(2, 50)], [], ['timer-lost']],
  ['may have been moved, and neither came', [set(1, 100), end(1), set(2, 200)], [], ['timer-lost']],
])('G11: something scheduled that %s is found', (_what, lines, log, kinds) => {
  expect(kindsOf(lines, { [CLOCK]: log })).toEqual(kinds);
});

test.each([
  ['was taken back', [set(1, 100), end(1), clear(2), end(2, 50)], []],
  ['came while it was taken back', [set(1, 100), end(1), clear(2), end(2, 150)], rings([1, 120])],
  ['may have been taken back', [set(1, 100), end(1), clear(2)], []],
  ['may have been moved, and came there', [set(1, 100), end(1), set(2, 200)], rings([2, 200])],
  ['may have been moved, and came where it was', [set(1, 100), end(1), set(2, 200)], rings([1, 100])],
  ['may not have been scheduled', [set(1, 100)], []],
  ['was moved after it had come', [set(1, 100), end(1), set(2, 200), end(2, 150)], rings([1, 100], [2, 200])],
])('something scheduled that %s is good', (_what, lines, log) => {
  expect(kindsOf(lines, { [CLOCK]: log })).toEqual([]);
});

test('a move that the log proves counts, though its caller was killed', () => {
  const plan = set(2, 0, { op: 'plan', timer: { key: 'k', afterMs: 100 } });
  const lines = [life('begin', 0), set(1, 100), end(1), plan, life('over', 40), life('begin', 50)];
  const planned: LoggedEntry = { row: 1, id: 'b.2', from: 'b', n: 2, place: 1, plan: { key: 'k', dueAt: 130 } };
  const ring = (n: number, at: number): LoggedEntry => ({ ...(rings([n, at])[0] as LoggedEntry), row: 2, place: 2 });
  expect(kindsOf(lines, { [CLOCK]: [planned, ring(2, 130)] })).toEqual([]);
  expect(kindsOf(lines, { [CLOCK]: [planned, ring(2, 129)] })).toEqual(['timer-early']);
  expect(kindsOf(lines, { [CLOCK]: [planned, ring(1, 100)] })).toEqual(['timer-undead', 'timer-lost']);
});

/** Ticks of one policy, each with when it was set and when it fired, 10 ms later if all is well. */
function ticks(policy: TickPolicy, ...fired: readonly (readonly [armedAt: number, at: number])[]): LoggedEntry[] {
  const from = `${TICKER}~${policy}`;
  return fired.map(([armedAt, at], i) => ({
    row: i + 1,
    id: `${from}~${i + 1}`,
    from,
    n: i + 1,
    place: i + 1,
    tick: { policy, armedAt, delayMs: 10, at },
  }));
}

const DOWN = [life('begin', 0), life('over', 25), life('begin', 45)];

test.each<[TickPolicy, number]>([
  ['deadline', 30],
  ['remaining', 50],
  ['restart', 55],
])("G11: after a downtime a timer of the policy '%s' fires at %i ms, and before that it is early", (policy, dueAt) => {
  expect(kindsOf(DOWN, { [TICKER]: ticks(policy, [0, 10], [20, dueAt]) })).toEqual([]);
  expect(kindsOf(DOWN, { [TICKER]: ticks(policy, [0, 10], [20, dueAt - 1]) })).toEqual(['timer-early']);
});

test('G11: a process that died before it began to work adds to the downtime', () => {
  const lines = [life('begin', 0), life('over', 25), life('over', 35), life('begin', 45)];
  expect(kindsOf(lines, { [TICKER]: ticks('remaining', [20, 49]) })).toEqual(['timer-early']);
});

test('G11: a tick that was skipped, and one of a timer that had not been set anew, are found', () => {
  const [first, second] = ticks('deadline', [0, 10], [10, 20]) as [LoggedEntry, LoggedEntry];
  expect(kindsOf([], { [TICKER]: [first, { ...second, n: 3 }] })).toEqual(['tick-gap']);
  expect(kindsOf([], { [TICKER]: ticks('deadline', [0, 10], [5, 20]) })).toEqual(['tick-gap']);
});

test('ticks whose timer an earlier process had set are counted', () => {
  const logs = new Map([[TICKER, ticks('deadline', [0, 10], [20, 50], [50, 60])]]);
  expect(judge({ lines: DOWN, logs, leftovers: {} }).time).toMatchObject({ ticks: 3, ticksAfterKill: 1 });
});
