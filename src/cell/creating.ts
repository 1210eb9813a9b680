/** A cell whose actor does not exist: it is made from the first item that can. */
import type { Address } from '../actor/address.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Cell } from './cell.ts';
import { findCreator } from './creation.ts';
import type { Creator } from './creation.ts';
import { hasEnded } from './draft.ts';
import type { Draft } from './draft.ts';
import { creationFailed } from './failure.ts';
import { isAwaited } from './items.ts';
import type { Item } from './items.ts';

/** The actor does not exist: the first item that can makes it. */
export function createNext(cell: Cell): void {
  const creator = creatorOf(cell);
  if (creator) create(cell, creator.item, creator);
  else cell.enterEnded();
}

/** True when something waits that makes the actor. */
export function canCreate(cell: Cell): boolean {
  return creatorOf(cell) !== undefined;
}

function creatorOf(cell: Cell): Creator | undefined {
  return findCreator(cell.mailbox, cell.services.definitions.acceptsNoInput(cell.definition.type));
}

function create(cell: Cell, creator: Item, origin: { readonly input: unknown; readonly parent: Address }): void {
  cell.parent = origin.parent;
  cell.creator = creator;
  const draft = cell.commits.newDraft();
  draft.actor = { type: cell.definition.type, parent: cell.parent, meta: '{}' };
  subscribeToTopics(cell, draft, new Set());
  const isSpawn = creator.kind === 'inbox' && creator.row.kind === 'create';
  if (isSpawn) {
    cell.mailbox.remove(creator);
    draft.consume(creator, cell.commits.marks);
  }
  const fault = cell.blame?.threadFault ?? cell.trouble?.faultOf(creator);
  if (fault) return failCreation(cell, creator, draft, fault);
  const failed = cell.incarnate({ input: origin.input }).start(draft);
  if (failed) return failCreation(cell, creator, draft, failed.error);
  cell.phase = 'live';
  if (hasEnded(draft)) return cell.finish(draft, { status: 'done' });
  cell.fill(draft);
  cell.pump();
}

/** It threw on entry, or its first state cannot be saved: whoever asked for it is told, or the parent. */
export function failCreation(cell: Cell, creator: Item, draft: Draft, error: unknown): void {
  cell.endLife();
  const failure = creationFailed(cell.address, error);
  if (!isAwaited(creator)) {
    draft.actor = { type: cell.definition.type, parent: cell.parent, meta: '{}' };
    draft.state = { status: 'error' };
    if (!draft.hasConsumed) {
      cell.mailbox.remove(creator);
      draft.consume(creator, cell.commits.marks);
    }
    return cell.finish(draft, { status: 'quarantined', error: JSON.stringify(encodeError(failure)) });
  }
  cell.mailbox.remove(creator);
  creator.settle({ error: encodeError(failure) });
  createNext(cell);
}

/** Topics of the definition that this actor does not receive yet. */
export function subscribeToTopics(cell: Cell, draft: Draft, known: ReadonlySet<string>): void {
  for (const [pattern, type] of Object.entries(cell.definition.policy.topics)) {
    if (!known.has(pattern)) draft.rows.subscriptions.set(pattern, type);
  }
}
