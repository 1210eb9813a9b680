/** Direct items that come again after a crash: their sender cannot know that they had been committed. */
import type { Address } from '../actor/address.ts';
import type { RefusalReason } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import { conflict, eventFailed } from './failure.ts';
import { TOLD, eventIdOf, isConditional } from './items.ts';
import type { DirectItem, Item } from './items.ts';
import type { CellServices } from './services.ts';
import { readSteadily } from './steady-read.ts';

/** True for what a sender of this boot sent before: numbers of one sender only grow. */
export function isRepeated(item: Item, marks: Readonly<Record<string, number>>): item is DirectItem {
  return item.kind === 'direct' && item.n > 0 && item.n <= (marks[item.from] ?? 0);
}

/**
 * True for what must not be processed again although its commit was refused: nobody waits for it, and no mark tells whether
 * that commit had been applied when it was first posted.
 */
export function mayBeSpent(item: Item, reason: RefusalReason): boolean {
  return item.kind === 'direct' && item.from === TOLD && (reason === 'epoch' || reason === 'seq');
}

/** Tells the sender again: it was a success, unless the event had been given up on, or its condition was not met. */
export async function settleRepeated(
  item: DirectItem,
  address: Address,
  services: CellServices,
  isWanted: () => boolean,
): Promise<void> {
  const id = eventIdOf(item) as string;
  const read = () => services.store.call('deadLetters', { address, id, limit: 1 });
  const [letter] = await readSteadily(services, address, isWanted, read);
  if (letter) return item.settle({ error: encodeError(eventFailed(address, id, JSON.parse(letter.error))) });
  if (!isConditional(item)) return item.settle({});
  // Only one that was done has left its id.
  const key = item.idempotencyId ?? '';
  const row = await readSteadily(services, address, isWanted, () => services.store.call('idempotency', address, key));
  if (!row) return item.settle({ error: encodeError(conflict(address, item.ifSeq)) });
  item.settle(row.reply === null ? {} : { reply: row.reply });
}
