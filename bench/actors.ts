/** Actors the measurements run: as small as a real one gets. */
import { z } from 'zod';
import { defineActor } from '../src/index.ts';
import {
  childMachine,
  counterMachine,
  hoarderMachine,
  parentMachine,
  relayMachine,
  workerMachine,
  writerMachine,
} from './machines.ts';

const message = z.object({ id: z.number(), from: z.string(), text: z.string() });

/** Counts. */
export const counter = defineActor('counter', counterMachine, { events: { ADD: z.object({ n: z.number() }) } });

/** Tells another actor of everything it receives. */
export const relay = defineActor('relay', relayMachine, { events: { PASS: z.object({ to: z.string() }) } });

/** A conversation in the context. */
export const hoarder = defineActor('hoarder', hoarderMachine, {
  events: { SAY: z.object({ message }), FILL: z.object({ count: z.number() }) },
});

/** A conversation in the log. */
export const writer = defineActor('writer', writerMachine, { events: { SAY: z.object({ message }) } });

/** Has children. */
export const parent = defineActor('bench-parent', parentMachine, {
  events: { SPAWN: z.object({ actorType: z.string(), key: z.string() }) },
});

/** A child that makes itself known. */
export const child = defineActor('bench-child', childMachine);

/** Has an effect function in flight for as long as it lives. */
export const worker = defineActor('bench-worker', workerMachine, { events: { ADD: z.object({ n: z.number() }) } });
