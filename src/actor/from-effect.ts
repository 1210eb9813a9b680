/**
 * Effect functions: asynchronous work a machine invokes. XState would start them inside the turn, before any commit; here
 * they begin only after the commit that entered the state is acknowledged, with a key that stays the same when a crash
 * makes them run again (G5).
 */
import type { AnyActorRef, NonReducibleUnknown, PromiseActorLogic, PromiseSnapshot } from 'xstate';
import { createRealEnv } from '../env.ts';
import type { ActorEvent } from './effects.ts';

/** What an effect function gets. */
export interface EffectArgs<TInput> {
  readonly input: TInput;
  /** Aborted when the machine leaves the state, or the actor or system stops. */
  readonly signal: AbortSignal;
  /** The same for every run of this effect: use it as an idempotency key towards the outside world. */
  readonly key: string;
  /** 1 for the first run; one more after each crash that cut it off. */
  readonly attempt: number;
  /** Says that the work goes on. */
  readonly progress: () => void;
  /** Sends an event to an actor at most once over all runs of this effect: its id comes from the key and its place among
   *  the sends. Resolves when it is durable. */
  readonly send: (to: string, event: ActorEvent) => Promise<void>;
}

export type EffectFunction<TOutput, TInput> = (args: EffectArgs<TInput>) => Promise<TOutput> | TOutput;

/** What happens to a run that a crash cut off: run it again under the same key, or let it fail with ERR_EFFECT_INTERRUPTED. */
export type InterruptedPolicy = 'retry' | 'fail';

export interface EffectOptions {
  /** @default 'retry' */
  readonly onInterrupted?: InterruptedPolicy;
}

/** An effect that has been entered and wants to begin. */
export interface EffectStart {
  readonly actor: AnyActorRef;
  readonly input: unknown;
  readonly onInterrupted: InterruptedPolicy;
  /** Runs the user's function. */
  readonly run: (args: Omit<EffectArgs<unknown>, 'input'>) => unknown;
}

/** What a cell does with effects; bound to the XState system of its actor. */
export interface EffectRunner {
  startEffect(effect: EffectStart): void;
  stopEffect(actor: AnyActorRef): void;
}

const RESOLVE = 'troupe.effect.resolve';
const REJECT = 'troupe.effect.reject';
const XSTATE_STOP = 'xstate.stop';

/** Event by which the outcome of an effect function re-enters its actor. */
export interface SettleEvent {
  readonly type: typeof RESOLVE | typeof REJECT;
  readonly data: unknown;
}

/** Where a system carries its runner. A WeakMap beside tens of thousands of systems would slow down garbage collection. */
const RUNNER = Symbol('troupe.effectRunner');

interface Bound {
  [RUNNER]?: EffectRunner;
}

const plainControllers = new WeakMap<object, AbortController>();

/** Binds a runner to an XState system, so that effects of all its actors begin through it. */
export function bindEffectRunner(system: object, runner: EffectRunner): void {
  (system as Bound)[RUNNER] = runner;
}

/** The event that ends an effect. */
export function toSettleEvent(outcome: { ok: true; value: unknown } | { ok: false; error: unknown }): SettleEvent {
  return outcome.ok ? { type: RESOLVE, data: outcome.value } : { type: REJECT, data: outcome.error };
}

/**
 * Makes invokable logic from an asynchronous function. In Troupe it begins after the commit; with plain XState it simply
 * runs, with a random key.
 */
export function fromEffect<TOutput, TInput = NonReducibleUnknown>(
  run: EffectFunction<TOutput, TInput>,
  options: EffectOptions = {},
): PromiseActorLogic<TOutput, TInput> {
  const onInterrupted = options.onInterrupted ?? 'retry';
  const logic: PromiseActorLogic<TOutput, TInput> = {
    config: run as never,
    transition: (state, event, scope) => {
      const settled = event as unknown as SettleEvent;
      if (state.status !== 'active') return state;
      if (settled.type === RESOLVE) return settle(state, 'done', settled.data);
      if (settled.type === REJECT) return settle(state, 'error', settled.data);
      if ((event as { type: string }).type !== XSTATE_STOP) return state;
      stopEffect(scope.system, scope.self);
      return settle(state, 'stopped', undefined);
    },
    start: (state, { self, system }) => {
      if (state.status !== 'active') return;
      const effect: EffectStart = {
        actor: self,
        input: state.input,
        onInterrupted,
        run: (args) => run({ ...args, input: state.input as TInput }),
      };
      const runner = (system as Bound)[RUNNER];
      if (runner) runner.startEffect(effect);
      else runPlain(effect);
    },
    getInitialSnapshot: (_scope, input) => ({ status: 'active', output: undefined, error: undefined, input }),
    getPersistedSnapshot: (snapshot) => snapshot,
    restoreSnapshot: (snapshot) => snapshot as PromiseSnapshot<TOutput, TInput>,
  };
  return logic;
}

function settle<TOutput, TInput>(
  state: PromiseSnapshot<TOutput, TInput>,
  status: 'done' | 'error' | 'stopped',
  data: unknown,
): PromiseSnapshot<TOutput, TInput> {
  const ended = { ...state, status, input: undefined, output: undefined, error: undefined };
  if (status === 'done') return { ...ended, output: data } as unknown as PromiseSnapshot<TOutput, TInput>;
  return { ...ended, error: data } as unknown as PromiseSnapshot<TOutput, TInput>;
}

function stopEffect(system: object, actor: AnyActorRef): void {
  (system as Bound)[RUNNER]?.stopEffect(actor);
  plainControllers.get(actor)?.abort();
}

/** Without a cell: begin at once, as XState's own promises do. */
function runPlain(effect: EffectStart): void {
  const controller = new AbortController();
  plainControllers.set(effect.actor, controller);
  const args = {
    signal: controller.signal,
    key: createRealEnv().randomId(),
    attempt: 1,
    progress: () => {},
    send: async (to: string) => Promise.reject(new Error(`There is no Troupe system to send to '${to}' through.`)),
  };
  const settleWith = (event: SettleEvent): void => {
    if (effect.actor.getSnapshot().status === 'active') effect.actor.send(event);
  };
  Promise.resolve()
    .then(() => effect.run(args))
    .then(
      (value) => settleWith(toSettleEvent({ ok: true, value })),
      (error: unknown) => settleWith(toSettleEvent({ ok: false, error })),
    );
}
