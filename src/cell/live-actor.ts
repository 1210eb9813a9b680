/**
 * One live XState actor and its turns. A turn is one input processed to the end; what it led to (state, effects, effect
 * functions entered and left, timers) stands here until the next turn begins, and nothing of it has been let out. A turn that
 * throws, or whose state cannot be saved, fails as a whole; the actor is dead then and is made anew from its last commit.
 *
 * Thousands are kept, so it is at once what XState takes for its clock, and what the seams and effect functions report to.
 */
import { createActor } from 'xstate';
import type { AnyActorRef, AnyStateMachine, Snapshot } from 'xstate';
import { bindEffectRunner } from '../actor/from-effect.ts';
import type { EffectRunner, EffectStart } from '../actor/from-effect.ts';
import { EFFECT_PREFIX } from '../actor/effects.ts';
import type { Effect } from '../actor/effects.ts';
import { toXStateSnapshot } from '../state/persisted.ts';
import type { PersistedState } from '../state/persisted.ts';
import { MachineTimers } from './machine-timers.ts';
import type { MachineTimer, StoredTimers, TimerHost, TimerRow } from './machine-timers.ts';
import { createWalker } from './walker.ts';
import type { Walker } from './walker.ts';
import { Seams, findByPath } from './xstate-seams.ts';
import type { Delivery, Scheduling, SeamHooks } from './xstate-seams.ts';

/** A turn that failed. */
export interface Failed {
  readonly error: unknown;
}

/** Who has a live actor: it wants its inputs to become turns. */
export interface LiveHost extends TimerHost {
  readonly machine: AnyStateMachine;
  /** A settled promise wants a turn. */
  onDelivery(delivery: Delivery): void;
  /** A stored timer has nobody left that it could be for. */
  onTimerLost(row: TimerRow): void;
  /** Where XState's `log` action goes. */
  readonly machineLogger: (...args: unknown[]) => void;
}

/** Either the input of a new actor or the state of a stored one. */
export type LiveOrigin = { readonly input: unknown } | { readonly state: PersistedState };

const NOTHING: readonly never[] = Object.freeze([]);

/** Holds the XState actor of a cell. */
export class LiveActor implements SeamHooks, EffectRunner {
  readonly #host: LiveHost;
  readonly #root: AnyActorRef;
  readonly #seams: Seams;
  readonly #walker: Walker | undefined;
  #timers: MachineTimers | undefined;
  /** Effects of the last turn. */
  effects: readonly Effect[] = NOTHING;
  /** Effect functions the last turn entered. */
  #started: readonly EffectStart[] = NOTHING;
  /** Actors of effect functions that ended or were left in the last turn. */
  ended: readonly AnyActorRef[] = NOTHING;
  /** The state to store after the last turn; absent for an actor that is not stored. */
  state: PersistedState | undefined;

  /** @param isStored its state is checked and told after each turn */
  constructor(host: LiveHost, origin: LiveOrigin, isStored: boolean) {
    this.#host = host;
    this.#root = createActor(host.machine, {
      id: host.address,
      clock: this as never,
      logger: host.machineLogger,
      ...('input' in origin
        ? { input: origin.input as never }
        : { snapshot: toXStateSnapshot(origin.state) as Snapshot<unknown> }),
    });
    this.#walker = isStored ? createWalker(host.address) : undefined;
    this.#seams = new Seams(this.#root, this);
    bindEffectRunner(this.#root.system, this);
  }

  /** The first turn: entry actions of a new actor, or the resumption of a restored one, with its timers. */
  start(timers: readonly TimerRow[] = NOTHING): Failed | undefined {
    this.#begin();
    try {
      this.#root.start();
      if (timers.length > 0) this.#armed().touch();
      for (const row of timers) this.#setAgain(row);
    } catch (error) {
      return this.#abort(error);
    }
    return this.#finish();
  }

  /** A turn on an event for the root. */
  send(event: { readonly type: string }): Failed | undefined {
    this.#begin();
    try {
      this.#root.send(event as never);
    } catch (error) {
      return this.#abort(error);
    }
    return this.#finish();
  }

  /** A turn on a delivery that was held back. */
  pass(delivery: Delivery): Failed | undefined {
    this.#begin();
    try {
      if (isEffectOver(delivery)) this.stopEffect(delivery.target);
      this.#seams.pass(delivery);
    } catch (error) {
      return this.#abort(error);
    }
    return this.#finish();
  }

  /** A turn on a timer that is due; nothing happens when it was taken back meanwhile. */
  fire(timer: MachineTimer): Failed | undefined {
    this.#begin();
    try {
      if (this.#armed().take(timer)) timer.fire();
    } catch (error) {
      return this.#abort(error);
    }
    return this.#finish();
  }

  /** The last turn: children are stopped. XState runs no exit actions here. */
  stop(): Failed | undefined {
    this.#begin();
    try {
      this.#root.stop();
    } catch (error) {
      return this.#abort(error);
    }
    return this.#finish();
  }

  /** Effect functions entered in the last turn and still wanted at its end. */
  get started(): readonly EffectStart[] {
    return this.#started.length === 0 ? this.#started : this.#started.filter(isActive);
  }

  /** Timers after the last turn, when they were set, fired or taken back. @throws {TroupeError} ERR_NOT_JSON */
  takeTimers(): StoredTimers | undefined {
    return this.#timers?.change();
  }

  get status(): string {
    return (this.#root.getSnapshot() as { status: string }).status;
  }

  /** True when everything this actor is can be stored: no function, promise or callback of its own is under way. */
  get isStorable(): boolean {
    return isStorable(this.#root);
  }

  /** Value, context and output as they are. */
  view(): { readonly value: unknown; readonly context: unknown; readonly output: unknown } {
    const { value, context, output } = this.#root.getSnapshot() as {
      value: unknown;
      context: unknown;
      output: unknown;
    };
    return { value, context, output };
  }

  /** Drops the actor: no timer fires, no delivery arrives. */
  dispose(): void {
    this.#seams.dispose();
    this.#timers?.dispose();
  }

  #setAgain(row: TimerRow): void {
    const source = findByPath(this.#root, row.source);
    const target = row.target === undefined ? source : findByPath(this.#root, row.target);
    if (!source || !target) return this.#host.onTimerLost(row);
    const scheduling = { source, target, event: row.event, id: row.id };
    this.#armed().expect(scheduling, row);
    this.#seams.schedule(scheduling);
  }

  #begin(): void {
    this.effects = NOTHING;
    this.#started = NOTHING;
    this.ended = NOTHING;
    this.#seams.enter();
  }

  #abort(error: unknown): Failed {
    this.#seams.leave();
    return { error };
  }

  #finish(): Failed | undefined {
    this.#seams.leave();
    const { status, error } = this.#root.getSnapshot() as { status: string; error: unknown };
    if (status === 'error') return { error };
    if (!this.#walker) return undefined;
    try {
      this.state = this.#walker.walk(this.#root);
      return undefined;
    } catch (unsavable) {
      return { error: unsavable };
    }
  }

  #armed(): MachineTimers {
    return (this.#timers ??= new MachineTimers(this.#host));
  }

  // What XState and effect functions call, within a turn unless said otherwise.

  /** XState's clock. @throws {TroupeError} ERR_SCHEDULE_INVALID */
  setTimeout(fire: () => void, delayMs: number): MachineTimer | undefined {
    return this.#armed().set(fire, delayMs);
  }

  /** XState's clock. */
  clearTimeout(timer: MachineTimer | undefined): void {
    this.#timers?.clear(timer);
  }

  /** Outside a turn. */
  deliver(delivery: Delivery): void {
    this.#host.onDelivery(delivery);
  }

  emit(event: { readonly type: string }): void {
    if (event.type.startsWith(EFFECT_PREFIX)) this.effects = added(this.effects, event as Effect);
  }

  schedule(scheduling: Scheduling): void {
    this.#armed().expect(scheduling);
  }

  nameTimer(): string {
    return `troupe.${this.#host.env.randomId()}`;
  }

  startEffect(effect: EffectStart): void {
    this.#started = added(this.#started, effect);
  }

  stopEffect(actor: AnyActorRef): void {
    this.ended = added(this.ended, actor);
  }
}

/** Lists begin as the shared empty one. */
function added<T>(list: readonly T[], item: T): readonly T[] {
  if (list === (NOTHING as readonly unknown[])) return [item];
  (list as T[]).push(item);
  return list;
}

function isActive({ actor }: EffectStart): boolean {
  return actor.getSnapshot().status === 'active';
}

function isEffectOver({ event }: Delivery): boolean {
  return event.type.startsWith('troupe.effect.');
}

function isStorable(actor: AnyActorRef): boolean {
  const { children = {} } = (actor.getSnapshot() ?? {}) as { readonly children?: Record<string, AnyActorRef> };
  return Object.values(children).every((child) => {
    const snapshot = child.getSnapshot() as { readonly status?: string; readonly machine?: unknown } | undefined;
    if (snapshot?.machine !== undefined) return isStorable(child);
    // Logic that starts nothing, such as fromTransition, is its state.
    return snapshot?.status !== 'active' || (child as { logic?: { start?: unknown } }).logic?.start === undefined;
  });
}
