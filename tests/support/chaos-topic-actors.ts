/**
 * Actors of the chaos runs that live by topics:
 *
 * - `herald` publishes what it is told to, numbered;
 * - `listener` notes what reaches it: what its definition subscribes to, and what it is told to subscribe to.
 */
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { append, defineActor, publish, subscribe, unsubscribe } from '../../src/index.ts';
import type { Effect, TopicEvent } from '../../src/index.ts';
import { fail, markWake, note, policy } from './chaos-actor-parts.ts';
import type { Note } from './chaos-actor-parts.ts';
import { hearingOf } from './chaos-check-topics.ts';

interface OnTopic extends Note {
  readonly topic: string;
}

const onTopic = { ...note, topic: z.string() };

const heraldMachine = setup({
  types: {} as {
    context: { readonly count: number };
    events: (OnTopic & { readonly type: 'HERALD' }) | (Note & { readonly type: 'BAD' });
    emitted: Effect;
  },
}).createMachine({
  context: { count: 0 },
  on: {
    HERALD: {
      actions: [
        markWake,
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ context, event: { id, from, n, topic } }) => {
          const published = { id: `${id}#`, topic, n: context.count };
          return append({ id, from, n, place: context.count, published });
        }),
        emit(({ context, event: { id, topic }, self }) =>
          publish(topic, { id: `${id}#`, from: self.id, n: context.count }),
        ),
      ],
    },
    BAD: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ context, event: { id }, self }) =>
          publish('news.a', { id: `never ${id}`, from: self.id, n: context.count }),
        ),
        fail,
      ],
    },
  },
});

export const herald = defineActor('herald', heraldMachine, {
  ...policy,
  events: { HERALD: z.object(onTopic), BAD: z.object(note) },
});

const listenerMachine = setup({
  types: {} as {
    context: { readonly count: number };
    events:
      | TopicEvent<'HEARD', Note>
      | (OnTopic & { readonly type: 'SUBSCRIBE' })
      | (OnTopic & { readonly type: 'UNSUBSCRIBE' })
      | (Note & { readonly type: 'BAD' });
    emitted: Effect;
  },
  actions: {
    counted: assign({ count: ({ context }) => context.count + 1 }),
    noteInterest: emit(({ context }, { event, isOn }: { readonly event: OnTopic; readonly isOn: boolean }) => {
      const { id, from, n, topic: pattern } = event;
      return append({ id, from, n, place: context.count, interest: { pattern, isOn } });
    }),
    markWake,
  },
}).createMachine({
  context: { count: 0 },
  on: {
    HEARD: {
      actions: [
        'markWake',
        'counted',
        emit(({ context, event: { topic, data }, self }) => {
          const { id, from, n } = data;
          const heard = { id, topic };
          return append({ id: hearingOf(id, self.id), from: `${from}@`, n, place: context.count, heard });
        }),
      ],
    },
    SUBSCRIBE: {
      actions: [
        'markWake',
        'counted',
        { type: 'noteInterest', params: ({ event }) => ({ event, isOn: true }) },
        emit(({ event }) => subscribe(event.topic, 'HEARD')),
      ],
    },
    UNSUBSCRIBE: {
      actions: [
        'markWake',
        'counted',
        { type: 'noteInterest', params: ({ event }) => ({ event, isOn: false }) },
        emit(({ event }) => unsubscribe(event.topic)),
      ],
    },
    BAD: { actions: ['counted', emit(subscribe('talk.*', 'HEARD')), fail] },
  },
});

export const listener = defineActor('listener', listenerMachine, {
  ...policy,
  topics: { 'news.*': 'HEARD' },
  events: { SUBSCRIBE: z.object(onTopic), UNSUBSCRIBE: z.object(onTopic), BAD: z.object(note) },
});
