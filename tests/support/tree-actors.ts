/** Actors of the tree run. All note what they process, pass on what they are told to, and fail on order; parents start their children. */
import { setTimeout as sleep } from 'node:timers/promises';
import { assign, emit, enqueueActions, setup } from 'xstate';
import { z } from 'zod';
import { append, defineActor, fromEffect, spawn, tell } from '../../src/index.ts';
import type { ActorEvent, AnyDefinition, ChildExitedEvent, Effect, SupervisePolicy } from '../../src/index.ts';
import { fail, note, routed } from './chaos-actor-parts.ts';
import type { Note, Routed } from './chaos-actor-parts.ts';
import { EFFECT_FAULTS, TURN_FAULTS, failInEffect, failInTurn } from './tree-faults.ts';
import type { EffectFault, TurnFault } from './tree-faults.ts';
import { keyOf } from './tree-shape.ts';
import type { TreePlace, TreeType } from './tree-shape.ts';

/** Time an effect function of these actors may go without progress, in milliseconds. */
const STALL_MS = 400;
const PROGRESS_EVERY_MS = 100;

interface TreeInput {
  readonly children: readonly TreePlace[];
  /** It may end for good, so that nothing of it is owed. */
  readonly isBrief: boolean;
}

interface Job {
  readonly id: string;
  readonly run: number;
  readonly fault: EffectFault;
}

type TreeEvent =
  | (Note & { readonly type: 'NOTE'; readonly fault?: TurnFault })
  | (Routed & { readonly type: 'PASS' })
  | (Note & { readonly type: 'RUN'; readonly fault: EffectFault })
  | (Note & { readonly type: 'BAD' })
  | (Note & { readonly type: 'SPAWN'; readonly place: string; readonly generation: number })
  | ChildExitedEvent;

interface TreeContext {
  readonly count: number;
  readonly runs: number;
  readonly isBrief: boolean;
  readonly sent: Readonly<Record<string, number>>;
  readonly job: Job | null;
}

const effects = {
  pulse: fromEffect(async ({ progress, signal }) => {
    for (;;) {
      progress();
      await sleep(PROGRESS_EVERY_MS, undefined, { signal });
    }
  }),
  work: fromEffect<undefined, Job>(async ({ input: { id, fault }, signal }) => {
    await failInEffect(id, fault, signal);
    return undefined;
  }),
};

function toSpawn({ type, key, children }: TreePlace, generation = 0): Effect {
  return spawn(type, keyOf({ type, key }, generation), { children, isBrief: type === 'brief' } satisfies TreeInput);
}

function noteOf({ count }: TreeContext, { id, from, n }: Note) {
  return { id, from, n, place: count };
}

function toldOf({ sent }: TreeContext, { id, route: [to = ''] }: Routed) {
  return { to, id: `${id}>`, n: sent[to] ?? 0 };
}

function passOn(from: string, context: TreeContext, event: Routed): Effect {
  const { to, id, n } = toldOf(context, event);
  const [, ...route] = event.route;
  const isLast = route.length === 0;
  return tell(to, { type: isLast ? 'NOTE' : 'PASS', id, from, n, ...(!isLast && { route }) } as ActorEvent);
}

const treeSetup = setup({
  types: {} as { context: TreeContext; events: TreeEvent; input: TreeInput; emitted: Effect },
  actors: effects,
  actions: {
    count: assign({ count: ({ context }) => context.count + 1 }),
    note: emit(({ context, event }) => append(noteOf(context, event as Note & TreeEvent))),
  },
});

function createMachine(isBusy: boolean) {
  return treeSetup.createMachine({
    context: ({ input: { isBrief } }) => ({ count: 0, runs: 0, isBrief, sent: {}, job: null }),
    entry: enqueueActions(({ enqueue, event }) => {
      const { input } = event as unknown as { readonly input?: TreeInput };
      for (const child of input?.children ?? []) enqueue.emit(toSpawn(child));
    }),
    ...(isBusy && { invoke: { src: 'pulse' as const, id: 'pulse' } }),
    initial: 'idle',
    states: {
      idle: {
        on: {
          RUN: {
            target: 'working',
            actions: [
              assign(({ context: { count, runs }, event: { id, fault } }) => ({
                count: count + 1,
                runs: runs + 1,
                job: { id, run: runs + 1, fault },
              })),
              // That an effect function is to run promises a note that it has; of a temporary actor nothing is promised.
              emit(({ context: { count, runs, isBrief }, event: { id, from, n } }) =>
                append({ id, from, n, place: count, ...(!isBrief && { run: runs }) }),
              ),
            ],
          },
        },
      },
      working: {
        invoke: {
          src: 'work',
          id: 'work',
          input: ({ context }) => context.job as Job,
          onDone: {
            target: 'idle',
            actions: [
              'count',
              emit(({ context: { count, job }, self }) =>
                append({ id: `${job?.id}!`, from: self.id, n: job?.run ?? 0, place: count }),
              ),
              assign({ job: null }),
            ],
          },
        },
      },
    },
    on: {
      NOTE: {
        actions: [
          'count',
          'note',
          // Last: a turn that has effects and then fails must leave nothing behind.
          ({ event }) => void (event.fault && failInTurn(event.id, event.fault)),
        ],
      },
      PASS: {
        actions: [
          assign(({ context: { count, sent }, event: { route } }) => {
            const [next = ''] = route;
            return { count: count + 1, sent: { ...sent, [next]: (sent[next] ?? 0) + 1 } };
          }),
          emit(({ context, event }) => append({ ...noteOf(context, event), told: toldOf(context, event) })),
          emit(({ context, event, self }) => passOn(self.id, context, event)),
        ],
      },
      BAD: { actions: ['count', 'note', fail] },
      SPAWN: {
        actions: ['count', 'note', emit(({ event }) => toSpawn(toBrief(event.place), event.generation))],
      },
    },
  });
}

function toBrief(key: string): TreePlace {
  return { type: 'brief', key, children: [] };
}

/** Failing is part of the load, giving up on an actor is not. */
const supervise = {
  maxRestarts: 1000,
  backoff: { minMs: 10, maxMs: 200 },
  stallMs: STALL_MS,
} as const satisfies SupervisePolicy;

const policy = {
  input: z.object({ children: z.array(z.unknown()), isBrief: z.boolean() }) as unknown as z.ZodType<TreeInput>,
  events: {
    NOTE: z.object({ ...note, fault: z.enum(TURN_FAULTS).optional() }),
    PASS: z.object(routed),
    RUN: z.object({ ...note, fault: z.enum(EFFECT_FAULTS) }),
    BAD: z.object(note),
    SPAWN: z.object({ ...note, place: z.string(), generation: z.number() }),
  },
};

const calm = createMachine(false);
const busyMachine = createMachine(true);

export const one = defineActor('one', calm, { ...policy, supervise: { ...supervise, strategy: 'one-for-one' } });
export const all = defineActor('all', calm, { ...policy, supervise: { ...supervise, strategy: 'one-for-all' } });
export const rest = defineActor('rest', calm, { ...policy, supervise: { ...supervise, strategy: 'rest-for-one' } });
export const leaf = defineActor('leaf', calm, { ...policy, supervise });
export const busy = defineActor('busy', busyMachine, { ...policy, supervise: { ...supervise, restart: 'permanent' } });
export const brief = defineActor('brief', calm, { ...policy, supervise: { ...supervise, restart: 'temporary' } });

/** Definitions by type. */
export const TREE_DEFINITIONS: Readonly<Record<TreeType, AnyDefinition>> = { one, all, rest, leaf, busy, brief };
