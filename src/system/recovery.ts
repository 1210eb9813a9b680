/**
 * Recovery is a loop, not a launch step (rule 8): at boot and every few seconds it looks for inbox rows nobody hinted at,
 * effect functions nobody runs, outbox rows nobody took, and what is due soon. Now and then it sweeps what is past its time.
 */
import type { Address } from '../actor/address.ts';
import type { Env, TimerHandle } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { Outbox } from './outbox.ts';
import type { Overdue, OverdueLook } from './overdue.ts';
import type { Timetable } from './timetable.ts';

const PAGE = 1000;

/** Something to be done now and then. */
export interface Chore {
  readonly everyMs: number;
  readonly run: (now: number) => Promise<unknown>;
}

export interface RecoveryOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly store: StoreClient;
  readonly outbox: Outbox;
  readonly timetable: Timetable;
  readonly overdue: Overdue;
  readonly chores: readonly Chore[];
  readonly everyMs: number;
  readonly wake: (address: Address) => void;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  #timer: TimerHandle | undefined;
  readonly #chores = new Map<Chore, TimerHandle>();
  #isStopped = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Looks once now, and from then on regularly. */
  async start(): Promise<void> {
    await this.#lookRegularly();
    this.#schedule();
    for (const chore of this.#options.chores) void this.#doAgainAndAgain(chore);
  }

  /** Wakes every actor that has something to do. */
  async look(watch?: OverdueLook): Promise<void> {
    const { store, outbox, timetable, wake } = this.#options;
    let afterAddress: Address | undefined;
    for (;;) {
      const page = await store.call('recoverable', { limit: PAGE, ...(afterAddress && { afterAddress }) });
      for (const row of page) {
        // What waits for a held actor stays; an order of its parent is obeyed.
        if (row.status !== 'quarantined' || row.hasOrder) wake(row.address);
        watch?.recoverable(row);
      }
      afterAddress = page.at(-1)?.address;
      if (page.length < PAGE) break;
    }
    await timetable.look((row) => watch?.due(row));
    await outbox.recover();
  }

  /** Only looks of a regular pace tell who does not move. */
  async #lookRegularly(): Promise<void> {
    const { overdue } = this.#options;
    const watch = overdue.look();
    await this.look(watch);
    overdue.end(watch);
  }

  stop(): void {
    this.#isStopped = true;
    this.#options.timetable.stop();
    for (const timer of this.#chores.values()) this.#options.env.clearTimeout(timer);
    this.#options.env.clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.env.setTimeout(() => void this.#again(), this.#options.everyMs);
  }

  async #again(): Promise<void> {
    try {
      await this.#lookRegularly();
    } catch (error) {
      if (!this.#isStopped)
        this.#options.log.warn('recovery looks again later', { component: 'recovery', error: encodeError(error) });
    }
    this.#schedule();
  }

  /** Chores have a pace of their own: a long sweep holds up neither what is due nor the others. */
  async #doAgainAndAgain(chore: Chore): Promise<void> {
    const { env, log } = this.#options;
    if (this.#isStopped) return;
    try {
      await chore.run(env.now());
    } catch (error) {
      if (!this.#isStopped)
        log.warn('a chore is done again later', { component: 'recovery', error: encodeError(error) });
    }
    if (this.#isStopped) return;
    this.#chores.set(
      chore,
      env.setTimeout(() => void this.#doAgainAndAgain(chore), chore.everyMs),
    );
  }
}
