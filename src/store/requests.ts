/** Checks at the writer's edge: a client's garbage must not stop the store for everyone. */
import type { EncodedCommit } from './commit-codec.ts';
import type { StoreCall, StoreRequest } from './protocol.ts';
import type { Commit } from './store.ts';

/** Every call a client may make, once each. */
const CALLS: Readonly<Record<StoreCall, true>> = {
  load: true,
  inbox: true,
  fence: true,
  idempotency: true,
  sweepIdempotency: true,
  log: true,
  history: true,
  states: true,
  sweepHistory: true,
  adopt: true,
  looseSnapshots: true,
  packSnapshot: true,
  looseHistory: true,
  packHistory: true,
  list: true,
  recoverable: true,
  outbox: true,
  settleOutbox: true,
  dropReplies: true,
  deadLetters: true,
  deleteDeadLetter: true,
  due: true,
  scheduled: true,
  busEvents: true,
  lastBusPos: true,
  scanBus: true,
  sweepBus: true,
  busCounts: true,
  countBus: true,
  cursor: true,
  cursors: true,
  setCursor: true,
  deleteCursor: true,
  rise: true,
  markAlive: true,
  kvGet: true,
  kvSet: true,
  kvDelete: true,
  kvKeys: true,
  kvClear: true,
  sweepKv: true,
  stats: true,
  tally: true,
};

/** The request in a message, or undefined when there is none. Commits inside are not looked at yet. */
export function parseRequest(message: unknown): StoreRequest | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { kind, commits, id, method, args } = message as Record<string, unknown>;
  if (kind === 'commits') return Array.isArray(commits) ? (message as StoreRequest) : undefined;
  const isCall = kind === 'call' && typeof id === 'number' && typeof method === 'string' && Array.isArray(args);
  return isCall && Object.hasOwn(CALLS, method) ? (message as StoreRequest) : undefined;
}

/** True when a commit is whole enough to be queued; what is wrong inside it, the adapter refuses. */
export function isEncodedCommit(value: unknown): value is EncodedCommit {
  return Array.isArray(value) && typeof value[0] === 'number' && typeof value[1] === 'string';
}

/** What a publication counts beside its text: the rows of its subscribers, whose number only the store knows. */
const FAN_OUT_CHARACTERS = 5_000;

/** About how many characters a commit writes. One that is malformed counts as large: the adapter will refuse it. */
export function sizeOf(commit: Commit): number {
  try {
    return sizeOfWhole(commit);
  } catch {
    return MALFORMED_CHARACTERS;
  }
}

const MALFORMED_CHARACTERS = 100_000;

function sizeOfWhole(commit: Commit): number {
  let size = 100 + (commit.state?.text.length ?? 0) + (commit.marks?.length ?? 0) + (commit.inFlight?.length ?? 0);
  for (const row of commit.inbox ?? []) size += row.text.length;
  for (const row of commit.outbox ?? []) size += row.text.length;
  for (const text of commit.log ?? []) size += text.length;
  for (const letter of commit.deadLetters ?? []) size += letter.text.length;
  size += (commit.step?.text.length ?? 0) + (commit.history?.text.length ?? 0);
  return size + sizeOfTimesAndTopics(commit);
}

function sizeOfTimesAndTopics({ timers, schedule = [], publish = [] }: Commit): number {
  let size = timers?.length ?? 0;
  for (const write of schedule) size += write.text.length;
  for (const publication of publish)
    size += publication.text.length + (publication.attributes?.length ?? 0) + FAN_OUT_CHARACTERS;
  return size;
}
