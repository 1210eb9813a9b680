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
import type { Env, TimerHandle } from '../env.ts';
import { toXStateSnapshot } from '../state/persisted.ts';
import type { PersistedState } from '../state/persisted.ts';
import { createWalker } from './walker.ts';
import type { Walker } from './walker.ts';
import { installSeams } from './xstate-seams.ts';
import type { Delivery, Seams } from './xstate-seams.ts';

/** What one turn led to. */
export type TurnOutcome =
  | {
      readonly ok: true;
      readonly state: PersistedState;
      readonly effects: readonly Effect[];
      /** Effect functions entered and still wanted at the end of the turn. */
      readonly started: readonly EffectStart[];
      /** Actors of effect functions that ended or were left. */
      readonly ended: readonly AnyActorRef[];
    }
  | { readonly ok: false; readonly error: unknown };

export interface LiveActorOptions {
  readonly address: Address;
  readonly machine: AnyStateMachine;
  readonly env: Env;
  /** Either the input of a new actor or the state of a stored one. */
  readonly origin: { readonly input: unknown } | { readonly state: PersistedState };
  /** A timer or a settled promise wants a turn. */
  readonly onDelivery: (delivery: Delivery) => void;
  /** Where XState's `log` action goes. */
  readonly onLog: (...args: unknown[]) => void;
}

/** Holds the XState actor of a cell. */
export class LiveActor {
  readonly #root: AnyActorRef;
  readonly #seams: Seams;
  readonly #walker: Walker;
  readonly #env: Env;
  readonly #timers = new Set<TimerHandle>();
  #effects: Effect[] = [];
  #started: EffectStart[] = [];
  #ended: AnyActorRef[] = [];

  constructor(options: LiveActorOptions) {
    this.#env = options.env;
    this.#root = createActor(options.machine, {
      id: options.address,
      clock: this.#createClock() as never,
      logger: options.onLog,
      ...('input' in options.origin
        ? { input: options.origin.input as never }
        : { snapshot: toXStateSnapshot(options.origin.state) as Snapshot<unknown> }),
    });
    this.#walker = createWalker(options.address);
    this.#seams = installSeams(this.#root, {
      deliver: options.onDelivery,
      emit: (event) => void (event.type.startsWith(EFFECT_PREFIX) && this.#effects.push(event as Effect)),
    });
    bindEffectRunner(this.#root.system, {
      start: (effect) => void this.#started.push(effect),
      stop: (actor) => void this.#ended.push(actor),
    });
  }

  /** The first turn: entry actions of a new actor, or the resumption of a restored one. */
  start(): TurnOutcome {
    return this.#runTurn(() => this.#root.start());
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
    for (const handle of this.#timers) this.#env.clearTimeout(handle);
    this.#timers.clear();
  }

  #runTurn(body: () => void): TurnOutcome {
    this.#effects = [];
    this.#started = [];
    this.#ended = [];
    try {
      this.#seams.turn(body);
      const snapshot = this.#root.getSnapshot() as { status: string; error: unknown };
      if (snapshot.status === 'error') return { ok: false, error: snapshot.error };
      const state = this.#walker.walk(this.#root);
      const started = this.#started.filter(({ actor }) => actor.getSnapshot().status === 'active');
      return { ok: true, state, effects: this.#effects, started, ended: this.#ended };
    } catch (error) {
      return { ok: false, error };
    }
  }

  #createClock(): {
    setTimeout: (fire: () => void, delayMs: number) => TimerHandle;
    clearTimeout: (h: TimerHandle) => void;
  } {
    return {
      setTimeout: (fire, delayMs) => {
        const handle = this.#env.setTimeout(() => {
          this.#timers.delete(handle);
          fire();
        }, delayMs);
        this.#timers.add(handle);
        return handle;
      },
      clearTimeout: (handle) => {
        this.#timers.delete(handle);
        this.#env.clearTimeout(handle);
      },
    };
  }
}

function isEffectOver({ event }: Delivery): boolean {
  return event.type.startsWith('troupe.effect.');
}
