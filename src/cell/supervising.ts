/**
 * What a cell does for supervision without a turn of its machine: it is made anew on an order, passes that on to what is below, and answers
 * word of a child that failed as its strategy says. Everything travels as rows (docs/decisions/0012).
 */
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { RestartCause, PlainError } from '../supervision/events.ts';
import { affected } from '../supervision/strategy.ts';
import type { Cell } from './cell.ts';
import type { Draft } from './draft.ts';
import { childEscalated } from './failure.ts';
import { bodyOf, isAwaited } from './items.ts';
import type { InboxItem, OrderItem, SupervisionItem } from './items.ts';
import { findChildren } from './steady-read.ts';

/** What a row of kind `restart` says. */
interface RestartOrder {
  readonly cause?: RestartCause;
  /** Who passed it on, from the first to the last: parents in a circle must not do so forever. */
  readonly via?: readonly Address[];
  /** Not the receiver itself, which is made anew by its own decision, but what is below it. */
  readonly isBelowOnly?: boolean;
}

/** What a row of kind `failed` says. */
interface ChildFailure {
  readonly child: Address;
  readonly error: PlainError;
  /** The child was given up on, and its parent is to fail with it. */
  readonly isEscalated?: boolean;
}

/** Takes an order to be made anew, or word of a child that failed. What was posted before settles first. */
export function supervise(cell: Cell, item: SupervisionItem): void {
  cell.phase = 'busy';
  const trouble = cell.inTrouble();
  trouble.sinceMs ??= cell.services.env.monotonicMs();
  // A refusal meanwhile takes it back.
  trouble.failed = item;
  cell.commits.whenQuiet(() => {
    if (item.kind === 'order') return beginAnew(cell, cell.commits.newDraft(), item, 'order');
    return void (item.row.kind === 'restart' ? restartWithChildren(cell, item) : answerChild(cell, item));
  });
}

async function restartWithChildren(cell: Cell, item: InboxItem): Promise<void> {
  const { cause = 'strategy', via = [], isBelowOnly = false } = bodyOf(item) as RestartOrder;
  const isCircle = via.includes(cell.address);
  const children = isCircle ? [] : await living(cell);
  if (cell.isDisposed || !children) return;
  const draft = cell.commits.newDraft();
  orderRestarts(cell, draft, children, { cause, via: [...via, cell.address] });
  if (isBelowOnly || isCircle) return goOn(cell, draft, item);
  beginAnew(cell, draft, item, cause);
}

async function answerChild(cell: Cell, row: InboxItem): Promise<void> {
  const { child, error, isEscalated = false } = bodyOf(row) as ChildFailure;
  const children = await living(cell);
  if (cell.isDisposed || !children) return;
  if (isEscalated) {
    const failure = childEscalated(cell.address, child, error);
    return cell.failWith({ kind: 'child', what: child, error: failure, row, children });
  }
  const { strategy } = cell.definition.policy.supervise;
  const draft = cell.commits.newDraft();
  const via = [cell.address];
  for (const address of affected(strategy, children, child)) {
    if (address !== child) orderRestarts(cell, draft, [address], { cause: 'strategy', via });
    else draft.rows.inbox.push(restartRow(draft, address, { cause: 'strategy', via, isBelowOnly: true }));
  }
  goOn(cell, draft, row);
}

/** Children that have not ended, in the order of their start; nothing when nobody wants to know any more. */
async function living(cell: Cell): Promise<readonly Address[] | undefined> {
  try {
    const children = await findChildren(cell.services, cell.address, () => !cell.isDisposed);
    return children
      .filter(({ status }) => status === 'active' || status === 'quarantined')
      .map(({ address }) => address);
  } catch {
    return undefined;
  }
}

/** Orders actors to be made anew; those that are never made anew are stopped instead, as in OTP. */
export function orderRestarts(
  { services }: Cell,
  draft: Draft,
  children: readonly Address[],
  order: RestartOrder,
): void {
  for (const child of children) {
    const isTemporary = services.definitions.find(typeOf(child))?.policy.supervise.restart === 'temporary';
    if (!isTemporary) draft.rows.inbox.push(restartRow(draft, child, order));
    else draft.rows.inbox.push({ receiver: child, kind: 'stop', id: draft.nextId(), text: '{}' });
  }
}

function restartRow(draft: Draft, receiver: Address, order: RestartOrder): Draft['rows']['inbox'][number] {
  return { receiver, kind: 'restart', id: draft.nextId(), text: JSON.stringify(order) };
}

/** The machine has heard nothing of it and goes on. */
function goOn(cell: Cell, draft: Draft, item: InboxItem): void {
  const trouble = cell.inTrouble();
  trouble.failed = undefined;
  trouble.sinceMs = undefined;
  draft.consume(item, cell.commits.marks);
  cell.phase = 'live';
  if (cell.post(draft)) cell.pump();
}

/** A new life from the last commit; what the old one had begun is not heard of any more. */
function beginAnew(cell: Cell, draft: Draft, item: InboxItem | OrderItem, cause: RestartCause): void {
  cell.endLife();
  const trouble = cell.inTrouble();
  trouble.failed = undefined;
  trouble.cause = cause;
  if (isAwaited(item)) draft.items.push(item);
  else draft.consume(item, cell.commits.marks);
  if (!cell.post(draft)) return;
  cell.commits.whenQuiet(() => {
    if (cell.phase === 'busy') cell.restore();
  });
}
