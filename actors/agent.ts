/** Agents: a behaviour with named skills as code. Language models come behind the same port: a skill that calls one. */
import { z } from 'zod';
import { agentMachine } from '../machines/agent.ts';
import type { SkillInput, Turn, TurnResult } from '../machines/agent.ts';
import { defineActor } from '../src/actor/define.ts';
import type { HistoryPolicy, SupervisePolicy } from '../src/actor/define.ts';
import type { EffectArgs } from '../src/actor/from-effect.ts';
import { fromEffect } from '../src/actor/from-effect.ts';
import type { Migrations } from '../src/state/migrate.ts';
import { TroupeError } from '../src/errors.ts';
import { metadataSchema } from './schemas.ts';

/** What a skill gets: the turn, who speaks, and what every effect function gets. */
export interface SkillArgs extends Omit<EffectArgs<SkillInput>, 'input'> {
  readonly turn: Turn;
  readonly name: string;
}

/** Something an agent can do: works on a turn and says what came of it. Runs again under the same key after a crash. */
export type Skill = (args: SkillArgs) => Promise<TurnResult> | TurnResult;

const turnSchema = z.object({
  group: z.string(),
  turn: z.int(),
  round: z.int(),
  shared: metadataSchema,
});

/** Makes a kind of agent out of its skills. Export it from a definitions module. */
export function defineAgent(
  type: string,
  behaviour: {
    readonly version?: number;
    readonly skills: Readonly<Record<string, Skill>>;
    readonly supervise?: SupervisePolicy;
    /** @default { keep: 1000 } */
    readonly history?: HistoryPolicy | false;
    readonly migrate?: Migrations;
  },
) {
  const { skills, version = 1, supervise = {}, history = { keep: 1000 }, migrate = {} } = behaviour;
  const machine = agentMachine.provide({
    actors: {
      useSkill: fromEffect<TurnResult, SkillInput>(({ input: { skill, name, turn }, ...args }) =>
        findSkill(type, skills, skill)({ ...args, turn, name }),
      ),
    },
  });
  return defineActor(type, machine, {
    version,
    role: 'agent',
    supervise,
    history,
    migrate,
    input: z.object({ name: z.string().min(1).max(256), skill: z.string().min(1).max(256) }),
    events: { TURN: turnSchema },
    meta: ({ name, skill }) => ({ name, skill }),
  });
}

/** The built-in agent: repeats the group's topic of talk. Useful to try groups out. */
export const agent = defineAgent('agent', {
  skills: { echo: ({ name, turn }) => ({ text: `${name} has turn ${turn.turn}.` }) },
});

function findSkill(type: string, skills: Readonly<Record<string, Skill>>, skill: string): Skill {
  const found = Object.hasOwn(skills, skill) ? skills[skill] : undefined;
  if (found) return found;
  throw new TroupeError(
    'ERR_SKILL_UNKNOWN',
    `Agents of type '${type}' have no skill '${skill}' (skills: ${Object.keys(skills).join(', ') || 'none'}). Add it in defineAgent.`,
    { details: { type, skill } },
  );
}
