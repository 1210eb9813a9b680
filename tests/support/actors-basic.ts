/** Actors most tests use: one that counts, one that answers later, one that notes what it is told and one that passes on. */
import { assign, emit, enqueueActions, setup } from 'xstate';
import { z } from 'zod';
import { append, defineActor, deliver, reply, tell } from '../../src/index.ts';
import type { Effect, Json, ReplyToken } from '../../src/index.ts';

type CounterEvent =
  | { type: 'ADD'; n: number }
  | { type: 'FORWARD'; to: string; n: number; times: number }
  | { type: 'KEEP'; value: Json }
  | { type: 'DELIVER'; channel: string; payload: Json }
  | { type: 'MUTATE' }
  | { type: 'BOOM' }
  | { type: 'EXIT' }
  | { type: 'END' }
  | { type: 'GET'; replyTo: ReplyToken<{ count: number }> }
  | { type: 'IGNORED'; replyTo: ReplyToken };

const counterMachine = setup({
  types: {
    context: {} as { count: number; kept: Json; tags: string[] },
    events: {} as CounterEvent,
    emitted: {} as Effect,
  },
}).createMachine({
  context: { count: 0, kept: null, tags: ['a'] },
  initial: 'counting',
  states: { counting: { on: { END: 'ended' } }, ended: { type: 'final' } },
  output: ({ context }) => ({ count: context.count }),
  on: {
    ADD: {
      actions: [
        assign({ count: ({ context, event }) => context.count + event.n }),
        emit(({ context }) => append({ count: context.count })),
      ],
    },
    FORWARD: {
      actions: enqueueActions(({ enqueue, event }) => {
        for (let i = 0; i < event.times; i++)
          enqueue.emit(tell(event.to, { type: 'ADD', n: event.n } as { type: string }));
      }),
    },
    KEEP: { actions: assign({ kept: ({ event }) => event.value }) },
    DELIVER: { actions: emit(({ event }) => deliver(event.channel, event.payload)) },
    MUTATE: { actions: ({ context }) => void context.tags.push('b') },
    BOOM: {
      actions: () => {
        throw new Error('boom');
      },
    },
    EXIT: { actions: () => process.exit(7) },
    GET: { actions: emit(({ context, event }) => reply(event.replyTo, { count: context.count })) },
    IGNORED: {},
  },
});

export const counter = defineActor('counter', counterMachine, {
  events: {
    ADD: z.object({ n: z.number() }),
    FORWARD: z.object({ to: z.string(), n: z.number(), times: z.int().default(1) }),
    KEEP: z.object({ value: z.any() }),
    DELIVER: z.object({ channel: z.string(), payload: z.any() }),
    MUTATE: z.object({}),
    BOOM: z.object({}),
    EXIT: z.object({}),
    END: z.object({}),
  },
  asks: {
    GET: { input: z.object({}), reply: z.object({ count: z.number() }) },
    IGNORED: { input: z.object({}), reply: z.null() },
  },
});

const oracleMachine = setup({
  types: {
    context: {} as { waiting: ReplyToken<string>[]; questions: number; limit: number },
    events: {} as { type: 'QUESTION'; replyTo: ReplyToken<string> } | { type: 'ANSWER'; text: string },
    input: {} as { limit: number },
    emitted: {} as Effect,
  },
}).createMachine({
  context: ({ input }) => ({ waiting: [], questions: 0, limit: input.limit }),
  on: {
    QUESTION: {
      actions: assign({
        waiting: ({ context, event }) => [...context.waiting, event.replyTo],
        questions: ({ context }) => context.questions + 1,
      }),
    },
    ANSWER: {
      actions: enqueueActions(({ enqueue, context, event }) => {
        for (const token of context.waiting) enqueue.emit(reply(token, event.text));
        enqueue.assign({ waiting: [] });
      }),
    },
  },
});

/** Keeps questions and answers them later. Needs input. */
export const oracle = defineActor('oracle', oracleMachine, {
  input: z.object({ limit: z.int().min(1) }),
  events: { ANSWER: z.object({ text: z.string() }) },
  asks: { QUESTION: { input: z.object({}), reply: z.string() } },
});

export interface Note {
  readonly from: string;
  readonly n: number;
}

const recorderMachine = setup({
  types: {
    context: {} as { notes: Note[] },
    events: {} as ({ type: 'NOTE' } & Note) | { type: 'LIST'; replyTo: ReplyToken<Note[]> },
    emitted: {} as Effect,
  },
}).createMachine({
  context: { notes: [] },
  on: {
    NOTE: { actions: assign({ notes: ({ context, event: { from, n } }) => [...context.notes, { from, n }] }) },
    LIST: { actions: emit(({ context, event }) => reply(event.replyTo, context.notes)) },
  },
});

const noteSchema = z.object({ from: z.string(), n: z.number() });

/** Notes what it is told, in order. */
export const recorder = defineActor('recorder', recorderMachine, {
  events: { NOTE: noteSchema },
  asks: { LIST: { input: z.object({}), reply: z.array(noteSchema) } },
});

const relayMachine = setup({
  types: {
    context: {} as { told: number },
    events: {} as { type: 'RELAY'; to: string; n: number },
    emitted: {} as Effect,
  },
}).createMachine({
  context: { told: 0 },
  on: {
    RELAY: {
      actions: [
        assign({ told: ({ context }) => context.told + 1 }),
        emit(({ event, self }) => tell(event.to, { type: 'NOTE', from: self.id, n: event.n } as { type: string })),
      ],
    },
  },
});

/** Passes numbers on to a recorder. */
export const relay = defineActor('relay', relayMachine, {
  events: { RELAY: z.object({ to: z.string(), n: z.number() }) },
});
