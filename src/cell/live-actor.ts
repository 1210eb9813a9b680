/**
 * One live XState actor and its turns. A turn is one input processed to the end; what it led to (state, effects, effect
 * functions entered and left) is returned as data, and nothing has been let out yet. A turn that throws, or whose state or
 * effects cannot be saved, fails as a whole; the actor is dead then and is made anew from its last commit.
 */
import { createActor } from 'xstate';
import type { AnyActorRef, AnyStateMachine, Snapshot } from 'xstate';
import { bindEffectRunner } from '../actor/from-effect.ts';
import type { EffectStart } from '../actor/from-effect.ts';
import { EFFECT_PREFIX } from '../actor/effects.ts';
import type { Effect } from '../actor/effects.ts';
import type { Address } from '../actor/address.ts';
import type { TimerPolicy } from '../actor/define.ts';
import type { Env } from '../env.ts';
import { toXStateSnapshot } from '../state/persisted.ts';
import type { PersistedState } from '../state/persisted.ts';
import { MachineTimers } from './machine-timers.ts';
import type { MachineTimer, StoredTimers, TimerRow } from './machine-timers.ts';
import { createWalker } from './walker.ts';
import type { Walker } from './walker.ts';
import { findByPath, installSeams } from './xstate-seams.ts';
import type { Delivery, Seams } from './xstate-seams.ts';

/** What one turn led to. */
export type TurnOutcome =
  | {
      readonly ok: true;
      /** The state to store; absent for an actor that is not stored. */
      readonly state: PersistedState | undefined;
      readonly status: string;
      readonly effects: readonly Effect[];
      /** Effect functions entered and still wanted at the end of the turn. */
      readonly started: readonly EffectStart[];
      /** Actors of effect functions that ended or were left. */
      readonly ended: readonly AnyActorRef[];
      /** Present when timers were set, fired or taken back. */
      readonly timers: StoredTimers | undefined;
    }
  | { readonly ok: false; readonly error: unknown };

export interface LiveActorOptions {
  readonly address: Address;
  readonly machine: AnyStateMachine;
  readonly env: Env;
  /** Either the input of a new actor or the state of a stored one. */
  readonly origin: { readonly input: unknown } | { readonly state: PersistedState };
  /** Its state is checked and told after each turn. */
  readonly isStored: boolean;
  readonly timerPolicies: Readonly<Record<string, TimerPolicy>>;
  readonly boot: string;
  /** Time during which no system ran, on record for this store, in milliseconds. */
  readonly downtimeMs: number;
  /** A settled promise wants a turn. */
  readonly onDelivery: (delivery: Delivery) => void;
  /** A timer wants a turn. */
  readonly onTimer: (timer: MachineTimer) => void;
  /** A stored timer has nobody left that it could be for. */
  readonly onTimerLost: (row: TimerRow) => void;
  /** Where XState's `log` action goes. */
  readonly onLog: (...args: unknown[]) => void;
}

/** Holds the XState actor of a cell. */
export class LiveActor {
  readonly #root: AnyActorRef;
  readonly #seams: Seams;
  readonly #walker: Walker | undefined;
  readonly #timers: MachineTimers;
  readonly #onTimerLost: (row: TimerRow) => void;
  #effects: Effect[] = [];
  #started: EffectStart[] = [];
  #ended: AnyActorRef[] = [];

  constructor(options: LiveActorOptions) {
    const { env, address, boot, downtimeMs, timerPolicies, onTimer } = options;
    this.#onTimerLost = options.onTimerLost;
    this.#timers = new MachineTimers({
      owner: address,
      env,
      policies: timerPolicies,
      boot,
      downtimeMs,
      onDue: onTimer,
    });
    this.#root = createActor(options.machine, {
      id: options.address,
      clock: {
        setTimeout: (fire: () => void, delayMs: number) => this.#timers.set(fire, delayMs),
        clearTimeout: (timer: unknown) => this.#timers.clear(timer as MachineTimer | undefined),
      } as never,
      logger: options.onLog,
      ...('input' in options.origin
        ? { input: options.origin.input as never }
        : { snapshot: toXStateSnapshot(options.origin.state) as Snapshot<unknown> }),
    });
    this.#walker = options.isStored ? createWalker(address) : undefined;
    this.#seams = installSeams(this.#root, {
      deliver: options.onDelivery,
      schedule: (scheduling) => this.#timers.expect(scheduling),
      nameTimer: () => `troupe.${env.randomId()}`,
      emit: (event) => void (event.type.startsWith(EFFECT_PREFIX) && this.#effects.push(event as Effect)),
    });
    bindEffectRunner(this.#root.system, {
      start: (effect) => void this.#started.push(effect),
      stop: (actor) => void this.#ended.push(actor),
    });
  }

  /** The first turn: entry actions of a new actor, or the resumption of a restored one, with its timers. */
  start(timers: readonly TimerRow[] = []): TurnOutcome {
    return this.#runTurn(() => {
      this.#root.start();
      if (timers.length > 0) this.#timers.touch();
      for (const row of timers) this.#setAgain(row);
    });
  }

  /** A turn on a timer that is due; nothing happens when it was taken back meanwhile. */
  fire(timer: MachineTimer): TurnOutcome {
    return this.#runTurn(() => {
      if (this.#timers.take(timer)) timer.fire();
    });
  }

  /** True when everything this actor is can be stored: no function, promise or callback of its own is under way. */
  get isStorable(): boolean {
    return isStorable(this.#root);
  }

  /** A turn on an event for the root. */
  send(event: { readonly type: string }): TurnOutcome {
    return this.#runTurn(() => this.#root.send(event as never));
  }

  /** A turn on a delivery that was held back. */
  pass(delivery: Delivery): TurnOutcome {
    return this.#runTurn(() => {
      if (isEffectOver(delivery)) this.#ended.push(delivery.target);
      this.#seams.pass(delivery);
    });
  }

  /** The last turn: children are stopped. XState runs no exit actions here. */
  stop(): TurnOutcome {
    return this.#runTurn(() => this.#root.stop());
  }

  /** Drops the actor: no timer fires, no delivery arrives. */
  dispose(): void {
    this.#seams.dispose();
    this.#timers.dispose();
  }

  #setAgain(row: TimerRow): void {
    const source = findByPath(this.#root, row.source);
    const target = row.target === undefined ? source : findByPath(this.#root, row.target);
    if (!source || !target) return this.#onTimerLost(row);
    const scheduling = { source, target, event: row.event, id: row.id };
    this.#timers.expect(scheduling, row);
    this.#seams.schedule(scheduling);
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

  /** Most turns ask for nothing, so that the empty lists of the turn before serve again. */
  #runTurn(body: () => void): TurnOutcome {
    if (this.#effects.length > 0) this.#effects = [];
    if (this.#started.length > 0) this.#started = [];
    if (this.#ended.length > 0) this.#ended = [];
    try {
      this.#seams.turn(body);
      const { status, error } = this.#root.getSnapshot() as { status: string; error: unknown };
      if (status === 'error') return { ok: false, error };
      const state = this.#walker?.walk(this.#root);
      const started = this.#started.length === 0 ? this.#started : this.#started.filter(isActive);
      const timers = this.#timers.change();
      return { ok: true, state, status, effects: this.#effects, started, ended: this.#ended, timers };
    } catch (error) {
      return { ok: false, error };
    }
  }
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
