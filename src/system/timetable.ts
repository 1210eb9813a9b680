/**
 * When actors have something to do that no live cell watches for: timers of actors that have left memory, and scheduled
 * events. Looks ahead in the store as often as recovery does, and sets an alarm for each actor that is due before the look
 * after the next (G11).
 */
import type { Address } from '../actor/address.ts';
import type { Env, TimerHandle } from '../env.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { DueRow } from '../store/queries.ts';

const PAGE = 1000;

export interface TimetableOptions {
  readonly env: Env;
  readonly store: StoreClient;
  /** Time between two looks, in milliseconds. */
  readonly everyMs: number;
  /** Something of an actor is due now. */
  readonly due: (address: Address) => void;
  /** True for an actor whose thread takes a while to start. */
  readonly isSlow: (address: Address) => boolean;
  /** Something of such an actor is due soon. */
  readonly prepare: (address: Address) => void;
}

/** How long before its time a slow actor is prepared, in milliseconds. */
const AHEAD_MS = 1500;

interface Entry {
  readonly dueAt: number;
  readonly alarm: TimerHandle;
}

export class Timetable {
  readonly #options: TimetableOptions;
  /** The first time of each actor within the horizon. */
  readonly #entries = new Map<Address, Entry>();
  #isStopped = false;

  constructor(options: TimetableOptions) {
    this.#options = options;
  }

  /** Something of an actor is due at a time. What is far away is found when its time comes near. */
  note(address: Address, dueAt: number): void {
    const { env } = this.#options;
    if (this.#isStopped || dueAt > this.#horizon()) return;
    const known = this.#entries.get(address);
    if (known && known.dueAt <= dueAt) return;
    if (known) env.clearTimeout(known.alarm);
    if (this.#options.isSlow(address)) env.setAlarm(dueAt - AHEAD_MS, () => this.#prepare(address));
    const alarm = env.setAlarm(dueAt, () => {
      this.#entries.delete(address);
      this.#options.due(address);
    });
    this.#entries.set(address, { dueAt, alarm });
  }

  /** Looks ahead in the store. `see` gets everything that is due until the look after the next. */
  async look(see?: (row: DueRow) => void): Promise<void> {
    const until = this.#horizon();
    let after: DueRow | undefined;
    for (;;) {
      const page = await this.#options.store.call('due', { until, limit: PAGE, ...(after && { after }) });
      for (const row of page) {
        this.note(row.address, row.dueAt);
        see?.(row);
      }
      after = page.at(-1);
      if (page.length < PAGE) return;
    }
  }

  #prepare(address: Address): void {
    if (!this.#isStopped && this.#entries.has(address)) this.#options.prepare(address);
  }

  stop(): void {
    this.#isStopped = true;
    for (const { alarm } of this.#entries.values()) this.#options.env.clearTimeout(alarm);
    this.#entries.clear();
  }

  #horizon(): number {
    return this.#options.env.now() + 2 * this.#options.everyMs;
  }
}
