/**
 * An agent, as a pure machine: takes turns one after the other, works on each with one of its skills, reports to its group. A
 * group gives a member a new turn only when it no longer waits for the former one, so that one is given up: at most one turn
 * of each group is kept.
 */
import { assign, emit, setup } from 'xstate';
import { tell } from '../src/actor/effects.ts';
import type { Effect } from '../src/actor/effects.ts';
import { fromEffect } from '../src/actor/from-effect.ts';
import type { Json } from '../src/state/json.ts';

export interface AgentInput {
  readonly name: string;
  /** Skill this agent uses when a turn asks for none. */
  readonly skill: string;
}

/** A turn of a group, given to one member. */
export interface Turn {
  readonly group: string;
  readonly turn: number;
  readonly round: number;
  /** What all members share. */
  readonly shared: Readonly<Record<string, Json>>;
}

/** What a skill makes of a turn. */
export interface TurnResult {
  /** What the agent says. */
  readonly text: string;
  /** Merged into what the group shares. */
  readonly shared?: Readonly<Record<string, Json>>;
  /** True when the group has reached its aim. */
  readonly isOver?: boolean;
}

export interface AgentContext extends AgentInput {
  /** Turns waiting, one of a group; the first is being worked on. */
  readonly queue: readonly Turn[];
  readonly turns: number;
}

export type AgentEvent = { readonly type: 'TURN' } & Turn;

/** Input of the effect function that runs a skill. */
export interface SkillInput {
  readonly skill: string;
  readonly name: string;
  readonly turn: Turn;
}

const agentSetup = setup({
  types: {
    context: {} as AgentContext,
    events: {} as AgentEvent,
    input: {} as AgentInput,
    emitted: {} as Effect,
  },
  actors: {
    // Definitions provide the skills; the bare machine knows none.
    useSkill: fromEffect<TurnResult, SkillInput>(({ input }) => {
      throw new Error(`No skill '${input.skill}' was provided.`);
    }),
  },
  guards: {
    hasTurn: ({ context }) => context.queue.length > 0,
    isOvertaken: ({ context, event }) => context.queue[0]?.group === event.group,
  },
});

const keepTurn = agentSetup.assign(({ context, event: { type: _type, ...turn } }) => ({
  queue: [...context.queue.filter(({ group }) => group !== turn.group), turn],
}));

export const agentMachine = agentSetup.createMachine({
  id: 'agent',
  context: ({ input }) => ({ ...input, queue: [], turns: 0 }),
  on: { TURN: { actions: keepTurn } },
  initial: 'idle',
  states: {
    idle: {
      always: { guard: 'hasTurn', target: 'working' },
    },
    working: {
      on: { TURN: { guard: 'isOvertaken', target: 'idle', actions: keepTurn } },
      invoke: {
        id: 'skill',
        src: 'useSkill',
        input: ({ context }) => ({ skill: context.skill, name: context.name, turn: context.queue[0] as Turn }),
        onDone: {
          target: 'idle',
          actions: [
            emit(({ context, event, self }) => {
              const turn = context.queue[0] as Turn;
              return tell(turn.group, { type: 'TURN.DONE', member: self.id, turn: turn.turn, ...event.output } as {
                type: string;
              });
            }),
            assign({ queue: ({ context }) => context.queue.slice(1), turns: ({ context }) => context.turns + 1 }),
          ],
        },
        onError: {
          target: 'idle',
          actions: [
            emit(({ context, event, self }) => {
              const turn = context.queue[0] as Turn;
              const message = event.error instanceof Error ? event.error.message : String(event.error);
              return tell(turn.group, { type: 'TURN.FAILED', member: self.id, turn: turn.turn, message } as {
                type: string;
              });
            }),
            assign({ queue: ({ context }) => context.queue.slice(1) }),
          ],
        },
      },
    },
  },
});
