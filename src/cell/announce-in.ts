/** What the runtime says in a commit: durable with what it tells of. */
import type { Address } from '../actor/address.ts';
import type { SystemEvents, SystemTopic } from '../supervision/events.ts';
import type { Draft } from './draft.ts';

/** Adds an event of the runtime to what a commit publishes. */
export function announceIn<T extends SystemTopic>(draft: Draft, owner: Address, topic: T, data: SystemEvents[T]): void {
  const id = `${owner}#${draft.nextId()}`;
  draft.rows.publish.push({ id, topic, priority: 'high', text: JSON.stringify(data) });
}
