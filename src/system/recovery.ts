/**
 * Recovery is a loop, not a launch step (rule 8): at boot and every few seconds it looks for inbox rows nobody hinted at,
 * effect functions nobody runs, and outbox rows nobody took.
 */
import type { Address } from '../actor/address.ts';
import type { Env, TimerHandle } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Outbox } from './outbox.ts';

const PAGE = 1000;

export interface RecoveryOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly store: StoreClient;
  readonly outbox: Outbox;
  readonly everyMs: number;
  readonly idRetentionMs: number;
  readonly wake: (address: Address) => void;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  #timer: TimerHandle | undefined;
  #isStopped = false;
  #lastSweepAt = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Looks once now, and from then on regularly. */
  async start(): Promise<void> {
    await this.look();
    this.#schedule();
  }

  /** Wakes every actor that has something to do. */
  async look(): Promise<void> {
    const { store, outbox, wake } = this.#options;
    let afterAddress: Address | undefined;
    for (;;) {
      const page = await store.call('recoverable', { limit: PAGE, ...(afterAddress && { afterAddress }) });
      for (const { address, status } of page) if (status !== 'quarantined') wake(address);
      afterAddress = page.at(-1)?.address;
      if (page.length < PAGE) break;
    }
    await outbox.recover();
    await this.#sweep();
  }

  stop(): void {
    this.#isStopped = true;
    this.#options.env.clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.env.setTimeout(() => void this.#again(), this.#options.everyMs);
  }

  async #again(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      if (!this.#isStopped)
        this.#options.log.warn('recovery looks again later', { component: 'recovery', error: encodeError(error) });
    }
    this.#schedule();
  }

  /** Forgets ids past their retention, once a minute at most. */
  async #sweep(): Promise<void> {
    const { env, store, idRetentionMs } = this.#options;
    const now = env.now();
    if (now - this.#lastSweepAt < 60_000) return;
    this.#lastSweepAt = now;
    await store.call('sweepIdempotency', now - idRetentionMs);
  }
}
