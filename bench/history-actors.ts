/** Actors whose history is kept, beside the same ones without. */
import { z } from 'zod';
import { defineActor } from '../src/index.ts';
import { counterMachine, writerMachine } from './machines.ts';

const message = z.object({ id: z.number(), from: z.string(), text: z.string() });

/** Counts, and remembers how. */
export const recordedCounter = defineActor('recorded-counter', counterMachine, {
  events: { ADD: z.object({ n: z.number() }) },
  history: { keep: 1000 },
});

/** A conversation in the log, with its history. */
export const recordedWriter = defineActor('recorded-writer', writerMachine, {
  events: { SAY: z.object({ message }) },
  history: { keep: 1000 },
});
