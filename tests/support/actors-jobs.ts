/** Actors with effect functions. Each run writes lines to a journal, so that tests see what happens in any thread. */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineActor, fromEffect } from '../../src/index.ts';
import type { EffectArgs, Json } from '../../src/index.ts';

export interface JobLine {
  readonly what: 'begin' | 'abort';
  readonly key: string;
  readonly attempt: number;
}

export const JOB_MODES = [
  'done',
  'nothing',
  'hang',
  'hang-once',
  'date',
  'throw',
  'send-then-hang-once',
  'exit-once',
  'exit',
] as const;
export type JobMode = (typeof JOB_MODES)[number];

interface JobInput {
  readonly mode: JobMode;
  readonly journal: string;
  readonly to: string;
}

async function work({ input, key, attempt, signal, send }: EffectArgs<JobInput>): Promise<unknown> {
  const write = (line: JobLine): void => appendFileSync(input.journal, `${JSON.stringify(line)}\n`);
  const hang = () => sleep(600_000, undefined, { signal });
  signal.addEventListener('abort', () => write({ what: 'abort', key, attempt }));
  write({ what: 'begin', key, attempt });
  switch (input.mode) {
    case 'done':
      return { key, attempt };
    case 'nothing':
      return undefined;
    case 'hang':
      return hang();
    case 'hang-once':
      return attempt === 1 ? hang() : { key, attempt };
    case 'date':
      return { when: new Date(0) };
    case 'throw':
      throw Object.assign(new Error('no luck'), { code: 'ERR_LUCK' });
    case 'send-then-hang-once':
      for (let n = 1; n <= 3; n++) await send(input.to, { type: 'NOTE', from: key, n } as { type: string });
      return attempt === 1 ? hang() : { key, attempt };
    case 'exit-once':
      if (attempt === 1) process.exit(3);
      return hang();
    case 'exit':
      return process.exit(3);
  }
}

type JobEvent = { type: 'START'; mode: JobMode; once: boolean } | { type: 'CANCEL' };

const jobMachine = setup({
  types: {
    context: {} as { journal: string; to: string; mode: JobMode; starts: number; result: Json; error: Json },
    events: {} as JobEvent,
    input: {} as { journal: string; to: string },
  },
  actors: {
    work: fromEffect(work),
    workOnce: fromEffect(work, { onInterrupted: 'fail' }),
  },
  actions: {
    count: assign({ starts: ({ context }) => context.starts + 1 }),
    keepError: assign({ error: (_, params: { error: unknown }) => describe(params.error) }),
  },
}).createMachine({
  context: ({ input }) => ({ ...input, mode: 'done', starts: 0, result: null, error: null }),
  initial: 'idle',
  on: { START: { actions: 'count' } },
  states: {
    idle: {
      on: {
        START: [
          {
            guard: ({ event }) => event.once,
            target: 'workingOnce',
            actions: ['count', assign({ mode: ({ event }) => event.mode })],
          },
          { target: 'working', actions: ['count', assign({ mode: ({ event }) => event.mode })] },
        ],
      },
    },
    working: {
      on: { CANCEL: 'idle' },
      invoke: {
        id: 'work',
        src: 'work',
        input: ({ context: { mode, journal, to } }) => ({ mode, journal, to }),
        onDone: { target: 'idle', actions: assign({ result: ({ event }) => (event.output ?? null) as Json }) },
        onError: { target: 'idle', actions: { type: 'keepError', params: ({ event }) => ({ error: event.error }) } },
      },
    },
    workingOnce: {
      invoke: {
        id: 'workOnce',
        src: 'workOnce',
        input: ({ context: { mode, journal, to } }) => ({ mode, journal, to }),
        onDone: { target: 'idle', actions: assign({ result: ({ event }) => (event.output ?? null) as Json }) },
        onError: { target: 'idle', actions: { type: 'keepError', params: ({ event }) => ({ error: event.error }) } },
      },
    },
  },
});

function describe(error: unknown): Json {
  const { name, message, code = null } = error as { name: string; message: string; code?: string };
  return { isError: error instanceof Error, name, message, code };
}

export { jobMachine };

export const job = defineActor('job', jobMachine, {
  input: z.object({ journal: z.string(), to: z.string().default('recorder/r') }),
  events: {
    START: z.object({ mode: z.enum(JOB_MODES), once: z.boolean().default(false) }),
    CANCEL: z.object({}),
  },
});

/** Its effect function succeeds, and the action that takes the result throws. */
export const clumsy = defineActor(
  'clumsy',
  setup({
    types: { context: {} as { count: number }, events: {} as { type: 'ADD' } | { type: 'START' } },
    actors: { work: fromEffect(async () => 1) },
  }).createMachine({
    context: { count: 0 },
    initial: 'idle',
    on: { ADD: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
    states: {
      idle: { on: { START: 'working' } },
      working: {
        invoke: {
          src: 'work',
          id: 'work',
          onDone: {
            target: 'idle',
            actions: () => {
              throw new TypeError('dropped it');
            },
          },
        },
      },
    },
  }),
  { events: { ADD: z.object({}), START: z.object({}) } },
);
