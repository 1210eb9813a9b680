/** A cell in trouble: turns that fail, states that cannot be saved, commits that are refused. */
import { encodeError } from '../thread/error-codec.ts';
import type { Cell } from './cell.ts';
import type { RefusedResult } from './commit-queue.ts';
import type { Draft } from './draft.ts';
import { actorQuarantined, fanOutRefused } from './failure.ts';
import { eventIdOf, isAwaited } from './items.ts';
import type { Item } from './items.ts';
import { mayBeSpent } from './repeats.ts';

/**
 * A state over its cap, or one whose metadata cannot be told. Alone in its commit the culprit is known; otherwise all are
 * tried again, one to a commit.
 */
export function refuseUnsavable(cell: Cell, draft: Draft, next: readonly Item[], error: unknown): void {
  const [first, ...others] = [...draft.items, ...next];
  const creator = cell.creator;
  if (others.length > 0) {
    cell.mailbox.unshift([...draft.items, ...next]);
    return startOver(cell);
  }
  cell.blame?.accuse();
  if (!draft.actor || !creator) return fail(cell, first, error);
  if (first && first !== creator) cell.mailbox.unshift([first]);
  cell.failCreation(creator, cell.commits.newDraft(), error);
}

/** Rule 5: the cell and its queued commits are dropped, and it reloads. */
export function takeRefusal(cell: Cell, { reason, detail }: RefusedResult, drafts: readonly Draft[]): void {
  const trouble = cell.inTrouble();
  trouble.refusals++;
  // What was scheduled may be moved while its turn is under way: no trouble, only another look.
  const level = reason === 'timer' ? 'debug' : 'warn';
  cell.services.log[level]('commit refused, reloading', { address: cell.address, reason, detail });
  if (reason === 'fan-out') trouble.condemn(drafts[0], fanOutRefused(cell.address, detail));
  const posted = drafts.flatMap((draft) => draft.items).filter((item) => !mayBeSpent(item, reason));
  const unposted = [...posted, ...(cell.ending?.takeBack() ?? [])];
  const items = [...unposted, ...trouble.takeFailed(), ...cell.mailbox.takeAll()].filter(isAwaited);
  cell.mailbox.unshift(items);
  cell.endLife();
  for (const item of items) {
    if (item.kind === 'direct' && item.idempotencyId !== undefined) cell.gate().look(item, item.idempotencyId);
  }
  cell.reload();
}

/** The turns before are saved as they are, or fail by themselves; then the failed one is dealt with. */
export function failAfter(cell: Cell, draft: Draft, item: Item, error: unknown): void {
  const isPosted = (draft.isEmpty && draft.items.length === 0) || cell.post(draft, [item]);
  if (isPosted) fail(cell, item, error);
}

/** A turn has failed: what was posted before settles first. */
export function fail(cell: Cell, item: Item | undefined, error: unknown): void {
  cell.endLife();
  cell.phase = 'busy';
  const trouble = cell.inTrouble();
  trouble.isCautious = true;
  trouble.failed = item;
  cell.commits.whenQuiet(() => judge(cell, item, error));
}

/** The same turns again, one to a commit, from what is durable. */
function startOver(cell: Cell): void {
  cell.endLife();
  cell.phase = 'busy';
  cell.inTrouble().isCautious = true;
  // What the turns had moved or taken back is there again.
  cell.mailbox.removeWhere((item) => item.kind === 'scheduled');
  cell.scheduled?.reset();
  cell.commits.whenQuiet(() => (cell.commits.isStored ? cell.restore() : cell.createNext()));
}

/** Carries out the decision on a failure; what it costs is durable before the actor goes on. */
function judge(cell: Cell, item: Item | undefined, cause: unknown): void {
  cell.trouble?.judged(item);
  const { env, log } = cell.services;
  const error = encodeError(cause);
  const draft = cell.commits.newDraft();
  const blame = cell.judgeOf();
  const decision = blame.decide(item, error, env.now(), draft, cell.commits.marks);
  const correlation = item && eventIdOf(item);
  log.warn('actor failed', { address: cell.address, correlation, decision, attempts: blame.attempts, error });
  if (decision === 'quarantine') return giveUp(cell, draft, item, JSON.stringify(error));
  if (decision === 'retry') cell.mailbox.unshift([item as Item]);
  cell.post(draft);
  cell.commits.whenQuiet(() => cell.restore());
}

function giveUp(cell: Cell, draft: Draft, item: Item | undefined, error: string): void {
  if (item && isAwaited(item)) item.settle({ error: encodeError(actorQuarantined(cell.address, error)) });
  cell.finish(draft, { status: 'quarantined', error });
}
