/**
 * Rules 5 and 7 as one pure decision, shared by every adapter: does a commit fit what is stored of its actor? And what it
 * means for an actor to end.
 */
import type { Commit, CommitResult, RefusalReason } from './store.ts';

/** How far an actor has come, as stored. */
export interface StoredProgress {
  readonly epoch: number;
  readonly seq: number;
}

/** What is kept of an actor that was removed, so that its commits are recognised when they come again. */
export interface RemovedProgress extends StoredProgress {
  readonly createdAt: number;
}

/** `apply`, or the answer the commit gets without being applied. */
export type Verdict = 'apply' | Exclude<CommitResult, { readonly outcome: 'done' }>;

/** The answer to a commit that does not apply. */
export function refuse(reason: RefusalReason, detail?: string): Exclude<Verdict, 'apply'> {
  return { outcome: 'refused', reason, ...(detail !== undefined && { detail }) };
}

const REPEATED: Verdict = { outcome: 'repeated' };

/**
 * Decides by seq and epoch alone. `findRemoved` is asked only when a resent commit meets no actor: then the actor may
 * have been removed by a later commit of the same unacknowledged stretch.
 */
export function decideCommit(
  commit: Commit,
  stored: StoredProgress | undefined,
  findRemoved: () => RemovedProgress | undefined,
): Verdict {
  if (!stored) return decideMissing(commit, findRemoved);
  if (commit.seq === 0) return isLettersOnly(commit) ? 'apply' : refuse('seq');
  if (stored.epoch !== commit.epoch) return refuse('epoch');
  if (commit.isResent === true && stored.seq >= commit.seq) return REPEATED;
  return commit.seq > 1 && stored.seq === commit.seq - 1 ? 'apply' : refuse('seq');
}

/** What of a commit says who it is from, and what may stand beside an actor without being from it: what never reached it. */
const LETTER_FIELDS = new Set(['address', 'epoch', 'seq', 'isResent', 'at', 'version', 'status', 'deadLetters']);

function isLettersOnly(commit: Commit): boolean {
  return Object.entries(commit).every(([field, value]) => value === undefined || LETTER_FIELDS.has(field));
}

function decideMissing(commit: Commit, findRemoved: () => RemovedProgress | undefined): Verdict {
  if (commit.seq === 0) return 'apply';
  if (commit.isResent === true && wasRemoved(commit, findRemoved())) return REPEATED;
  return commit.seq === 1 && commit.actor ? 'apply' : refuse('seq');
}

/** The rows of a resent orphan are gone when it had been applied before. */
export function refuseConsumed(commit: Commit): Exclude<Verdict, 'apply'> {
  return commit.seq === 0 && commit.isResent === true ? { outcome: 'repeated' } : refuse('inbox');
}

/** A first commit is the removed actor's own only if it created it; otherwise it creates the next actor of that name. */
function wasRemoved(commit: Commit, removed: RemovedProgress | undefined): boolean {
  if (!removed || removed.epoch !== commit.epoch || removed.seq < commit.seq) return false;
  return commit.seq > 1 || removed.createdAt === commit.at;
}

/** True when an actor lives no longer after a commit: nothing may wake it. A quarantined one may be revived. */
export function endsActor({ status, isRemoval }: Commit): boolean {
  return status === 'done' || status === 'stopped' || status === 'failed' || isRemoval === true;
}

/** What a commit writes when it is the end of its actor: nothing that would wake it, whatever the commit says. */
export function toLast(commit: Commit): Commit {
  const { fired: _f, unschedule: _u, schedule: _s, unsubscribe: _n, subscribe: _b, ...last } = commit;
  return { ...last, timers: null, nextDue: null };
}
