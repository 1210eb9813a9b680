/** Actors for tests of supervision: they fail when they are told to, and say when they are made anew. */
import { assign, emit, enqueueActions, setup } from 'xstate';
import { append, defineActor, fromEffect, publish, replace, spawn } from '../../src/index.ts';
import type { ChildExitedEvent, ChildReplacedEvent, Effect, Json, SupervisePolicy } from '../../src/index.ts';

/** What the outside world does to them; shared by all of a thread, and reset by each test. */
export const world = {
  /** Keys of actors that throw when they are made or restored. */
  broken: new Set<string>(),
  /** Lives of each actor, in order. */
  lives: [] as string[],
  /** Lets simulated time pass for effect functions. */
  pause: undefined as ((ms: number) => Promise<void>) | undefined,
};

/** Forgets what happened in the test before. */
export function resetWorld(): void {
  world.broken.clear();
  world.lives.length = 0;
}

type ChildEvent =
  | { readonly type: 'ADD' }
  | { readonly type: 'THROW' }
  | { readonly type: 'BREAK' }
  | { readonly type: 'WORK' }
  | { readonly type: 'FINISH' };

function throwIfBroken({ self }: { readonly self: { readonly id: string } }): void {
  if (world.broken.has(self.id)) throw new Error(`${self.id} is broken`);
}

const childSetup = setup({
  types: { context: {} as { count: number; runs: readonly number[] }, events: {} as ChildEvent, emitted: {} as Effect },
  actors: {
    // Tells each life apart: it runs anew in each.
    life: fromEffect(async ({ attempt, key, signal }) => {
      world.lives.push(`${key.slice(0, key.indexOf('#'))}:${attempt}`);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    }),
  },
  delays: { soon: 10 },
});

/** Counts, throws on THROW, and fails over and over on a timer after BREAK for as long as it is broken. */
export const childMachine = childSetup.createMachine({
  id: 'child',
  context: { count: 0, runs: [] },
  invoke: { src: 'life', id: 'life' },
  on: {
    ADD: { actions: assign({ count: ({ context }) => context.count + 1 }) },
    THROW: {
      actions: () => {
        throw new Error('thrown on purpose');
      },
    },
  },
  initial: 'idle',
  states: {
    idle: { on: { BREAK: 'breaking', FINISH: 'finished' } },
    breaking: { after: { soon: { target: 'idle', actions: throwIfBroken } } },
    finished: { type: 'final' },
  },
});

/** A child under a policy. */
export const childOf = (type: string, supervise: SupervisePolicy = {}) =>
  defineActor(type, childMachine, { supervise, hibernateAfterMs: false });

interface ParentInput {
  readonly children: readonly string[];
}

type ParentEvent =
  | { readonly type: 'SPAWN'; readonly address: string; readonly input?: Json }
  | { readonly type: 'THROW' }
  | { readonly type: 'NOTE'; readonly text: string }
  | ChildExitedEvent
  | ChildReplacedEvent;

const parentSetup = setup({
  types: {
    context: {} as { heard: readonly string[] },
    events: {} as ParentEvent,
    input: {} as ParentInput,
    emitted: {} as Effect,
  },
});

function toSpawn(address: string, input?: Json): Effect {
  const [type = '', key = ''] = address.split('/');
  return spawn(type, key, input);
}

/** Spawns children in order, and keeps what it hears of their ends. */
export const parentMachine = parentSetup.createMachine({
  id: 'parent',
  context: { heard: [] },
  entry: enqueueActions(({ enqueue, event }) => {
    const { input } = event as unknown as { input?: ParentInput };
    for (const address of input?.children ?? []) enqueue.emit(toSpawn(address));
  }),
  on: {
    SPAWN: { actions: emit(({ event }) => toSpawn(event.address, event.input)) },
    THROW: {
      actions: () => {
        throw new Error('the parent throws on purpose');
      },
    },
    NOTE: { actions: emit(({ event }) => append(event.text)) },
    'child.exited': {
      actions: [
        assign({ heard: ({ context, event }) => [...context.heard, `${event.child} ${event.reason}`] }),
        emit(({ event }) => publish('family.exit', { child: event.child })),
      ],
    },
    'child.replaced': {
      actions: assign({ heard: ({ context, event }) => [...context.heard, `${event.child} replaced by ${event.by}`] }),
    },
  },
});

/** A parent under a policy. */
export const parentOf = (type: string, supervise: SupervisePolicy = {}) =>
  defineActor(type, parentMachine, { supervise, hibernateAfterMs: false });

const substituteMachine = setup({
  types: {
    context: {} as { count: number; note: string },
    events: {} as ChildEvent,
    input: {} as { count: number; note?: string },
    emitted: {} as Effect,
  },
}).createMachine({
  id: 'substitute',
  context: ({ input }) => ({ count: input.count, note: input.note ?? 'took over' }),
  on: {
    ADD: { actions: assign({ count: ({ context }) => context.count + 100 }) },
    THROW: { actions: assign({ note: 'took the event that failed' }) },
    BREAK: {},
  },
});

export const substitute = defineActor('substitute', substituteMachine, { hibernateAfterMs: false });

export const replaceable = defineActor('replaceable', childMachine, {
  supervise: { onFailure: replace<{ count: number }>(substitute, ({ count }) => ({ count })) },
  hibernateAfterMs: false,
});

/** Its substitute refuses what it is given. */
export const illMatched = defineActor('ill-matched', childMachine, {
  supervise: { onFailure: replace('picky', () => 'not an object') },
  hibernateAfterMs: false,
});

export const picky = defineActor(
  'picky',
  setup({ types: { context: {} as { name: string }, input: {} as { name: { first: string } } } }).createMachine({
    context: ({ input }) => ({ name: input.name.first }),
  }),
);
