/**
 * The life of a supervised actor, as a pure machine: it runs until it fails; what was decided then leads to a pause, to being held, or to its
 * end. Whoever runs it provides `begin`, which makes the actor anew and says STARTED when it serves again. A failure on the way is one
 * more FAILED, so that an order to stop gets in between any two tries.
 */
import { assign, setup } from 'xstate';
import type { Action, PlainError } from '../src/supervision/events.ts';

export interface LifecycleContext {
  /** What was decided last; nothing while all is well. */
  readonly decision?: Action | undefined;
  /** How often in a row it failed. */
  readonly attempt: number;
  /** Pause before it is made anew, in milliseconds. */
  readonly delayMs: number;
  readonly error?: PlainError | undefined;
}

export type LifecycleEvent =
  /** It failed, and this was decided and is durable. */
  | {
      readonly type: 'FAILED';
      readonly decision: Action;
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: PlainError;
    }
  /** It serves (again). */
  | { readonly type: 'STARTED' }
  /** The next try is not to wait. */
  | { readonly type: 'HURRY' }
  /** It is over: done, stopped, failed for good, or gone from memory. */
  | { readonly type: 'ENDED' };

/** Where a supervised actor is in its life. */
export const LIFECYCLE_STATES = ['running', 'pausing', 'starting', 'held', 'ended'] as const;
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

const lifecycleSetup = setup({
  types: { context: {} as LifecycleContext, events: {} as LifecycleEvent },
  actions: {
    begin: () => {
      // Provided by whoever runs it.
    },
  },
  delays: { pause: ({ context }) => context.delayMs },
  guards: {
    isHeld: ({ event }) => event.type === 'FAILED' && HOLDS.has(event.decision),
    isOver: ({ event }) => event.type === 'FAILED' && event.decision === 'end',
    isAtOnce: ({ context }) => context.delayMs === 0,
  },
});

const HOLDS: ReadonlySet<Action> = new Set<Action>(['quarantine', 'alert', 'escalate']);

const note = lifecycleSetup.assign(({ event }) => {
  if (event.type !== 'FAILED') return {};
  const { decision, attempt, delayMs, error } = event;
  return { decision, attempt, delayMs, error };
});

export const lifecycleMachine = lifecycleSetup.createMachine({
  id: 'lifecycle',
  context: { attempt: 0, delayMs: 0 },
  on: {
    FAILED: [
      { guard: 'isHeld', target: '.held', actions: note },
      { guard: 'isOver', target: '.ended', actions: note },
      { target: '.pausing', actions: note },
    ],
    ENDED: '.ended',
  },
  initial: 'running',
  states: {
    running: {},
    pausing: {
      always: { guard: 'isAtOnce', target: 'starting' },
      after: { pause: 'starting' },
      on: { HURRY: 'starting' },
    },
    starting: {
      entry: 'begin',
      on: {
        STARTED: { target: 'running', actions: assign({ delayMs: 0 }) },
      },
    },
    // Released it is another life, in a cell that has loaded anew.
    held: {},
    ended: { type: 'final' },
  },
});
