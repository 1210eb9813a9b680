/** Actors of durable time: one that does everything there is with timers, at any depth, and keeps a diary of it. */
import { assign, createMachine, emit, enqueueActions, sendParent, sendTo, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { defineActor, reply, schedule, unschedule } from '../../src/index.ts';
import type { Effect, ReplyToken, When } from '../../src/index.ts';

/** One line of a diary, written in the turn it tells of. */
export interface Entry {
  readonly what: 'set' | 'cancel' | 'fire';
  /** What it was set under: setting it again takes the place of what was there. */
  readonly slot: string;
  /** Names what was set; empty for a cancel. */
  readonly id: string;
  /** When it is due; the same as `at` for a cancel or a fire. */
  readonly dueAt: number;
  /** The wall clock in this turn. */
  readonly at: number;
  /** Place among all turns of the process, whether they were saved or not. */
  readonly tick: number;
}

/** How keepers see the time: a test points it to its clock. Threads see none. */
export const probe = { now: (): number => 0, tick: 0 };

/** What a keeper is asked for. `below` asks the machine below it. */
export type KeeperEvent =
  | { type: 'SCHEDULE'; key: string; id: string; afterMs: number }
  | { type: 'UNSCHEDULE'; key: string }
  | { type: 'DELAY'; key: string; id: string; afterMs: number }
  | { type: 'CANCEL'; key: string }
  | { type: 'WAIT'; id: string; afterMs: number }
  | { type: 'LEAVE' }
  | { type: 'FIRED'; slot: string; id: string }
  | { type: 'PING' }
  | { type: 'BELOW'; event: KeeperEvent };

type Heard =
  | KeeperEvent
  | { type: 'RAISED'; slot: string; id: string }
  | { type: 'NOTED'; entry: Entry }
  | { type: 'DIARY'; replyTo: ReplyToken<Entry[]> };

interface Keeping {
  readonly diary: readonly Entry[];
  readonly waitId: string;
  readonly waitMs: number;
}

function entryOf(what: Entry['what'], slot: string, id = '', afterMs = 0): Entry {
  const at = probe.now();
  return { what, slot, id, dueAt: Math.ceil(at + Math.max(0, afterMs)), at, tick: ++probe.tick };
}

/** A machine with `below` below it; what happens anywhere is written into the diary of the root. */
function createKeeper(level: number, below: AnyStateMachine = createMachine({})): AnyStateMachine {
  const after = `after-${level}`;
  return setup({
    types: { context: {} as Keeping, events: {} as Heard, emitted: {} as Effect },
    actors: { below },
    delays: { wait: ({ context }) => context.waitMs },
    actions: {
      note: enqueueActions(({ enqueue, context }, entry: Entry) => {
        if (level === 0) enqueue.assign({ diary: [...context.diary, entry] });
        else enqueue(sendParent({ type: 'NOTED', entry }));
      }),
    },
  }).createMachine({
    context: { diary: [], waitId: '', waitMs: 0 },
    invoke: { src: 'below', id: 'below' },
    initial: 'idle',
    states: {
      idle: {},
      waiting: {
        after: {
          wait: {
            target: 'idle',
            actions: { type: 'note', params: ({ context }) => entryOf('fire', after, context.waitId) },
          },
        },
      },
    },
    on: {
      BELOW: { actions: sendTo('below', ({ event }) => event.event) },
      SCHEDULE: {
        actions: enqueueActions(({ enqueue, event: { key, id, afterMs } }) => {
          const slot = `schedule-${key}`;
          enqueue({ type: 'note', params: entryOf('set', slot, id, afterMs) });
          enqueue.emit(schedule(key, { type: 'FIRED', slot, id } as { type: string }, { afterMs }));
        }),
      },
      UNSCHEDULE: {
        actions: enqueueActions(({ enqueue, event: { key } }) => {
          enqueue({ type: 'note', params: entryOf('cancel', `schedule-${key}`) });
          enqueue.emit(unschedule(key));
        }),
      },
      DELAY: {
        actions: enqueueActions(({ enqueue, event: { key, id, afterMs } }) => {
          const slot = `raise-${level}-${key}`;
          enqueue({ type: 'note', params: entryOf('set', slot, id, afterMs) });
          enqueue.raise({ type: 'RAISED', slot, id }, { id: key, delay: afterMs });
        }),
      },
      CANCEL: {
        actions: enqueueActions(({ enqueue, event: { key } }) => {
          enqueue({ type: 'note', params: entryOf('cancel', `raise-${level}-${key}`) });
          enqueue.cancel(key);
        }),
      },
      WAIT: {
        target: '.waiting',
        actions: [
          assign({ waitId: ({ event }) => event.id, waitMs: ({ event }) => event.afterMs }),
          { type: 'note', params: ({ event }) => entryOf('set', after, event.id, event.afterMs) },
        ],
      },
      LEAVE: { target: '.idle', actions: { type: 'note', params: () => entryOf('cancel', after) } },
      RAISED: { actions: { type: 'note', params: ({ event }) => entryOf('fire', event.slot, event.id) } },
      FIRED: { actions: { type: 'note', params: ({ event }) => entryOf('fire', event.slot, event.id) } },
      NOTED: { actions: { type: 'note', params: ({ event }) => event.entry } },
      PING: {},
      DIARY: { actions: emit(({ context, event }) => reply(event.replyTo, [...context.diary])) },
    },
  });
}

/** Three machines, one below the other. */
const keeperMachine = createKeeper(0, createKeeper(1, createKeeper(2)));

const wait = { id: z.string(), afterMs: z.number() };
const keyed = { key: z.string(), ...wait };

const keeperPolicy = {
  events: {
    SCHEDULE: z.object(keyed),
    UNSCHEDULE: z.object({ key: z.string() }),
    DELAY: z.object(keyed),
    CANCEL: z.object({ key: z.string() }),
    WAIT: z.object(wait),
    LEAVE: z.object({}),
    FIRED: z.object({ slot: z.string(), id: z.string() }),
    PING: z.object({}),
    BELOW: z.object({ event: z.record(z.string(), z.any()) }),
  },
  asks: { DIARY: { input: z.object({}), reply: z.array(z.custom<Entry>()) } },
  supervise: { maxRestarts: 1000 },
};

/** Keeps a diary of its timers and leaves memory when it gets the chance. */
export const keeper = defineActor('keeper', keeperMachine, { ...keeperPolicy, hibernateAfterMs: 400 });

/** The same, and it never leaves memory. */
export const wakeful = defineActor('wakeful', keeperMachine, { ...keeperPolicy, hibernateAfterMs: false });

/** An event for the machine `depth` below the root. */
export function atDepth(depth: number, event: KeeperEvent): KeeperEvent {
  return depth === 0 ? event : { type: 'BELOW', event: atDepth(depth - 1, event) };
}

export const POLICY_DELAY_MS = 60_000;

const waitingFor = (delay: 'deadline' | 'remaining' | 'restart') => ({
  initial: 'waiting',
  states: { waiting: { after: { [delay]: 'over' } }, over: {} },
});

const trioMachine = setup({
  types: { events: {} as { type: 'PING' } },
  delays: { deadline: POLICY_DELAY_MS, remaining: POLICY_DELAY_MS, restart: POLICY_DELAY_MS },
}).createMachine({
  type: 'parallel',
  states: {
    deadline: waitingFor('deadline'),
    remaining: waitingFor('remaining'),
    restart: waitingFor('restart'),
  },
  on: { PING: {} },
});

/** Waits for the same time under each policy. */
export const trio = defineActor('trio', trioMachine, {
  timers: { remaining: 'remaining', restart: 'restart' },
  hibernateAfterMs: 1000,
});

type AlarmEvent =
  | { type: 'SET'; keys: string[]; when: When; bad?: boolean }
  | { type: 'TAKE_BACK'; key: string }
  | { type: 'RING'; name: string }
  | { type: 'BOOM' }
  | { type: 'END' };

const alarmMachine = setup({
  types: { context: {} as { rung: string[] }, events: {} as AlarmEvent, emitted: {} as Effect },
}).createMachine({
  context: { rung: [] },
  initial: 'set',
  states: { set: { on: { END: 'ended' } }, ended: { type: 'final' } },
  on: {
    SET: {
      actions: enqueueActions(({ enqueue, event: { keys, when, bad } }) => {
        for (const [n, key] of keys.entries()) {
          const event = bad === true && n === 0 ? { type: 'BOOM' } : { type: 'RING', name: `${key}.${n}` };
          enqueue.emit(schedule(key, event, when));
        }
      }),
    },
    TAKE_BACK: { actions: emit(({ event }) => unschedule(event.key)) },
    RING: { actions: assign({ rung: ({ context, event }) => [...context.rung, event.name] }) },
    BOOM: {
      actions: () => {
        throw new Error('boom');
      },
    },
  },
});

/** Rings when what was scheduled for it comes. */
export const alarm = defineActor('alarm', alarmMachine, { hibernateAfterMs: 1000 });
