/** The machines of the measurements, without Troupe: baselines run the same ones bare. */
import { assign, emit, setup } from 'xstate';
import { append, deliver, fromEffect, spawn, tell } from '../src/index.ts';
import type { Effect } from '../src/index.ts';
import { createRandom } from '../src/testing.ts';
import { note } from './support.ts';

/** Counts: one transition and one assign, as the baselines of targets.md. */
export const counterMachine = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'ADD'; n: number } },
}).createMachine({
  context: { count: 0 },
  on: { ADD: { actions: assign({ count: ({ context, event }) => context.count + event.n }) } },
});

/** Counts, and passes what it counts on to another actor. */
export const relayMachine = setup({
  types: {
    context: {} as { count: number },
    events: {} as { type: 'PASS'; to: string },
    emitted: {} as Effect,
  },
}).createMachine({
  context: { count: 0 },
  on: {
    PASS: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ event }) => tell(event.to, { type: 'ADD', n: 1 } as { type: string })),
      ],
    },
  },
});

/** A message of about 320 characters, as in the baseline of 1,000 of them in 324 KB. */
export interface Message {
  readonly id: number;
  readonly from: string;
  readonly text: string;
}

const random = createRandom(1);
const WORDS = Array.from({ length: 1_000 }, () => Math.floor(random() * 36 ** 6).toString(36));

/** Makes message number `id`: words at random, since a compressor makes short work of what repeats. */
export function toMessage(id: number): Message {
  const text = Array.from({ length: 40 }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ');
  return { id, from: id % 2 === 0 ? 'user' : 'agent', text };
}

/** Keeps a whole conversation in its context, which nobody should, to see what a change of a large state costs. */
export const hoarderMachine = setup({
  types: {
    context: {} as { messages: readonly Message[] },
    events: {} as { type: 'SAY'; message: Message } | { type: 'FILL'; count: number },
  },
}).createMachine({
  context: { messages: [] },
  on: {
    SAY: { actions: assign({ messages: ({ context, event }) => [...context.messages, event.message] }) },
    FILL: {
      actions: assign({ messages: ({ event }) => Array.from({ length: event.count }, (_, id) => toMessage(id)) }),
    },
  },
});

/** Keeps a conversation as one should: rows of the log, and a cursor in the context. */
export const writerMachine = setup({
  types: {
    context: {} as { count: number },
    events: {} as { type: 'SAY'; message: Message },
    emitted: {} as Effect,
  },
}).createMachine({
  context: { count: 0 },
  on: {
    SAY: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ event: { message } }) => append({ id: message.id, from: message.from, text: message.text })),
      ],
    },
  },
});

/** Spawns the children it is told to. */
export const parentMachine = setup({
  types: { events: {} as { type: 'SPAWN'; actorType: string; key: string }, emitted: {} as Effect },
}).createMachine({
  on: { SPAWN: { actions: emit(({ event }) => spawn(event.actorType, event.key)) } },
});

/** Says to the host program that it exists. */
export const childMachine = setup({ types: { emitted: {} as Effect } }).createMachine({
  entry: emit(() => deliver('born', null)),
});

/** Works in an effect function that its first run never ends, and every later one notes. */
export const workerMachine = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'ADD'; n: number } },
  actors: {
    work: fromEffect(({ attempt, signal }) => {
      if (attempt > 1) note();
      return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    }),
  },
}).createMachine({
  context: { count: 0 },
  invoke: { src: 'work' },
  on: { ADD: { actions: assign({ count: ({ context, event }) => context.count + event.n }) } },
});
