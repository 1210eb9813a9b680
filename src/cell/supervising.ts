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
import type { InboxItem, Item, OrderItem, SupervisionItem } from './items.ts';
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
  const living = await livingChildren(cell);
  if (cell.isDisposed || !living) return;
  const draft = cell.commits.newDraft();
  // Several that wait are obeyed at once: made anew is made anew.
  const others = cell.mailbox.removeWhere((other) => other.kind === 'inbox' && other.row.kind === 'restart');
  for (const other of others) draft.consume(other, cell.commits.marks);
  const orders = [item, ...(others as InboxItem[])].map((each) => bodyOf(each) as RestartOrder);
  const { cause = 'strategy' } = orders[0] as RestartOrder;
  const open = orders.filter(({ via = [] }) => !via.includes(cell.address));
  const via = [...new Set(open.flatMap((order) => order.via ?? [])), cell.address];
  if (open.length > 0) orderRestarts(cell, draft, living, { cause, via });
  if (open.every(({ isBelowOnly }) => isBelowOnly)) return goOn(cell, draft, item);
  beginAnew(cell, draft, item, cause);
}

async function answerChild(cell: Cell, row: InboxItem): Promise<void> {
  const { child, error, isEscalated = false } = bodyOf(row) as ChildFailure;
  const children = await livingChildren(cell);
  if (cell.isDisposed || !children) return;
  if (isEscalated) {
    const failure = childEscalated(cell.address, child, error);
    return cell.failWith({ kind: 'child', what: child, error: failure, row, children });
  }
  const draft = cell.commits.newDraft();
  const failed = new Set([child, ...takeFailures(cell, draft)]);
  // By its own definition, as its children know it; a substitute does not change what binds them.
  const { strategy } = cell.services.definitions.get(typeOf(cell.address)).policy.supervise;
  const concerned = new Set([...failed].flatMap((address) => affected(strategy, children, address)));
  const isOnlyOne = failed.size === 1;
  for (const address of children.filter((each) => concerned.has(each))) {
    const isBelowOnly = isOnlyOne && address === child;
    const order: RestartOrder = { cause: 'strategy', via: [cell.address], ...(isBelowOnly && { isBelowOnly }) };
    if (isBelowOnly) draft.rows.inbox.push(restartRow(draft, address, order));
    else orderRestarts(cell, draft, [address], order);
  }
  goOn(cell, draft, row);
}

/** Children of which word waits as well: many that fail at once are answered at once. */
function takeFailures(cell: Cell, draft: Draft): readonly Address[] {
  const isFailure = (item: Item): item is InboxItem =>
    item.kind === 'inbox' && item.row.kind === 'failed' && (bodyOf(item) as ChildFailure).isEscalated !== true;
  const rows = cell.mailbox.removeWhere(isFailure).filter(isFailure);
  for (const row of rows) draft.consume(row, cell.commits.marks);
  return rows.map((row) => (bodyOf(row) as ChildFailure).child);
}

/** Children that have not ended, in the order of their start; nothing when nobody wants to know any more. */
async function livingChildren(cell: Cell): Promise<readonly Address[] | undefined> {
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
    else draft.rows.inbox.push({ receiver: child, kind: 'stop', id: draft.nextId(), text: '{"inOrder":true}' });
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
