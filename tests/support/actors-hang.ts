/** Actors that block or end their thread: in a turn, in an effect function, or long after one has begun. Each does it as often as it takes to be named, then goes on. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { defineActor, fromEffect, reply } from '../../src/index.ts';
import type { Effect, ReplyToken } from '../../src/index.ts';

export const TURN_FAULTS = ['loop', 'regex', 'wait', 'exit', 'heap', 'buffers', 'throw later'] as const;
export type TurnFault = (typeof TURN_FAULTS)[number];

const EFFECT_FAULTS = [
  'loop at once',
  'microtasks',
  'throw in a timer',
  'reject unheard',
  'exit later',
  'loop later',
  'buffers later',
  'wait',
] as const;
export type EffectFault = (typeof EFFECT_FAULTS)[number];

/** One that waits does so each time: it is a neighbour. These leave no name the first time. */
const TIMES: Readonly<Partial<Record<EffectFault, number>>> = {
  wait: Infinity,
  microtasks: 2,
  'loop later': 2,
  'buffers later': 2,
};

const MEGABYTE = 1024 * 1024;
const held: unknown[] = [];

function endless(): void {
  for (let i = 0; ; i++) if (i < 0) return;
}

/** Works for so long. */
function spin(ms: number): void {
  for (const untilMs = performance.now() + ms; performance.now() < untilMs;);
}

/** What must happen once only is noted in a file, which outlives the thread. */
function isDue(journal: string, who: string, times = 1): boolean {
  const file = `${journal}-${who.replaceAll('/', '-')}`;
  if (existsSync(file) && readFileSync(file).length >= times) return false;
  appendFileSync(file, 'x');
  return true;
}

function faultInTurn(fault: TurnFault): void {
  switch (fault) {
    case 'loop':
      return endless();
    case 'regex':
      return void /(a+)+$/.test(`${'a'.repeat(40)}b`);
    case 'wait':
      return void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    case 'exit':
      return process.exit(3);
    case 'throw later':
      return void setTimeout(() => {
        throw new RangeError('nobody catches this');
      }, 20);
    case 'heap':
      for (;;) held.push(Array.from({ length: 1000 }, (_, i) => ({ i })));
    case 'buffers':
      for (;;) {
        held.push(Buffer.alloc(MEGABYTE, 1));
        // As slow as a real one, so that the limit is what ends it and not the machine.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
      }
  }
}

async function faultInEffect(fault: EffectFault): Promise<unknown> {
  switch (fault) {
    case 'loop at once':
      return endless();
    case 'microtasks':
      for (;;) await Promise.resolve();
    case 'throw in a timer':
      setTimeout(() => {
        throw new RangeError('nobody catches this');
      }, 20);
      return sleep(600_000);
    case 'reject unheard':
      await sleep(10);
      void Promise.reject(new RangeError('nobody hears this'));
      return sleep(600_000);
    case 'exit later':
      await sleep(20);
      return process.exit(3);
    case 'loop later':
      await sleep(20);
      return endless();
    case 'buffers later':
      for (let i = 0; i < 2000; i++) {
        held.push(Buffer.alloc(MEGABYTE, 1));
        await sleep(2);
      }
      return sleep(600_000);
    case 'wait':
      return sleep(600_000);
  }
}

interface HangInput {
  readonly journal: string;
}

type HangEvent =
  | { type: 'ADD' }
  | { type: 'SPIN'; ms: number }
  | { type: 'FAULT'; fault: TurnFault }
  | { type: 'RUN'; fault: EffectFault }
  | { type: 'GET'; replyTo: ReplyToken<{ count: number; done: number }> };

const hangMachine = setup({
  types: {
    context: {} as HangInput & { count: number; done: number; fault: EffectFault },
    events: {} as HangEvent,
    emitted: {} as Effect,
    input: {} as HangInput,
  },
  actors: {
    fault: fromEffect(async ({ input, key }: { input: HangInput & { fault: EffectFault }; key: string }) => {
      return isDue(input.journal, key, TIMES[input.fault] ?? 1) ? faultInEffect(input.fault) : 1;
    }),
  },
}).createMachine({
  context: ({ input }) => ({ ...input, count: 0, done: 0, fault: 'wait' }),
  initial: 'idle',
  on: {
    ADD: { actions: assign({ count: ({ context }) => context.count + 1 }) },
    GET: { actions: emit(({ context, event }) => reply(event.replyTo, { count: context.count, done: context.done })) },
    SPIN: { actions: [({ event }) => spin(event.ms), assign({ count: ({ context }) => context.count + 1 })] },
    FAULT: {
      actions: ({ context, event, self }) => {
        if (isDue(context.journal, self.id)) faultInTurn(event.fault);
      },
    },
  },
  states: {
    idle: { on: { RUN: { target: 'running', actions: assign({ fault: ({ event }) => event.fault }) } } },
    running: {
      invoke: {
        id: 'fault',
        src: 'fault',
        input: ({ context: { journal, fault } }) => ({ journal, fault }),
        onDone: { target: 'idle', actions: assign({ done: ({ context }) => context.done + 1 }) },
      },
    },
  },
});

const policy = {
  input: z.object({ journal: z.string() }),
  events: {
    ADD: z.object({}),
    SPIN: z.object({ ms: z.number() }),
    FAULT: z.object({ fault: z.enum(TURN_FAULTS) }),
    RUN: z.object({ fault: z.enum(EFFECT_FAULTS) }),
  },
  asks: { GET: { input: z.object({}), reply: z.object({ count: z.number(), done: z.number() }) } },
};

/** Blocks or ends its thread when it is told to. */
export const hanging = defineActor('hanging', hangMachine, policy);

/** May take its time. */
export const patient = defineActor('patient', hangMachine, { ...policy, supervise: { hangMs: 1500 } });
