/**
 * How far the inlet has come in the stream, and how that is kept: as a place with a position and a text. A server may lose its tail, since
 * JetStream acknowledges before it syncs, and a stream may be made anew: then what stands at the position is something else. Pure.
 */
import type { StreamInfo, StreamMessage } from './client.ts';

/** A place in a stream. */
export interface StreamPlace {
  readonly seq: number;
  /** When the stream was made. */
  readonly created: string;
  /** What stands at `seq`; undefined where nothing was read yet. */
  readonly mark: string | undefined;
}

/** What is found where one has been. */
export type PlaceFinding = 'same' | 'replaced' | 'shorter' | 'rewritten';

/** Tells one message from another at the same position. */
export function markOf({ headers, time }: Pick<StreamMessage, 'headers' | 'time'>): string {
  return headers['nats-msg-id'] ?? `at ${time}`;
}

/** A place as the text beside its position. */
export function toPlaceText({ created, mark }: StreamPlace): string {
  return JSON.stringify(mark === undefined ? { created } : { created, mark });
}

/** A place as it was kept; undefined when that cannot be read. */
export function fromPlaceText(seq: number, text: string): StreamPlace | undefined {
  try {
    const { created, mark } = JSON.parse(text) as { readonly created?: unknown; readonly mark?: unknown };
    if (typeof created !== 'string') return undefined;
    return { seq, created, mark: typeof mark === 'string' ? mark : undefined };
  } catch {
    return undefined;
  }
}

/**
 * Compares a place with the stream.
 * @param there the message at its position, if the stream still has it
 */
export function comparePlace(place: StreamPlace, stream: StreamInfo, there: StreamMessage | undefined): PlaceFinding {
  if (stream.created !== place.created) return 'replaced';
  if (stream.lastSeq < place.seq) return 'shorter';
  const isOther = there !== undefined && place.mark !== undefined && markOf(there) !== place.mark;
  return isOther ? 'rewritten' : 'same';
}

/** Most messages that went by age, or were removed by somebody, after a place and before anybody read on from there. */
export function countGone({ seq }: StreamPlace, { firstSeq }: Pick<StreamInfo, 'firstSeq'>): number {
  // At 0 nothing was read yet, so what is gone was never to come.
  return seq === 0 ? 0 : Math.max(0, firstSeq - 1 - seq);
}
