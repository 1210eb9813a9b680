/**
 * A channel from one worker host to another. What it carries without being asked (hints of committed rows, tells that are not
 * stored) is bounded by credit: the receiver gives back what it has taken. Beyond that a hint becomes a word to look into the
 * inbox, once per receiver; a tell is dropped, which is all it promises (G14).
 */
import type { Address } from '../actor/address.ts';
import type { Env, Port } from '../env.ts';
import { BatchPort } from './batch-port.ts';
import type { PeerEntry } from './protocol.ts';

/** Entries on their way to one host. */
export const MAX_ON_THE_WAY = 8_192;

/** Entries whose credit goes back at once: few beside what may be on its way. */
const CREDIT_LOT = 512;

/** Entries that take up credit. */
const COUNTED: ReadonlySet<PeerEntry['k']> = new Set<PeerEntry['k']>(['hint', 'poke', 'tell']);

export class PeerLink {
  readonly #port: BatchPort;
  readonly #poked = new Set<Address>();
  #onTheWay = 0;
  /** Taken and not given back. */
  #taken = 0;

  /** `take` gets what the other host sends. */
  constructor(port: Port, env: Env, take: (entry: PeerEntry) => void) {
    this.#port = new BatchPort(port, env);
    this.#port.onBatch((entries) => this.#receive(entries as readonly PeerEntry[], take));
  }

  /** Sends what somebody waits for; its number is bounded by them. */
  post(text: string): void {
    this.#port.post(text);
  }

  /** Tells of a committed row, or that there is one. */
  hint(to: Address, text: string): void {
    if (this.#onTheWay >= MAX_ON_THE_WAY) return void this.#poked.add(to);
    this.#onTheWay++;
    this.#port.post(text);
  }

  /** Sends what is not stored. False: it was dropped. */
  tell(text: string): boolean {
    if (this.#onTheWay >= MAX_ON_THE_WAY) return false;
    this.#onTheWay++;
    this.#port.post(text);
    return true;
  }

  close(): void {
    this.#port.close();
  }

  #receive(entries: readonly PeerEntry[], take: (entry: PeerEntry) => void): void {
    let counted = 0;
    for (const entry of entries) {
      if (COUNTED.has(entry.k)) counted++;
      if (entry.k === 'credit') this.#giveBack(entry.n);
      else take(entry);
    }
    this.#taken += counted;
    if (this.#taken < CREDIT_LOT) return;
    this.#port.post(`{"k":"credit","n":${this.#taken}}`);
    this.#taken = 0;
  }

  #giveBack(count: number): void {
    this.#onTheWay -= count;
    if (this.#onTheWay >= MAX_ON_THE_WAY / 2) return;
    for (const to of this.#poked) {
      if (this.#onTheWay >= MAX_ON_THE_WAY) return;
      this.#poked.delete(to);
      this.hint(to, `{"k":"poke","to":"${to}"}`);
    }
  }
}
