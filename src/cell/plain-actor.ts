/**
 * An actor that is a function: what `defineHandler` makes. It has the ways of a live actor, without XState behind them: no states,
 * timers, children or effect functions.
 */
import type { AnyActorRef } from 'xstate';
import type { ActorEvent, Effect } from '../actor/effects.ts';
import type { Handler } from '../actor/define-handler.ts';
import type { EffectStart } from '../actor/from-effect.ts';
import { TroupeError } from '../errors.ts';
import type { Failed } from './live-actor.ts';

const NOTHING: readonly never[] = [];

export class PlainActor {
  readonly status = 'active';
  readonly started: readonly EffectStart[] = NOTHING;
  readonly ended: readonly AnyActorRef[] = NOTHING;
  /** Effects of the last turn. */
  effects: readonly Effect[] = NOTHING;
  readonly #handler: Handler;
  readonly #emit: (effect: Effect) => void;
  #state: unknown;

  constructor(handler: Handler) {
    this.#handler = handler;
    this.#emit = (effect) => void (this.effects = [...this.effects, effect]);
  }

  start(): Failed | undefined {
    try {
      this.#state = this.#handler.initial();
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  send(event: ActorEvent): Failed | undefined {
    this.effects = NOTHING;
    try {
      this.#state = this.#handler.handle(this.#state, event, this.#emit);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  pass(): Failed {
    return { error: nothingOfItsOwn() };
  }

  fire(): Failed {
    return { error: nothingOfItsOwn() };
  }

  stop(): undefined {
    this.effects = NOTHING;
  }

  view(): { readonly value: unknown; readonly context: unknown; readonly output: unknown } {
    return { value: 'handling', context: this.#state, output: undefined };
  }

  dispose(): void {
    // It holds nothing but its state.
  }
}

function nothingOfItsOwn(): TroupeError {
  return new TroupeError('ERR_INTERNAL', 'A handler has no timers and no effect functions.');
}
