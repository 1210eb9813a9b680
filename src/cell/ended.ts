/** Answers what is still addressed to an actor that has ended, is quarantined, or never was. */
import type { Address } from '../actor/address.ts';
import type { TroupeError } from '../errors.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Committed } from './commit-queue.ts';
import type { Draft } from './draft.ts';
import { actorQuarantined, actorStopped, bury } from './failure.ts';
import { isRemovalOrder, isWork } from './items.ts';
import type { InboxItem, Item, OrderItem } from './items.ts';

export interface EndedContext {
  readonly address: Address;
  /** Absent: the actor does not exist. */
  readonly committed: Committed | undefined;
  /** What to say when it does not exist. */
  readonly absence: TroupeError;
  readonly marks: Readonly<Record<string, number>>;
}

/** Settles every item; what must be saved for that goes into `draft`. Rows for a quarantined actor stay where they are. */
export function answerEnded(items: readonly Item[], draft: Draft, context: EndedContext): void {
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
  draft.status = item.kind === 'order' && item.order === 'revive' ? 'active' : 'stopped';
  draft.error = null;
}

function answerRow(item: InboxItem, draft: Draft, context: EndedContext): void {
  if (context.committed?.status === 'quarantined') return;
  draft.consume(item, context.marks);
  if (item.row.kind === 'event') bury(draft, context.address, item, encodeError(refusal(context)), 0);
}
