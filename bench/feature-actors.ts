/** Actors of the measurements of volatile actors, topics, hibernation, and of how late the event loop of their thread is. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { defineActor, defineHandler, publish, reply } from '../src/index.ts';
import type { Effect, ReplyToken, TopicEvent } from '../src/index.ts';
import { counterMachine } from './machines.ts';
import { note } from './support.ts';

const events = { ADD: z.object({ n: z.number() }) };

/** Counts, and keeps nothing. */
export const volatileCounter = defineActor('volatile-counter', counterMachine, { events, durable: false });

/** The same as a plain function. */
export const plainCounter = defineHandler('plain-counter', {
  initial: () => ({ count: 0 }),
  events,
  handle: (state, event) => ({ count: state.count + event.n }),
});

/** Counts, and leaves memory as soon as it may. */
export const sleeper = defineActor('sleeper', counterMachine, { events, hibernateAfterMs: 10 });

const answeringMachine = setup({
  types: {
    context: {} as { count: number },
    events: {} as { type: 'GET'; replyTo: ReplyToken<{ count: number }> },
    emitted: {} as Effect,
  },
}).createMachine({
  context: { count: 0 },
  on: {
    GET: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ context, event }) => reply(event.replyTo, { count: context.count })),
      ],
    },
  },
});

/** Answers, and keeps nothing. */
export const volatileAnswerer = defineActor('volatile-answerer', answeringMachine, {
  asks: { GET: { input: z.object({}), reply: z.object({ count: z.number() }) } },
  durable: false,
});

const delay = monitorEventLoopDelay({ resolution: 1 });

/** Nanoseconds, as Node.js counts them. */
const loopDelaySchema = z.object({ samples: z.number(), p50: z.number(), p99: z.number() });

const loopWatchMachine = setup({
  types: {
    events: {} as { type: 'START' } | { type: 'GET'; replyTo: ReplyToken<z.infer<typeof loopDelaySchema>> },
    emitted: {} as Effect,
  },
}).createMachine({
  on: {
    START: { actions: () => void delay.enable() },
    GET: {
      actions: emit(({ event }) =>
        reply(event.replyTo, { samples: delay.count, p50: delay.percentile(50), p99: delay.percentile(99) }),
      ),
    },
  },
});

/** Tells how late the event loop of its thread has been since the start. */
export const loopWatch = defineActor('loop-watch', loopWatchMachine, {
  asks: { GET: { input: z.object({}), reply: loopDelaySchema } },
  durable: false,
});

const publisherMachine = setup({
  types: { events: {} as { type: 'SAY'; n: number }, emitted: {} as Effect },
}).createMachine({
  on: { SAY: { actions: emit(({ event }) => publish('bench.said', { n: event.n })) } },
});

/** Publishes what it is told to. */
export const publisher = defineActor('publisher', publisherMachine, { events: { SAY: z.object({ n: z.number() }) } });

const listenerMachine = setup({
  types: { context: {} as { count: number }, events: {} as TopicEvent<'SAID', { n: number }> },
}).createMachine({
  context: { count: 0 },
  on: { SAID: { actions: [() => note(), assign({ count: ({ context }) => context.count + 1 })] } },
});

/** Hears what is published, and notes when. */
export const listener = defineActor('listener', listenerMachine, {
  topics: { 'bench.said': 'SAID', 'bench.host': 'SAID' },
});

interface Punctuality {
  readonly dueAt: number;
  /** How late it was, in milliseconds; -1 before that. */
  readonly lateMs: number;
}

const punctualSetup = setup({
  types: {
    context: {} as Punctuality,
    events: {} as { type: 'BEGIN' } | { type: 'WAIT'; dueAt: number } | { type: 'RING'; dueAt: number },
  },
  delays: { bell: ({ context }) => context.dueAt - Date.now() },
});

const noteLateness = punctualSetup.assign(({ context }) => ({ lateMs: Date.now() - context.dueAt }));

const punctualMachine = punctualSetup.createMachine({
  context: { dueAt: 0, lateMs: -1 },
  initial: 'idle',
  on: {
    RING: {
      actions: [
        punctualSetup.assign({ dueAt: ({ event }) => (event.type === 'RING' ? event.dueAt : 0) }),
        noteLateness,
      ],
    },
  },
  states: {
    idle: { on: { WAIT: { target: 'waiting', actions: assign({ dueAt: ({ event }) => event.dueAt }) } } },
    waiting: { after: { bell: { target: 'idle', actions: noteLateness } } },
  },
});

/** Notes how late its timer, or an event scheduled for it, came. */
export const punctual = defineActor('punctual', punctualMachine);
