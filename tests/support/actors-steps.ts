/** An actor that leaves a trace of what happens when. For inline systems, where tests share its memory. */
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { defineActor, deliver, fromEffect, reply, tell } from '../../src/index.ts';
import type { Effect, ReplyToken } from '../../src/index.ts';

/** What has happened. Tests empty it. */
export const trace: string[] = [];
export const note = (what: string): void => void trace.push(what);

type StepEvent =
  | { type: 'GO' }
  | { type: 'GO_ONCE' }
  | { type: 'BOOM' }
  | { type: 'TELL' }
  | { type: 'TOLD' }
  | { type: 'DELIVER' }
  | { type: 'ASK'; replyTo: ReplyToken<number> };

const stepMachine = setup({
  types: { context: {} as { result: number; error: string | null }, events: {} as StepEvent, emitted: {} as Effect },
  actors: {
    work: fromEffect(async ({ key, attempt }) => {
      note(`begin ${key} ${attempt}`);
      return 7;
    }),
    workOnce: fromEffect(
      async ({ key, attempt }) => {
        note(`begin ${key} ${attempt}`);
        return 7;
      },
      { onInterrupted: 'fail' },
    ),
  },
}).createMachine({
  context: { result: 0, error: null },
  initial: 'idle',
  on: {
    BOOM: {
      actions: () => {
        throw new Error('boom');
      },
    },
    TELL: { actions: emit(tell('step/b', { type: 'TOLD' })) },
    TOLD: { actions: () => note('told') },
    ASK: { actions: emit(({ event }) => reply(event.replyTo, 7)) },
    DELIVER: { actions: emit(deliver('out', 7)) },
  },
  states: {
    idle: { on: { GO: 'working', GO_ONCE: 'workingOnce' } },
    working: {
      invoke: {
        id: 'work',
        src: 'work',
        onDone: { target: 'idle', actions: [assign({ result: ({ event }) => event.output }), () => note('done')] },
      },
    },
    workingOnce: {
      invoke: {
        id: 'workOnce',
        src: 'workOnce',
        onDone: { target: 'idle', actions: [assign({ result: ({ event }) => event.output }), () => note('done')] },
        onError: {
          target: 'idle',
          actions: [assign({ error: ({ event }) => String(event.error) }), () => note('failed')],
        },
      },
    },
  },
});

export const step = defineActor('step', stepMachine, {
  events: {
    GO: z.object({}),
    GO_ONCE: z.object({}),
    BOOM: z.object({}),
    TELL: z.object({}),
    TOLD: z.object({}),
    DELIVER: z.object({}),
  },
  asks: { ASK: { input: z.object({}), reply: z.number() } },
});
