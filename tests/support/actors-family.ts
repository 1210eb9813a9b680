/** Parents and children: they end in every way there is, and parents note what they hear of it. */
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { defineActor, fromEffect, reply, spawn, stop } from '../../src/index.ts';
import type { ChildExitedEvent, Effect, ReplyToken } from '../../src/index.ts';

type MemberEvent =
  | { type: 'SPAWN'; key: string }
  | { type: 'STOP'; address: string }
  | { type: 'FINISH'; value: number }
  | { type: 'CRASH' }
  | { type: 'EXITS'; replyTo: ReplyToken<ChildExitedEvent[]> }
  | ChildExitedEvent;

const memberMachine = setup({
  types: {
    context: {} as { exits: ChildExitedEvent[]; value: number },
    events: {} as MemberEvent,
    emitted: {} as Effect,
  },
  actors: { work: fromEffect(async () => 1) },
}).createMachine({
  context: { exits: [], value: 0 },
  initial: 'idle',
  on: {
    SPAWN: { actions: emit(({ event }) => spawn('member', event.key)) },
    STOP: { actions: emit(({ event }) => stop(event.address)) },
    FINISH: { target: '.finished', actions: assign({ value: ({ event }) => event.value }) },
    CRASH: '.crashing',
    EXITS: { actions: emit(({ context, event }) => reply(event.replyTo, context.exits)) },
    'child.exited': { actions: assign({ exits: ({ context, event }) => [...context.exits, event] }) },
  },
  states: {
    idle: {},
    crashing: {
      invoke: {
        id: 'work',
        src: 'work',
        onDone: {
          actions: () => {
            throw new Error('crashed');
          },
        },
      },
    },
    finished: { type: 'final' },
  },
  output: ({ context }) => ({ value: context.value }),
});

export const member = defineActor('member', memberMachine, {
  events: {
    SPAWN: z.object({ key: z.string() }),
    STOP: z.object({ address: z.string() }),
    FINISH: z.object({ value: z.number() }),
    CRASH: z.object({}),
  },
  asks: { EXITS: { input: z.object({}), reply: z.array(z.any()) } },
});
