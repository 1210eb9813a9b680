/**
 * Actors of the chaos runs that talk and work. Each keeps in its log everything it processed: who sent it, under which
 * number, and its `place`, a count kept in the state, so that a state and a log that drift apart are noticed.
 *
 * - `ledger` notes what it gets;
 * - `relay` notes it and tells the next on the route, on another thread mostly;
 * - `job` runs an effect function that sends to a ledger twice, then notes that it is done, and under which key.
 *
 * Those that live by the clock and by topics stand in `chaos-time-actors.ts` and `chaos-topic-actors.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { append, defineActor, fromEffect, reply, tell } from '../../src/index.ts';
import type { Effect, ReplyToken } from '../../src/index.ts';
import { fail, markWake, note, policy, routed } from './chaos-actor-parts.ts';
import type { Note, Routed } from './chaos-actor-parts.ts';
import { record } from './chaos-history.ts';

const MAX_SENDERS = 30;

/** Every other ledger has a state so large that it is saved as differences. */
const LARGE_PAD = 6000;

/** The last number of each sender; the oldest senders are forgotten. */
function noteSender(last: Readonly<Record<string, number>>, { from, n }: Note): Record<string, number> {
  const { [from]: _former, ...others } = last;
  return Object.fromEntries([...Object.entries(others).slice(1 - MAX_SENDERS), [from, n]]);
}

const ledgerMachine = setup({
  types: {} as {
    context: { readonly count: number; readonly last: Readonly<Record<string, number>>; readonly pad: string };
    events:
      | (Note & { readonly type: 'NOTE' })
      | (Note & { readonly type: 'ASK'; readonly replyTo: ReplyToken<{ place: number }> })
      | (Note & { readonly type: 'BAD' });
    emitted: Effect;
  },
}).createMachine({
  context: ({ self }) => ({ count: 0, last: {}, pad: 'x'.repeat(/[13579]$/.test(self.id) ? LARGE_PAD : 0) }),
  on: {
    NOTE: {
      actions: [
        markWake,
        assign({
          count: ({ context }) => context.count + 1,
          last: ({ context, event }) => noteSender(context.last, event),
        }),
        emit(({ context, event: { id, from, n } }) => append({ id, from, n, place: context.count })),
      ],
    },
    ASK: {
      actions: [
        markWake,
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ context, event: { id, from, n } }) => append({ id, from, n, place: context.count })),
        emit(({ context, event }) => reply(event.replyTo, { place: context.count })),
      ],
    },
    BAD: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ event: { id, from, n } }) => append({ id, from, n, place: -1 })),
        fail,
      ],
    },
  },
});

export const ledger = defineActor('ledger', ledgerMachine, {
  ...policy,
  events: { NOTE: z.object(note), BAD: z.object(note) },
  asks: { ASK: { input: z.object(note), reply: z.object({ place: z.number() }) } },
});

/** The next stop of a routed event. */
function forward(self: string, event: Routed, n: number) {
  const [next = '', ...rest] = event.route;
  const id = `${event.id}>`;
  const told =
    rest.length === 0 ? { type: 'NOTE', id, from: self, n } : { type: 'PASS', id, from: self, n, route: rest };
  return tell(next, told);
}

const relayMachine = setup({
  types: {} as {
    context: { readonly count: number; readonly sent: Readonly<Record<string, number>> };
    events: (Routed & { readonly type: 'PASS' }) | (Note & { readonly type: 'BAD' });
    emitted: Effect;
  },
}).createMachine({
  context: { count: 0, sent: {} },
  on: {
    PASS: {
      actions: [
        markWake,
        assign(({ context: { count, sent }, event: { route } }) => {
          const [next = ''] = route;
          return { count: count + 1, sent: { ...sent, [next]: (sent[next] ?? 0) + 1 } };
        }),
        emit(({ context, event }) => {
          const { id, from, n, route } = event;
          const told = { to: route[0] ?? '', id: `${id}>`, n: context.sent[route[0] ?? ''] ?? 0 };
          return append({ id, from, n, place: context.count, told });
        }),
        emit(({ context, event, self }) => forward(self.id, event, context.sent[event.route[0] ?? ''] ?? 0)),
      ],
    },
    BAD: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ event: { id, from, n } }) => append({ id, from, n, place: -1 })),
        fail,
      ],
    },
  },
});

export const relay = defineActor('relay', relayMachine, {
  ...policy,
  events: { PASS: z.object(routed), BAD: z.object(note) },
});

interface Run {
  readonly job: string;
  readonly id: string;
  readonly to: string;
  /** Number of this run of its job. */
  readonly run: number;
}

interface WorkDone {
  readonly key: string;
  readonly attempt: number;
}

const work = fromEffect<WorkDone, Run>(async ({ input: { job, id, to, run }, key, attempt, send }) => {
  record({ t: 'effect', phase: 'begin', job, id, key, attempt });
  for (const half of [0, 1]) {
    const note = { type: 'NOTE', id: `${id}*${half}`, from: `${job}*`, n: 2 * run + half };
    await send(to, note);
    if (half === 0) await sleep((run * 7) % 40);
  }
  record({ t: 'effect', phase: 'end', job, id, key, attempt });
  return { key, attempt };
});

const jobMachine = setup({
  types: {} as {
    context: { readonly count: number; readonly runs: number; readonly queue: readonly Omit<Run, 'job'>[] };
    events: (Routed & { readonly type: 'RUN' }) | (Note & { readonly type: 'BAD' });
    emitted: Effect;
  },
  actors: { work },
}).createMachine({
  context: { count: 0, runs: 0, queue: [] },
  initial: 'idle',
  states: {
    idle: { always: { guard: ({ context }) => context.queue.length > 0, target: 'running' } },
    running: {
      invoke: {
        src: 'work',
        input: ({ context, self }) => ({ ...(context.queue[0] as Run), job: self.id }),
        onDone: {
          target: 'idle',
          actions: [
            assign({ count: ({ context }) => context.count + 1 }),
            emit(({ context, event, self }) => {
              const { id, run, to } = context.queue[0] as Run;
              return append({
                id: `${id}!`,
                from: self.id,
                n: run,
                place: context.count,
                done: { id, to, ...event.output },
              });
            }),
            assign({ queue: ({ context }) => context.queue.slice(1) }),
          ],
        },
        onError: {
          target: 'idle',
          actions: [
            emit(({ context, event }) =>
              append({ id: `${context.queue[0]?.id}?`, from: '', n: 0, place: -1, error: String(event.error) }),
            ),
            assign({ queue: ({ context }) => context.queue.slice(1) }),
          ],
        },
      },
    },
  },
  on: {
    RUN: {
      actions: [
        markWake,
        assign(({ context: { count, runs, queue }, event: { id, route } }) => ({
          count: count + 1,
          runs: runs + 1,
          queue: [...queue, { id, to: route[0] ?? '', run: runs + 1 }],
        })),
        emit(({ context, event: { id, from, n } }) => append({ id, from, n, place: context.count, run: context.runs })),
      ],
    },
    BAD: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ event: { id, from, n } }) => append({ id, from, n, place: -1 })),
        fail,
      ],
    },
  },
});

export const job = defineActor('job', jobMachine, {
  ...policy,
  events: { RUN: z.object(routed), BAD: z.object(note) },
});
