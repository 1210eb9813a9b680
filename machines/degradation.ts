/**
 * Whether a system takes on more, as a pure machine: normal, or degraded while too many agents fail. It degrades as soon as more than so many
 * different agents failed within a short time; whether it may go back it asks itself now and then: once failures have been few for long.
 */
import { assign, emit, setup } from 'xstate';

/** When to degrade, when to go back, and how many sessions are kept live in memory in either mode. */
export interface DegradationSettings {
  /** More different agents than this, failing within `withinMs`, are too many. */
  readonly failures: number;
  readonly withinMs: number;
  /** Time between two questions whether it is over, in milliseconds. */
  readonly checkEveryMs: number;
  /** It is over with fewer failures than this in the last `calmMs`. */
  readonly calmFailures: number;
  readonly calmMs: number;
  readonly hotSessions: number;
  readonly degradedHotSessions: number;
}

export interface DegradationInput extends DegradationSettings {
  /** Reads the clock that the machine's timers go by, in milliseconds. */
  readonly now: () => number;
}

/** An agent that failed, and when. */
export interface AgentFailure {
  readonly agent: string;
  readonly at: number;
}

export interface DegradationContext extends DegradationInput {
  /**
   * Of the last `calmMs` or `withinMs`, whichever is longer; oldest first, at most two thousand, and while degraded only as many as make it
   * not calm.
   */
  readonly recent: readonly AgentFailure[];
  readonly enteredAt: number;
  /** Those whose failures led to it. */
  readonly entryAgents: readonly string[];
  /** When it last asked itself whether it is over. */
  readonly checkedAt: number;
}

/** Something for whoever runs the machine. */
export type DegradationNews =
  | {
      readonly type: 'entered';
      readonly failures: number;
      readonly agents: readonly string[];
      readonly retryAfterMs: number;
    }
  | { readonly type: 'left'; readonly durationMs: number };

/** Failures that are remembered: beyond this the oldest count for nothing. More than `failures` can be. */
const MAX_FAILURES = 2000;

export const degradationMachine = setup({
  types: {
    context: {} as DegradationContext,
    events: {} as { readonly type: 'AGENT.FAILED'; readonly agent: string },
    input: {} as DegradationInput,
    emitted: {} as DegradationNews,
  },
  delays: { check: ({ context }) => context.checkEveryMs },
  guards: {
    isTooMuch: ({ context }) => failingAgents(context).length > context.failures,
    isCalm: ({ context }) => recentOf(context, context.calmMs).length < context.calmFailures,
  },
  actions: {
    note: assign({
      recent: ({ context, event }) => {
        const { calmMs, withinMs, now } = context;
        const kept = recentOf(context, Math.max(calmMs, withinMs));
        return [...kept, { agent: event.agent, at: now() }].slice(-MAX_FAILURES);
      },
    }),
    // However many fail at once: the newest tell whether it is calm.
    noteForCalm: assign({
      recent: ({ context, event }) => {
        const { calmFailures, recent, now } = context;
        return [...recent.slice(Math.max(0, recent.length - calmFailures + 1)), { agent: event.agent, at: now() }];
      },
    }),
    noteCheck: assign({ checkedAt: ({ context }) => context.now() }),
    noteEntry: assign(({ context }) => {
      const at = context.now();
      return { enteredAt: at, checkedAt: at, entryAgents: failingAgents(context) };
    }),
    tellEntered: emit(({ context }) => ({
      type: 'entered',
      failures: recentOf(context, context.withinMs).length,
      agents: context.entryAgents,
      retryAfterMs: retryAfterMs(context),
    })),
    tellLeft: emit(({ context }) => ({ type: 'left', durationMs: context.now() - context.enteredAt })),
  },
}).createMachine({
  id: 'degradation',
  context: ({ input }) => ({ ...input, recent: [], enteredAt: 0, entryAgents: [], checkedAt: 0 }),
  on: { 'AGENT.FAILED': { actions: 'note' } },
  initial: 'normal',
  states: {
    normal: {
      always: { guard: 'isTooMuch', target: 'degraded', actions: ['noteEntry', 'tellEntered'] },
    },
    degraded: {
      on: { 'AGENT.FAILED': { actions: 'noteForCalm' } },
      after: {
        check: [
          { guard: 'isCalm', target: 'normal', actions: 'tellLeft' },
          { target: 'degraded', reenter: true, actions: 'noteCheck' },
        ],
      },
    },
  },
});

/** Different agents that failed within the short time, each once, in the order of their first failure. */
export function failingAgents(context: DegradationContext): readonly string[] {
  return [...new Set(recentOf(context, context.withinMs).map(({ agent }) => agent))];
}

/** Time until the first question that could be answered with yes, if no agent fails until then. */
export function retryAfterMs(context: DegradationContext): number {
  const { calmMs, calmFailures, checkEveryMs, checkedAt, now } = context;
  const failures = recentOf(context, calmMs);
  const last = failures[failures.length - calmFailures];
  const calmAt = last === undefined ? now() : last.at + calmMs;
  const checks = Math.max(1, Math.ceil((calmAt - checkedAt) / checkEveryMs));
  return Math.max(0, checkedAt + checks * checkEveryMs - now());
}

/** Failures of the time just past. One that is exactly as old has left it. */
function recentOf({ recent, now }: DegradationContext, ms: number): readonly AgentFailure[] {
  const after = now() - ms;
  return recent.filter(({ at }) => at > after);
}
