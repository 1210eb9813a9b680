/** A running Troupe: refs in, committed state out. Made by `createSystem`. */
import { parseAddress, toAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';
import { isDefinition } from '../actor/define.ts';
import type { AnyDefinition, InputOf, StateView } from '../actor/define.ts';
import { TroupeError } from '../errors.ts';
import type { Env } from '../env.ts';
import type { Logger, LogLevel } from '../observe/logger.ts';
import { Groups } from '../groups/groups.ts';
import { Sessions } from '../sessions/sessions.ts';
import type { ActorSummary, ListQuery, Page, StoredDeadLetter, StoreStats } from '../store/store.ts';
import type { MainEntry } from '../thread/protocol.ts';
import { Asks } from './asks.ts';
import type { SystemCore } from './core.ts';
import { Outbox } from './outbox.ts';
import type { DeliveryHandler } from './outbox.ts';
import { Recovery } from './recovery.ts';
import { createRef } from './ref.ts';
import type { ActorRef } from './ref.ts';
import { repeatInOrder } from './repeat.ts';
import { Requests } from './requests.ts';
import { Sends } from './sends.ts';
import type { Threads } from './threads.ts';
import { Watches } from './watches.ts';

export interface SystemParts {
  readonly env: Env;
  readonly log: Logger;
  readonly boot: string;
  readonly definitions: Definitions;
  readonly recoverEveryMs: number;
  readonly idRetentionMs: number;
}

export interface StopOptions {
  /** Time given to sends under way, to the hosts and to the store, each, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
}

const DEFAULT_STOP_TIMEOUT_MS = 10_000;

export class System {
  readonly #parts: SystemParts;
  readonly #core: SystemCore;
  #threads: Threads | undefined;
  #outbox: Outbox | undefined;
  #recovery: Recovery | undefined;
  #isStopping = false;
  #stopped: Promise<void> | undefined;

  constructor(parts: SystemParts) {
    this.#parts = parts;
    const post = (to: Address, text: string): void => this.#threads?.post(to, text);
    let order = 0;
    const nextOrder = (): number => ++order;
    this.#core = {
      boot: parts.boot,
      definitions: parts.definitions,
      sends: new Sends(`${parts.boot}.main`, post, nextOrder),
      asks: new Asks(parts.env),
      requests: new Requests(post, nextOrder),
      watches: new Watches((address, isOn) => post(address, `{"k":"watch","to":"${address}","on":${isOn}}`)),
      assertRunning: () => this.#assertRunning(),
    };
  }

  /** Called by `createSystem` once the threads run. */
  async begin(threads: Threads): Promise<void> {
    const { env, log, boot, recoverEveryMs, idRetentionMs } = this.#parts;
    const { store } = threads;
    this.#threads = threads;
    this.#outbox = new Outbox(env, log.with({ component: 'outbox' }), store, this.#core.asks);
    await store.call('dropReplies', boot);
    this.#recovery = new Recovery({
      env,
      log,
      store,
      outbox: this.#outbox,
      everyMs: recoverEveryMs,
      idRetentionMs,
      wake: (address) => threads.post(address, `{"k":"wake","to":"${address}"}`),
    });
    await this.#recovery.start();
  }

  /**
   * A ref to the actor of a definition under `key`. The actor is created by the first message when it does not exist; it
   * gets `input` then. With an actor that exists the input counts for nothing.
   * @throws {TroupeError} ERR_ADDRESS, ERR_ACTOR_TYPE_UNKNOWN, ERR_INPUT_INVALID, ERR_NOT_JSON, ERR_SYSTEM_STOPPED.
   */
  actor<D extends AnyDefinition>(definition: D, key: string, ...[input]: InputArgs<D>): ActorRef<D> {
    this.#assertRunning();
    if (!isDefinition(definition)) throw notADefinition(definition);
    const address = toAddress(definition.type, key);
    this.#parts.definitions.get(definition.type);
    if (input === undefined) return createRef<D>(this.#core, address, undefined);
    const text = this.#parts.definitions.encodeInput(address, input);
    return createRef<D>(this.#core, address, text === undefined ? '{}' : `{"input":${text}}`);
  }

  /** Conversations of users. */
  get sessions(): Sessions {
    return new Sessions(this);
  }

  /** Conversations of agents. */
  get groups(): Groups {
    return new Groups(this);
  }

  /**
   * Sets who takes what actors deliver on a channel; what is pending comes first. Returns how to end that.
   * A delivery that comes twice has the same id.
   */
  onDelivery(channel: string, handler: DeliveryHandler): () => void {
    this.#assertRunning();
    return this.#running.outbox.handle(channel, handler);
  }

  /** Known actors, newest first, by pages. */
  async list(query: ListQuery = {}): Promise<Page<ActorSummary>> {
    this.#assertRunning();
    return this.store.call('list', query);
  }

  /** Events that were given up on. */
  async deadLetters(
    query: { readonly address?: Address; readonly limit?: number } = {},
  ): Promise<readonly StoredDeadLetter[]> {
    this.#assertRunning();
    return this.store.call('deadLetters', query);
  }

  async stats(): Promise<StoreStats> {
    this.#assertRunning();
    return this.store.call('stats');
  }

  /** Ends an actor and its children and removes their rows. Resolves when that is durable. */
  async remove(address: Address): Promise<void> {
    this.#assertRunning();
    await this.#core.requests.order(parseAddress(address).address, 'remove');
  }

  /**
   * Gives a quarantined actor another try, from its last commit, with everything that waits in its inbox. Does nothing to
   * others. Resolves when that is durable.
   */
  async revive(address: Address): Promise<void> {
    this.#assertRunning();
    await this.#core.requests.order(parseAddress(address).address, 'revive');
  }

  /** A new id for an actor: a UUID. */
  newId(): string {
    return this.#parts.env.randomUuid();
  }

  /** Main's client of the store, for reads. */
  get store(): Threads['store'] {
    return this.#running.threads.store;
  }

  /** The threads, for tests and demonstrations that end one. */
  get threads(): Threads {
    return this.#running.threads;
  }

  /**
   * Stops taking messages, waits for those under way, lets the threads finish what they began, closes the store. Effect
   * functions are aborted and run again, under the same key, when a system opens the store next.
   */
  stop({ timeoutMs = DEFAULT_STOP_TIMEOUT_MS }: StopOptions = {}): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs);
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    this.#recovery?.stop();
    await this.#settleWithin(timeoutMs);
    await this.#threads?.stop(timeoutMs);
    this.#core.sends.abandon();
    this.#core.requests.abandon();
    this.#core.asks.abandon();
    this.#core.watches.end();
  }

  #settleWithin(timeoutMs: number): Promise<void> {
    const { env } = this.#parts;
    return new Promise((resolve) => {
      const timer = env.setTimeout(resolve, timeoutMs);
      void this.#core.sends.settled().then(() => {
        env.clearTimeout(timer);
        resolve();
      });
    });
  }

  get #running(): { readonly threads: Threads; readonly outbox: Outbox } {
    if (!this.#threads || !this.#outbox) throw new TroupeError('ERR_INTERNAL', 'The system has not begun.');
    return { threads: this.#threads, outbox: this.#outbox };
  }

  #assertRunning(): void {
    if (!this.#isStopping) return;
    throw new TroupeError('ERR_SYSTEM_STOPPED', 'The system has been stopped. Create a new one with createSystem().');
  }

  /** Takes what a host tells main. */
  take(entry: MainEntry): void {
    switch (entry.k) {
      case 'ack':
        return this.#core.sends.acknowledge(entry.n, entry.error, entry.reply);
      case 'answer':
        return this.#core.requests.answer(entry.q, entry.error, entry.view);
      case 'state':
        return this.#core.watches.publish(entry.of, entry.view as StateView);
      case 'reply':
        return this.#outbox?.reply(entry.ask, entry.value, entry.pos);
      case 'deliver': {
        const { id, channel, of: from, payload, pos } = entry;
        return this.#outbox?.deliver({ id, channel, from, payload }, pos);
      }
      case 'log':
        return this.#parts.log[entry.level as LogLevel](entry.text, entry.fields);
    }
  }

  /** A host was replaced: everything under way for its actors goes out again, then its work is looked for. */
  repeatFor(index: number): void {
    const isAffected = (address: Address): boolean => this.#threads?.indexOf(address) === index;
    const unanswered = [...this.#core.sends.unanswered, ...this.#core.requests.unanswered];
    repeatInOrder(unanswered, isAffected, (to, text) => this.#threads?.post(to, text));
    this.#core.watches.repeat(isAffected);
    this.#recovery?.look().catch(() => {});
  }
}

function notADefinition(value: unknown): TroupeError {
  return new TroupeError(
    'ERR_DEFINITION_INVALID',
    `system.actor was given ${value === undefined ? 'undefined' : `a value of type ${typeof value}`} instead of a definition. Pass what defineActor() returns.`,
  );
}

/** Input may be left out where the definition allows it, or where the actor is known to exist. */
export type InputArgs<D> = [input?: InputOf<D>];
