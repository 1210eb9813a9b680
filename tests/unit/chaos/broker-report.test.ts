import { expect, test } from 'vitest';
import { judgeBroker } from '../../support/broker-check.ts';
import { describeFindings, isGoodOutcome, toBrokerSummary } from '../../support/broker-report.ts';
import type { BrokerOutcome } from '../../support/broker-report.ts';

const sent = { from: 'A.host.1', n: 1, sentAt: 1000, topic: 'load.red', isSure: true };
const nobody = { name: 'A.keeper', kind: 'kept', pattern: 'load.>', lives: [[]] } as const;
const good: BrokerOutcome = {
  seed: 7,
  verdict: judgeBroker({ publications: [], receivers: [], faults: [] }),
  drain: { held: 10, drainMs: 20 },
  faults: [{ kind: 'tear', name: 'tear', beganAt: 1, overAt: 2, isAwaited: true }],
  findings: [],
  foreign: { requests: 3, repeats: 1 },
  versions: { server: '2.15.1' },
  seconds: 1,
};

test('a run that came to its end without a finding is good', () => {
  expect(isGoodOutcome(good)).toBe(true);
  expect(toBrokerSummary(good)).toMatchObject({
    ok: true,
    seed: 7,
    cuts: 1,
    kills: 0,
    drainMs: 20,
    drained: 10,
    lost: 0,
  });
  expect(describeFindings(good)).toBe('');
});

test('a run that did not come to its end is not good, whatever it has seen', () => {
  const { verdict: _verdict, ...rest } = good;
  expect(toBrokerSummary({ ...rest, verdict: undefined }).ok).toBe(false);
  expect(toBrokerSummary({ ...good, drain: undefined }).ok).toBe(false);
});

test('what was found is counted, and named with its publisher, number and receiver', () => {
  const verdict = judgeBroker({ publications: [sent], receivers: [nobody], faults: [] });
  const outcome = { ...good, verdict, findings: [{ kind: 'stuck', text: 'nothing in A>B' }] } as const;
  expect(toBrokerSummary(outcome)).toMatchObject({ ok: false, lost: 1, findings: 2 });
  expect(describeFindings(outcome)).toBe(
    "FINDING stuck: nothing in A>B\nFINDING lost: 'A.keeper' never got 'A.host.1#1', published on 'load.red' at 1000",
  );
});
