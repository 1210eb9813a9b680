/**
 * Sends that effect functions wait for. They carry ids that stay the same over repetitions, so one whose receiver's thread
 * died is simply sent again; the receiver drops the copy.
 */
import type { Address } from '../actor/address.ts';
import type { ActorEvent } from '../actor/effects.ts';
import { TroupeError } from '../errors.ts';
import { decodeError } from './error-codec.ts';
import type { EncodedError } from './error-codec.ts';
import type { PeerEntry } from './protocol.ts';

type EffectSend = Extract<PeerEntry, { k: 'effect-send' }>;

interface Pending {
  readonly entry: EffectSend;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Sends of the effect functions of one host that may wait for their answer. */
const MAX_PENDING = 10_000;

export class EffectSends {
  readonly #post: (to: Address, entry: EffectSend) => void;
  readonly #pending = new Map<string, Pending>();
  #next = 0;

  constructor(post: (to: Address, entry: EffectSend) => void) {
    this.#post = post;
  }

  /** Resolves when the event is durable at its receiver. @throws ERR_OVERLOADED when too many wait already (G14) */
  send(to: Address, id: string, event: ActorEvent): Promise<void> {
    if (this.#pending.size >= MAX_PENDING) return Promise.reject(overloaded(to));
    const q = `${this.#next++}`;
    const entry: EffectSend = { k: 'effect-send', to, id, q, event };
    return new Promise((resolve, reject) => {
      this.#pending.set(q, { entry, resolve, reject });
      this.#post(to, entry);
    });
  }

  settle(q: string, error: EncodedError | undefined): void {
    const pending = this.#pending.get(q);
    if (!pending) return;
    this.#pending.delete(q);
    if (error) pending.reject(decodeError(error));
    else pending.resolve();
  }

  /** Sends again what waits for receivers that moved. */
  repeat(isAffected: (to: Address) => boolean): void {
    for (const { entry } of this.#pending.values()) if (isAffected(entry.to)) this.#post(entry.to, entry);
  }
}

function overloaded(to: Address): TroupeError {
  return new TroupeError(
    'ERR_OVERLOADED',
    `${MAX_PENDING} sends of effect functions wait for an answer, so that none was taken for '${to}'. Await each send before the next.`,
    { details: { address: to } },
  );
}
