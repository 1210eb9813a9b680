import { expect, test } from 'vitest';
import type { KeptEntry } from '../../support/broker-actors.ts';
import { gatherPublications, gatherReceivers, gatherRefusals, gatherTorn } from '../../support/broker-gather.ts';
import type { SystemRecord } from '../../support/broker-gather.ts';
import type { BrokerLine } from '../../support/broker-history.ts';

const call = (n: number): BrokerLine => ({ t: 'call', from: 'A.host.1', n, sentAt: n, topic: 'load.red' });
const ok = (n: number): BrokerLine => ({ t: 'ok', from: 'A.host.1', n });
const heard = (by: string, n: number): BrokerLine => ({
  t: 'heard',
  by,
  from: 'A.host.1',
  n,
  id: `${n}`,
  sentAt: n,
  at: n,
});
const entry = (place: number): KeptEntry => ({ from: 'A.beacon.1', n: place, sentAt: place, topic: 'load.red', place });

function record(lives: readonly (readonly BrokerLine[])[], dump: SystemRecord['dump'] = {}): SystemRecord {
  return { side: 'A', lives, dump };
}

test('a call is sure once its outcome is known, what an actor published is sure since its log says so', () => {
  const publications = gatherPublications([record([[call(1), ok(1), call(2)]], { 'beacon/x': [entry(1)] })]);
  expect(publications.map(({ from, n, isSure }) => [from, n, isSure])).toEqual([
    ['A.host.1', 1, true],
    ['A.host.1', 2, false],
    ['A.beacon.1', 1, true],
  ]);
});

test('a subscriber is one receiver over all lives of its system, a group one over both systems', () => {
  const lives = [[heard('A-witness', 1), heard('A-member', 1)], [heard('A-witness', 2)]];
  const other = { side: 'B', lives: [[heard('B-member', 2)]], dump: {} } as const;
  const receivers = new Map(gatherReceivers([record(lives), other], []).map((each) => [each.name, each]));
  const numbers = (name: string) => receivers.get(name)?.lives.map((life) => life.map(({ n }) => n));
  expect(numbers('A-witness')).toEqual([[1], [2]]);
  expect(numbers('crew')).toEqual([[1], [], [2]]);
  expect(receivers.get('A.tally')).toMatchObject({ kind: 'kept', pattern: 'request' });
  expect(receivers.has('B.tally')).toBe(false);
});

test('a log with more or fewer rows than its actor counted is torn', () => {
  expect(gatherTorn([record([], { 'keeper/all': [entry(1), entry(2)] })])).toEqual([]);
  expect(gatherTorn([record([], { 'keeper/all': [entry(1), entry(3)] })])).toEqual([
    "row 2 of 'keeper/all' of A is its event 3",
  ]);
});

test('a refused call is named with its code', () => {
  const refused: BrokerLine = { t: 'fail', from: 'A.host.1', n: 1, code: 'ERR_OVERLOADED' };
  expect(gatherRefusals([record([[call(1), refused]])])).toEqual(["'A.host.1#1' was refused: ERR_OVERLOADED"]);
});
