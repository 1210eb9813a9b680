/** What the runtime says about actors and threads, as far as it concerns agents under watch. */
import type { Address } from '../actor/address.ts';
import type { BusEvent } from '../bus/topic-event.ts';
import type { Env } from '../env.ts';
import type { SystemEvents, SystemTopic } from '../supervision/events.ts';
import type { Outages } from './outages.ts';
import type { Watch } from './watch.ts';

/** Time beyond its pause that a restart may take before the agent counts as well again for want of other news. */
const RESTART_LIMIT_MS = 10_000;

/** Time the replacement of a thread may take. */
const THREAD_LIMIT_MS = 60_000;

/** Decisions that leave an actor down. */
const HELD: ReadonlySet<string> = new Set(['quarantine', 'alert', 'escalate']);

export interface ActorEventsOptions {
  readonly env: Env;
  readonly outages: Outages;
  readonly find: (agent: string) => Watch | undefined;
  readonly watches: () => Iterable<Watch>;
  readonly threadOf: (address: Address) => number | undefined;
  /** True while nothing is done about anybody; failures are told all the same. */
  readonly isPaused: () => boolean;
  /** An actor failed; whether it is an agent is for whoever counts to decide. */
  readonly failing: (address: string, isWatched: boolean) => void;
}

type Takers = { readonly [T in SystemTopic]?: (data: SystemEvents[T]) => void };

export class ActorEvents {
  readonly #options: ActorEventsOptions;
  readonly #takers: Takers;

  constructor(options: ActorEventsOptions) {
    this.#options = options;
    this.#takers = {
      'system.actor.failed': (data) => this.#failed(data),
      'system.actor.quarantined': ({ address, error }) =>
        this.#onWatched(address, (watch) => this.#isOut(watch, `quarantined: ${error.message}`)),
      'system.actor.restarted': ({ address }) => this.#onWatched(address, (watch) => this.#isBack(watch, 'restarted')),
      'system.actor.replaced': ({ address }) => this.#onWatched(address, (watch) => this.#isBack(watch, 'replaced')),
      'system.actor.released': ({ address, how }) =>
        this.#onWatched(address, (watch) =>
          how === 'revived' ? this.#isBack(watch, 'revived') : options.outages.lose(watch, 'discarded'),
        ),
      'system.actor.overdue': (data) => this.#overdue(data),
      'system.thread.ended': ({ thread, end }) => this.#threadEnded(thread, end),
      'system.thread.replaced': ({ thread }) => this.#threadReplaced(thread),
    };
  }

  /** Takes an event of a topic of the runtime. */
  take({ topic, data }: BusEvent): void {
    if (topic === 'system.actor.failed') this.#tellFailing(data as SystemEvents[typeof topic]);
    if (this.#options.isPaused()) return;
    const taker = this.#takers[topic as SystemTopic] as ((data: unknown) => void) | undefined;
    taker?.(data);
  }

  #tellFailing({ address }: SystemEvents['system.actor.failed']): void {
    const { find, failing } = this.#options;
    failing(address, find(address) !== undefined);
  }

  #failed({ address, decision, delayMs, error }: SystemEvents['system.actor.failed']): void {
    const { env, find, outages } = this.#options;
    const watch = find(address);
    if (!watch) return;
    if (decision === 'end') return outages.lose(watch, `ended by its failure: ${error.message}`);
    if (HELD.has(decision)) return this.#isOut(watch, `held after its failure: ${error.message}`);
    if (watch.outage) return;
    watch.mendedUntilMs = env.monotonicMs() + delayMs + RESTART_LIMIT_MS;
    outages.setState(watch, 'recovering', `its supervision decided '${decision}': ${error.message}`);
  }

  #overdue({ address, what, ageMs }: SystemEvents['system.actor.overdue']): void {
    const watch = this.#options.find(address);
    if (!watch || watch.record.zombieAfterMs === 0) return;
    this.#options.outages.begin(watch, 'zombie', `no progress: ${an(what)} has waited for ${ageMs} ms`);
  }

  #isOut(watch: Watch, reason: string): void {
    this.#options.outages.begin(watch, 'disconnected', reason);
  }

  #isBack(watch: Watch, reason: string): void {
    const { outages } = this.#options;
    watch.mendedUntilMs = undefined;
    watch.waiting = undefined;
    const { outage } = watch;
    if (!outage) outages.setState(watch, 'healthy', reason);
    else if (outage.phase !== 'back') outages.back(watch, outage);
  }

  /** The thread's own topics say it; thousands of agents saying it as well would only be in the way of their recovery. */
  #threadEnded(thread: number, end: string): void {
    const { env, outages } = this.#options;
    const mendedUntilMs = env.monotonicMs() + THREAD_LIMIT_MS;
    for (const watch of this.#onThread(thread)) {
      if (watch.outage) continue;
      watch.mendedUntilMs = mendedUntilMs;
      outages.setState(watch, 'recovering', `its thread ended (${end})`, { isSilent: true });
    }
  }

  #threadReplaced(thread: number): void {
    for (const watch of this.#onThread(thread)) {
      if (watch.outage || watch.mendedUntilMs === undefined) continue;
      watch.mendedUntilMs = undefined;
      this.#options.outages.setState(watch, 'healthy', 'its thread was replaced', { isSilent: true });
    }
  }

  *#onThread(thread: number): Iterable<Watch> {
    const { watches, threadOf } = this.#options;
    for (const watch of watches()) if (watch.isActor && threadOf(watch.agent as Address) === thread) yield watch;
  }

  #onWatched(agent: string, act: (watch: Watch) => void): void {
    const watch = this.#options.find(agent);
    if (watch) act(watch);
  }
}

const an = (what: 'event' | 'timer'): string => (what === 'event' ? 'an event' : 'a timer');
