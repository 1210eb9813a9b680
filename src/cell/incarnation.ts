/**
 * One life of an actor: the live XState actor and its effect functions, from a start or a restore to a failure or the end.
 * Runs turns into drafts. Once it has ended, nothing it started is heard of any more.
 */
import type { AnyActorRef } from 'xstate';
import type { Address } from '../actor/address.ts';
import type { AnyDefinition } from '../actor/define.ts';
import type { ActorEvent, Effect } from '../actor/effects.ts';
import type { PersistedState } from '../state/persisted.ts';
import { compileEffects } from './compile-effects.ts';
import type { EffectRows } from './effect-rows.ts';
import type { Draft } from './draft.ts';
import { EffectRuns } from './effect-runs.ts';
import type { InFlightRow } from './effect-runs.ts';
import { bodyOf, eventIdOf } from './items.ts';
import type { DirectItem, InternalItem, Item, TimerItem } from './items.ts';
import { LiveActor } from './live-actor.ts';
import type { TurnOutcome } from './live-actor.ts';
import type { TimerRow } from './machine-timers.ts';
import type { CellServices } from './services.ts';

/** A turn that failed. */
export interface Failed {
  readonly error: unknown;
}

export interface IncarnationOptions {
  readonly address: Address;
  readonly definition: AnyDefinition;
  readonly services: CellServices;
  /** Either the input of a new actor or the state of a stored one. */
  readonly origin: { readonly input: unknown } | { readonly state: PersistedState };
  /** Effects the life before this one had in flight. */
  readonly restored: readonly InFlightRow[];
  /** Timers the life before this one had set. */
  readonly timers: readonly TimerRow[];
  /** The state a draft goes on from. */
  readonly stateBefore: (draft: Draft) => PersistedState | undefined;
  /** A timer fired or an effect function settled: it wants a turn. */
  readonly wantTurn: (item: InternalItem | TimerItem) => void;
}

export class Incarnation {
  readonly #options: IncarnationOptions;
  readonly #live: LiveActor;
  readonly #effects: EffectRuns;
  #hasEnded = false;

  constructor(options: IncarnationOptions) {
    const { address, definition, services, origin, restored, wantTurn } = options;
    const { env, log, send, mark, boot, downtimeMs } = services;
    this.#options = options;
    this.#effects = new EffectRuns({
      address,
      restored,
      settle: (actor, event) => void (!this.#hasEnded && actor.send(event as never)),
      send,
      mark: (key) => mark(address, key),
    });
    this.#live = new LiveActor({
      address,
      machine: definition.machine,
      env,
      origin,
      isStored: true,
      timerPolicies: definition.policy.timers,
      boot,
      downtimeMs,
      onDelivery: (delivery) => void (!this.#hasEnded && wantTurn({ kind: 'internal', delivery, life: this })),
      onTimer: (timer) => void (!this.#hasEnded && wantTurn({ kind: 'timer', timer, life: this })),
      onTimerLost: ({ id, source }) =>
        log.warn('a stored timer is dropped: what it was for is gone', { address, timer: id, source }),
      onLog: (...args) => log.info(args.map(String).join(' '), { address, component: 'machine' }),
    });
  }

  /** The first turn. */
  start(draft: Draft): Failed | undefined {
    const failed = this.#absorb(
      draft,
      this.#marked('start', () => this.#live.start(this.#options.timers)),
    );
    if (!failed && this.#options.restored.length > 0) draft.inFlight = this.#effects.toText();
    this.#effects.forgetRestored();
    return failed;
  }

  /** The turn an item asks for; nothing happens for one that only creates or waits. */
  turn(draft: Draft, item: Item): Failed | undefined {
    const run = this.#turnOf(item);
    return run && this.#absorb(draft, this.#marked(eventIdOf(item) ?? 'internal', run));
  }

  /** True when nothing of this life would be lost if the actor left memory now. */
  get isStorable(): boolean {
    return this.#live.isStorable;
  }

  /** The last turn: children are stopped. XState runs no exit actions here. */
  stop(draft: Draft): Failed | undefined {
    return this.#absorb(
      draft,
      this.#marked('stop', () => this.#live.stop()),
    );
  }

  /** Begins effect functions whose in-flight rows are durable. */
  begin(actors: readonly AnyActorRef[]): void {
    for (const actor of actors) this.#effects.begin(actor);
  }

  /** Drops the actor and aborts its effect functions. Returns those that it entered and never began. */
  end(): readonly InFlightRow[] {
    const unbegun = this.#effects.unbegun();
    this.#hasEnded = true;
    this.#live.dispose();
    this.#effects.abortAll();
    return unbegun;
  }

  #turnOf(item: Item): (() => TurnOutcome) | undefined {
    switch (item.kind) {
      case 'direct':
        return this.#eventTurn(item);
      case 'inbox':
        return item.row.kind === 'event' ? () => this.#live.send(bodyOf(item) as ActorEvent) : undefined;
      case 'scheduled':
        return () => this.#live.send(JSON.parse(item.row.text) as ActorEvent);
      case 'internal':
        return item.life === this ? () => this.#live.pass(item.delivery) : undefined;
      case 'timer':
        return item.life === this ? () => this.#live.fire(item.timer) : undefined;
      case 'order':
        return undefined;
    }
  }

  #eventTurn({ event }: DirectItem): (() => TurnOutcome) | undefined {
    return event && (() => this.#live.send(event));
  }

  /** Adds what a turn led to; returns the error of a turn that failed, of which nothing is kept. */
  #absorb(draft: Draft, outcome: TurnOutcome): Failed | undefined {
    if (!outcome.ok) return { error: outcome.error };
    const { address, stateBefore } = this.#options;
    try {
      if (outcome.effects.length > 0) draft.addRows(this.#compile(draft, outcome.effects));
    } catch (error) {
      return { error };
    }
    const begins = this.#effects.apply(outcome.started, outcome.ended, () => `${address}#${draft.nextId()}`);
    if (begins) {
      draft.beginAfter(begins);
      draft.inFlight = this.#effects.toText();
    }
    if (outcome.timers) draft.timers = outcome.timers;
    if (outcome.state && outcome.state !== stateBefore(draft)) draft.state = outcome.state;
    return undefined;
  }

  #compile(draft: Draft, effects: readonly Effect[]): EffectRows {
    const { address, definition, services } = this.#options;
    const { boot, definitions, env } = services;
    const { topics } = definition.policy;
    const nextId = (): string => draft.nextId();
    return compileEffects(effects, { address, boot, definitions, nextId, now: () => env.now(), topics });
  }

  #marked<T>(what: string, run: () => T): T {
    const { address, services } = this.#options;
    services.mark(address, what);
    try {
      return run();
    } finally {
      services.mark(address, undefined);
    }
  }
}
