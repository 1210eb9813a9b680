/**
 * Actors of every mode: sleepers that leave memory, bounded mailboxes, actors that are not stored, actors with a thread of
 * their own.
 */
import { threadId } from 'node:worker_threads';
import { assign, emit, enqueueActions, fromPromise, setup } from 'xstate';
import { z } from 'zod';
import {
  append,
  defineActor,
  deliver,
  fromEffect,
  publish,
  reply,
  schedule,
  spawn,
  stop,
  subscribe,
  tell,
  unschedule,
  unsubscribe,
} from '../../src/index.ts';
import type { ActorPolicy, Effect, EffectArgs, ReplyToken, TopicEvent } from '../../src/index.ts';

export interface Note {
  readonly from: string;
  readonly n: number;
}

/** What effect functions and promises of sleepers wait for; tests of inline systems close it. */
export const gate = { opened: Promise.resolve() };

/** How long a sleeper stays when nothing comes. */
export const HIBERNATE_AFTER_MS = 100;

type SleeperEvent =
  | ({ type: 'NOTE' } & Note)
  | { type: 'TELL'; to: string; n: number }
  | { type: 'WAIT'; ms: number }
  | { type: 'LATER'; key: string; ms: number; n: number }
  | { type: 'WORK'; to?: string }
  | { type: 'PROMISE' }
  | { type: 'END' }
  | TopicEvent<'WOKEN', { readonly n: number }>
  | { type: 'WHERE'; replyTo: ReplyToken<number> }
  | { type: 'LIST'; replyTo: ReplyToken<Note[]> };

const sleeperMachine = setup({
  types: {
    context: {} as { notes: Note[]; ms: number; to: string; told: number },
    events: {} as SleeperEvent,
    emitted: {} as Effect,
  },
  delays: { pause: ({ context }) => context.ms },
  actors: {
    work: fromEffect(async ({ input, send }: { input: { to: string }; send: EffectArgs<unknown>['send'] }) => {
      await gate.opened;
      if (input.to !== '') await send(input.to, { type: 'NOTE', from: 'effect', n: 9 } as { type: string });
      return 7;
    }),
    promise: fromPromise(async () => {
      await gate.opened;
      return 8;
    }),
  },
  actions: {
    note: assign({ notes: ({ context }, { from, n }: Note) => [...context.notes, { from, n }] }),
    keepMs: assign({ ms: ({ context, event }) => ('ms' in event ? event.ms : context.ms) }),
  },
}).createMachine({
  context: { notes: [], ms: 0, to: '', told: 0 },
  initial: 'idle',
  on: {
    NOTE: { actions: { type: 'note', params: ({ event: { from, n } }) => ({ from, n }) } },
    WOKEN: { actions: { type: 'note', params: ({ event: { data } }) => ({ from: 'topic', n: data.n }) } },
    TELL: {
      actions: [
        emit(({ event, self }) => tell(event.to, { type: 'NOTE', from: self.id, n: event.n } as { type: string })),
        assign({ told: ({ context }) => context.told + 1 }),
      ],
    },
    LATER: {
      actions: emit(({ event: { key, ms, n } }) =>
        schedule(key, { type: 'NOTE', from: 'later', n } as { type: string }, { afterMs: ms }),
      ),
    },
    LIST: { actions: emit(({ context, event }) => reply(event.replyTo, context.notes)) },
    WHERE: { actions: emit(({ event }) => reply(event.replyTo, threadId)) },
    END: { target: '.ended' },
  },
  states: {
    idle: {
      on: {
        WAIT: { target: 'waiting', actions: 'keepMs' },
        WORK: { target: 'working', actions: assign({ to: ({ event }) => event.to ?? '' }) },
        PROMISE: 'promising',
      },
    },
    waiting: { after: { pause: { target: 'idle', actions: { type: 'note', params: { from: 'timer', n: 0 } } } } },
    working: {
      invoke: {
        id: 'work',
        src: 'work',
        input: ({ context: { to } }) => ({ to }),
        onDone: {
          target: 'idle',
          actions: { type: 'note', params: ({ event }) => ({ from: 'work', n: event.output }) },
        },
      },
    },
    promising: {
      invoke: {
        id: 'promise',
        src: 'promise',
        onDone: {
          target: 'idle',
          actions: { type: 'note', params: ({ event }) => ({ from: 'promise', n: event.output }) },
        },
      },
    },
    ended: { type: 'final' },
  },
});

const noteSchema = z.object({ from: z.string(), n: z.number() });
const sleeperPolicy = {
  events: {
    NOTE: noteSchema,
    TELL: z.object({ to: z.string(), n: z.number() }),
    WAIT: z.object({ ms: z.number() }),
    LATER: z.object({ key: z.string(), ms: z.number(), n: z.number() }),
    WORK: z.object({ to: z.string().default('') }),
    PROMISE: z.object({}),
    END: z.object({}),
  },
  asks: {
    LIST: { input: z.object({}), reply: z.array(noteSchema) },
    WHERE: { input: z.object({}), reply: z.number() },
  },
};

/** Leaves memory soon when nothing comes for it. */
export const sleeper = defineActor('sleeper', sleeperMachine, {
  ...sleeperPolicy,
  hibernateAfterMs: HIBERNATE_AFTER_MS,
});

/** A sleeper woken by topics as well. */
export const listener = defineActor('woken', sleeperMachine, {
  ...sleeperPolicy,
  hibernateAfterMs: HIBERNATE_AFTER_MS,
  topics: { 'wake.*': 'WOKEN' },
});

/** Leaves memory only when there are too many. */
export const stayer = defineActor('stayer', sleeperMachine, { ...sleeperPolicy, hibernateAfterMs: false });

/** Has a thread of its own, and leaves it soon when nothing comes. */
export const solo = defineActor('solo', sleeperMachine, {
  ...sleeperPolicy,
  dedicated: true,
  hibernateAfterMs: HIBERNATE_AFTER_MS,
  topics: { 'solo.*': 'WOKEN' },
});

/** Has a thread of its own, and keeps it. */
export const hermit = defineActor('hermit', sleeperMachine, {
  ...sleeperPolicy,
  dedicated: true,
  hibernateAfterMs: false,
});

/** Mailboxes with room for few. */
export const MAILBOX_CAPACITY = 3;
const bounded = (overflow: 'block' | 'reject' | 'drop-oldest') => ({
  ...sleeperPolicy,
  mailbox: { capacity: MAILBOX_CAPACITY, overflow },
});
export const blocking = defineActor('blocking', sleeperMachine, bounded('block'));
export const rejecting = defineActor('rejecting', sleeperMachine, bounded('reject'));
export const dropping = defineActor('dropping', sleeperMachine, bounded('drop-oldest'));

type TallyEvent =
  | { type: 'ADD'; n: number }
  | ({ type: 'NOTE' } & Note)
  | { type: 'PING'; to: string; left: number }
  | { type: 'TELL'; to: string; from: number; count: number }
  | { type: 'FLOOD'; to: string; from: number; count: number }
  | { type: 'NEXT'; n: number }
  | { type: 'EMIT'; effect: string }
  | { type: 'DELIVER'; n: number }
  | { type: 'PUBLISH'; topic: string; n: number }
  | { type: 'WAIT' }
  | { type: 'WORK' }
  | { type: 'BOOM' }
  | { type: 'KEEP_MAP' }
  | { type: 'END' }
  | { type: 'GET'; replyTo: ReplyToken<number> }
  | { type: 'WHERE'; replyTo: ReplyToken<number> }
  | { type: 'LIST'; replyTo: ReplyToken<Note[]> };

/** Effects by name, so that a test can have any of them emitted. */
const EFFECTS: Readonly<Record<string, Effect>> = {
  append: append(1),
  schedule: schedule('k', { type: 'ADD' }, { afterMs: 1 }),
  unschedule: unschedule('k'),
  spawn: spawn('sleeper', 'child'),
  stop: stop('sleeper/a'),
  subscribe: subscribe('a.*', 'ADD'),
  unsubscribe: unsubscribe('a.*'),
};

const tallyMachine = setup({
  types: {
    context: {} as { count: number; notes: Note[]; kept: unknown },
    events: {} as TallyEvent,
    input: {} as { count?: number; effect?: string } | undefined,
    emitted: {} as Effect,
  },
  actors: { work: fromEffect(async () => 7) },
  actions: { add: assign({ count: ({ context }, { n }: { n: number }) => context.count + n }) },
}).createMachine({
  context: ({ input }) => ({ count: input?.count ?? 0, notes: [], kept: input?.effect ?? null }),
  entry: enqueueActions(({ context, enqueue }) => {
    const effect = EFFECTS[String(context.kept)];
    if (effect) enqueue.emit(effect);
  }),
  initial: 'idle',
  on: {
    ADD: { actions: { type: 'add', params: ({ event: { n } }) => ({ n }) } },
    NOTE: { actions: assign({ notes: ({ context, event: { from, n } }) => [...context.notes, { from, n }] }) },
    PING: {
      actions: [
        { type: 'add', params: { n: 1 } },
        enqueueActions(({ enqueue, event: { to, left }, self }) => {
          if (left > 0) enqueue.emit(tell(to, { type: 'PING', to: self.id, left: left - 1 } as { type: string }));
        }),
      ],
    },
    TELL: {
      actions: enqueueActions(({ enqueue, event: { to, from, count }, self }) => {
        for (let n = from; n < from + count; n++)
          enqueue.emit(tell(to, { type: 'NOTE', from: self.id, n } as { type: string }));
      }),
    },
    FLOOD: {
      actions: enqueueActions(({ enqueue, event: { to, from, count } }) => {
        for (let n = from; n < from + count; n++) enqueue.emit(tell(to, { type: 'NEXT', n } as { type: string }));
      }),
    },
    // Counts what comes in order; what does not is noted.
    NEXT: {
      actions: assign({
        count: ({ context }) => context.count + 1,
        kept: ({ context, event }) => (event.n === context.count ? context.kept : `${event.n} after ${context.count}`),
      }),
    },
    EMIT: {
      actions: enqueueActions(({ enqueue, event }) => {
        enqueue.emit(EFFECTS[event.effect] as Effect);
      }),
    },
    DELIVER: { actions: emit(({ event }) => deliver('out', event.n)) },
    PUBLISH: { actions: emit(({ event }) => publish(event.topic, { n: event.n })) },
    KEEP_MAP: { actions: assign({ kept: () => new Map() }) },
    BOOM: {
      actions: () => {
        throw new Error('boom');
      },
    },
    GET: { actions: emit(({ context, event }) => reply(event.replyTo, context.count)) },
    WHERE: { actions: emit(({ event }) => reply(event.replyTo, threadId)) },
    LIST: { actions: emit(({ context, event }) => reply(event.replyTo, context.notes)) },
    END: { target: '.ended' },
  },
  states: {
    idle: { on: { WAIT: 'waiting', WORK: 'working' } },
    waiting: { after: { 1000: { target: 'idle', actions: { type: 'add', params: { n: 100 } } } } },
    working: {
      invoke: {
        id: 'work',
        src: 'work',
        onDone: { target: 'idle', actions: { type: 'add', params: ({ event }) => ({ n: event.output }) } },
      },
    },
    ended: { type: 'final' },
  },
});

const tallyPolicy = {
  asks: {
    GET: { input: z.object({}), reply: z.number() },
    WHERE: { input: z.object({}), reply: z.number() },
    LIST: { input: z.object({}), reply: z.array(noteSchema) },
  },
} satisfies ActorPolicy;

/** Counts, and is not stored. */
export const tally = defineActor('tally', tallyMachine, { ...tallyPolicy, durable: false });

/** Counts with room for few, and is not stored. */
export const smallTally = defineActor('small-tally', tallyMachine, {
  ...tallyPolicy,
  durable: false,
  mailbox: { capacity: MAILBOX_CAPACITY, overflow: 'reject' },
});

/** Counts in a thread of its own, and is not stored. */
export const soloTally = defineActor('solo-tally', tallyMachine, { ...tallyPolicy, durable: false, dedicated: true });

/** Counts, and is stored. */
export const storedTally = defineActor('stored-tally', tallyMachine, tallyPolicy);
