/** Actors that fail when they are told to: once per order, however often their turn begins again. */
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineActor } from '../src/index.ts';
import { note, strikeOnce } from './support.ts';

const order = z.object({ n: z.int() });

const EXIT_CODE = 70;

/** Ends its thread. */
function exit(n: number): void {
  if (strikeOnce(n)) process.exit(EXIT_CODE);
}

/** Blocks its thread. */
function hang(n: number): void {
  const isStruck = strikeOnce(n);
  while (isStruck) Math.random();
}

/** Fails a turn that no event is to blame for. The turn that begins again goes well, and says when. */
function breakOnce(n: number): void {
  if (strikeOnce(n)) throw new Error('The bench lets this turn fail.');
  note();
}

const breakerMachine = setup({
  types: {
    context: {} as { n: number },
    events: {} as { type: 'EXIT' | 'HANG' | 'BREAK'; n: number },
  },
}).createMachine({
  context: { n: 0 },
  initial: 'idle',
  on: {
    EXIT: { actions: ({ event }) => exit(event.n) },
    HANG: { actions: ({ event }) => hang(event.n) },
    BREAK: { target: '.breaking', actions: assign({ n: ({ event }) => event.n }) },
  },
  states: {
    idle: {},
    breaking: { after: { 1: { target: 'idle', actions: ({ context }) => breakOnce(context.n) } } },
  },
});

/** Fails in three ways. */
export const breaker = defineActor('breaker', breakerMachine, { events: { EXIT: order, HANG: order, BREAK: order } });
