/**
 * Actors of the simulation. All are one machine that does what an event asks of it and notes every turn in its log; they
 * differ in their policies: mailboxes, topics, timers, threads, and whether they are stored.
 */
import { cancel, enqueueActions, raise, setup } from 'xstate';
import { z } from 'zod';
import { defineActor, fromEffect } from '../../src/index.ts';
import type { ActorPolicy, Effect, ReplyToken } from '../../src/index.ts';
import { Turn } from './sim-turn.ts';
import type { Answer, Entry, EntryKind, Op, SimContext } from './sim-words.ts';
import { pause, theWorld } from './sim-world.ts';

interface Asked {
  readonly id: string;
  readonly from: string;
  readonly n: number;
  readonly ops: readonly Op[];
}

type TopicType = 'TOPIC' | 'ALL' | 'EXTRA';

type SimEvent =
  | (Asked & { readonly type: 'DO' | 'NOTE' })
  | (Asked & { readonly type: 'ASK'; readonly isKept: boolean; readonly replyTo: ReplyToken<Answer> })
  | { readonly type: 'TIMED'; readonly id: string; readonly ops: readonly Op[] }
  | { readonly type: 'RAISED'; readonly id: string }
  | { readonly type: TopicType; readonly data: { readonly id: string }; readonly source: string }
  | { readonly type: 'child.exited'; readonly child: string; readonly reason: string }
  | { readonly type: 'ARM.limit' | 'ARM.rest' | 'ARM.again' | 'DISARM' | 'WORK' | 'QUIT' | 'END' };

/** Sends twice to an actor, or fails, or just takes its time. */
const work = async ({
  input,
  key,
  attempt,
  signal,
  send,
}: Parameters<Parameters<typeof fromEffect<unknown, SimContext['job']>>[0]>[0]) => {
  const { id, ms, to, mode } = input as NonNullable<SimContext['job']>;
  theWorld().begun({ id, key, attempt });
  await pause(ms, signal);
  if (mode === 'fail') throw new Error('failed on purpose');
  for (const n of mode === 'send' ? [1, 2] : []) {
    await send(to, { type: 'NOTE', id: `${id}*${n}`, from: id, n, ops: [] } as { type: string });
  }
  await pause(1, signal);
  return { key, attempt };
};

type Ending = { readonly output?: { readonly key: string; readonly attempt: number } };

/** Runs a turn and notes it. */
function turn(kind: EntryKind, of: (event: SimEvent, context: SimContext) => Pick<Entry, 'id'> & Partial<Entry>) {
  return enqueueActions(({ context, event, self, enqueue }) => {
    const typed = event as SimEvent;
    const entry = of(typed, context as SimContext);
    const taken = new Turn(context as SimContext, self.id);
    if (typed.type === 'ASK') taken[typed.isKept ? 'keep' : 'answer']({ id: typed.id, token: typed.replyTo });
    if ('ops' in typed) for (const op of typed.ops) taken.take(op);
    if (kind === 'fired') taken.context.armed = null;
    if (kind === 'raised') taken.context.raised = null;
    if (kind === 'done' || kind === 'failed') taken.context.job = null;
    if (self.id.startsWith('vol/')) theWorld().taken(self.id, entry.id);
    else taken.note({ kind, ...entry });
    enqueue.assign(taken.context as never);
    for (const effect of taken.effects) enqueue.emit(effect as never);
    for (const follow of taken.follows) {
      if ('cancel' in follow) enqueue(cancel(follow.cancel));
      else if ('delay' in follow) enqueue(raise(follow.event as never, { id: follow.id, delay: follow.delay }));
      else enqueue(raise(follow.event as never));
    }
    if (taken.isPoison) {
      enqueue(() => {
        throw new Error('thrown on purpose');
      });
    }
  });
}

const noteTopic = turn('topic', (event) => {
  const { type, data, source } = event as Extract<SimEvent, { type: TopicType }>;
  return { id: `${data.id}>${type}`, from: source };
});

const noteFired = turn('fired', (_event, { armed }) => ({ id: armed?.id ?? 'none' }));

const noteDone = turn('done', (event, { job }) => {
  const { output } = event as unknown as Ending;
  return { id: job?.id ?? 'none', ...(output && { run: output }) };
});

const noteFailed = turn('failed', (event, { job }) => {
  const { code, message } = (event as unknown as { error: { code?: string; message: string } }).error;
  return { id: job?.id ?? 'none', reason: code ?? message };
});

/** The machine, with effect functions that are repeated after a crash, or not. */
function createSimMachine(onInterrupted: 'retry' | 'fail') {
  return setup({
    types: {} as { context: SimContext; events: SimEvent; emitted: Effect },
    actors: { work: fromEffect<unknown, SimContext['job']>(work, { onInterrupted }) },
    delays: {
      limit: ({ context }) => context.armed?.ms ?? 0,
      rest: ({ context }) => context.armed?.ms ?? 0,
      again: ({ context }) => context.armed?.ms ?? 0,
    },
  }).createMachine({
    context: { count: 0, sent: {}, made: 0, kept: [], armed: null, raised: null, job: null },
    initial: 'running',
    states: {
      running: {
        on: { END: 'ended' },
        type: 'parallel',
        states: {
          timer: {
            initial: 'idle',
            on: { 'ARM.limit': '.limit', 'ARM.rest': '.rest', 'ARM.again': '.again', DISARM: '.idle' },
            states: {
              idle: {},
              limit: { after: { limit: { target: 'idle', actions: noteFired as never } } },
              rest: { after: { rest: { target: 'idle', actions: noteFired as never } } },
              again: { after: { again: { target: 'idle', actions: noteFired as never } } },
            },
          },
          job: {
            initial: 'idle',
            on: { WORK: '.working', QUIT: '.idle' },
            states: {
              idle: {},
              working: {
                invoke: {
                  id: 'work',
                  src: 'work',
                  input: ({ context }) => context.job,
                  onDone: { target: 'idle', actions: noteDone as never },
                  onError: { target: 'idle', actions: noteFailed as never },
                },
              },
            },
          },
        },
      },
      ended: { type: 'final' },
    },
    on: {
      DO: { actions: turn('do', (event) => pickNote(event as Asked)) as never },
      NOTE: { actions: turn('note', (event) => pickNote(event as Asked)) as never },
      ASK: { actions: turn('ask', (event) => pickNote(event as Asked)) as never },
      TIMED: { actions: turn('timed', (event) => ({ id: (event as { id: string }).id })) as never },
      RAISED: { actions: turn('raised', (event) => ({ id: (event as { id: string }).id })) as never },
      TOPIC: { actions: noteTopic as never },
      ALL: { actions: noteTopic as never },
      EXTRA: { actions: noteTopic as never },
      'child.exited': {
        actions: turn('exited', (event) => {
          const { child, reason } = event as Extract<SimEvent, { type: 'child.exited' }>;
          return { id: `exit of ${child}`, from: child, reason };
        }) as never,
      },
    },
  });
}

function pickNote({ id, from, n }: Asked): Pick<Entry, 'id' | 'from' | 'n'> {
  return { id, from, n };
}

const machine = createSimMachine('retry');
const unrepeated = createSimMachine('fail');

type SimPolicy = ActorPolicy<typeof machine, undefined, undefined, typeof asks>;

const asks = {
  ASK: {
    input: z.object({ id: z.string(), from: z.string(), n: z.number(), isKept: z.boolean(), ops: z.array(z.any()) }),
    reply: z.any(),
  },
};

const stored: SimPolicy = {
  asks,
  // Turns that throw are part of the story; giving up on the actor is not.
  supervise: { maxRestarts: 1000, withinMs: 1 },
  timers: { rest: 'remaining', again: 'restart' },
};

const plain = defineActor('plain', machine, { ...stored, hibernateAfterMs: 40, mailbox: { capacity: 3 } });
const picky = defineActor('picky', machine, {
  ...stored,
  history: { keep: 10_000 },
  hibernateAfterMs: 200,
  mailbox: { capacity: 2, overflow: 'reject' },
});
const lossy = defineActor('lossy', machine, {
  ...stored,
  hibernateAfterMs: 20,
  mailbox: { capacity: 2, overflow: 'drop-oldest' },
});
const fan = defineActor('fan', machine, { ...stored, hibernateAfterMs: 100, topics: { 't.*': 'TOPIC' } });
const keen = defineActor('keen', machine, {
  ...stored,
  history: { keep: 7 },
  topics: { 't.a': 'TOPIC', 't.>': 'ALL' },
});
const once = defineActor('once', unrepeated, { ...stored, hibernateAfterMs: 30 });
const parent = defineActor('parent', machine, {
  ...stored,
  hibernateAfterMs: 50,
  // A child that fails has the others made anew, by rows that must come through every crash.
  supervise: { ...stored.supervise, strategy: 'one-for-all' },
});
const child = defineActor('child', machine, { ...stored, history: { keep: 10_000 }, hibernateAfterMs: 60 });
const lonely = defineActor('lonely', machine, { ...stored, hibernateAfterMs: 80, dedicated: true });
const vol = defineActor('vol', machine, {
  asks,
  durable: false,
  supervise: { maxRestarts: 1000, withinMs: 1 },
});

/** Every definition, by type. */
export const DEFINITIONS = { plain, picky, lossy, fan, keen, once, parent, child, lonely, vol };

export type SimType = keyof typeof DEFINITIONS;

/** Topics every actor of a type receives: pattern to event type. */
export function topicsOf(type: string): Readonly<Record<string, string>> {
  return DEFINITIONS[type as SimType].policy.topics;
}
