/** Dead letters of what came over NATS without anybody waiting for an answer, and could not be done. */
import { toAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { Commit, CommitResult } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { NatsHeaders } from './client.ts';

/** Whose dead letters they are that belong to no actor, and who sent all of them. */
export const NATS_HOST = toAddress('bus', 'nats');

/** A message that came to nothing. */
export interface Lost {
  readonly subject: string;
  readonly headers: NatsHeaders;
  /** The payload as text. */
  readonly payload: string;
  readonly id: string;
  readonly error: unknown;
  /** The event as its actor would have taken it, and the actor: so it can be sent again by `system.replayDeadLetter`. */
  readonly event?: { readonly to: Address; readonly text: string };
}

export interface LettersOptions {
  readonly env: Env;
  readonly log: Logger;
  /** Main's way of posting a commit. */
  readonly post: (commit: Commit, done: (result: CommitResult) => void) => void;
}

/** Letters that may wait for the store. */
const MAX_WAITING = 1000;

/** Characters of a payload that are kept; a payload is for reading, an event is kept whole. */
const MAX_PAYLOAD_CHARS = 65_536;

export class Letters {
  readonly #options: LettersOptions;
  #waiting = 0;

  constructor(options: LettersOptions) {
    this.#options = options;
  }

  /** Keeps a message. While the store cannot save, as many as may wait; of more there is only the log line. */
  bury(lost: Lost): void {
    if (this.#waiting >= MAX_WAITING) return this.#say(lost, `${MAX_WAITING} dead letters wait for the store`);
    this.#post(lost, lost.event);
  }

  /** The store refuses a letter for an actor that is just being written; among those of nobody there is always room. */
  #post(lost: Lost, event: Lost['event']): void {
    this.#waiting++;
    this.#options.post(this.#toCommit(lost, event), (result) => {
      this.#waiting--;
      if (result.outcome !== 'refused') return;
      if (event) this.#post(lost, undefined);
      else this.#say(lost, result.detail ?? result.reason);
    });
  }

  #toCommit({ subject, headers, payload, id, error }: Lost, event: Lost['event']): Commit {
    const cut = payload.slice(0, MAX_PAYLOAD_CHARS);
    const text = event?.text ?? JSON.stringify({ subject, headers, payload: cut, chars: payload.length });
    const letter = { id, sender: NATS_HOST, text, error: JSON.stringify(encodeError(error)), attempts: 1 };
    const address = event?.to ?? NATS_HOST;
    const at = this.#options.env.now();
    return { address, seq: 0, epoch: 1, version: 1, at, status: 'active', deadLetters: [letter] };
  }

  #say({ subject, id }: Lost, detail: string): void {
    this.#options.log.error('a message on NATS is lost: its dead letter was not kept', { subject, id, detail });
  }
}
