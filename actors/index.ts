/** The built-in definitions, ready to run, and what they are made with. */
export { agent, defineAgent } from './agent.ts';
export type { Skill, SkillArgs } from './agent.ts';
export { group } from './group.ts';
export { session } from './session.ts';
export { versions } from './versions.ts';
