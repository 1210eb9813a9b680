import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PRIORITIES } from '../../../src/bus/topic-event.ts';
import { decodeCommit, encodeCommit, forEachResult, pushResult } from '../../../src/store/commit-codec.ts';
import type { Commit, CommitResult } from '../../../src/store/store.ts';
import { actorAt } from '../../support/store-commits.ts';

const text = fc.string();
const rows = <T>(row: fc.Arbitrary<T>) => fc.array(row, { maxLength: 3 });
const address = fc.constantFrom(actorAt('a'), actorAt('b'));

const commits: fc.Arbitrary<Commit> = fc.record(
  {
    address,
    epoch: fc.nat(),
    seq: fc.nat(),
    at: fc.nat(),
    version: fc.nat(),
    status: fc.constantFrom('active', 'done', 'stopped', 'quarantined'),
    state: fc.record({ kind: fc.constantFrom('snapshot', 'delta'), text, checksum: fc.nat() }),
    isResent: fc.constant(true),
    isRemoval: fc.constant(true),
    actor: fc.record({ type: text, parent: address, meta: text }),
    error: fc.option(text),
    supervision: fc.option(text),
    inFlight: fc.option(text),
    marks: text,
    meta: text,
    timers: fc.option(text),
    nextDue: fc.option(fc.nat()),
    fired: rows(fc.record({ key: text, pos: fc.nat() })),
    unschedule: rows(text),
    schedule: rows(fc.record({ key: text, dueAt: fc.nat(), text })),
    unsubscribe: rows(text),
    subscribe: rows(fc.record({ pattern: text, event: text })),
    publish: rows(
      fc.record(
        {
          id: text,
          topic: text,
          priority: fc.constantFrom(...PRIORITIES),
          text,
          attributes: text,
          received: fc.record({ origin: text, source: text, time: fc.nat() }),
        },
        { requiredKeys: ['id', 'topic', 'priority', 'text'] },
      ),
    ),
    place: fc.record({ name: text, pattern: text, pos: fc.nat() }),
    consumed: rows(fc.record({ sender: address, pos: fc.nat() })),
    inbox: rows(fc.record({ receiver: address, kind: fc.constantFrom('event', 'create', 'stop'), id: text, text })),
    log: rows(text),
    idempotency: rows(fc.record({ id: text, reply: text }, { requiredKeys: ['id'] })),
    replies: rows(fc.record({ id: text, reply: text })),
    deadLetters: rows(fc.record({ id: text, sender: text, text, error: text, attempts: fc.nat() })),
    outbox: rows(
      fc.record(
        { kind: fc.constantFrom('reply', 'deliver'), id: text, target: text, boot: text, text },
        { requiredKeys: ['kind', 'id', 'target', 'text'] },
      ),
    ),
  },
  { requiredKeys: ['address', 'epoch', 'seq', 'at', 'version', 'status'], noNullPrototype: true },
);

test('a commit is the same after it crossed a port', () => {
  fc.assert(
    fc.property(commits, fc.nat(), (commit, n) => {
      const crossed = structuredClone(encodeCommit(n, commit, commit.isResent === true));
      expect(decodeCommit(crossed)).toEqual({ n, commit });
    }),
  );
});

test.each([
  { timers: null },
  { nextDue: null },
  { nextDue: 5 },
  { error: null },
  { supervision: null },
  { inFlight: null },
  { fired: [{ key: 'k', pos: 1 }] },
  { unschedule: ['k'] },
  { schedule: [] },
  { unsubscribe: ['a.*'] },
  { subscribe: [{ pattern: 'a.*', event: 'A' }] },
  { publish: [{ id: 'p', topic: 'a.b', priority: 'low', text: '{}' }] },
  { place: { name: 'p', pattern: '>', pos: 1 } },
] satisfies Partial<Commit>[])('a field that stands alone crosses a port: %j', (field) => {
  const commit: Commit = { address: actorAt('a'), epoch: 0, seq: 2, at: 3, version: 1, status: 'active', ...field };
  expect(decodeCommit(structuredClone(encodeCommit(1, commit, false)))).toEqual({ n: 1, commit });
});

test('results come out in their order, as they went in', () => {
  const results: CommitResult[] = [
    { outcome: 'done' },
    { outcome: 'repeated' },
    { outcome: 'done', positions: [{ pos: 3, previousPos: 1 }] },
    { outcome: 'done', outboxPositions: [4, 5] },
    { outcome: 'done', published: [{ pos: 0, receivers: [] }] },
    { outcome: 'refused', reason: 'invalid', detail: 'why' },
    { outcome: 'done' },
  ];
  const encoded: (number | CommitResult)[] = [];
  results.forEach((result, index) => pushResult(encoded, index, result));
  const out: CommitResult[] = [];
  forEachResult(structuredClone(encoded), (n, result) => void (out[n] = result));
  expect(out).toEqual(results);
});
