/** Rows of the log as events. Pure. */
import { TroupeError } from '../errors.ts';
import type { BusEventRow } from '../store/store.ts';
import type { EventAttributes, ReceivedEvent } from './bus.ts';
import type { BusEvent } from './topic-event.ts';

/**
 * An event as its publisher gave it. Each call makes an object of its own: nobody can change what another sees.
 * @throws {TroupeError} ERR_DATA_CORRUPT when what is stored of it is no JSON.
 */
export function toBusEvent(row: BusEventRow): BusEvent {
  const { id, topic, source, time, priority, text, attributes } = row;
  return {
    id,
    topic,
    source,
    time,
    priority,
    data: parse(row, text),
    ...(attributes !== null && { attributes: parse(row, attributes) as EventAttributes }),
  };
}

/** What a dead letter holds of an event; one that cannot be read with what is stored of its data, as a text. */
export function toLetterText(row: BusEventRow): string {
  try {
    return JSON.stringify(toBusEvent(row));
  } catch {
    const { id, topic, source, time, priority, text: data } = row;
    return JSON.stringify({ id, topic, source, time, priority, data });
  }
}

/**
 * An event as a handler gets it.
 * @throws {TroupeError} as `toBusEvent`.
 */
export function toReceived(row: BusEventRow, attempt: number): ReceivedEvent {
  return { ...toBusEvent(row), seq: row.pos, attempt };
}

function parse({ id, topic, pos }: BusEventRow, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new TroupeError(
      'ERR_DATA_CORRUPT',
      `What is stored of the event '${id}' on '${topic}' is damaged. Read on behind it with afterSeq: ${pos}, or restore a backup.`,
      { cause, details: { id, topic, seq: pos } },
    );
  }
}
