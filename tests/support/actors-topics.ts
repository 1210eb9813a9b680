/** Actors of topics: one that publishes what it is told to, and one that notes what reaches it. */
import { assign, emit, enqueueActions, setup } from 'xstate';
import { z } from 'zod';
import { defineActor, defineHandler, publish, reply, subscribe, unsubscribe } from '../../src/index.ts';
import type { Effect, EventAttributes, Priority, ReplyToken, TopicEvent } from '../../src/index.ts';

/** What a listener keeps of an event. */
export interface Note {
  readonly type: string;
  readonly topic: string;
  readonly source: string;
  readonly n: number;
}

type Heard = TopicEvent<'TASK' | 'OTHER', { readonly n: number }>;

type ListenerEvent =
  | Heard
  | { type: 'SUBSCRIBE'; pattern: string }
  | { type: 'UNSUBSCRIBE'; pattern: string }
  | { type: 'END' }
  | { type: 'NOTES'; replyTo: ReplyToken<Note[]> };

const listenerMachine = setup({
  types: { context: {} as { notes: Note[] }, events: {} as ListenerEvent, emitted: {} as Effect },
  actions: {
    note: assign({
      notes: ({ context }, { type, topic, source, data }: Heard) => [
        ...context.notes,
        { type, topic, source, n: data.n },
      ],
    }),
  },
}).createMachine({
  context: { notes: [] },
  initial: 'listening',
  states: { listening: { on: { END: 'ended' } }, ended: { type: 'final' } },
  on: {
    TASK: { actions: { type: 'note', params: ({ event }) => event } },
    OTHER: { actions: { type: 'note', params: ({ event }) => event } },
    SUBSCRIBE: { actions: emit(({ event }) => subscribe(event.pattern, 'OTHER')) },
    UNSUBSCRIBE: { actions: emit(({ event }) => unsubscribe(event.pattern)) },
    NOTES: { actions: emit(({ context, event }) => reply(event.replyTo, context.notes)) },
  },
});

const listenerAsks = { NOTES: { input: z.object({}), reply: z.array(z.any()) } };

/** Subscribed to `task.*` by its definition, as TASK; to what SUBSCRIBE names, as OTHER. */
export const listener = defineActor('listener', listenerMachine, {
  topics: { 'task.*': 'TASK' },
  asks: listenerAsks,
});

/** Subscribed to nothing until SUBSCRIBE. */
export const latecomer = defineActor('latecomer', listenerMachine, { asks: listenerAsks });

type PublisherEvent = {
  type: 'PUBLISH';
  topic: string;
  from: number;
  count: number;
  priority?: Priority;
  attributes?: EventAttributes;
};

const publisherMachine = setup({
  types: { context: {} as object, events: {} as PublisherEvent, emitted: {} as Effect },
}).createMachine({
  context: {},
  on: {
    PUBLISH: {
      actions: enqueueActions(({ enqueue, event: { topic, from, count, priority = 'normal', attributes = {} } }) => {
        for (let n = from; n < from + count; n++) enqueue.emit(publish(topic, { n }, { priority, attributes }));
      }),
    },
  },
});

/** Publishes `count` events with numbers from `from` on, in one turn. */
export const publisher = defineActor('publisher', publisherMachine);

/** Publishes one event with attributes, and is not stored. */
export const crier = defineHandler('crier', {
  initial: () => ({}),
  events: { CRY: z.object({ topic: z.string(), n: z.number() }) },
  handle: (state, { topic, n }, emit) => {
    emit(publish(topic, { n }, { attributes: { subject: `n-${n}` } }));
    return state;
  },
});
