/** Which host an actor lives on: by its address, or, for types with a thread for each actor, wherever main has put it. */
import { hashAddress, typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';

export class Routes {
  /** Hosts that share the actors. */
  readonly workers: number;
  readonly #definitions: Definitions;
  readonly #dedicated = new Map<Address, number>();

  constructor(workers: number, definitions: Definitions) {
    this.workers = workers;
    this.#definitions = definitions;
  }

  isDedicated(address: Address): boolean {
    return this.#definitions.hasDedicated && this.#definitions.isDedicated(typeOf(address));
  }

  /** Nothing for an actor that wants a thread of its own and has none yet. */
  indexOf(address: Address): number | undefined {
    return this.isDedicated(address) ? this.#dedicated.get(address) : hashAddress(address) % this.workers;
  }

  /** Notes where main has put an actor; nothing when its thread has gone. */
  set(address: Address, index: number | undefined): void {
    if (index === undefined) this.#dedicated.delete(address);
    else this.#dedicated.set(address, index);
  }

  /** Every actor with a thread of its own. */
  get dedicated(): Iterable<readonly [Address, number]> {
    return this.#dedicated;
  }
}
