/** Actors of the damage runs: between them they leave rows in every table that holds something of an actor. */
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { append, defineActor, fromEffect, schedule } from '../../src/index.ts';
import type { Effect } from '../../src/index.ts';

type NoteEvent =
  | { readonly type: 'NOTE'; readonly n: number }
  | { readonly type: 'PLAN'; readonly key: string }
  | { readonly type: 'WORK' }
  | { readonly type: 'BOOM' };

/** So far away that nothing of it happens in a run. */
const FAR_MS = 900 * 86_400_000;

interface Context {
  readonly sum: number;
  readonly notes: readonly number[];
  readonly pad: readonly string[];
}

const pad = (n: number): string => `${n}:`.padEnd(97, 'x');

/** @param padChars size of what makes the state large, in parts that can be changed one by one */
function createMachine(padChars: number) {
  return setup({
    types: { context: {} as Context, events: {} as NoteEvent, emitted: {} as Effect },
    actors: {
      work: fromEffect<void>(
        ({ signal }) => new Promise((_, reject) => (signal.onabort = () => reject(signal.reason))),
      ),
    },
    delays: { far: FAR_MS },
  }).createMachine({
    context: () => ({ sum: 0, notes: [], pad: Array.from({ length: padChars / 100 }, () => pad(0)) }),
    initial: 'idle',
    on: {
      NOTE: {
        actions: [
          assign({
            sum: ({ context, event }) => context.sum + event.n,
            notes: ({ context, event }) => [...context.notes, event.n],
            pad: ({ context, event }) => context.pad.with(event.n % Math.max(1, context.pad.length), pad(event.n)),
          }),
          emit(({ context }) => append({ sum: context.sum })),
        ],
      },
      PLAN: {
        actions: emit(({ event }) =>
          schedule(event.key, { type: 'NOTE', n: 1 } as { type: string }, { afterMs: FAR_MS }),
        ),
      },
      BOOM: {
        actions: () => {
          throw new Error('boom');
        },
      },
    },
    states: {
      idle: { on: { WORK: 'working' } },
      working: { invoke: { id: 'work', src: 'work' }, after: { far: 'idle' } },
    },
  });
}

const events = {
  NOTE: z.object({ n: z.number() }),
  PLAN: z.object({ key: z.string() }),
  WORK: z.object({}),
  BOOM: z.object({}),
};

/** Saved whole, in its row. */
export const small = defineActor('small', createMachine(100), {
  events,
  meta: (context) => ({ sum: String(context.sum) }),
});

/** Saved as differences to a snapshot, behind others. */
export const large = defineActor('large', createMachine(6000), { events });

/** Keeps each of its states. */
export const storied = defineActor('storied', createMachine(500), { events, history: { keep: 1000 } });

/** Given up on at its first failure. */
export const fragile = defineActor('fragile', createMachine(100), { events, supervise: { onFailure: 'alert' } });
