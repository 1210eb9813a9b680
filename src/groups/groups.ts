/** What users call to work with groups: create, get, list, start, say, history, end, delete. */
import { group } from '../../actors/group.ts';
import { session } from '../../actors/session.ts';
import { MAX_MEMBERS, MIN_MEMBERS } from '../../machines/group.ts';
import type { GroupEntry, MemberInput } from '../../machines/group.ts';
import { toAddress } from '../actor/address.ts';
import type { StateView } from '../actor/define.ts';
import { TroupeError } from '../errors.ts';
import type { Json } from '../state/json.ts';
import type { ActorSummary, ListQuery, LogQuery, Page } from '../store/store.ts';
import { unlessOver } from '../sessions/over.ts';
import { assertExists } from '../system/existing.ts';
import { readHistory } from '../system/history.ts';
import type { HistoryEntry } from '../system/history.ts';
import type { ActorRef, SendOptions } from '../system/ref.ts';
import type { System } from '../system/system.ts';

/** A member to be made: which kind of agent, under which name, with which skill. */
export interface NewMember {
  readonly agent: { readonly type: string };
  readonly name: string;
  readonly skill: string;
}

export interface CreateGroup {
  /** Id of the group. @default a new UUID */
  readonly id?: string;
  /** Session the group belongs to; it ends with it. @default none: the group stands by itself */
  readonly session?: string;
  /** @default '' */
  readonly topic?: string;
  /** 2 to 10. They speak in this order. */
  readonly members: readonly NewMember[];
  /** What all members share at the start. @default {} */
  readonly shared?: Readonly<Record<string, Json>>;
  /** Rounds after which the group rests. 1 to 1,000,000. @default 10 */
  readonly maxRounds?: number;
  /**
   * Time a member has to answer, in milliseconds, counted from when its turn begins; after that the next one speaks. Time
   * during which the system is down does not count. 1 to 86,400,000. @default 30000
   */
  readonly turnDeadlineMs?: number;
}

export interface GroupSummary {
  readonly id: string;
  readonly topic: string;
  readonly members: number;
  readonly status: ActorSummary['status'];
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One group conversation. */
export interface Group {
  readonly id: string;
  readonly ref: ActorRef<typeof group>;
  /** Lets the members speak, round-robin, until one says that the aim is reached, the rounds are over, or nobody answers. */
  start(options?: SendOptions): Promise<void>;
  /** Adds a message from outside the circle. */
  say(text: string, options: { readonly author: string; readonly id?: string }): Promise<void>;
  /** Merges into what the members share. */
  share(shared: Readonly<Record<string, Json>>): Promise<void>;
  /** Adds a member at the end of the circle. */
  add(member: NewMember): Promise<void>;
  /** Takes a member out and stops it. @param address as in `snapshot().context.members` */
  remove(address: string): Promise<void>;
  snapshot(): Promise<StateView<typeof group>>;
  watch(): AsyncGenerator<StateView<typeof group>, void, undefined>;
  /** What was said, by pages, oldest first. */
  history(query?: LogQuery): Promise<readonly HistoryEntry<GroupEntry>[]>;
  /** Ends the conversation and its members; its history stays. */
  end(): Promise<void>;
  /** Ends the group and removes it with its members. */
  delete(): Promise<void>;
}

const DEFAULT_ROUNDS = 10;

export class Groups {
  readonly #system: System;

  constructor(system: System) {
    this.#system = system;
  }

  /**
   * Creates a group and its members. With an id that exists the group is returned as it is.
   * @throws {TroupeError} ERR_GROUP_SIZE, ERR_INPUT_INVALID, ERR_ADDRESS, ERR_SESSION_NOT_FOUND, ERR_SESSION_EXPIRED.
   */
  async create(options: CreateGroup): Promise<Group> {
    const { id = this.#system.newId(), topic = '', members, shared = {}, maxRounds = DEFAULT_ROUNDS } = options;
    assertSize(members.length);
    const input = {
      topic,
      shared,
      maxRounds,
      members: members.map((member, i) => toInput(member, `${id}:${i + 1}`)),
      ...(options.turnDeadlineMs !== undefined && { turnDeadlineMs: options.turnDeadlineMs }),
    };
    const ref = this.#system.actor(group, id, input);
    if (options.session !== undefined) await this.#openIn(options.session, id, input);
    await ref.snapshot();
    // Without the input: what is said to a group that was removed must not make it anew.
    return this.#open(id, this.#system.actor(group, id));
  }

  /** @throws {TroupeError} ERR_GROUP_NOT_FOUND when there is none with this id. */
  async get(id: string): Promise<Group> {
    const ref = this.#system.actor(group, id);
    await assertExists(ref, 'ERR_GROUP_NOT_FOUND', id);
    return this.#open(id, ref);
  }

  /** Groups by pages, newest first; with `session`, those of one session. */
  async list({
    session: sessionId,
    ...query
  }: Omit<ListQuery, 'type' | 'meta' | 'parent'> & { readonly session?: string } = {}): Promise<Page<GroupSummary>> {
    const parent = sessionId === undefined ? {} : { parent: toAddress(session.type, sessionId) };
    const page = await this.#system.list({ ...query, ...parent, type: group.type });
    return { ...page, items: page.items.map(summarize) };
  }

  /** Ends a group and removes it with its members. Does nothing when there is none. */
  async delete(id: string): Promise<void> {
    await this.#system.remove(toAddress(group.type, id));
  }

  /** The session spawns the group and becomes its parent; the row is durable before anyone looks for the group. */
  async #openIn(sessionId: string, key: string, input: object): Promise<void> {
    const { ref } = await this.#system.sessions.get(sessionId);
    const opening = ref.send({ type: 'GROUP.OPEN', key, input: input as Json }, { id: `group-open:${key}` });
    await unlessOver(sessionId, opening);
  }

  #open(id: string, ref: ActorRef<typeof group>): Group {
    return {
      id,
      ref,
      start: (startOptions = {}) => ref.send({ type: 'START' }, startOptions),
      say: (text, { author, id: messageId }) =>
        ref.send({ type: 'SAY', text, author }, messageId === undefined ? {} : { id: messageId }),
      share: (shared) => ref.send({ type: 'SHARE', shared: { ...shared } }),
      add: (member) => this.#add(ref, id, member),
      remove: (address) => this.#removeMember(ref, address),
      snapshot: () => ref.snapshot(),
      watch: () => ref.watch(),
      history: (query = {}) => readHistory<GroupEntry>(this.#system, ref.address, query),
      end: () => ref.send({ type: 'END' }),
      delete: () => this.delete(id),
    };
  }

  async #add(ref: ActorRef<typeof group>, id: string, member: NewMember): Promise<void> {
    const { context } = await ref.snapshot();
    assertSize(context.members.length + 1);
    await ref.send({ type: 'MEMBER.ADD', member: toInput(member, `${id}:${this.#system.newId()}`) });
  }

  async #removeMember(ref: ActorRef<typeof group>, address: string): Promise<void> {
    const { context } = await ref.snapshot();
    assertSize(context.members.length - 1);
    await ref.send({ type: 'MEMBER.REMOVE', address });
  }
}

function toInput({ agent, name, skill }: NewMember, key: string): MemberInput {
  return { type: agent.type, key, name, skill };
}

function assertSize(members: number): void {
  if (members >= MIN_MEMBERS && members <= MAX_MEMBERS) return;
  throw new TroupeError(
    'ERR_GROUP_SIZE',
    `A group has ${MIN_MEMBERS} to ${MAX_MEMBERS} members, not ${members}. Change the list of members.`,
    {
      details: { members },
    },
  );
}

function summarize({ address, meta, status, createdAt, updatedAt }: ActorSummary): GroupSummary {
  const { topic = '', members = 0 } = JSON.parse(meta) as { topic?: string; members?: number };
  return { id: address.slice(address.indexOf('/') + 1), topic, members, status, createdAt, updatedAt };
}
