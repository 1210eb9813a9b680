/** Messages of streams, out of the words of @nats-io/jetstream. Part of the adapter `jetstream.ts`. */
import type { JsMsg } from '@nats-io/jetstream';
import type { AckableMessage, StreamMessage } from './client.ts';
import { fromHeaders } from './headers.ts';

const NANOS_PER_MS = 1_000_000;

/** A message as it is read. */
export function toStreamMessage(message: JsMsg): StreamMessage {
  const { subject, seq, data, info } = message;
  return {
    subject,
    seq,
    time: Math.floor(info.timestampNanos / NANOS_PER_MS),
    data,
    text: () => message.string(),
    headers: fromHeaders(message.headers),
    pending: info.pending,
  };
}

/** A message as one of a group is given it. */
export function toAckable(message: JsMsg): AckableMessage {
  return {
    ...toStreamMessage(message),
    attempt: message.info.deliveryCount,
    ack: () => message.ackAck().catch(() => false),
    nak: (delayMs) => message.nak(delayMs),
    working: () => message.working(),
    term: (reason) => message.term(reason),
  };
}
