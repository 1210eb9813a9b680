/** Tries events on one handler, and says what came of each: counted, logged, and given up on when it has failed too often. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { BusEventRow } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { GiveUp } from './burial.ts';
import type { HandledIds } from './handled-ids.ts';
import { HandlerRun } from './handler-run.ts';
import type { Failure } from './handler-run.ts';
import { toReceived } from './received.ts';
import type { SubscribeRequest } from './requests.ts';
import type { Tally } from './tally.ts';

/** What came of a try. `again`: it failed, and may be tried again. */
export type Verdict = 'done' | 'skipped' | 'again' | 'buried';

export interface TrialOptions extends Pick<SubscribeRequest, 'pattern' | 'handler' | 'timeoutMs' | 'retries'> {
  readonly env: Env;
  readonly log: Logger;
  readonly tally: Tally;
  /** Events after this position were published while it was subscribed. */
  readonly liveAfter: number;
  /** Of a subscription that is durable. */
  readonly durable?: Durable;
}

/** What is kept for a name or a group. */
export interface Durable {
  readonly name: string;
  /** What it is done with. */
  readonly ids: HandledIds;
  readonly giveUp: GiveUp;
}

/** Whose handler the current code runs in: waiting for oneself would never end. */
const handling = new AsyncLocalStorage<Trial>();

export class Trial {
  readonly #options: TrialOptions;
  readonly #run: HandlerRun;
  #isHandling = false;

  constructor(options: TrialOptions) {
    const { env, handler, timeoutMs } = options;
    this.#options = options;
    this.#run = new HandlerRun({ env, handler, timeoutMs });
  }

  /** True in code that the handler under way runs. */
  get isWithin(): boolean {
    return this.#isHandling && handling.getStore() === this;
  }

  /** Handlers that run although their time is up. */
  get lateCount(): number {
    return this.#run.lateCount;
  }

  abort(reason: Error): void {
    this.#run.abort(reason);
  }

  /** Tries an event for the `attempt`th time. Never rejects. */
  async try(row: BusEventRow, attempt: number): Promise<Verdict> {
    const { durable, tally, liveAfter } = this.#options;
    if (durable?.ids.has(row.id)) return 'skipped';
    if (attempt > 1) tally.add('redelivered');
    const failure = await this.#attempt(row, attempt);
    if (failure) return this.#judge(row, attempt, failure);
    tally.handled(row, row.pos > liveAfter);
    durable?.ids.add(row.id);
    return 'done';
  }

  async #attempt(row: BusEventRow, attempt: number): Promise<Failure | undefined> {
    this.#isHandling = true;
    try {
      return await handling.run(this, () => this.#run.attempt(toReceived(row, attempt)));
    } catch (error) {
      // Of a handler nothing is thrown: the event is damaged, which no other event has to pay for.
      return { error, isLate: false };
    } finally {
      this.#isHandling = false;
    }
  }

  async #judge(row: BusEventRow, attempt: number, failure: Failure): Promise<Verdict> {
    const { durable, tally, retries } = this.#options;
    tally.add('failed');
    if (!durable) {
      this.#warn('a subscriber failed; the event is skipped', row, failure);
      return 'skipped';
    }
    if (attempt < retries.maxAttempts) {
      this.#warn('a subscriber failed; the event comes again', row, failure);
      return 'again';
    }
    this.#warn('a subscriber failed too often; the event becomes a dead letter', row, failure);
    await durable.giveUp(durable.name, row, failure.error, attempt);
    tally.add('buried');
    durable.ids.add(row.id);
    return 'buried';
  }

  /** A handler that did not heed its signal may run beside the next attempt, and that is said. */
  #warn(text: string, { id, topic }: BusEventRow, { error, isLate }: Failure): void {
    const { durable, pattern, log } = this.#options;
    log.warn(text, {
      ...(durable && { subscription: durable.name }),
      pattern,
      topic,
      event: id,
      ...(isLate && { stillRunning: this.lateCount }),
      error: encodeError(error),
    });
  }
}
