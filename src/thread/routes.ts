/** Which host an actor lives on: by its address, or wherever main has put it: actors with a thread each, and those on probation. */
import { hashAddress, typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';

export class Routes {
  /** Hosts that share the actors. */
  readonly workers: number;
  readonly #definitions: Definitions;
  readonly #placed = new Map<Address, number>();

  constructor(workers: number, definitions: Definitions) {
    this.workers = workers;
    this.#definitions = definitions;
  }

  isDedicated(address: Address): boolean {
    return this.#definitions.hasDedicated && this.#definitions.isDedicated(typeOf(address));
  }

  /** Nothing for an actor that wants a thread of its own and has none yet. */
  indexOf(address: Address): number | undefined {
    const placed = this.#placed.size > 0 ? this.#placed.get(address) : undefined;
    if (placed !== undefined || this.isDedicated(address)) return placed;
    return hashAddress(address) % this.workers;
  }

  /** Notes where main has put an actor; nothing when that thread has gone: a shared actor is at home again then. */
  set(address: Address, index: number | undefined): void {
    if (index === undefined) this.#placed.delete(address);
    else this.#placed.set(address, index);
  }

  /** Every actor that main has put somewhere. */
  get placed(): Iterable<readonly [Address, number]> {
    return this.#placed;
  }
}
