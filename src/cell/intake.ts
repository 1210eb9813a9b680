/** What code sends to a cell, on its way into the mailbox. */
import { admit } from './admission.ts';
import type { Cell } from './cell.ts';
import { isTold } from './items.ts';
import type { DirectItem, OrderItem } from './items.ts';
import { isRepeated, settleRepeated } from './repeats.ts';

/** Sends are bounded by their senders, who wait; a tell over the capacity is dropped, which is all it promises (G14). */
export function keepEarly(cell: Cell, item: DirectItem | OrderItem): void {
  const early = (cell.early ??= []);
  if (isTold(item) && early.length >= cell.definition.policy.mailbox.capacity) return;
  early.push(item);
}

/** A replaced host may wake a cell, by a hint or a read, before main repeats what the dead host had committed. */
export function accept(cell: Cell, item: DirectItem | OrderItem): void {
  const direct = item.kind === 'direct' ? item : undefined;
  if (direct && isRepeated(direct, cell.commits.marks)) return answerRepeated(cell, direct);
  if (!admit(item, cell.mailbox, cell.definition, cell.address, cell.services)) return;
  const isGated = item.kind === 'direct' && item.idempotencyId !== undefined;
  const admitted = isGated ? cell.gate().admit(item, item.idempotencyId as string) : item;
  if (admitted) cell.mailbox.push(admitted);
}

/** Tells the sender of what had been committed before. */
export function answerRepeated(cell: Cell, item: DirectItem): void {
  settleRepeated(item, cell.address, cell.services, () => !cell.isDisposed).catch(() => {});
}
