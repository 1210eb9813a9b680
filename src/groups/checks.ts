/** Checks of what users pass to groups. Messages name the part, what was given, and what is allowed. */
import { MAX_MEMBERS, MIN_MEMBERS } from '../../machines/group.ts';
import type { Member, MemberInput } from '../../machines/group.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import { checkOptions, isRecord, wrong } from '../sessions/checks.ts';
import type { CreateGroup, NewMember } from './groups.ts';

const CREATE_KEYS = ['id', 'session', 'topic', 'members', 'shared', 'maxRounds', 'turnDeadlineMs'];
const MEMBER_KEYS = ['agent', 'name', 'skill'];
const MEMBER_EXAMPLE = "an object such as { agent, name: 'Ada', skill: 'echo' }";

/**
 * Checks the options of a new group, except for what the schema of its input checks.
 * @throws {TroupeError} ERR_OPTIONS_INVALID.
 */
export function checkCreate(options: CreateGroup): void {
  checkOptions('groups.create', options, CREATE_KEYS, 'an object such as { members: [ada, bob] }');
  const { members } = options;
  if (!Array.isArray(members)) throw wrong('groups.create', 'members', members, 'Pass a list of members');
}

/**
 * What a member is made from.
 * @throws {TroupeError} ERR_INPUT_INVALID when it is not one.
 */
export function toInput(member: NewMember, key: string): MemberInput {
  if (!isRecord(member))
    throw invalid('member', `A member of a group is ${describeValue(member)}. Pass ${MEMBER_EXAMPLE}.`);
  const unknown = Object.keys(member).find((part) => !MEMBER_KEYS.includes(part));
  if (unknown !== undefined)
    throw invalid(unknown, `A member of a group has an unknown part '${unknown}'. Known: ${MEMBER_KEYS.join(', ')}.`);
  const { agent, name, skill } = member;
  if (typeof (agent as NewMember['agent'] | undefined)?.type !== 'string')
    throw invalid('agent', `The agent of a member is ${describeValue(agent)}. Pass what defineAgent() returns.`);
  for (const [part, value] of Object.entries({ name, skill })) checkPart(part, value);
  return { type: agent.type, key, name, skill };
}

/**
 * Checks what is to be merged into what members share.
 * @throws {TroupeError} ERR_INPUT_INVALID.
 */
export function checkShared(shared: unknown): void {
  if (isRecord(shared)) return;
  throw invalid('shared', `share() was given ${describeValue(shared)}. Pass an object such as { topic: 'tea' }.`);
}

/**
 * Checks that an address is one of a member.
 * @throws {TroupeError} ERR_INPUT_INVALID.
 */
export function assertIsMember(group: string, members: readonly Member[], address: unknown): void {
  if (members.some((member) => member.address === address)) return;
  const known = members.map((member) => member.address).join(', ');
  throw invalid('address', `No member of '${group}' has the address ${describeValue(address)}. Use one of ${known}.`);
}

/**
 * Checks the number of members.
 * @throws {TroupeError} ERR_GROUP_SIZE.
 */
export function assertSize(members: number): void {
  if (members >= MIN_MEMBERS && members <= MAX_MEMBERS) return;
  throw new TroupeError(
    'ERR_GROUP_SIZE',
    `A group has ${MIN_MEMBERS} to ${MAX_MEMBERS} members, not ${members}. Change the list of members.`,
    { details: { members } },
  );
}

function checkPart(part: string, value: unknown): void {
  if (typeof value === 'string' && value.length > 0 && value.length <= 256) return;
  throw invalid(part, `The ${part} of a member is ${describeValue(value)}. Use a string of 1 to 256 characters.`);
}

function invalid(path: string, message: string): TroupeError {
  return new TroupeError('ERR_INPUT_INVALID', message, { details: { path } });
}
