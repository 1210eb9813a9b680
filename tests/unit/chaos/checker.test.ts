import { expect, test } from 'vitest';
import type { CallOutcome, ChaosOp, EffectMark, HistoryLine, Invocation } from '../../support/chaos-history.ts';
import { unknownCalls } from '../../support/chaos-history.ts';
import { judge } from '../../support/checker.ts';
import type { LoggedEntry } from '../../support/chaos-verdict.ts';

const LEDGER = 'ledger/l0';
const RELAY = 'relay/r0';
const JOB = 'job/j0';

function call(n: number, more: Partial<Invocation> = {}): Invocation {
  return { t: 'call', id: `b.${n}`, op: 'note', to: LEDGER, route: [], from: 'b', n, isKeyed: false, at: 0, ...more };
}

function end(n: number, more: Partial<CallOutcome> = {}): CallOutcome {
  return { t: 'end', id: `b.${n}`, from: 'b', n, is: 'ok', at: 0, ...more };
}

function begin(attempt: number, key = 'k'): EffectMark {
  return { t: 'effect', phase: 'begin', job: JOB, id: 'b.1', key, attempt };
}

/** Log entries numbered from 1, each counted at its place. */
function log(...entries: readonly (Partial<LoggedEntry> & { readonly n: number })[]): LoggedEntry[] {
  return entries.map((entry, i) => ({ row: i + 1, id: `b.${entry.n}`, from: 'b', place: i + 1, ...entry }));
}

function verdictOn(lines: readonly HistoryLine[], logs: Readonly<Record<string, LoggedEntry[]>>, leftovers = {}) {
  const verdict = judge({ lines, logs: new Map(Object.entries(logs)), leftovers });
  return { ...verdict, kinds: verdict.violations.map(({ kind }) => kind) };
}

test('a history where everything acknowledged was processed once and in order is good', () => {
  const lines = [call(1), call(2), end(1), call(3), end(2), end(3)];
  const verdict = verdictOn(lines, { [LEDGER]: log({ n: 1 }, { n: 2 }, { n: 3 }) });
  expect(verdict).toMatchObject({
    acknowledged: 3,
    processed: 3,
    unknown: 0,
    lost: 0,
    twice: 0,
    disordered: 0,
    violations: [],
  });
});

test('an unknown call may be there or not', () => {
  const verdict = verdictOn([call(1), call(2), call(3), end(3)], { [LEDGER]: log({ n: 2 }, { n: 3 }) });
  expect(verdict).toMatchObject({ acknowledged: 1, unknown: 2, unknownButProcessed: 1, violations: [] });
});

test('a rejected call is nowhere, and leaves no gap that counts', () => {
  const lines = [call(1), call(2, { op: 'bad' }), call(3), end(1), end(2, { is: 'fail' }), end(3)];
  expect(verdictOn(lines, { [LEDGER]: log({ n: 1 }, { n: 3 }) })).toMatchObject({ rejected: 1, violations: [] });
});

test('one to an actor that may have ended may be rejected; acknowledged, it counts like any other', () => {
  const lines = [call(1, { op: 'frail' }), call(2, { op: 'frail' }), end(1, { is: 'fail' }), end(2)];
  expect(verdictOn(lines, { [LEDGER]: log({ n: 2 }) }).violations).toEqual([]);
  expect(verdictOn(lines, { [LEDGER]: [] }).kinds).toEqual(['lost']);
});

test('an acknowledged event that is in no log is lost', () => {
  expect(verdictOn([call(1), end(1)], { [LEDGER]: [] })).toMatchObject({ lost: 1, kinds: ['lost'] });
});

test.each([
  ['in one log', { [LEDGER]: log({ n: 1 }, { n: 1 }) }],
  ['in two logs', { [LEDGER]: log({ n: 1 }), [RELAY]: log({ n: 1 }) }],
])('an event processed twice %s is found', (_where, logs) => {
  expect(verdictOn([call(1), end(1)], logs)).toMatchObject({ twice: 1 });
});

test('two events of one sender in the wrong order are found', () => {
  const verdict = verdictOn([call(1), call(2), end(1), end(2)], { [LEDGER]: log({ n: 2 }, { n: 1 }) });
  expect(verdict).toMatchObject({ disordered: 1, kinds: ['disordered'] });
});

test('events of different senders may come in any order', () => {
  const lines = [call(1), call(2, { id: 'c.2', from: 'c' }), end(1), end(2, { id: 'c.2', from: 'c' })];
  expect(verdictOn(lines, { [LEDGER]: log({ id: 'c.2', from: 'c', n: 2 }, { n: 1 }) }).violations).toEqual([]);
});

test('a rejected event that was processed all the same is found', () => {
  const verdict = verdictOn([call(1, { op: 'bad' }), end(1, { is: 'fail' })], { [LEDGER]: log({ n: 1 }) });
  expect(verdict.kinds).toEqual(['rejected-but-processed']);
});

test('a call that should work and was rejected is found', () => {
  expect(verdictOn([call(1), end(1, { is: 'fail', code: 'ERR_X' })], {}).kinds).toEqual(['refused']);
});

test('an id acknowledged once and rejected once is found', () => {
  const lines = [call(1, { op: 'bad' }), end(1, { is: 'fail' }), call(1, { op: 'bad', n: 2 }), end(1, { n: 2 })];
  expect(verdictOn(lines, {}).kinds).toEqual(['contradictory-outcome', 'lost']);
});

test('an entry nobody sent is found', () => {
  expect(verdictOn([], { [LEDGER]: log({ n: 9 }) }).kinds).toEqual(['invented']);
});

test('a count in the state that differs from the rows of the log is found', () => {
  const verdict = verdictOn([call(1), call(2), end(1), end(2)], { [LEDGER]: log({ n: 1 }, { n: 2, place: 3 }) });
  expect(verdict.kinds).toEqual(['torn']);
});

test('replies to one id are the same and say what the log says', () => {
  const ask: { op: ChaosOp } = { op: 'ask' };
  const lines = [call(1, ask), end(1, { reply: { place: 1 } }), call(1, ask), end(1, { reply: { place: 2 } })];
  expect(verdictOn(lines, { [LEDGER]: log({ n: 1 }) }).kinds).toEqual(['reply-differs']);
});

const pass = call(1, { op: 'pass', to: RELAY, route: [LEDGER] });
const told = { to: LEDGER, id: 'b.1>', n: 1 };

test('what a relay told stands with its receiver', () => {
  const verdict = verdictOn([pass, end(1)], {
    [RELAY]: log({ n: 1, told }),
    [LEDGER]: log({ id: 'b.1>', from: RELAY, n: 1 }),
  });
  expect(verdict).toMatchObject({ tells: 1, violations: [] });
});

test('a tell that never arrived is lost', () => {
  expect(verdictOn([pass, end(1)], { [RELAY]: log({ n: 1, told }), [LEDGER]: [] })).toMatchObject({
    lost: 1,
    kinds: ['tell-lost'],
  });
});

test('a tell whose relay never processed its cause is found', () => {
  expect(verdictOn([pass], { [RELAY]: [], [LEDGER]: log({ id: 'b.1>', from: RELAY, n: 1 }) }).kinds).toEqual([
    'invented',
  ]);
});

test('a gap in the numbers a relay gave is found', () => {
  const logs = { [RELAY]: log({ n: 1, told: { ...told, n: 2 } }), [LEDGER]: log({ id: 'b.1>', from: RELAY, n: 2 }) };
  expect(verdictOn([pass, end(1)], logs).kinds).toEqual(['tell-gap']);
});

const run = call(1, { op: 'run', to: JOB, route: [LEDGER] });
const halves = log({ id: 'b.1*0', from: `${JOB}*`, n: 2 }, { id: 'b.1*1', from: `${JOB}*`, n: 3 });
const jobLog = (attempt: number, key = 'k'): LoggedEntry[] =>
  log({ n: 1, run: 1 }, { id: 'b.1!', from: JOB, n: 1, done: { id: 'b.1', to: LEDGER, key, attempt } });

test('an effect that was cut off and ran again under its key is good', () => {
  const verdict = verdictOn([run, end(1), begin(1), begin(3)], { [JOB]: jobLog(3), [LEDGER]: halves });
  expect(verdict).toMatchObject({ effects: { completed: 1, begun: 2, restarted: 1, sameKey: 1 }, violations: [] });
});

test.each([
  ['another key', [begin(1), begin(2, 'other')], jobLog(2, 'other'), 'effect-key'],
  ['an attempt that does not grow', [begin(1), begin(1)], jobLog(1), 'effect-attempt'],
  ['a completion of an attempt before the last', [begin(1), begin(2)], jobLog(1), 'effect-attempt'],
  ['no beginning', [], jobLog(1), 'effect-key'],
])('an effect with %s is found', (_what, marks, entries, kind) => {
  expect(verdictOn([run, end(1), ...marks], { [JOB]: entries, [LEDGER]: halves }).kinds).toContain(kind);
});

test('an effect that began although its event was never committed is found', () => {
  expect(verdictOn([run, begin(1)], { [JOB]: [], [LEDGER]: [] }).kinds).toEqual(['effect-too-early']);
});

test('a run that was never completed, and a send of it that is missing, are lost', () => {
  expect(verdictOn([run, end(1), begin(1)], { [JOB]: log({ n: 1, run: 1 }) }).kinds).toEqual(['effect-lost']);
  expect(verdictOn([run, end(1), begin(1)], { [JOB]: jobLog(1), [LEDGER]: halves.slice(0, 1) }).kinds).toEqual([
    'effect-lost',
  ]);
});

test('what is left in the store is found', () => {
  expect(verdictOn([], {}, { inboxRows: 2, outboxRows: 0 }).kinds).toEqual(['left-over']);
});

test('unknown calls are the keyed ones without a certain outcome', () => {
  const keyed = { isKeyed: true };
  const again = call(3, { ...keyed, id: 'b.2' });
  const lines = [call(1, keyed), call(2, keyed), call(4), end(1), again, end(2, { is: 'unknown' })];
  expect(unknownCalls(lines)).toEqual([again]);
});

test('G13: an actor that comes to memory again in one process is counted, one that a new process loads is not', () => {
  const wake = (process: number, id = LEDGER): HistoryLine => ({ t: 'wake', id, process });
  expect(verdictOn([wake(1), wake(1, RELAY), wake(1), wake(2), wake(1)], {}).wakes).toBe(2);
});
