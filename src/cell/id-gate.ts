/**
 * Caller-given ids: each is done once. An item with an id waits until the store has said whether the id was done before;
 * the same id again, while the first is under way, shares its outcome.
 */
import type { Address } from '../actor/address.ts';
import type { DirectItem, Item } from './items.ts';
import type { CellServices } from './services.ts';

/** Whose gate it is. */
export interface IdGateHooks {
  readonly address: Address;
  readonly services: CellServices;
  /** An id is new, or has been answered: items may be processed. */
  idReady(): void;
  /** The id was done before: the item is being answered and leaves the mailbox. */
  idKnown(item: Item): void;
}

export class IdGate {
  readonly #cell: IdGateHooks;
  readonly #pending = new Map<string, DirectItem[]>();
  readonly #unready = new Set<Item>();

  constructor(cell: IdGateHooks) {
    this.#cell = cell;
  }

  /** True while the answer of the store is awaited. */
  isUnready(item: Item): boolean {
    return this.#unready.size > 0 && this.#unready.has(item);
  }

  /** Wraps an item with an id; nothing when it only joins one under way. */
  admit(item: DirectItem, id: string): DirectItem | undefined {
    const joined = this.#pending.get(id);
    if (joined) return void joined.push(item);
    const waiting = [item];
    this.#pending.set(id, waiting);
    const admitted: DirectItem = {
      ...item,
      settle: (outcome) => {
        this.#pending.delete(id);
        for (const other of waiting) other.settle(outcome);
      },
    };
    this.look(admitted, id);
    return admitted;
  }

  /** Asks the store, also anew after a refusal. */
  look(item: DirectItem, id: string): void {
    this.#unready.add(item);
    const { address, services } = this.#cell;
    services.store.call('idempotency', address, id).then(
      (row) => this.#answer(item, row ? { ...(row.reply !== null && { reply: row.reply }) } : undefined),
      () => services.env.setTimeout(() => this.#unready.has(item) && this.look(item, id), 500),
    );
  }

  #answer(item: DirectItem, done: { reply?: string } | undefined): void {
    if (!this.#unready.delete(item)) return;
    if (done) {
      this.#cell.idKnown(item);
      item.settle(done);
    }
    this.#cell.idReady();
  }
}
