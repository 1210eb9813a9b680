/** Rows of the log as events. Pure. */
import type { BusEventRow } from '../store/store.ts';
import type { EventAttributes, ReceivedEvent } from './bus.ts';
import type { BusEvent } from './topic-event.ts';

/** An event as its publisher gave it. Each call makes an object of its own: nobody can change what another sees. */
export function toBusEvent(row: BusEventRow): BusEvent {
  const { id, topic, source, time, priority, text, attributes } = row;
  return {
    id,
    topic,
    source,
    time,
    priority,
    data: JSON.parse(text) as unknown,
    ...(attributes !== null && { attributes: JSON.parse(attributes) as EventAttributes }),
  };
}

/** An event as a handler gets it. */
export function toReceived(row: BusEventRow, attempt: number): ReceivedEvent {
  return { ...toBusEvent(row), seq: row.pos, attempt };
}
