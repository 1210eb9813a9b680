/** Sends events that are kept to an actor, each under its own id, so that a second call repeats nothing. */
import { createHash } from 'node:crypto';
import { parseAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { BusEventRow } from '../store/store.ts';
import { toBusEvent } from './received.ts';
import type { TopicEvent } from './topic-event.ts';

/** Sends without an answer: as many as keep an actor and its commits busy. */
const MAX_UNDER_WAY = 64;

/** Longest id of a message. */
const MAX_ID_CHARS = 256;

/** Sends one event to an actor that exists. Resolves when what it led to is durable. */
export type SendEvent = (to: Address, event: TopicEvent, id: string) => Promise<void>;

/**
 * Sends pages of events, in order: the next one as soon as fewer than the most are under way. Resolves with how many.
 * @throws the first failure of a send, with the position of its event as `details.seq`, or of the pages, once those under way have settled.
 */
export async function replayInto(
  pages: AsyncIterable<readonly BusEventRow[]>,
  send: (row: BusEventRow) => Promise<unknown>,
): Promise<number> {
  const sends = new SendsUnderWay();
  try {
    for await (const page of pages)
      for (const row of page) {
        if (sends.isFull) await sends.changed();
        if (sends.failure) throw toFailure(sends.failure);
        sends.add(row.pos, send(row));
      }
  } finally {
    while (sends.open > 0) await sends.changed();
  }
  if (sends.failure) throw toFailure(sends.failure);
  return sends.done;
}

/** A send that failed, and where its event is. */
interface Failure {
  readonly seq: number;
  readonly error: unknown;
}

/** Says how to go on behind an event that cannot be taken. */
function toFailure({ seq, error }: Failure): unknown {
  if (!(error instanceof TroupeError)) return error;
  return new TroupeError(
    error.code,
    `${error.message} The event is at ${seq} of the log, and what is before it has been sent; afterSeq: ${seq} goes on behind it.`,
    { cause: error, details: { ...error.details, seq } },
  );
}

/** Sends without an answer, counted. */
class SendsUnderWay {
  open = 0;
  done = 0;
  /** The first by position. */
  failure: Failure | undefined;
  #wake = (): void => {};

  get isFull(): boolean {
    return this.open >= MAX_UNDER_WAY;
  }

  add(seq: number, send: Promise<unknown>): void {
    this.open++;
    const settle = (): void => {
      this.open--;
      this.#wake();
    };
    send.then(
      () => {
        this.done++;
        settle();
      },
      (error: unknown) => {
        if (!this.failure || seq < this.failure.seq) this.failure = { seq, error };
        settle();
      },
    );
  }

  /** Resolves when the next one has settled. */
  changed(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

/** The event an actor gets. */
export function toTopicEvent(row: BusEventRow, eventType: string): TopicEvent {
  return { type: eventType, ...toBusEvent(row) };
}

/** The id an event is sent under: its own; events from elsewhere may have a longer one. */
export function toMessageId({ id }: BusEventRow): string {
  return id.length <= MAX_ID_CHARS ? id : `event:${createHash('sha256').update(id).digest('hex')}`;
}

/**
 * Checks who gets the events, and as what.
 * @throws {TroupeError} ERR_ADDRESS, ERR_OPTIONS_INVALID.
 */
export function checkTarget(to: unknown, eventType: unknown): Address {
  const { address } = parseAddress(to as string);
  if (typeof eventType === 'string' && eventType.length > 0 && eventType.length <= 256) return address;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The event type given to replayInto('${address}') is ${describeValue(eventType)}. Pass the type its machine handles, a string of 1 to 256 characters: 'TASK_DONE'.`,
    { details: { option: 'eventType', address } },
  );
}
