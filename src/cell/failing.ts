/** A cell in trouble with what it wants to save: states that are too large, commits that are refused, turns that must come one by one. */
import type { Cell } from './cell.ts';
import type { RefusedResult } from './commit-queue.ts';
import type { Draft } from './draft.ts';
import { fanOutRefused, faultOf } from './failure.ts';
import { isAwaited } from './items.ts';
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
  if (!draft.actor || !creator) return cell.failWith(faultOf(first, error));
  if (first && first !== creator) cell.mailbox.unshift([first]);
  cell.failCreation(creator, cell.commits.newDraft(), { kind: 'start', error });
}

/** Rule 5: the cell and its queued commits are dropped, and it reloads. */
export function takeRefusal(cell: Cell, { reason, detail }: RefusedResult, drafts: readonly Draft[]): void {
  const trouble = cell.inTrouble();
  trouble.refusals++;
  trouble.tried = undefined;
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
  if (isPosted) cell.failWith(faultOf(item, error));
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
