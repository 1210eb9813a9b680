/** The turns of a cell: items from its mailbox into a draft, until that is full or something must stand in a commit of its own. */
import type { Cell } from './cell.ts';
import { hasEnded } from './draft.ts';
import type { Draft } from './draft.ts';
import { failAfter } from './failing.ts';
import { bury, conflict, rowDamaged } from './failure.ts';
import { eventIdOf, isConditional, isDamaged, isStopOrder, isSupervision } from './items.ts';
import type { ConditionalItem, DamagedItem, Item, ScheduleCommand, ScheduledItem, SupervisionItem } from './items.ts';
import type { Failed } from './live-actor.ts';
import { supervise } from './supervising.ts';
import { encodeError } from '../thread/error-codec.ts';

/** Turns that may share one commit. */
const MAX_TURNS_PER_COMMIT = 64;

/** Takes turns until the mailbox is empty or the commit is full, then posts what they led to. */
export function fill(cell: Cell, draft: Draft): void {
  const limit = cell.trouble?.isCautious || cell.isRecorded ? 1 : MAX_TURNS_PER_COMMIT;
  for (let turns = 0; turns < limit && cell.isHeadReady; turns++) {
    const item = cell.mailbox.shift() as Item;
    if (isStopOrder(item)) return stopAfter(cell, draft, item);
    if (isSupervision(item)) return superviseAfter(cell, draft, item as SupervisionItem);
    if (item.kind === 'order') {
      draft.items.push(item);
      continue;
    }
    if (isDamaged(item)) {
      buryDamaged(cell, draft, item);
      continue;
    }
    if (item.kind === 'scheduled' && isEarly(cell, item)) continue;
    if (cell.blame?.buryPoison(item, draft, cell.commits.marks)) continue;
    if (isConditional(item) && cell.trouble?.tried !== item) {
      if (!isAlone(draft)) return postBefore(cell, draft, item);
      if (isRefuted(cell, draft, item)) continue;
    }
    const failed = turn(cell, draft, item);
    if (failed) return failAfter(cell, draft, item, failed.error);
    if (hasEnded(draft)) return cell.complete(draft);
  }
  cell.post(draft);
}

/** The end has a commit of its own: what came before must be saved as it is, or fail by itself. */
export function stopAfter(cell: Cell, draft: Draft, item: Item): void {
  if (!isAlone(draft) && !cell.post(draft, [item])) return;
  const last = cell.commits.newDraft();
  cell.endingOf().obey(last, cell.parent, item, () => cell.incarnation?.stop(last));
}

function superviseAfter(cell: Cell, draft: Draft, item: SupervisionItem): void {
  if (isAlone(draft) || cell.post(draft, [item])) supervise(cell, item);
}

/** What it says is not what was sent: it is kept as a dead letter, and the actor goes on without it. */
function buryDamaged(cell: Cell, draft: Draft, item: DamagedItem): void {
  const { address, services, commits } = cell;
  const error = encodeError(rowDamaged(address, item));
  services.log.error('a stored message is damaged and becomes a dead letter', { address, error });
  draft.consume(item, commits.marks);
  bury(draft, address, item, error, 0);
}

/** Its seq is known once what came before has one: the item is looked at again right after. */
function postBefore(cell: Cell, draft: Draft, item: Item): void {
  cell.mailbox.unshift([item]);
  cell.post(draft);
}

/** The actor has moved on since the sender looked at it: nothing happens, and the sender is told (G18). */
function isRefuted(cell: Cell, draft: Draft, item: ConditionalItem): boolean {
  const seq = draft.seq - 1;
  if (item.ifSeq === seq) return false;
  cell.commits.answer(item, { error: encodeError(conflict(cell.address, item.ifSeq, seq)) });
  return true;
}

function isAlone(draft: Draft): boolean {
  return draft.isEmpty && draft.items.length === 0;
}

/** The clock was set back while it waited: it comes again when it is due. */
function isEarly(cell: Cell, item: ScheduledItem): boolean {
  const { dueAt } = item.row;
  if (dueAt <= cell.services.env.now()) return false;
  cell.scheduled?.forget([item]);
  cell.services.dueLater(cell.address, dueAt);
  return true;
}

function turn(cell: Cell, draft: Draft, item: Item): Failed | undefined {
  if (cell.trouble?.tried) cell.trouble.tried = undefined;
  const fault = cell.trouble?.faultOf(item);
  const failed = fault ? { error: fault } : cell.incarnation?.turn(draft, item);
  if (failed) return failed;
  if (item.kind === 'direct' && item.command) obey(draft, item.command);
  draft.consume(item, cell.commits.marks);
  if (draft.sent && cell.mailbox.scheduled > 0) dropMoved(cell, draft.sent.schedules);
  cell.blame?.acquit(eventIdOf(item) ?? 'internal', draft);
  return undefined;
}

function obey(draft: Draft, command: ScheduleCommand): void {
  if ('schedule' in command) draft.rows.schedules.set(command.schedule.key, command.schedule);
  else draft.rows.schedules.set(command.unschedule, null);
}

/** A scheduled event that was moved or taken back while it waited for its turn does not get one. */
function dropMoved({ mailbox, scheduled }: Cell, keys: ReadonlyMap<string, unknown>): void {
  const moved = mailbox.removeWhere((item) => item.kind === 'scheduled' && keys.has(item.row.key));
  scheduled?.forget(moved.filter((item) => item.kind === 'scheduled'));
}
