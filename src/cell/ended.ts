/** Answers what is still addressed to an actor that has ended, is quarantined, or never was. */
import type { Address } from '../actor/address.ts';
import type { TroupeError } from '../errors.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Committed } from './commit-queue.ts';
import type { Draft } from './draft.ts';
import { actorQuarantined, actorStopped, bury } from './failure.ts';
import { isRemovalOrder, isWork } from './items.ts';
import type { InboxItem, Item, Order, OrderItem } from './items.ts';

export interface EndedContext {
  readonly address: Address;
  /** Absent: the actor does not exist. */
  readonly committed: Committed | undefined;
  /** What to say when it does not exist. */
  readonly absence: TroupeError;
  readonly marks: Readonly<Record<string, number>>;
  /** It is held because its parent failed with it. */
  readonly isEscalated: boolean;
}

/** Settles every item; what must be saved for that goes into `draft`. Rows for a quarantined actor stay where they are. */
export function answerAll(items: readonly Item[], draft: Draft, context: EndedContext): void {
  for (const item of items) {
    if (item.kind === 'order' || (item.kind === 'inbox' && item.row.kind === 'stop')) orderEnded(item, draft, context);
    else if (item.kind === 'inbox') answerRow(item, draft, context);
    else if (item.kind === 'direct' && !isWork(item) && context.committed) item.settle({});
    else if (item.kind === 'direct') item.settle({ error: encodeError(refusal(context)) });
  }
}

function refusal({ address, committed, absence }: EndedContext): TroupeError {
  if (!committed) return absence;
  if (committed.status === 'quarantined') return actorQuarantined(address, committed.error);
  return actorStopped(address, committed.status);
}

/** An order to what has ended changes nothing, but a quarantined actor is revived or let go of, and a removal removes. */
function orderEnded(item: OrderItem | InboxItem, draft: Draft, context: EndedContext): void {
  const { committed } = context;
  const isRemoval = isRemovalOrder(item);
  const isHeld = committed?.status === 'quarantined';
  if (item.kind === 'order' && (!committed || (!isRemoval && !isHeld))) return item.settle({});
  draft.consume(item, context.marks);
  if (!committed) return;
  if (isRemoval) draft.isRemoval = true;
  if (!isHeld) return;
  draft.status = item.kind === 'order' && TRIES_AGAIN.has(item.order) ? 'active' : 'stopped';
  draft.error = null;
}

/** Orders that give a held actor another try. */
const TRIES_AGAIN: ReadonlySet<Order> = new Set<Order>(['revive', 'restart']);

function answerRow(item: InboxItem, draft: Draft, context: EndedContext): void {
  if (context.committed?.status === 'quarantined') return answerHeldRow(item, draft, context);
  draft.consume(item, context.marks);
  if (item.row.kind === 'event' && item.isExit !== true)
    bury(draft, context.address, item, encodeError(refusal(context)), 0);
}

/**
 * What waits for a held actor stays. Its parent making its children anew is no reason to try it again, unless the parent failed with it: then
 * the order is obeyed in the next life.
 */
function answerHeldRow(item: InboxItem, draft: Draft, { marks, isEscalated }: EndedContext): void {
  if (item.row.kind !== 'restart') return;
  // Whoever ordered an end has the last word.
  if (draft.isRemoval || draft.status !== 'quarantined') return draft.consume(item, marks);
  if (!isEscalated) return draft.consume(item, marks);
  draft.status = 'active';
  draft.error = null;
}
