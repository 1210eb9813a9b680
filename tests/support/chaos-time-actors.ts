/**
 * Actors of the chaos runs that live by the clock:
 *
 * - `clock` schedules for itself, or is scheduled for, and notes what comes and when;
 * - `ticker` has a timer for each policy that sets itself again whenever it fires.
 */
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { append, defineActor, schedule, unschedule } from '../../src/index.ts';
import type { Effect } from '../../src/index.ts';
import { fail, markWake, note, policy } from './chaos-actor-parts.ts';
import type { Note } from './chaos-actor-parts.ts';
import { ringOf } from './chaos-check-time.ts';
import type { TickPolicy } from './chaos-verdict.ts';

interface Plan extends Note {
  readonly type: 'PLAN';
  readonly key: string;
  /** Absent: takes back what is scheduled. */
  readonly afterMs?: number | undefined;
}

const clockMachine = setup({
  types: {} as {
    context: { readonly count: number };
    events:
      | Plan
      | { readonly type: 'RING'; readonly id: string; readonly key: string }
      | (Note & { readonly type: 'BAD' });
    emitted: Effect;
  },
}).createMachine({
  context: { count: 0 },
  on: {
    PLAN: {
      actions: [
        markWake,
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ context, event: { id, from, n, key, afterMs } }) => {
          const plan = { key, dueAt: afterMs === undefined ? null : Date.now() + afterMs };
          return append({ id, from, n, place: context.count, plan });
        }),
        emit(({ event: { id, key, afterMs } }) =>
          afterMs === undefined
            ? unschedule(key)
            : schedule(key, { type: 'RING', id: ringOf(id), key } as never, { afterMs }),
        ),
      ],
    },
    RING: {
      actions: [
        markWake,
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ context, event: { id, key } }) =>
          append({ id, from: id, n: 1, place: context.count, ring: { key, at: Date.now() } }),
        ),
      ],
    },
    BAD: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ event: { id } }) =>
          schedule('k0', { type: 'RING', id: `never ${id}`, key: 'k0' } as never, { afterMs: 0 }),
        ),
        fail,
      ],
    },
  },
});

export const clock = defineActor('clock', clockMachine, {
  ...policy,
  events: {
    PLAN: z.object({ ...note, key: z.string(), afterMs: z.number().optional() }),
    RING: z.object({ id: z.string(), key: z.string() }),
    BAD: z.object(note),
  },
});

/** Delays in milliseconds, by the last digit of the key: too short to leave memory, long enough, longer than most lives. */
const PACES_MS = [25, 110, 1500] as const;

interface TickerContext {
  readonly count: number;
  readonly delayMs: number;
  readonly ticks: Readonly<Record<TickPolicy, number>>;
  readonly armedAt: Readonly<Record<TickPolicy, number>>;
}

const tickerSetup = setup({
  types: {} as {
    context: TickerContext;
    events: (Note & { readonly type: 'NOTE' }) | (Note & { readonly type: 'BAD' });
    emitted: Effect;
  },
  delays: {
    DEADLINE: ({ context }) => context.delayMs,
    REMAINING: ({ context }) => context.delayMs,
    RESTART: ({ context }) => context.delayMs,
  },
});

/** The actions of a timer that fired: notes it. */
function tick(name: TickPolicy) {
  return tickerSetup.enqueueActions(({ enqueue, context: { count, ticks, armedAt, delayMs }, self }) => {
    markWake({ self });
    const place = count + 1;
    const n = ticks[name] + 1;
    enqueue.assign({ count: place, ticks: { ...ticks, [name]: n } });
    const timer = { policy: name, armedAt: armedAt[name], delayMs, at: Date.now() };
    enqueue.emit(append({ id: `${self.id}~${name}~${n}`, from: `${self.id}~${name}`, n, place, tick: timer }));
  });
}

/** The action before a timer is set. */
function arm(name: TickPolicy) {
  return tickerSetup.assign({ armedAt: ({ context }) => ({ ...context.armedAt, [name]: Date.now() }) });
}

const tickerMachine = tickerSetup.createMachine({
  context: ({ self }) => ({
    count: 0,
    delayMs: PACES_MS[Number(self.id.at(-1)) % PACES_MS.length] as number,
    ticks: { deadline: 0, remaining: 0, restart: 0 },
    armedAt: { deadline: 0, remaining: 0, restart: 0 },
  }),
  type: 'parallel',
  states: {
    deadline: {
      initial: 'on',
      states: {
        on: { entry: arm('deadline'), after: { DEADLINE: { target: 'on', reenter: true, actions: tick('deadline') } } },
      },
    },
    remaining: {
      initial: 'on',
      states: {
        on: {
          entry: arm('remaining'),
          after: { REMAINING: { target: 'on', reenter: true, actions: tick('remaining') } },
        },
      },
    },
    restart: {
      initial: 'on',
      states: {
        on: { entry: arm('restart'), after: { RESTART: { target: 'on', reenter: true, actions: tick('restart') } } },
      },
    },
  },
  on: {
    NOTE: {
      actions: [
        markWake,
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ context, event: { id, from, n } }) => append({ id, from, n, place: context.count })),
      ],
    },
    BAD: { actions: [assign({ count: ({ context }) => context.count + 1 }), fail] },
  },
});

export const ticker = defineActor('ticker', tickerMachine, {
  ...policy,
  events: { NOTE: z.object(note), BAD: z.object(note) },
  timers: { REMAINING: 'remaining', RESTART: 'restart' },
});
