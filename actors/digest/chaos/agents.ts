/** The demo's agents for a run with --chaos: the same work, and what the plan of the run lets go wrong. Every thread loads this module. */
import type { AgentContext, Turn } from '../../../machines/agent.ts';
import { defineAgent } from '../../agent.ts';
import type { Skill, SkillArgs } from '../../agent.ts';
import { toSkill } from '../agents.ts';
import { research, review, write } from '../skills.ts';
import { readWork } from '../work.ts';
import { takeFault } from './marks.ts';
import type { Fault, FaultKind } from './plan.ts';

/** Time an agent may go without a sign of progress, in milliseconds: short, so that nobody waits long to see it noticed. */
const STALL_MS = 600;
/** What is honestly at work says so this often, in milliseconds. */
const PROGRESS_EVERY_MS = 150;
const EXIT_CODE = 70;

export const researcher = defineFaulty('researcher', { research: toSkill(research) });
export const writer = defineFaulty('writer', { write: toSkill(write) });
export const reviewer = defineFaulty('reviewer', { review: toSkill(review) });

function defineFaulty(type: string, skills: Readonly<Record<string, Skill>>) {
  const faulty = Object.entries(skills).map(([name, skill]) => [name, withFaults(skill)]);
  const definition = defineAgent(type, { skills: Object.fromEntries(faulty), supervise: { stallMs: STALL_MS } });
  return { ...definition, machine: definition.machine.provide({ guards: { hasTurn } }) };
}

/** Code of the demo that runs inside the actor's own turn, before anything is committed. */
function hasTurn({ context: { queue } }: { readonly context: AgentContext }): boolean {
  const [turn] = queue;
  if (turn && take(turn, ['throw'])) throw new Error(`chaos: turn ${turn.turn} throws`);
  return turn !== undefined;
}

function withFaults(skill: Skill): Skill {
  return async (args) => {
    const fault = take(args.turn, ['exit', 'hang', 'stall']);
    if (fault) return strike(fault.kind, args);
    const sign = setInterval(args.progress, PROGRESS_EVERY_MS);
    try {
      return await skill(args);
    } finally {
      clearInterval(sign);
    }
  };
}

function strike(kind: FaultKind, { signal }: SkillArgs): Promise<never> {
  if (kind === 'exit') process.exit(EXIT_CODE);
  while (kind === 'hang') Math.random();
  // The runtime gives up on it and aborts; whoever ignored that would stay here for ever.
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
}

function take({ shared, turn }: Turn, kinds: readonly FaultKind[]): Fault | undefined {
  const { chaos } = readWork(shared);
  return chaos ? takeFault(chaos, turn, kinds) : undefined;
}
