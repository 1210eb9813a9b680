/** Lets out what a durable commit holds: hints of inbox rows, replies and deliveries, publications, times to look again. */
import type { Address } from '../actor/address.ts';
import { toTopicEventText } from '../bus/topic-event.ts';
import { toTopicRowId } from '../store/fan-out.ts';
import type { CommitResult, NewPublication } from '../store/store.ts';
import type { EffectRows } from './effect-rows.ts';
import type { CellServices } from './services.ts';

/** `result` of a repeated commit knows no positions: receivers are told to look for themselves. `at`: time of the commit. */
export function letOut(
  sender: Address,
  sent: EffectRows,
  result: Exclude<CommitResult, { outcome: 'refused' }>,
  at: number,
  services: CellServices,
): void {
  const { positions, outboxPositions } = result.outcome === 'done' ? result : {};
  for (const [i, row] of sent.inbox.entries()) services.hint(sender, row, positions?.[i]);
  for (const [i, row] of sent.outbox.entries()) services.release(sender, row, outboxPositions?.[i]);
  if (sent.publish.length > 0) services.published(sender, sent.publish, result, at);
  for (const write of sent.schedules.values()) if (write) services.dueLater(sender, write.dueAt);
}

/** Tells subscribers. Those of a publication whose outcome is unknown are found by the recovery loop. */
export function hintSubscribers(
  sender: Address,
  publications: readonly NewPublication[],
  result: CommitResult,
  at: number,
  hint: CellServices['hint'],
): void {
  if (result.outcome !== 'done') return;
  for (const [i, publication] of publications.entries()) {
    for (const { receiver, event, pos, previousPos } of result.published?.[i]?.receivers ?? []) {
      const text = toTopicEventText(publication, sender, at, event);
      const id = toTopicRowId(publication.id, event);
      hint(sender, { receiver, kind: 'event', id, text, at }, { pos, previousPos });
    }
  }
}
