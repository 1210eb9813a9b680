/**
 * One life of an actor: the live XState actor and its effect functions, from a start or a restore to a failure or the end.
 * Runs turns into drafts. Once it has ended, nothing it started is heard of any more.
 */
import type { AnyActorRef, AnyStateMachine } from 'xstate';
import type { Address } from '../actor/address.ts';
import type { AnyDefinition } from '../actor/define.ts';
import type { TimerPolicy } from '../actor/policy.ts';
import type { ActorEvent } from '../actor/effects.ts';
import type { Env } from '../env.ts';
import { TroupeError } from '../errors.ts';
import type { PersistedState } from '../state/persisted.ts';
import { compileEffects } from './compile-effects.ts';
import type { Draft } from './draft.ts';
import { EffectRuns } from './effect-runs.ts';
import type { EffectHost, InFlightRow } from './effect-runs.ts';
import { bodyOf, eventIdOf } from './items.ts';
import type { InternalItem, Item, TimerItem } from './items.ts';
import { LiveActor } from './live-actor.ts';
import type { Failed, LiveHost, LiveOrigin } from './live-actor.ts';
import type { MachineTimer, StoredTimers, TimerRow } from './machine-timers.ts';
import type { CellServices } from './services.ts';
import type { Delivery } from './xstate-seams.ts';

/** Whose life it is. */
export interface IncarnationHost {
  readonly address: Address;
  readonly definition: AnyDefinition;
  readonly services: CellServices;
  /** The state a draft goes on from. */
  stateBefore(draft: Draft): PersistedState | undefined;
  /** A timer is due or an effect function settled: it wants a turn. */
  wantTurn(item: InternalItem | TimerItem): void;
  /** An effect function makes no progress. */
  stalled(key: string, error: Error): void;
}

/** What the life before this one left. */
export interface Inheritance {
  readonly inFlight: readonly InFlightRow[];
  readonly timers: readonly TimerRow[];
}

export const NO_INHERITANCE: Inheritance = { inFlight: [], timers: [] };

export class Incarnation implements LiveHost, EffectHost {
  readonly #host: IncarnationHost;
  readonly #live: LiveActor;
  #effects: EffectRuns | undefined;
  #hasEnded = false;

  constructor(host: IncarnationHost, origin: LiveOrigin) {
    this.#host = host;
    // The context of a machine is made by its own code.
    this.#mark('start');
    try {
      this.#live = new LiveActor(this, origin, true);
    } finally {
      this.#mark(undefined);
    }
  }

  /** The first turn. */
  start(draft: Draft, { inFlight, timers }: Inheritance = NO_INHERITANCE): Failed | undefined {
    if (inFlight.length > 0) this.#effects = new EffectRuns(this, inFlight);
    this.#mark('start');
    const failed = this.#live.start(timers) ?? this.#absorb(draft);
    this.#mark(undefined);
    if (!failed && inFlight.length > 0) draft.inFlight = this.#effects?.toText() ?? null;
    this.#effects?.forgetRestored();
    return failed;
  }

  /** The turn an item asks for; nothing happens for one that only creates or waits. */
  turn(draft: Draft, item: Item): Failed | undefined {
    if (!this.#asksForTurn(item)) return undefined;
    this.#mark(eventIdOf(item) ?? 'internal');
    const failed = this.#run(item) ?? this.#absorb(draft);
    this.#mark(undefined);
    return failed;
  }

  /** The last turn: children are stopped. XState runs no exit actions here. */
  stop(draft: Draft): Failed | undefined {
    this.#mark('stop');
    const failed = this.#live.stop() ?? this.#absorb(draft);
    this.#mark(undefined);
    return failed;
  }

  /** True when nothing of this life would be lost if the actor left memory now. */
  get isStorable(): boolean {
    return this.#live.isStorable;
  }

  /** Begins effect functions whose in-flight rows are durable. */
  begin(actors: readonly AnyActorRef[]): void {
    for (const actor of actors) this.#effects?.begin(actor);
  }

  /** Drops the actor and aborts its effect functions. Returns those that it entered and never began. */
  end(): readonly InFlightRow[] {
    const unbegun = this.#effects?.unbegun() ?? [];
    this.#hasEnded = true;
    this.#live.dispose();
    this.#effects?.abortAll();
    return unbegun;
  }

  #asksForTurn(item: Item): boolean {
    switch (item.kind) {
      case 'direct':
        return item.event !== undefined;
      case 'inbox':
        return item.row.kind === 'event';
      case 'scheduled':
        return true;
      case 'internal':
      case 'timer':
        return item.life === this;
      case 'order':
        return false;
    }
  }

  #run(item: Item): Failed | undefined {
    switch (item.kind) {
      case 'direct':
        return this.#live.send(item.event as ActorEvent);
      case 'inbox':
        return this.#live.send(bodyOf(item) as ActorEvent);
      case 'scheduled':
        return this.#live.send(JSON.parse(item.row.text) as ActorEvent);
      case 'internal':
        return this.#live.pass(item.delivery);
      case 'timer':
        return this.#live.fire(item.timer);
      case 'order':
        return undefined;
    }
  }

  /** Adds what a turn led to; returns the error of a turn that failed, of which nothing is kept. */
  #absorb(draft: Draft): Failed | undefined {
    const live = this.#live;
    try {
      if (live.effects.length > 0) this.#compile(draft);
      const timers = live.takeTimers();
      if (timers) draft.timers = this.#checked(timers);
    } catch (error) {
      return { error };
    }
    const { started, ended } = live;
    if (started.length + ended.length > 0) this.#noteEffects(draft);
    if (live.state && live.state !== this.#host.stateBefore(draft)) draft.state = live.state;
    return undefined;
  }

  /** Timers are stored with each change of theirs, so that they count like the state. */
  #checked(timers: StoredTimers): StoredTimers {
    const { maxStateBytes } = this.#host.definition.policy;
    const bytes = timers.text?.length ?? 0;
    if (bytes <= maxStateBytes) return timers;
    throw new TroupeError(
      'ERR_STATE_TOO_LARGE',
      `The timers of '${this.address}' take ${bytes} bytes, more than the cap of ${maxStateBytes} for its state. Use schedule(), whose events are rows, or raise maxStateBytes in defineActor.`,
      { details: { address: this.address, bytes, maxStateBytes } },
    );
  }

  #compile(draft: Draft): void {
    const { address, definition, services } = this.#host;
    const { boot, definitions, env } = services;
    const { topics } = definition.policy;
    const nextId = (): string => draft.nextId();
    const context = { address, boot, definitions, nextId, now: () => env.now(), topics };
    draft.addRows(compileEffects(this.#live.effects, context));
  }

  #noteEffects(draft: Draft): void {
    const effects = (this.#effects ??= new EffectRuns(this, []));
    const { started, ended } = this.#live;
    const begins = effects.apply(started, ended, () => `${this.address}#${draft.nextId()}`);
    if (!begins) return;
    draft.beginAfter(begins);
    draft.inFlight = effects.toText();
  }

  #mark(what: string | undefined): void {
    this.#host.services.mark(this.#host.address, what);
  }

  // What the live actor, its timers and its effect functions ask for.

  get address(): Address {
    return this.#host.address;
  }

  get machine(): AnyStateMachine {
    return this.#host.definition.machine as AnyStateMachine;
  }

  get env(): Env {
    return this.#host.services.env;
  }

  get boot(): string {
    return this.#host.services.boot;
  }

  get downtimeMs(): number {
    return this.#host.services.downtimeMs;
  }

  get timerPolicies(): Readonly<Record<string, TimerPolicy>> {
    return this.#host.definition.policy.timers;
  }

  onDelivery(delivery: Delivery): void {
    if (!this.#hasEnded) this.#host.wantTurn({ kind: 'internal', delivery, life: this });
  }

  onTimer(timer: MachineTimer): void {
    if (!this.#hasEnded) this.#host.wantTurn({ kind: 'timer', timer, life: this });
  }

  onTimerLost({ id, source }: TimerRow): void {
    const { services, address } = this.#host;
    services.log.warn('a stored timer is dropped: what it was for is gone', { address, timer: id, source });
  }

  get machineLogger(): (...args: unknown[]) => void {
    return this.#host.services.machineLogger;
  }

  onSettled(actor: AnyActorRef, event: { readonly type: string }): void {
    if (!this.#hasEnded) actor.send(event as never);
  }

  get stallMs(): number {
    return this.#host.definition.policy.supervise.stallMs;
  }

  onStalled(key: string, error: Error): void {
    if (!this.#hasEnded) this.#host.stalled(key, error);
  }

  sendFromEffect(to: string, event: ActorEvent, id: string): Promise<void> {
    return this.#host.services.send(to, event, id);
  }

  markEffect(key: string | undefined): void {
    this.#mark(key);
  }

  runEffect<T>(key: string, run: () => T): T {
    return this.#host.services.runEffect(this.#host.address, key, run);
  }
}
