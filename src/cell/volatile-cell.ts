/**
 * The holder of an actor that is not stored: the same mailbox and turns, no commits. Acknowledged means handled; what it sends
 * reaches others at most once; a failure starts it anew from its input, and it is lost with its thread.
 *
 * Invariants: V1 one turn at a time, in mailbox order; V2 what a turn led to leaves when the turn is over, never when it failed;
 * V3 a stored row that is told to it goes once its turn is over.
 */
import type { AnyActorRef } from 'xstate';
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { AnyDefinition } from '../actor/define.ts';
import { decide } from '../supervision/decide.ts';
import type { Commit } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import { admit } from './admission.ts';
import { findCreator } from './creation.ts';
import type { Creator } from './creation.ts';
import { EffectRuns } from './effect-runs.ts';
import { actorQuarantined, actorStopped, creationFailed, notCreatable, volatileFailed } from './failure.ts';
import type { HostCell } from './host-cell.ts';
import { InboxReader } from './inbox-reader.ts';
import { bodyOf, isAwaited, isStopOrder } from './items.ts';
import type { DirectItem, InboxItem, Item, OrderItem } from './items.ts';
import { LiveActor } from './live-actor.ts';
import type { TurnOutcome } from './live-actor.ts';
import { Mailbox } from './mailbox.ts';
import type { CellServices } from './services.ts';
import { sendVolatile } from './volatile-effects.ts';

/** Turns before others on the host get theirs. */
const MAX_TURNS = 256;

export class VolatileCell implements HostCell {
  readonly address: Address;
  readonly hibernateAfterMs = Infinity;
  isUsed = true;
  readonly #services: CellServices;
  readonly #definition: AnyDefinition;
  readonly #mailbox = new Mailbox();
  readonly #inbox: InboxReader;
  #live: LiveActor | undefined;
  #effects: EffectRuns | undefined;
  #origin: { readonly input: unknown } | undefined;
  #status: 'active' | 'done' | 'stopped' | 'quarantined' = 'active';
  #error: string | null = null;
  #restarts: readonly number[] = [];
  #turns = 0;

  constructor(address: Address, services: CellServices) {
    this.address = address;
    this.#services = services;
    this.#definition = services.definitions.get(typeOf(address));
    const { capacity } = this.#definition.policy.mailbox;
    this.#inbox = new InboxReader(address, services, {
      take: (items) => this.#takeAll(items),
      isFull: () => this.#mailbox.told >= capacity,
    });
    this.#inbox.read();
  }

  enqueue(item: DirectItem | OrderItem): void {
    if (!admit(item, this.#mailbox, this.#definition, this.address, this.#services)) return;
    this.#mailbox.push(item);
    this.#services.run(this);
  }

  /** What another actor that is not stored tells this one. False: there is no room for it. */
  tell(item: DirectItem): boolean {
    if (this.#mailbox.direct >= this.#definition.policy.mailbox.capacity) return false;
    this.#mailbox.push(item);
    this.#services.run(this);
    return true;
  }

  hint(item: InboxItem, previousPos: number): void {
    this.#inbox.hint(item, previousPos);
  }

  wake(): void {
    if (this.#mailbox.size === 0) this.#inbox.read();
  }

  poke(): void {
    this.#inbox.read();
  }

  due(): void {
    // Nothing is scheduled for an actor that is not stored.
  }

  sleep(): boolean {
    return false;
  }

  viewText(): string | undefined {
    if (!this.#live) return undefined;
    return JSON.stringify({ ...this.#live.view(), status: this.#status, seq: this.#turns });
  }

  dispose(): void {
    this.#endLife();
    this.#mailbox.takeAll();
  }

  /** Takes turns. Returns true when more wait than it may take at once. */
  pump(): boolean {
    for (let turns = 0; this.#mailbox.size > 0; turns++) {
      if (turns === MAX_TURNS) return true;
      if (!this.#live && this.#status === 'active') {
        if (!this.#start()) return false;
        continue;
      }
      const item = this.#mailbox.shift();
      if (item) this.#take(item);
    }
    if (this.#inbox.isBehind) this.#inbox.read();
    return false;
  }

  #takeAll(items: readonly InboxItem[]): void {
    for (const item of items) this.#mailbox.push(item);
    if (items.length > 0) this.#services.run(this);
  }

  /** Makes the actor from the first item that can; the others are told when none does. */
  #start(): boolean {
    const { definitions } = this.#services;
    const { type } = this.#definition;
    const creator: (Partial<Creator> & { readonly input: unknown }) | undefined =
      this.#origin ?? findCreator(this.#mailbox, definitions.acceptsNoInput(type));
    if (!creator) {
      const absence = encodeError(notCreatable(this.address, type, definitions.acceptsNoInput(type)));
      for (const item of this.#mailbox.takeAll()) this.#settle(item, absence);
      this.#services.disposed(this.address);
      return false;
    }
    this.#origin = { input: creator.input };
    const outcome = this.#incarnate(this.#origin).start();
    if (outcome.ok) this.#absorb(outcome);
    else this.#failStart(outcome.error, creator);
    return true;
  }

  /** Whoever asked for the actor is told; others try again. */
  #failStart(error: unknown, creator: Partial<Creator>): void {
    const item = creator.item ?? this.#mailbox.peek();
    if (item) this.#mailbox.remove(item);
    this.#fail(error, item, creationFailed(this.address, error));
    if (creator.item) this.#origin = undefined;
  }

  #take(item: Item): void {
    if (this.#status !== 'active') return this.#settle(item, encodeError(this.#refusal()));
    if (isStopOrder(item)) return this.#stop(item);
    const outcome = this.#turn(item);
    if (!outcome) return this.#settle(item);
    this.#turns++;
    if (!outcome.ok) return this.#fail(outcome.error, item, volatileFailed(this.address, outcome.error));
    const failed = this.#absorb(outcome);
    if (failed) return this.#fail(failed.error, item, volatileFailed(this.address, failed.error));
    this.#settle(item);
    this.#services.changed(this.address);
  }

  #turn(item: Item): TurnOutcome | undefined {
    const live = this.#live as LiveActor;
    switch (item.kind) {
      case 'direct':
        return item.event && live.send(item.event);
      case 'inbox':
        return item.row.kind === 'event' ? live.send(bodyOf(item) as { type: string }) : undefined;
      case 'internal':
        return item.life === live ? live.pass(item.delivery) : undefined;
      case 'timer':
        return item.life === live ? live.fire(item.timer) : undefined;
      default:
        return undefined;
    }
  }

  /** Lets out what a turn led to; an effect that cannot be let out fails the turn. */
  #absorb(outcome: Extract<TurnOutcome, { ok: true }>): { readonly error: unknown } | undefined {
    try {
      if (outcome.effects.length > 0) sendVolatile(outcome.effects, this.address, this.#services);
    } catch (error) {
      return { error };
    }
    if (outcome.started.length + outcome.ended.length > 0) this.#apply(outcome.started, outcome.ended);
    if (outcome.status !== 'active') this.#end('done');
    return undefined;
  }

  #apply(started: Parameters<EffectRuns['apply']>[0], ended: readonly AnyActorRef[]): void {
    const begins = this.#effects?.apply(started, ended, () => `${this.address}#${this.#services.env.randomId()}`);
    for (const actor of begins ?? []) this.#effects?.begin(actor);
  }

  #fail(cause: unknown, item: Item | undefined, error: Error): void {
    const { env, log } = this.#services;
    const encoded = encodeError(cause);
    this.#endLife();
    const { maxRestarts, withinMs } = this.#definition.policy;
    const decision = decide({ attempts: 1 }, this.#restarts, env.now(), { maxRestarts, withinMs });
    this.#restarts = decision.restarts;
    log.warn('actor failed', { address: this.address, decision: decision.action, error: encoded });
    if (decision.action === 'quarantine') {
      this.#status = 'quarantined';
      this.#error = JSON.stringify(encoded);
    }
    if (item) this.#settle(item, encodeError(error));
  }

  #stop(item: Item): void {
    const outcome = this.#live?.stop();
    if (outcome?.ok) this.#absorb(outcome);
    this.#end('stopped');
    this.#settle(item);
  }

  #end(status: 'done' | 'stopped'): void {
    this.#endLife();
    this.#status = status;
  }

  #refusal(): Error {
    if (this.#status === 'quarantined') return actorQuarantined(this.address, this.#error);
    return actorStopped(this.address, this.#status);
  }

  /** Tells whoever waits; a stored row goes. */
  #settle(item: Item, error?: EncodedError): void {
    if (isAwaited(item)) item.settle(error && item.kind === 'direct' ? { error } : {});
    if (item.kind !== 'inbox') return;
    const { env, store } = this.#services;
    const consumed = [{ sender: item.row.sender, pos: item.row.pos }];
    const commit: Commit = {
      address: this.address,
      epoch: 1,
      seq: 0,
      version: 1,
      status: 'active',
      at: env.now(),
      consumed,
    };
    store.post(commit, () => {});
  }

  #incarnate(origin: { readonly input: unknown }): LiveActor {
    const { env, send, mark, boot, log } = this.#services;
    const { address } = this;
    const live: LiveActor = new LiveActor({
      address,
      machine: this.#definition.machine,
      env,
      origin,
      isStored: false,
      timerPolicies: {},
      boot,
      downtimeMs: 0,
      onDelivery: (delivery) => this.#want({ kind: 'internal', delivery, life: live }),
      onTimer: (timer) => this.#want({ kind: 'timer', timer, life: live }),
      onTimerLost: () => {},
      onLog: (...args) => log.info(args.map(String).join(' '), { address, component: 'machine' }),
    });
    this.#effects = new EffectRuns({
      address,
      restored: [],
      settle: (actor, event) => void (this.#live === live && actor.send(event as never)),
      send,
      mark: (key) => mark(address, key),
    });
    this.#live = live;
    return live;
  }

  #want(item: Item): void {
    this.#mailbox.push(item);
    this.#services.run(this);
  }

  #endLife(): void {
    this.#live?.dispose();
    this.#effects?.abortAll();
    this.#live = undefined;
    this.#effects = undefined;
  }
}
