/**
 * How far a named subscriber has come, kept in the store. Saves one position at a time: what is reached while a save is
 * under way goes with the next. Never ahead of what was handled; behind it only until the next save.
 */
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import { encodeError } from '../thread/error-codec.ts';

export interface PlaceOptions {
  readonly store: StoreClient;
  readonly log: Logger;
  readonly name: string;
  readonly pattern: string;
  /** The position that is saved already. */
  readonly pos: number;
}

export class Place {
  readonly #options: PlaceOptions;
  #saved: number;
  #reached: number;
  #saving: Promise<void> | undefined;
  #isDropped = false;

  constructor(options: PlaceOptions) {
    this.#options = options;
    this.#saved = options.pos;
    this.#reached = options.pos;
  }

  /** Saves a position, in the background. */
  save(pos: number): void {
    this.#reached = pos;
    if (this.#saved < pos && !this.#isDropped) this.#saving ??= this.#write();
  }

  /** Saves nothing from here on, so that it can be removed. */
  drop(): void {
    this.#isDropped = true;
  }

  /** Saves a position. Resolves when that is durable or has failed; then some events come again. */
  async settle(pos: number): Promise<void> {
    await this.#saving;
    this.save(pos);
    await this.#saving;
  }

  async #write(): Promise<void> {
    const { store, log, name, pattern } = this.#options;
    try {
      while (this.#saved < this.#reached && !this.#isDropped) {
        const pos = this.#reached;
        await store.call('setCursor', name, { pattern, pos });
        this.#saved = pos;
      }
    } catch (error) {
      log.warn('the place of a subscription could not be saved; after a restart some events come again', {
        subscription: name,
        error: encodeError(error),
      });
    } finally {
      this.#saving = undefined;
    }
  }
}
