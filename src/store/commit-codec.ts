/**
 * Commits and results as flat arrays: the structured clone of an object spends much of its time on property names. For
 * a small state that saved a third to a half in two runs of three; a JSON text was the slowest (docs/decisions/0003).
 */
import type { SentCommit } from './protocol.ts';
import type { Commit, CommitResult, StateWrite } from './store.ts';

/** n, address, epoch, seq, at, version, status, 1 if resent; state kind, text, checksum; marks; sum; everything else. */
export type EncodedCommit = readonly [
  number,
  Commit['address'],
  number,
  number,
  number,
  number,
  Commit['status'],
  0 | 1,
  StateWrite['kind'] | undefined,
  string | undefined,
  number | undefined,
  string | undefined,
  number | undefined,
  RareFields | undefined,
];

/** What most commits do not have. */
type RareFields = Omit<
  Commit,
  'address' | 'epoch' | 'seq' | 'at' | 'version' | 'status' | 'isResent' | 'state' | 'marks' | 'sum'
>;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** `isResent` overrides what the commit says of itself. */
export function encodeCommit(n: number, commit: Commit, isResent: boolean): EncodedCommit {
  const { address, epoch, seq, at, version, status, state, marks, sum } = commit;
  const resent = isResent ? 1 : 0;
  const rare = hasRareFields(commit) ? toRareFields(commit) : undefined;
  const { kind, text, checksum } = state ?? {};
  return [n, address, epoch, seq, at, version, status, resent, kind, text, checksum, marks, sum, rare];
}

/** Builds the commit again. What is wrong inside it shows when it is applied. */
export function decodeCommit(encoded: EncodedCommit): SentCommit {
  const [n, address, epoch, seq, at, version, status, resent, kind, text, checksum, marks, sum, rare] = encoded;
  const commit: Mutable<Commit> = { address, epoch, seq, at, version, status };
  if (resent === 1) commit.isResent = true;
  if (kind !== undefined) commit.state = { kind, text: text ?? '', checksum: checksum ?? 0 };
  if (marks !== undefined) commit.marks = marks;
  if (sum !== undefined) commit.sum = sum;
  if (rare !== undefined) Object.assign(commit, rare);
  return { n, commit };
}

function hasRareFields(commit: Commit): boolean {
  const { actor, meta, isRemoval } = commit;
  return (
    (actor ?? meta ?? isRemoval) !== undefined ||
    hasClearable(commit) ||
    hasRows(commit) ||
    hasTimesOrTopics(commit) ||
    keepsMore(commit)
  );
}

/** Null is a value too: it clears a column. */
function hasClearable({ error, supervision, inFlight, timers, nextDue }: Commit): boolean {
  return (
    error !== undefined ||
    supervision !== undefined ||
    inFlight !== undefined ||
    timers !== undefined ||
    nextDue !== undefined
  );
}

function hasRows({ consumed, inbox, log, outbox, idempotency, replies, deadLetters }: Commit): boolean {
  return (consumed ?? inbox ?? log ?? outbox ?? idempotency ?? replies ?? deadLetters) !== undefined;
}

function hasTimesOrTopics({ fired, unschedule, schedule, unsubscribe, subscribe, publish, place }: Commit): boolean {
  return (fired ?? unschedule ?? schedule ?? unsubscribe ?? subscribe ?? publish ?? place) !== undefined;
}

function keepsMore({ step, shape, history, trimHistory, keepLog }: Commit): boolean {
  return (step ?? shape ?? history ?? trimHistory ?? keepLog) !== undefined;
}

function toRareFields(commit: Commit): RareFields {
  const {
    address: _a,
    epoch: _e,
    seq: _s,
    at: _t,
    version: _v,
    status: _u,
    isResent: _r,
    state: _w,
    marks: _m,
    sum: _c,
    ...rare
  } = commit;
  return rare;
}

/** n and result, one after the other: 0 stands for a plain `done`. */
export type EncodedResults = readonly (number | CommitResult)[];

/** Appends one result. */
export function pushResult(encoded: (number | CommitResult)[], n: number, result: CommitResult): void {
  encoded.push(n, isPlainDone(result) ? 0 : result);
}

function isPlainDone(result: CommitResult): boolean {
  return result.outcome === 'done' && !result.positions && !result.outboxPositions && !result.published;
}

const DONE: CommitResult = { outcome: 'done' };

/** Hands out results in their order. */
export function forEachResult(encoded: EncodedResults, handle: (n: number, result: CommitResult) => void): void {
  for (let i = 0; i + 1 < encoded.length; i += 2) {
    const result = encoded[i + 1];
    handle(encoded[i] as number, typeof result === 'object' ? result : DONE);
  }
}
