/** Actors the benchmarks run: as small as a real one gets. */
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineActor } from '../src/index.ts';

const counterMachine = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'ADD'; n: number } },
}).createMachine({
  context: { count: 0 },
  on: { ADD: { actions: assign({ count: ({ context, event }) => context.count + event.n }) } },
});

/** Counts. */
export const counter = defineActor('counter', counterMachine, { events: { ADD: z.object({ n: z.number() }) } });
