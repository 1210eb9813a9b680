/** What the checker sees of topics, shown with histories that are broken on purpose. */
import { expect, test } from 'vitest';
import type { CallOutcome, HeardMark, HistoryLine, Invocation } from '../../support/chaos-history.ts';
import type { LoggedEntry } from '../../support/chaos-verdict.ts';
import { judge } from '../../support/checker.ts';

const LISTENER = 'listener/h0';
const HERALD = 'herald/p0';

function call(n: number, op: Invocation['op'], to: string, topic: string): Invocation {
  return { t: 'call', id: `b.${n}`, op, to, route: [], from: 'b', n, isKeyed: false, at: 0, topic };
}

const publish = (n: number, topic: string): Invocation => call(n, 'publish', 'bus/host', topic);
const subscribe = (n: number): Invocation => call(n, 'subscribe', LISTENER, 'talk.*');
const unsubscribe = (n: number): Invocation => call(n, 'unsubscribe', LISTENER, 'talk.*');

function end(n: number): CallOutcome {
  return { t: 'end', id: `b.${n}`, from: 'b', n, is: 'ok', at: 0 };
}

function heard(n: number, life = 'b'): HeardMark {
  return { t: 'heard', id: `b.${n}`, life };
}

/** An entry but for its row and place. */
type Draft = Omit<LoggedEntry, 'row' | 'place'>;

function got(n: number, topic: string, from = 'b@'): Draft {
  return { id: `b.${n}@${LISTENER}`, from, n, heard: { id: `b.${n}`, topic } };
}

function chose(n: number, isOn: boolean): Draft {
  return { id: `b.${n}`, from: 'b', n, interest: { pattern: 'talk.*', isOn } };
}

function log(...drafts: readonly Draft[]): LoggedEntry[] {
  return drafts.map((draft, i) => ({ ...draft, row: i + 1, place: i + 1 }));
}

function kindsOf(lines: readonly HistoryLine[], logs: Readonly<Record<string, LoggedEntry[]>>): readonly string[] {
  return judge({ lines, logs: new Map(Object.entries(logs)), leftovers: {} }).violations.map(({ kind }) => kind);
}

/** The listener subscribes with its first call, the second publishes. */
const SUBSCRIBED = [subscribe(1), end(1)];

test('G12: what reached everybody who was subscribed, once, is good', () => {
  const lines: HistoryLine[] = [
    { t: 'witness', id: 'w' },
    ...SUBSCRIBED,
    publish(2, 'talk.a'),
    end(2),
    publish(3, 'news.a'),
    end(3),
    heard(2),
    heard(3),
  ];
  const logs = new Map([[LISTENER, log(chose(1, true), got(2, 'talk.a'), got(3, 'news.a'))]]);
  expect(judge({ lines, logs, leftovers: {} })).toMatchObject({
    violations: [],
    topics: { published: 2, received: 2, byChoice: 1, witnessed: 2, witnessedAgain: 0 },
  });
});

test.each([
  ['is missing with its subscriber', 'talk.a', [], ['topic-lost']],
  ['is missing with an actor whose definition names it', 'news.a', [], ['topic-lost']],
  ['came twice', 'talk.a', [got(2, 'talk.a'), got(2, 'talk.a')], ['twice']],
  ['came to an actor that has not subscribed to it', 'other', [got(2, 'other')], ['topic-uninvited']],
])('G12: a publication that %s is found', (_what, topic, entries, kinds) => {
  expect(kindsOf([...SUBSCRIBED, publish(2, topic), end(2)], { [LISTENER]: log(chose(1, true), ...entries) })).toEqual(
    kinds,
  );
});

test('G12: a publication of unknown outcome reaches all subscribers or none', () => {
  const lines: HistoryLine[] = [{ t: 'witness', id: 'w' }, ...SUBSCRIBED, publish(2, 'talk.a')];
  expect(kindsOf(lines, { [LISTENER]: log(chose(1, true)) })).toEqual([]);
  expect(kindsOf(lines, { [LISTENER]: log(chose(1, true), got(2, 'talk.a')) })).toEqual(['topic-lost']);
  expect(kindsOf([...lines, heard(2)], { [LISTENER]: log(chose(1, true)) })).toEqual(['topic-lost']);
  expect(kindsOf([...lines, heard(2)], { [LISTENER]: log(chose(1, true), got(2, 'talk.a')) })).toEqual([]);
});

test('G12: after its end a subscription gets nothing more', () => {
  const lines = [...SUBSCRIBED, unsubscribe(2), end(2), publish(3, 'talk.a'), end(3)];
  const chosen = [chose(1, true), chose(2, false)];
  expect(kindsOf(lines, { [LISTENER]: log(...chosen) })).toEqual([]);
  expect(kindsOf(lines, { [LISTENER]: log(...chosen, got(3, 'talk.a')) })).toEqual(['topic-uninvited']);
});

test('a publication beside a change of the subscription may be there or not', () => {
  const lines = [...SUBSCRIBED, publish(2, 'talk.a'), unsubscribe(3), end(3), end(2)];
  expect(kindsOf(lines, { [LISTENER]: log(chose(1, true), chose(3, false)) })).toEqual([]);
  expect(kindsOf(lines, { [LISTENER]: log(chose(1, true), got(2, 'talk.a'), chose(3, false)) })).toEqual([]);
});

test('a change of unknown outcome counts when the log shows it', () => {
  const lines: HistoryLine[] = [
    ...SUBSCRIBED,
    unsubscribe(2),
    { t: 'life', phase: 'begin', id: 'c', at: 9 },
    publish(3, 'talk.a'),
    end(3),
  ];
  expect(kindsOf(lines, { [LISTENER]: log(chose(1, true), chose(2, false)) })).toEqual([]);
  expect(kindsOf(lines, { [LISTENER]: log(chose(1, true)) })).toEqual(['topic-lost']);
});

test('G12: publications of one publisher in the wrong order are found', () => {
  const lines = [...SUBSCRIBED, publish(2, 'talk.a'), publish(3, 'talk.a'), end(2), end(3)];
  expect(kindsOf(lines, { [LISTENER]: log(chose(1, true), got(3, 'talk.a'), got(2, 'talk.a')) })).toEqual([
    'disordered',
  ]);
});

test('G12: what an actor published with a turn that is in its log has reached its subscribers', () => {
  const lines = [...SUBSCRIBED, call(2, 'herald', HERALD, 'talk.a')];
  const published = log({ id: 'b.2', from: 'b', n: 2, published: { id: 'b.2#', topic: 'talk.a', n: 1 } });
  const entry: Draft = { id: `b.2#@${LISTENER}`, from: `${HERALD}@`, n: 1, heard: { id: 'b.2#', topic: 'talk.a' } };
  expect(kindsOf(lines, { [HERALD]: published, [LISTENER]: log(chose(1, true)) })).toEqual(['topic-lost']);
  expect(kindsOf(lines, { [HERALD]: published, [LISTENER]: log(chose(1, true), entry) })).toEqual([]);
  expect(kindsOf(lines, { [HERALD]: [], [LISTENER]: log(chose(1, true), entry) })).toEqual(['invented']);
});

/** Three publications after the witness was there. */
const WITNESSED: HistoryLine[] = [
  { t: 'witness', id: 'w' },
  ...[1, 2, 3].flatMap((n) => [publish(n, 'talk.a'), end(n)]),
];

test.each([
  ['everything once', [heard(1), heard(2), heard(3)], []],
  ['something again after a kill', [heard(1), heard(2), heard(1, 'c'), heard(2, 'c'), heard(3, 'c')], []],
  ['too little', [heard(1), heard(2)], ['topic-lost']],
  ['something out of its place', [heard(1), heard(2), heard(3), heard(1, 'c'), heard(3, 'c')], ['witness-gap']],
  ['something again without a kill', [heard(1), heard(2), heard(2), heard(3)], ['witness-gap']],
  ['what nobody published', [heard(1), heard(2), heard(3), heard(4)], ['invented']],
])('G12: a witness that heard %s', (_what, marks, kinds) => {
  expect(kindsOf([...WITNESSED, ...marks], {})).toEqual(kinds);
});
