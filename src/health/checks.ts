/** Checks of what users pass to `system.health`. Messages name the agent, the option, what was given, and what is allowed. */
import { isKey, parseAddress } from '../actor/address.ts';
import { checkKeys } from '../bus/checks.ts';
import type { AgentPolicy } from '../bus/policies.ts';
import { parsePattern } from '../bus/subjects.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import { REPLAY_POLICIES } from '../bus/bus.ts';
import type { ReplayPolicy } from '../bus/bus.ts';
import type { AgentFunctions, AgentOptions, AgentRecord, RecoveryStrategy } from './agent.ts';

const OPTION_KEYS = [
  'strategy',
  'heartbeatMs',
  'missedBeats',
  'zombieAfterMs',
  'maxAttempts',
  'topics',
  'replay',
  'recover',
  'replaceWith',
  'deliver',
];
const FUNCTIONS = ['recover', 'replaceWith', 'deliver'] as const;
const MAX_TOPICS = 32;
const MAX_NAME_CHARS = 256;

const DEFAULTS = {
  strategy: 'restart',
  heartbeatMs: 2000,
  missedBeats: 2,
  zombieAfterMs: 60_000,
  maxAttempts: 10,
  topics: [],
  replay: 'critical-only',
} as const satisfies Omit<AgentRecord, 'agent'>;

/**
 * Checks the name of an agent: the address of an actor, or the id of an external agent.
 * @throws {TroupeError} ERR_ADDRESS.
 */
export function checkAgent(agent: unknown): string {
  if (typeof agent === 'string' && agent.includes('/')) return parseAddress(agent).address;
  if (typeof agent === 'string' && isKey(agent)) return agent;
  throw new TroupeError(
    'ERR_ADDRESS',
    `The agent is ${describeValue(agent)}, neither the address of an actor nor an id. Write 'type/key' for an actor; for an external agent use 1 to 128 characters of A-Z a-z 0-9 _ : - that start with a letter or digit.`,
    { details: { agent: String(agent).slice(0, 256) } },
  );
}

/**
 * Checks what an agent is registered with. What is left out is as it was kept, or the default. Its place is none of that.
 * @param policy what the settings of the bus say of it: counts less than what is given, more than what was kept
 * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_TOPIC_INVALID.
 */
export function checkRegistration(
  agent: string,
  options: AgentOptions,
  kept: AgentRecord | undefined,
  policy: AgentPolicy = {},
): { readonly record: AgentRecord; readonly functions: AgentFunctions } {
  checkKeys('health.register', options, OPTION_KEYS);
  if (agent.includes('/')) assertForActor(agent, options);
  const before = kept ?? { agent, ...DEFAULTS };
  const record: AgentRecord = {
    agent,
    strategy: checkStrategy(agent, options.strategy ?? before.strategy),
    heartbeatMs: checkWhole(agent, 'heartbeatMs', options.heartbeatMs, before.heartbeatMs, [100, 3_600_000]),
    missedBeats: checkWhole(agent, 'missedBeats', options.missedBeats, before.missedBeats, [1, 100]),
    zombieAfterMs: checkZombie(agent, options.zombieAfterMs, before.zombieAfterMs),
    maxAttempts: checkWhole(agent, 'maxAttempts', options.maxAttempts, before.maxAttempts, [1, 1000]),
    topics: options.topics === undefined ? before.topics : checkTopics(agent, options.topics),
    replay: checkReplay(agent, options.replay ?? policy.replay ?? before.replay),
  };
  const functions = checkFunctions(agent, options);
  assertCanRecover(agent, record.strategy, functions);
  assertCanDeliver(agent, record, functions);
  return { record, functions };
}

/**
 * Checks a strategy.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkStrategy(agent: string, value: unknown): RecoveryStrategy {
  if (value === 'restart' || value === 'alert') return value;
  const substitute = (value as { readonly replace?: unknown } | null | undefined)?.replace;
  if (typeof value === 'object' && typeof substitute === 'string') {
    if (substitute.length > 0 && substitute.length <= MAX_NAME_CHARS) return { replace: substitute };
  }
  throw wrong(agent, 'strategy', value, "Use 'restart', 'alert' or { replace: 'name of the substitute' }");
}

/**
 * Checks what an agent did.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkActivity(agent: string, type: unknown): string {
  if (typeof type === 'string' && type.length > 0 && type.length <= MAX_NAME_CHARS) return type;
  throw invalid(
    agent,
    'type',
    `The activity of agent '${agent}' is ${describeValue(type)}. Use a string of 1 to ${MAX_NAME_CHARS} characters: recordActivity('${agent}', 'task.done').`,
  );
}

/** What is said of a heartbeat for an actor. */
export function noHeartbeats(agent: string): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The agent ${describeValue(agent)} is an actor, which has no heartbeats: the system knows itself how it is. Leave heartbeat() to external agents.`,
    { details: { agent } },
  );
}

/**
 * Refuses a strategy that nothing could carry out.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function assertCanRecover(agent: string, strategy: RecoveryStrategy, functions: AgentFunctions): void {
  const isActor = agent.includes('/');
  if (strategy === 'restart' && !isActor && !functions.recover)
    throw missing(agent, 'recover', "strategy 'restart' of an external agent needs a function that starts it anew", {
      next: "Pass recover: (attempt) => …, or strategy: 'alert'",
    });
  if (typeof strategy !== 'object' || functions.replaceWith) return;
  const own = isActor ? ', or let its supervision do it: supervise: { onFailure: replace(…) } in its definition' : '';
  throw missing(agent, 'replaceWith', 'strategy { replace } needs a function that puts the substitute in its place', {
    next: `Pass replaceWith: (substitute) => …${own}`,
  });
}

function assertCanDeliver(agent: string, { topics, replay }: AgentRecord, functions: AgentFunctions): void {
  if (topics.length === 0 || replay === 'none' || functions.deliver) return;
  throw missing(agent, 'deliver', 'topics need a function that takes what the agent missed on them', {
    next: "Pass deliver: (event) => …, or replay: 'none'",
  });
}

/** Heartbeats and starting anew are the runtime's own affair with an actor. */
function assertForActor(agent: string, options: AgentOptions): void {
  const given = (['heartbeatMs', 'missedBeats', 'recover'] as const).find((key) => options[key] !== undefined);
  if (given === undefined) return;
  throw invalid(
    agent,
    given,
    `Option '${given}' of health.register('${agent}') is for external agents: an actor sends no heartbeats, and the system itself starts it anew. Leave it out.`,
  );
}

function checkFunctions(agent: string, options: AgentOptions): AgentFunctions {
  const wrongOne = FUNCTIONS.find((name) => options[name] !== undefined && typeof options[name] !== 'function');
  if (wrongOne) throw wrong(agent, wrongOne, options[wrongOne], 'Pass a function, or leave it out');
  const { recover, replaceWith, deliver } = options;
  return { ...(recover && { recover }), ...(replaceWith && { replaceWith }), ...(deliver && { deliver }) };
}

function checkZombie(agent: string, value: unknown, before: number): number {
  if (value === false) return 0;
  if (value === undefined) return before;
  return checkWhole(agent, 'zombieAfterMs', value, before, [1000, 86_400_000], ', or false');
}

function checkReplay(agent: string, value: unknown): ReplayPolicy {
  const found = REPLAY_POLICIES.find((policy) => policy === value);
  if (found) return found;
  throw wrong(agent, 'replay', value, `Use one of ${REPLAY_POLICIES.map((policy) => `'${policy}'`).join(', ')}`);
}

function checkTopics(agent: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.length <= MAX_TOPICS) return value.map((pattern) => parsePattern(pattern));
  const given = Array.isArray(value) ? `a list of ${value.length}` : undefined;
  throw wrong(agent, 'topics', value, `Use a list of at most ${MAX_TOPICS} patterns, such as ['task.*']`, given);
}

function checkWhole(
  agent: string,
  option: string,
  value: unknown,
  before: number,
  [least, most]: readonly [number, number],
  or = '',
): number {
  if (value === undefined) return before;
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw wrong(agent, option, value, `Use a whole number from ${least} to ${most}${or}`);
}

function wrong(agent: string, option: string, value: unknown, next: string, given = describeValue(value)): TroupeError {
  return invalid(agent, option, `Option '${option}' of health.register('${agent}') is ${given}. ${next}.`);
}

function missing(agent: string, option: string, why: string, { next }: { readonly next: string }): TroupeError {
  return invalid(agent, option, `Option '${option}' of health.register('${agent}') is missing: ${why}. ${next}.`);
}

function invalid(agent: string, option: string, message: string): TroupeError {
  return new TroupeError('ERR_OPTIONS_INVALID', message, { details: { agent, option } });
}
