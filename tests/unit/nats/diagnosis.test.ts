/** What the doctor makes of the facts about a NATS server. */
import { describe, expect, test } from 'vitest';
import { diagnose, syncByVersion } from '../../../src/nats/diagnosis.ts';
import type { ConsumerFacts, Finding, NatsFacts, SyncSettings } from '../../../src/nats/diagnosis.ts';
import type { StreamInfo } from '../../../src/nats/client.ts';

const SYNC: SyncSettings = {
  server: 'n1',
  version: '2.15.1',
  intervalMs: 120_000,
  isAlways: true,
  from: 'system account',
};
const STREAM: StreamInfo = {
  name: 'TROUPE_default',
  subjects: ['troupe.default.events.>'],
  storage: 'file',
  retention: 'limits',
  discard: 'old',
  maxAgeMs: 86_400_000,
  maxBytes: -1,
  maxMessages: -1,
  maxMessageBytes: -1,
  replicas: 1,
  duplicateWindowMs: 120_000,
  isDirect: true,
  created: '2026-11-21T12:00:00Z',
  firstSeq: 1,
  lastSeq: 9,
  messages: 9,
  bytes: 900,
};
const GROUP: ConsumerFacts = {
  name: 'queue_ledger',
  isDurable: true,
  pending: 0,
  unacknowledged: 0,
  redelivered: 0,
  waiting: 1,
};

test('a new server that syncs every message, and a stream as it should be: nothing but good', () => {
  expect(levelsOf(diagnose(facts()))).toEqual(['good', 'good', 'good']);
  expect(promiseOf(facts())).toMatch(/survives a crash of the server and a loss of power\. .*system account/u);
});

describe('which promise holds', () => {
  test.each([
    ['an interval', [{ ...SYNC, isAlways: false }], /a loss of power can take those of the last 2 min/u],
    ['a short interval', [{ ...SYNC, isAlways: false, intervalMs: 500 }], /those of the last 0\.5 s/u],
    ['one of two by an interval', [SYNC, { ...SYNC, isAlways: false }], /those of the last 2 min/u],
    ['nobody who tells', [], /^Promise: unknown/u],
  ])('with %s', (_what, sync, promise) => {
    const [note] = diagnose(facts({ sync }));
    expect(note?.level).toBe('note');
    expect(note?.text).toMatch(promise);
    expect(note?.next).toBeDefined();
  });

  test('on a server too old to sync every message that is known without asking, and said plainly', () => {
    const server = { ...facts().server, version: '2.9.10' };
    const sync = [syncByVersion(server)].filter((each) => each !== undefined);
    const told = promiseOf(facts({ server, sync }));
    expect(told).toMatch(
      /loss of power can take those of the last 2 min.*as every NATS 2\.9\.10 does.*Good for development/u,
    );
    expect(syncByVersion({ name: 'n', version: '2.10.0' })).toBeUndefined();
  });

  test('on a stream in memory, whatever the server syncs', () => {
    expect(promiseOf(facts({ stream: { ...STREAM, storage: 'memory' } }))).toMatch(/is gone when the server stops/u);
  });

  test('with copies on several servers', () => {
    expect(promiseOf(facts({ stream: { ...STREAM, replicas: 3 } }))).toMatch(/3 keep a copy/u);
  });
});

test.each([
  ['2.9.10', 'note', 'good for development'],
  ['2.10.19', 'note', 'older than 2.10.23'],
  ['2.10.20', 'mend', 'can lose whole streams'],
  ['2.10.22', 'mend', 'can lose whole streams'],
  ['2.10.23', 'good', 'new enough'],
  ['2.11.0-RC.1', 'good', 'new enough'],
  ['2.15.1', 'good', 'new enough'],
])('NATS %s: %s, %s', (version, level, text) => {
  const server = { ...facts().server, version };
  const found = diagnose(facts({ server })).find((finding) => finding.text.startsWith('NATS'));
  expect(found?.level).toBe(level);
  expect(found?.text).toContain(text);
});

test.each<[string, Partial<NatsFacts>, RegExp]>([
  ['a server without headers', { server: { ...facts().server, hasHeaders: false } }, /knows no headers/u],
  ['an account without JetStream', { account: 'without JetStream' }, /not for the account/u],
  [
    'a server without JetStream',
    { account: 'without JetStream', server: { ...facts().server, hasJetStream: false } },
    /The server has no JetStream/u,
  ],
  ['the system account', { account: 'system account' }, /credentials of the system account/u],
  ['a full disk', { jetStream: { ...use(), fileBytes: 95, maxFileBytes: 100 } }, /more than 90 % of its disk/u],
  [
    'a stream over other subjects',
    { stream: { ...STREAM, subjects: ['x.>'] } },
    /has subjects x\.> instead of troupe/u,
  ],
  ['a work queue', { stream: { ...STREAM, retention: 'workqueue' } }, /has retention workqueue instead of limits/u],
  ['a stream that refuses when full', { stream: { ...STREAM, discard: 'new' } }, /has discard new instead of old/u],
  [
    'a group nobody takes part in',
    { consumers: [{ ...GROUP, pending: 7, waiting: 0 }] },
    /7 events wait for queue group 'ledger'/u,
  ],
])('%s is to be mended, and the next step is told', (_what, change, text) => {
  const [worst] = diagnose(facts(change));
  expect(worst?.level).toBe('mend');
  expect(worst?.text).toMatch(text);
  expect(worst?.next).toBeDefined();
});

test.each<[string, Partial<NatsFacts>, RegExp]>([
  ['no stream yet', { stream: undefined }, /There is no stream 'TROUPE_default' yet/u],
  [
    'events given again',
    { consumers: [{ ...GROUP, redelivered: 2 }] },
    /2 events of queue group 'ledger' were given again/u,
  ],
  ['what could not be asked', { problems: ['The monitoring port is closed.'] }, /monitoring port is closed/u],
])('%s is noted', (_what, change, text) => {
  const [worst] = diagnose(facts(change));
  expect(worst?.level).toBe('note');
  expect(worst?.text).toMatch(text);
});

test('the readers of a system and a busy group are no cause for worry', () => {
  const reader = { ...GROUP, name: 'abc', isDurable: false, pending: 9, waiting: 0 };
  const busy = { ...GROUP, pending: 100, waiting: 0, unacknowledged: 64 };
  expect(levelsOf(diagnose(facts({ consumers: [reader, busy] })))).toEqual(['good', 'good', 'good']);
});

function facts(change: Partial<NatsFacts> = {}): NatsFacts {
  return {
    namespace: 'default',
    server: {
      version: '2.15.1',
      name: 'n1',
      maxPayload: 1_048_576,
      hasHeaders: true,
      hasJetStream: true,
      url: '127.0.0.1:4222',
    },
    account: 'with JetStream',
    sync: [SYNC],
    jetStream: use(),
    stream: STREAM,
    oldestMs: 1000,
    consumers: [GROUP],
    systems: [],
    problems: [],
    ...change,
  };
}

function use() {
  return { fileBytes: 0, maxFileBytes: -1, memoryBytes: 0, maxMemoryBytes: -1, streams: 1, consumers: 1 };
}

function levelsOf(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ level }) => level);
}

function promiseOf(given: NatsFacts): string | undefined {
  return diagnose(given).find(({ text }) => text.startsWith('Promise'))?.text;
}
