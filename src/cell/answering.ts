/** A cell in which nobody lives: whoever is addressed to it is answered, then it is forgotten. */
import type { Cell } from './cell.ts';
import { canCreate } from './creating.ts';
import type { Item } from './items.ts';

/** Senders are told, rows of others become dead letters, then the cell is forgotten; unless somebody comes to live there. */
export function answerEnded(cell: Cell): void {
  const { committed, isStored } = cell.commits;
  if (!committed && !isStored && canCreate(cell)) {
    return cell.commits.whenQuiet(() => void (cell.phase === 'ended' && cell.createNext()));
  }
  if (cell.endingOf().answer(takeReady(cell), cell.parent) === 'finishing') return;
  cell.commits.whenQuiet(() => {
    if (cell.phase !== 'ended' || cell.mailbox.size > 0) return;
    if (cell.commits.committed?.status === 'active') return cell.reload();
    cell.phase = 'disposed';
    cell.services.disposed(cell.address);
  });
}

/** All items but those whose id may have been done before: they get the outcome it had then (G6). */
function takeReady({ mailbox, ids }: Cell): readonly Item[] {
  const items = mailbox.takeAll();
  if (!ids) return items;
  for (const item of items) if (ids.isUnready(item)) mailbox.push(item);
  return items.filter((item) => !ids.isUnready(item));
}
