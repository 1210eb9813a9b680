/**
 * How far the store has come, asked at each look: whoever gives a sign of life after the answer can have seen everything up to there. So the
 * place of an agent is known without a write, and at most a look too early, never too late.
 */
import type { Env } from '../env.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { AgentStore } from './agent-store.ts';

/** Time between two times it is saved. */
const SAVE_EVERY_MS = 10_000;

export class PlaceKeeper {
  readonly #env: Env;
  readonly #store: StoreClient;
  readonly #kept: AgentStore;
  #pos = 0;
  #savedPos: number | undefined;
  #savedMs = -Infinity;
  #isAsking = false;

  constructor(parts: { readonly env: Env; readonly store: StoreClient; readonly kept: AgentStore }) {
    this.#env = parts.env;
    this.#store = parts.store;
    this.#kept = parts.kept;
  }

  get pos(): number {
    return this.#pos;
  }

  /** Begins where the system before had come, or now. */
  async begin(saved: number | undefined): Promise<void> {
    this.#savedPos = saved;
    if (saved === undefined) await this.ask();
    else this.#pos = saved;
  }

  async ask(): Promise<void> {
    this.#pos = await this.#store.call('lastBusPos');
  }

  /** Asks once more, unless it is still asking. */
  async look(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      await this.ask();
      const nowMs = this.#env.monotonicMs();
      if (this.#pos === this.#savedPos || nowMs - this.#savedMs < SAVE_EVERY_MS) return;
      this.#savedMs = nowMs;
      this.#savedPos = this.#pos;
      await this.#kept.savePlace(this.#pos);
    } finally {
      this.#isAsking = false;
    }
  }
}
