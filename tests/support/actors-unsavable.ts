/** Actors whose states cannot be saved: too large, or with metadata that throws. */
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineActor } from '../../src/index.ts';

const machine = setup({
  types: {
    context: {} as { count: number; text: string },
    events: {} as { type: 'ADD' } | { type: 'GROW' } | { type: 'GROW.END' },
  },
}).createMachine({
  context: { count: 0, text: '' },
  initial: 'open',
  states: {
    open: {
      on: {
        ADD: { actions: assign({ count: ({ context }) => context.count + 1 }) },
        GROW: { actions: assign({ text: 'x'.repeat(5_000) }) },
        'GROW.END': { target: 'closed', actions: assign({ text: 'x'.repeat(5_000) }) },
      },
    },
    closed: { type: 'final' },
  },
});

const events = { ADD: z.object({}), GROW: z.object({}), 'GROW.END': z.object({}) };

/** May keep 1,024 bytes. */
export const small = defineActor('small', machine, { events, maxStateBytes: 1024 });

/** Cannot tell its metadata from the third ADD on. */
export const untold = defineActor('untold', machine, {
  events,
  meta: ({ count }) => {
    if (count > 2) throw new Error('no metadata today');
    return { count };
  },
});
