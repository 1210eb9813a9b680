/** What the checker of runs with a broker sees, shown with histories that are broken on purpose. */
import { expect, test } from 'vitest';
import { judgeBroker } from '../../support/broker-check.ts';
import type { BrokerHistory, BrokerVerdict, Hearing, Publication, Receiver } from '../../support/broker-check.ts';
import type { FaultMark } from '../../support/broker-times.ts';

function sent(n: number, { isSure = true, topic = 'load.red', from = 'A.host.1' } = {}): Publication {
  return { from, n, topic, sentAt: 1000 + n, isSure };
}

function got(n: number, from = 'A.host.1'): Hearing {
  return { from, n, sentAt: 1000 + n, id: `${from}:${n}`, at: 1010 + n };
}

function receiver(kind: Receiver['kind'], ...lives: readonly (readonly Hearing[])[]): Receiver {
  return { name: 'B-witness', kind, pattern: 'load.>', lives };
}

function judge(
  publications: readonly Publication[],
  receivers: readonly Receiver[],
  faults: readonly FaultMark[] = [],
): BrokerVerdict {
  const history: BrokerHistory = { publications, receivers, faults };
  return judgeBroker(history);
}

const THREE = [sent(1), sent(2), sent(3)];
const kindsOf = ({ findings }: BrokerVerdict): readonly string[] => findings.map(({ kind }) => kind);

test('everything everywhere, once and in order, is good', () => {
  const all = [got(1), got(2), got(3)];
  const receivers = (['kept', 'named', 'passing', 'group'] as const).map((kind) => receiver(kind, all));
  expect(judge(THREE, receivers)).toMatchObject({ acknowledged: 3, handled: 12, findings: [], repeatedAfterKill: 0 });
});

test.each(['kept', 'named', 'passing', 'group'] as const)(
  'an acknowledged event that a receiver (%s) never got is lost',
  (kind) => {
    expect(kindsOf(judge(THREE, [receiver(kind, [got(1), got(3)])]))).toContain('lost');
  },
);

test('a receiver misses nothing that is not of its topics', () => {
  const others = [...THREE, sent(4, { topic: 'other.red' })];
  expect(judge(others, [receiver('kept', [got(1), got(2), got(3)])]).findings).toEqual([]);
});

test('what is unknown may be missing everywhere, but not at one receiver of two', () => {
  const publications = [sent(1), sent(2, { isSure: false }), sent(3)];
  const without = receiver('kept', [got(1), got(3)]);
  const withIt = receiver('kept', [got(1), got(2), got(3)]);
  expect(judge(publications, [without, without])).toMatchObject({ unknown: 1, unknownButHandled: 0, findings: [] });
  const verdict = judge(publications, [without, withIt]);
  expect(verdict.unknownButHandled).toBe(1);
  expect(kindsOf(verdict)).toEqual(['lost']);
});

test.each(['kept', 'named', 'passing'] as const)(
  'the same event twice in one life of a receiver (%s) is found',
  (kind) => {
    expect(kindsOf(judge(THREE, [receiver(kind, [got(1), got(2), got(2), got(3)])]))).toContain('twice');
  },
);

test('an actor that gets an event again after a kill is found', () => {
  expect(kindsOf(judge(THREE, [receiver('kept', [got(1), got(2)], [got(2), got(3)])]))).toEqual(['twice']);
});

test('a named subscriber may hear the end again after a kill, and that is counted', () => {
  const verdict = judge(THREE, [receiver('named', [got(1), got(2)], [got(1), got(2), got(3)])]);
  expect(verdict).toMatchObject({ repeatedAfterKill: 2, findings: [] });
});

test('a named subscriber that hears something old again in between is found', () => {
  const verdict = judge([...THREE, sent(4)], [receiver('named', [got(1), got(2)], [got(3), got(1), got(4)])]);
  expect(kindsOf(verdict)).toContain('disordered');
});

test('groups may get an event again, and that is counted', () => {
  const verdict = judge(THREE, [receiver('group', [got(1), got(2), got(3)], [got(2)])]);
  expect(verdict).toMatchObject({ repeatedInGroups: 1, findings: [] });
});

test.each(['kept', 'named', 'passing'] as const)(
  'events of one publisher that change places at a receiver (%s) are found',
  (kind) => {
    expect(kindsOf(judge(THREE, [receiver(kind, [got(1), got(3), got(2)])]))).toContain('disordered');
  },
);

test('events of different publishers may come in any order', () => {
  const publications = [...THREE, sent(1, { from: 'B.host.1' })];
  for (const heard of [
    [got(1), got(2), got(3), got(1, 'B.host.1')],
    [got(1, 'B.host.1'), got(1), got(2), got(3)],
  ])
    expect(judge(publications, [receiver('kept', heard)]).findings).toEqual([]);
});

test('a subscriber without a name misses what comes while it is not there, and nothing in between', () => {
  expect(judge(THREE, [receiver('passing', [got(1)], [got(3)])]).findings).toEqual([]);
});

test('an event that nobody published is found', () => {
  expect(kindsOf(judge(THREE, [receiver('named', [got(1), got(2), got(3), got(4)])]))).toEqual(['invented']);
});

test('an event that comes under another id is found', () => {
  const other = { ...got(1), id: 'another' };
  const receivers = [receiver('kept', [got(1), got(2), got(3)]), receiver('kept', [other, got(2), got(3)])];
  expect(kindsOf(judge(THREE, receivers))).toEqual(['other-id']);
});

function kill(beganAt: number, overAt: number, isAwaited = true): FaultMark {
  return { kind: 'kill', name: `kill at ${beganAt}`, beganAt, overAt, isAwaited };
}

/** One event from A to B and one from B to A, published and handled at these times. */
function crossing(sentAt: number, atB: number, atA: number) {
  const publications = ['A.host.1', 'B.host.1'].map((from) => ({
    from,
    n: 1,
    topic: 'load.red',
    sentAt,
    isSure: true,
  }));
  const hear = (side: string, at: Readonly<Record<string, number>>): Receiver => ({
    name: `${side}-witness`,
    kind: 'named',
    pattern: 'load.>',
    lives: [Object.entries(at).map(([from, when]) => ({ from, n: 1, sentAt, id: from, at: when }))],
  });
  const receivers = [
    hear('A', { 'A.host.1': sentAt, 'B.host.1': atA }),
    hear('B', { 'A.host.1': atB, 'B.host.1': sentAt }),
  ];
  return { publications, receivers };
}

test('a reconnect lasts from the acceptance of the server until events flow in both directions', () => {
  const { publications, receivers } = crossing(5100, 5700, 5900);
  const verdict = judge(publications, receivers, [kill(5000, 5500)]);
  expect(verdict.reconnectMs).toMatchObject({ count: 1, p50: 400, max: 400 });
  expect(verdict.findings).toEqual([]);
  expect(verdict.acrossMs).toMatchObject({ count: 2, max: 800 });
  expect(verdict.localMs).toMatchObject({ count: 2, max: 0 });
});

test('a reconnect over three seconds is found', () => {
  const { publications, receivers } = crossing(5100, 5700, 8600);
  expect(kindsOf(judge(publications, receivers, [kill(5000, 5500)]))).toEqual(['slow-reconnect']);
});

test('events published before the kill do not count as flowing again', () => {
  const { publications, receivers } = crossing(4900, 5700, 5700);
  expect(judge(publications, receivers, [kill(5000, 5500)]).reconnectMs.count).toBe(0);
});

test('a reconnect that the next fault cut short, or the one before, is not measured', () => {
  const { publications, receivers } = crossing(5100, 5700, 5900);
  expect(judge(publications, receivers, [kill(5000, 5500), kill(5800, 6000)]).reconnectMs.count).toBe(0);
  expect(judge(publications, receivers, [kill(4000, 4500, false), kill(5000, 5500)]).reconnectMs.count).toBe(0);
});
