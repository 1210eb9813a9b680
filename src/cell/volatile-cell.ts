/**
 * The holder of an actor that is not stored: the same mailbox and turns, no commits. Acknowledged means handled; what it sends
 * reaches others at most once; a failure starts it anew from its input, and it is lost with its thread.
 *
 * Invariants: V1 one turn at a time, in mailbox order; V2 what a turn led to leaves when the turn is over, never when it failed;
 * V3 a stored row that is told to it goes once its turn is over; V4 once it is gone, nothing it asked for is heard of any more.
 */
import type { AnyActorRef } from 'xstate';
import { typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { AnyDefinition } from '../actor/define.ts';
import type { ActorEvent } from '../actor/effects.ts';
import { decide } from '../supervision/decide.ts';
import type { History } from '../supervision/decide.ts';
import { checkJson } from '../state/json.ts';
import { HEALTHY } from '../supervision/supervisor.ts';
import type { LifecycleView } from '../supervision/supervisor.ts';
import type { Commit, CommitResult } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import { admit } from './admission.ts';
import { findCreator } from './creation.ts';
import type { Creator } from './creation.ts';
import { EffectRuns } from './effect-runs.ts';
import { actorQuarantined, actorStopped, creationFailed, notCreatable, volatileFailed } from './failure.ts';
import type { HostCell } from './host-cell.ts';
import { InboxReader } from './inbox-reader.ts';
import type { InboxHooks } from './inbox-reader.ts';
import { bodyOf, isAwaited, isRemovalOrder, isStopOrder, isSupervision, isWork } from './items.ts';
import type { DirectItem, InboxItem, Item, Order, OrderItem } from './items.ts';
import type { Failed } from './live-actor.ts';
import { Mailbox } from './mailbox.ts';
import type { CellServices } from './services.ts';
import { sendVolatile } from './volatile-effects.ts';
import { VolatileLife } from './volatile-life.ts';
import type { LifeHooks, VolatileActor } from './volatile-life.ts';

/** Turns before others on the host get theirs. */
const MAX_TURNS = 64;

/** Commits of one cell (rows it took, publications) that may wait for acknowledgement; more input waits in the mailbox (G14). */
const MAX_POSTED = 256;

/** What is shown of the state. */
type View = ReturnType<VolatileActor['view']>;

export class VolatileCell implements HostCell, InboxHooks, LifeHooks {
  readonly address: Address;
  readonly hibernateAfterMs = Infinity;
  isUsed = true;
  quietSinceMs = 0;
  readonly services: CellServices;
  readonly #definition: AnyDefinition;
  readonly #mailbox = new Mailbox();
  readonly #inbox: InboxReader;
  #live: VolatileActor | undefined;
  #effects: EffectRuns | undefined;
  #origin: { readonly input: unknown } | undefined;
  #status: 'active' | 'done' | 'stopped' | 'quarantined' = 'active';
  #error: string | null = null;
  #history: History = { restarts: [] };
  #turns = 0;
  #posted = 0;
  /** State at the end of the last life. */
  #lastView: View | undefined;
  #isGone = false;

  constructor(address: Address, services: CellServices) {
    this.address = address;
    this.services = services;
    this.#definition = services.definitions.get(typeOf(address));
    this.#inbox = new InboxReader(this);
    this.#inbox.read();
  }

  enqueue(item: DirectItem | OrderItem): void {
    this.isUsed = true;
    if (!admit(item, this.#mailbox, this.#definition, this.address, this.services)) return;
    this.#mailbox.push(item);
    this.services.run(this);
  }

  /** What another actor that is not stored tells this one. False: there is no room for it. */
  tell(item: DirectItem): boolean {
    if (this.#mailbox.direct >= this.#definition.policy.mailbox.capacity) return false;
    this.isUsed = true;
    this.#mailbox.push(item);
    this.services.run(this);
    return true;
  }

  hint(item: InboxItem, previousPos: number): void {
    this.isUsed = true;
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

  /** What lives would be lost; that something has ended is forgotten when there is no room for it. */
  sleep(): boolean {
    if (this.#status === 'active' || this.#mailbox.size > 0 || this.#posted > 0 || !this.#inbox.isQuiet) return false;
    this.#leave();
    return true;
  }

  /** Nothing for a state that is not JSON: nothing checks it before. */
  viewText(): string | undefined {
    try {
      return this.#toViewText();
    } catch {
      return undefined;
    }
  }

  dispose(): void {
    this.#isGone = true;
    this.#inbox.drop();
    this.#endLife();
    this.#mailbox.takeAll();
  }

  get lifecycle(): LifecycleView {
    if (this.#status === 'active') return HEALTHY;
    return { ...HEALTHY, state: this.#status === 'quarantined' ? 'held' : 'ended' };
  }

  /** Takes turns. Returns true when more wait than it may take at once. */
  pump(): boolean {
    for (let turns = 0; this.#mailbox.size > 0; turns++) {
      if (this.#posted >= MAX_POSTED) return false;
      if (turns === MAX_TURNS) return true;
      if (!this.#live && this.#status === 'active') {
        if (!this.#start()) return false;
        continue;
      }
      const item = this.#mailbox.shift();
      if (item) this.#take(item);
    }
    if (this.#inbox.isBehind && !this.#isGone) this.#inbox.read();
    return false;
  }

  takeRows(items: readonly InboxItem[]): void {
    for (const item of items) this.#mailbox.push(item);
    if (items.length > 0) this.services.run(this);
  }

  get isFull(): boolean {
    return this.#mailbox.told >= this.#definition.policy.mailbox.capacity;
  }

  /** An input of the machine's own that wants a turn. */
  wantTurn(item: Item): void {
    this.#mailbox.push(item);
    this.services.run(this);
  }

  /** Makes the actor from the first item that can; the others are told when none does. */
  #start(): boolean {
    const { definitions } = this.services;
    const { type } = this.#definition;
    const creator: (Partial<Creator> & { readonly input: unknown }) | undefined =
      this.#origin ?? findCreator(this.#mailbox, definitions.acceptsNoInput(type));
    if (!creator) {
      const absence = encodeError(notCreatable(this.address, type, definitions.acceptsNoInput(type)));
      for (const item of this.#mailbox.takeAll()) this.#settle(item, absence);
      this.#leave();
      return false;
    }
    this.#origin = { input: creator.input };
    this.services.mark(this.address, 'start');
    const live = this.#incarnate(this.#origin);
    const failed = live.start() ?? this.#absorb(live);
    this.services.mark(this.address, undefined);
    if (failed) this.#failStart(failed.error, creator);
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
    if (isRemovalOrder(item)) return this.#remove(item);
    if (this.#status !== 'active') return this.#answerEnded(item);
    if (isStopOrder(item)) return this.#stop(item);
    if (isSupervision(item)) return this.#restart(item);
    const live = this.#live as VolatileActor;
    if (!asksForTurn(item, live)) return this.#settleIdle(item);
    this.#turns++;
    this.services.mark(this.address, 'internal');
    const failed = run(item, live) ?? this.#absorb(live);
    this.services.mark(this.address, undefined);
    if (failed) return this.#fail(failed.error, item, volatileFailed(this.address, failed.error));
    this.#settle(item);
    this.services.changed(this.address);
  }

  /** Lets out what a turn led to; an effect that cannot be let out fails the turn. */
  #absorb(live: VolatileActor): Failed | undefined {
    try {
      if (live.effects.length > 0) {
        sendVolatile(live.effects, this.address, this.services, (commit, onResult) => this.#post(commit, onResult));
      }
    } catch (error) {
      return { error };
    }
    const { started, ended } = live;
    if (started.length + ended.length > 0) this.#apply(started, ended);
    if (live.status !== 'active') this.#end('done');
    return undefined;
  }

  #apply(started: Parameters<EffectRuns['apply']>[0], ended: readonly AnyActorRef[]): void {
    const begins = this.#effects?.apply(started, ended, () => `${this.address}#${this.services.nextId()}`);
    for (const actor of begins ?? []) this.#effects?.begin(actor);
  }

  #fail(cause: unknown, item: Item | undefined, error: Error): void {
    const { env, log } = this.services;
    const encoded = encodeError(cause);
    this.#endLife();
    const { supervise } = this.#definition.policy;
    const failure = { kind: 'internal', attempts: 1 } as const;
    const decision = decide(supervise, failure, this.#history, env.now(), env.random());
    this.#history = decision.history;
    log.warn('actor failed', { address: this.address, decision: decision.action, error: encoded });
    if (decision.action !== 'restart') {
      this.#status = 'quarantined';
      this.#error = JSON.stringify(encoded);
      this.#turns++;
      this.services.changed(this.address);
    }
    if (item) this.#settle(item, encodeError(error));
  }

  /** An effect function makes no progress: the actor starts anew. */
  stalled(error: Error): void {
    this.#fail(error, undefined, error);
  }

  #stop(item: Item): void {
    const live = this.#live;
    if (live && !live.stop()) this.#absorb(live);
    this.#turns++;
    this.#end('stopped');
    this.#settle(item);
    this.services.changed(this.address);
  }

  /** What is left of it goes; whoever comes next begins from nothing. */
  #remove(item: Item): void {
    if (this.#status === 'active') this.#stop(item);
    else this.#settle(item);
    for (const other of this.#mailbox.takeAll()) this.#settle(other, encodeError(this.#refusal()));
    this.#leave();
  }

  #leave(): void {
    this.dispose();
    this.services.disposed(this.address);
  }

  #answerEnded(item: Item): void {
    if (item.kind === 'direct' && !isWork(item)) return this.#settleIdle(item);
    if (item.kind === 'order' && this.#status === 'quarantined') this.#release(item.order);
    this.#settle(item, encodeError(this.#refusal()));
  }

  /** The next input starts it from what it was made from. */
  #restart(item: Item): void {
    this.#endLife();
    this.#settle(item);
  }

  #release(order: Order): void {
    if (order === 'discard') this.#status = 'stopped';
    if (order !== 'revive' && order !== 'restart') return;
    this.#status = 'active';
    this.#error = null;
    this.#history = { restarts: [] };
  }

  /** An item that needed no turn, such as a look at the state, which may turn out not to be JSON. */
  #settleIdle(item: Item): void {
    try {
      if (item.kind === 'direct') this.#toViewText();
      this.#settle(item);
    } catch (error) {
      this.#settle(item, encodeError(error));
    }
  }

  #toViewText(): string | undefined {
    const view = this.#live?.view() ?? this.#lastView;
    if (!view && this.#status === 'active') return undefined;
    for (const [name, part] of Object.entries(view ?? {})) if (part !== undefined) checkJson(part, this.address, name);
    return JSON.stringify({ ...view, status: this.#status, seq: this.#turns });
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
    const consumed = [{ sender: item.row.sender, pos: item.row.pos }];
    const at = this.services.env.now();
    this.#post({ address: this.address, epoch: 1, seq: 0, version: 1, status: 'active', at, consumed });
  }

  #post(commit: Commit, onResult?: (result: CommitResult) => void): void {
    this.#posted++;
    this.services.store.post(commit, (result) => {
      this.#posted--;
      onResult?.(result);
      if (this.#posted === MAX_POSTED - 1 && !this.#isGone) this.services.run(this);
    });
  }

  #incarnate(origin: { readonly input: unknown }): VolatileActor {
    const life = new VolatileLife(this, this.#definition, origin);
    this.#live = life.live;
    this.#effects = new EffectRuns(life, []);
    return life.live;
  }

  isLiving(live: VolatileActor): boolean {
    return this.#live === live;
  }

  #endLife(): void {
    this.#lastView = this.#live?.view() ?? this.#lastView;
    this.#live?.dispose();
    this.#effects?.abortAll();
    this.#live = undefined;
    this.#effects = undefined;
  }
}

function asksForTurn(item: Item, live: VolatileActor): boolean {
  switch (item.kind) {
    case 'direct':
      return item.event !== undefined;
    case 'inbox':
      return item.row.kind === 'event';
    case 'internal':
    case 'timer':
      return item.life === live;
    default:
      return false;
  }
}

function run(item: Item, live: VolatileActor): Failed | undefined {
  switch (item.kind) {
    case 'direct':
      return live.send(item.event as ActorEvent);
    case 'inbox':
      return live.send(bodyOf(item) as ActorEvent);
    case 'internal':
      return live.pass(item.delivery);
    case 'timer':
      return live.fire(item.timer);
    default:
      return undefined;
  }
}
