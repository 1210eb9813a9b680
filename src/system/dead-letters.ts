/**
 * Dead letters in the hands of an operator: listed, sent again, or thrown away. A letter that is replayed goes as a new message, as the
 * text that was accepted once, under an id made of its position (rule 10): a crash between its being processed and its removal costs a
 * second replay, and never processes it twice.
 */
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { describeValue } from '../describe.ts';
import { TroupeError, isTroupeError } from '../errors.ts';
import { NATS_ADDRESS } from '../nats/inlet.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { DeadLetterQuery } from '../store/queries.ts';
import type { StoredDeadLetter } from '../store/store.ts';
import type { SystemCore } from './core.ts';
import { windowOf } from './ref.ts';

/** Which dead letters to list, oldest first. Pages follow one another by `afterPos`. */
export type LetterQuery = Omit<DeadLetterQuery, 'id'>;

/** The dead letters of a store. */
export class DeadLetters {
  readonly #core: SystemCore;
  readonly #store: StoreClient;

  constructor(core: SystemCore, store: StoreClient) {
    this.#core = core;
    this.#store = store;
  }

  list(query: LetterQuery): Promise<readonly StoredDeadLetter[]> {
    return this.#store.call('deadLetters', query);
  }

  /** Sends its event to its actor again; once that is durable, the letter goes. */
  async replay(pos: number): Promise<void> {
    const letter = await this.#find(pos);
    assertReplayable(letter);
    await this.#send(letter);
    try {
      await this.#store.call('deleteDeadLetter', pos);
    } catch (cause) {
      throw notRemoved(letter, cause);
    }
  }

  async discard(pos: number): Promise<void> {
    await this.#find(pos);
    await this.#store.call('deleteDeadLetter', pos);
  }

  async #find(pos: number): Promise<StoredDeadLetter> {
    assertPosition(pos);
    const [letter] = await this.#store.call('deadLetters', { pos, limit: 1 });
    if (letter) return letter;
    throw new TroupeError(
      'ERR_DEAD_LETTER_UNKNOWN',
      `No dead letter has position ${pos}: it was replayed or discarded, its actor was removed, or it never was. List them with system.deadLetters().`,
      { details: { pos } },
    );
  }

  async #send(letter: StoredDeadLetter): Promise<void> {
    const { address, pos, text } = letter;
    try {
      const most = windowOf(this.#core, address);
      await this.#core.sends.send(address, `"event":${text}`, { id: `dead-letter:${pos}`, create: undefined, most });
    } catch (cause) {
      if (!isTroupeError(cause)) throw cause;
      if (cause.code === 'ERR_EVENT_FAILED') await this.#dropTwin(letter, cause);
      throw stays(letter, cause);
    }
  }

  /**
   * An event that fails its actor again has become another dead letter in the commit that gave it up. One is enough: the older one,
   * whose position the operator knows. If this fails there are two of it, and nothing is lost.
   */
  async #dropTwin({ address, pos }: StoredDeadLetter, { details }: TroupeError): Promise<void> {
    const { id } = details;
    if (typeof id !== 'string') return;
    try {
      const [twin] = await this.#store.call('deadLetters', { address, id, afterPos: pos, limit: 1 });
      if (twin) await this.#store.call('deleteDeadLetter', twin.pos);
    } catch {
      // The caller gets the error that matters, why the replay failed.
    }
  }
}

function assertPosition(pos: unknown): void {
  if (Number.isSafeInteger(pos) && (pos as number) >= 1) return;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The position of a dead letter is ${describeValue(pos)}. Pass the pos of one that system.deadLetters() lists, a whole number from 1 on.`,
    { details: { option: 'pos' } },
  );
}

/** Named subscribers of the host program have dead letters too, as has what came over NATS to nobody, and no mailbox to send them to. */
function assertReplayable({ address, pos, error, text }: StoredDeadLetter): void {
  assertSound(address, pos, { error, text });
  if (address === NATS_ADDRESS)
    throw new TroupeError(
      'ERR_OPTIONS_INVALID',
      `Dead letter ${pos} is of what went over NATS and came to nothing; it is of no actor that it could be sent to. Mend what its error names, publish what its text holds again with system.bus.publish() or from where it came, then call system.discardDeadLetter(${pos}).`,
      { details: { address, pos } },
    );
  if (typeOf(address) !== 'subscriber') return;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Dead letter ${pos} was given up on by the subscription '${address.slice('subscriber/'.length)}' of the host program, which is no actor that it could be sent to. Handle the event in its text where you can, or publish it again with system.bus.publish(), then call system.discardDeadLetter(${pos}).`,
    { details: { address, pos } },
  );
}

/** What is left of a damaged message is for reading only. */
function assertSound(address: Address, pos: number, letter: { readonly error: string; readonly text: string }): void {
  if (readCode(letter.error) !== 'ERR_STATE_CORRUPT' && isJson(letter.text)) return;
  throw new TroupeError(
    'ERR_STATE_CORRUPT',
    `Dead letter ${pos} of '${address}' is damaged and cannot be sent again: its text is not what was sent. Send the event anew from its source, then call system.discardDeadLetter(${pos}).`,
    { details: { address, pos } },
  );
}

function readCode(error: string): unknown {
  return isJson(error) ? (JSON.parse(error) as { code?: unknown } | null)?.code : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function stays({ address, pos }: StoredDeadLetter, cause: TroupeError): TroupeError {
  return new TroupeError(cause.code, `Dead letter ${pos} of '${address}' stays where it is: ${cause.message}`, {
    cause,
    details: { ...cause.details, address, pos },
  });
}

function notRemoved({ address, pos }: StoredDeadLetter, cause: unknown): TroupeError {
  const code = isTroupeError(cause) ? cause.code : 'ERR_INTERNAL';
  return new TroupeError(
    code,
    `Dead letter ${pos} of '${address}' was processed, and could not be removed. Replay it again within the retention of ids: that removes it without processing it twice.`,
    { cause, details: { address, pos } },
  );
}
