/**
 * A conversation of one user, as a pure machine: active, idle, expired. Messages are rows of its log; the context holds what
 * lists and agents need.
 *
 * Both times count from the last activity: whatever is said, added or opened enters `open` anew. Reading is no activity, nor
 * is the end of a group. An expired session has ended: it takes nothing more, its groups are stopped, and a sweep removes it.
 */
import { emit, enqueueActions, assign, setup } from 'xstate';
import { append, reply, spawn, trim } from '../src/actor/effects.ts';
import type { ChildExitedEvent, Effect, ReplyToken } from '../src/actor/effects.ts';
import type { Json } from '../src/state/json.ts';

/** Where a session is in its life. */
export const LIFECYCLES = ['active', 'idle', 'expired'] as const;
export type Lifecycle = (typeof LIFECYCLES)[number];

export interface SessionInput {
  readonly user: string;
  readonly title: string;
  readonly metadata: Readonly<Record<string, Json>>;
  /** Time without activity after which the session is idle, in milliseconds. */
  readonly idleAfterMs: number;
  /** Time without activity after which it expires, in milliseconds. */
  readonly expireAfterMs: number;
  /** Messages that stay; up to a quarter more until the oldest go together. Absent: all. */
  readonly keepMessages?: number | undefined;
}

export interface SessionContext extends SessionInput {
  /** The state by its name; lists filter by it. */
  readonly lifecycle: Lifecycle;
  /** Messages that were ever said: the number of the last one. */
  readonly messages: number;
  /** State each agent keeps in this session, by agent id. */
  readonly agents: Readonly<Record<string, Json>>;
  /** Groups that are under way, by address, each once. */
  readonly groups: readonly string[];
}

/** A message as it stands in the log. */
export interface SessionMessage {
  readonly author: string;
  readonly text: string;
}

/** What is answered to DESCRIBE. */
export interface SessionDescription {
  readonly user: string;
  readonly title: string;
  readonly messages: number;
  readonly groups: readonly string[];
}

export type SessionEvent =
  | { readonly type: 'SAY'; readonly author: string; readonly text: string }
  | { readonly type: 'AGENT.STATE'; readonly agent: string; readonly state: Json }
  | { readonly type: 'AGENT.DELETE'; readonly agent: string; readonly replyTo: ReplyToken<boolean> }
  | { readonly type: 'TRIM'; readonly keep: number }
  | { readonly type: 'METADATA'; readonly metadata: Readonly<Record<string, Json>> }
  | { readonly type: 'GROUP.OPEN'; readonly key: string; readonly input: Json }
  | { readonly type: 'DESCRIBE'; readonly replyTo: ReplyToken<SessionDescription> }
  | ChildExitedEvent;

/** Messages beyond those that stay that go at once: trimming one by one would double the cost of saying something. */
function toBatch(keepMessages: number): number {
  return Math.ceil(keepMessages / 4);
}

/** True at every message whose number ends a batch. */
function isFull(keepMessages: number | undefined, messages: number): keepMessages is number {
  if (keepMessages === undefined || messages <= keepMessages) return false;
  return (messages - keepMessages) % toBatch(keepMessages) === 0;
}

export const sessionMachine = setup({
  types: {
    context: {} as SessionContext,
    events: {} as SessionEvent,
    input: {} as SessionInput,
    emitted: {} as Effect,
  },
  delays: {
    idle: ({ context }) => context.idleAfterMs,
    expiry: ({ context }) => context.expireAfterMs,
  },
}).createMachine({
  id: 'session',
  context: ({ input }) => ({ ...input, lifecycle: 'active', messages: 0, agents: {}, groups: [] }),
  on: {
    'child.exited': {
      actions: assign({ groups: ({ context, event }) => context.groups.filter((group) => group !== event.child) }),
    },
    TRIM: { actions: emit(({ event }) => trim(event.keep)) },
    DESCRIBE: {
      actions: emit(({ context, event }) =>
        reply(event.replyTo, {
          user: context.user,
          title: context.title,
          messages: context.messages,
          groups: context.groups,
        }),
      ),
    },
  },
  initial: 'open',
  states: {
    open: {
      after: { expiry: 'expired' },
      on: {
        SAY: {
          target: 'open',
          reenter: true,
          actions: enqueueActions(({ enqueue, context, event }) => {
            const messages = context.messages + 1;
            enqueue.assign({ messages });
            enqueue.emit(append({ author: event.author, text: event.text }));
            if (isFull(context.keepMessages, messages)) enqueue.emit(trim(context.keepMessages));
          }),
        },
        'AGENT.STATE': {
          target: 'open',
          reenter: true,
          actions: assign({ agents: ({ context, event }) => ({ ...context.agents, [event.agent]: event.state }) }),
        },
        'AGENT.DELETE': {
          target: 'open',
          reenter: true,
          actions: enqueueActions(({ enqueue, context, event }) => {
            const { [event.agent]: _state, ...agents } = context.agents;
            enqueue.assign({ agents });
            enqueue.emit(reply(event.replyTo, Object.hasOwn(context.agents, event.agent)));
          }),
        },
        METADATA: {
          target: 'open',
          reenter: true,
          actions: assign({ metadata: ({ context, event }) => ({ ...context.metadata, ...event.metadata }) }),
        },
        'GROUP.OPEN': {
          target: 'open',
          reenter: true,
          actions: enqueueActions(({ enqueue, context, event }) => {
            enqueue.assign({ groups: [...new Set([...context.groups, `group/${event.key}`])] });
            enqueue.emit(spawn('group', event.key, event.input));
          }),
        },
      },
      initial: 'active',
      states: {
        active: { entry: assign({ lifecycle: 'active' }), after: { idle: 'idle' } },
        idle: { entry: assign({ lifecycle: 'idle' }) },
      },
    },
    expired: { type: 'final', entry: assign({ lifecycle: 'expired' }) },
  },
});
