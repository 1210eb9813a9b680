/**
 * The shell around `decide`: runs the lifecycle of one actor that has failed, pauses included. The healthy have none. Its owner makes
 * what is decided durable before it says so here.
 */
import { createActor } from 'xstate';
import type { Actor } from 'xstate';
import { lifecycleMachine } from '../../machines/lifecycle.ts';
import type { LifecycleState } from '../../machines/lifecycle.ts';
import type { Env } from '../env.ts';
import type { Decision } from './decide.ts';
import type { Action, PlainError } from './events.ts';

/** Where a supervised actor is in its life, for whoever watches. */
export interface LifecycleView {
  readonly state: LifecycleState;
  /** What was decided about its last failure; absent when it has not failed in this life of its cell. */
  readonly decision?: Action;
  /** How often in a row it failed. */
  readonly attempt: number;
  /** Pause before it is made anew, in milliseconds; 0 outside pauses. */
  readonly delayMs: number;
  readonly error?: PlainError;
}

/** The view of an actor that has not failed. */
export const HEALTHY: LifecycleView = { state: 'running', attempt: 0, delayMs: 0 };

export class Supervisor {
  readonly #lifecycle: Actor<typeof lifecycleMachine>;

  /** @param begin makes the actor anew; called after the pause */
  constructor(env: Env, begin: () => void) {
    const machine = lifecycleMachine.provide({ actions: { begin } });
    const clock = {
      setTimeout: (fire: () => void, delayMs: number) => env.setTimeout(fire, delayMs),
      clearTimeout: (handle: unknown) => env.clearTimeout(handle),
    };
    this.#lifecycle = createActor(machine, { clock: clock as never });
    this.#lifecycle.start();
  }

  get view(): LifecycleView {
    const { value, context } = this.#lifecycle.getSnapshot();
    const { decision, attempt, delayMs, error } = context;
    return { state: value, attempt, delayMs, ...(decision && { decision }), ...(error && { error }) };
  }

  /** The next try comes now. */
  hurry(): void {
    this.#lifecycle.send({ type: 'HURRY' });
  }

  /** What was decided about a failure is durable. */
  failed({ action, attempt, delayMs }: Decision, error: PlainError): void {
    this.#lifecycle.send({ type: 'FAILED', decision: action, attempt, delayMs, error });
  }

  /** The actor serves again. */
  started(): void {
    this.#lifecycle.send({ type: 'STARTED' });
  }

  /** Takes back the pause: the actor is over, or its cell goes. */
  stop(): void {
    this.#lifecycle.send({ type: 'ENDED' });
    this.#lifecycle.stop();
  }
}
