/** What users call to work with groups: create, get, list, start, say, history, end, delete. */
import { group } from '../../actors/group.ts';
import { session } from '../../actors/session.ts';
import type { GroupEntry, GroupInput } from '../../machines/group.ts';
import { ROOT, toAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { StateView } from '../actor/define.ts';
import { TroupeError } from '../errors.ts';
import type { Json } from '../state/json.ts';
import type { ListQuery, LogQuery, Page } from '../store/queries.ts';
import type { ActorSummary } from '../store/store.ts';
import { checkHistory, checkList, checkOptions, checkText } from '../sessions/checks.ts';
import { unlessOver } from '../sessions/over.ts';
import { assertExists } from '../system/existing.ts';
import { readHistory } from '../system/history.ts';
import type { HistoryEntry } from '../system/history.ts';
import type { ActorRef, SendOptions } from '../system/ref.ts';
import type { System } from '../system/system.ts';
import { assertIsMember, assertSize, checkCreate, checkShared, toInput } from './checks.ts';

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

/** Which groups to list. */
export interface GroupFilter extends Omit<ListQuery, 'type' | 'meta' | 'parent'> {
  /** Only those of this session. */
  readonly session?: string;
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
  /** Adds a message from outside the circle. @throws {TroupeError} ERR_OPTIONS_INVALID, and what `ref.send` throws */
  say(text: string, options: { readonly author: string; readonly id?: string }): Promise<void>;
  /** Merges into what the members share. @throws {TroupeError} ERR_INPUT_INVALID, and what `ref.send` throws */
  share(shared: Readonly<Record<string, Json>>): Promise<void>;
  /** Adds a member at the end of the circle. @throws {TroupeError} ERR_INPUT_INVALID, ERR_GROUP_SIZE, and what `ref.send` throws */
  add(member: NewMember): Promise<void>;
  /**
   * Takes a member out; it is stopped right after this resolves, not before.
   * @param address as in `snapshot().context.members`
   * @throws {TroupeError} ERR_INPUT_INVALID when it is no member, ERR_GROUP_SIZE, and what `ref.send` throws.
   */
  remove(address: string): Promise<void>;
  snapshot(): Promise<StateView<typeof group>>;
  watch(): AsyncGenerator<StateView<typeof group>, void, undefined>;
  /** What was said, by pages, oldest first. @throws {TroupeError} ERR_OPTIONS_INVALID */
  history(query?: LogQuery): Promise<readonly HistoryEntry<GroupEntry>[]>;
  /** Ends the conversation; its history stays. Its members end right after this resolves, not before. */
  end(): Promise<void>;
  /** Ends the group and removes it. Its members go right after this resolves, not before. */
  delete(): Promise<void>;
}

const DEFAULT_ROUNDS = 10;

export class Groups {
  readonly #system: System;

  constructor(system: System) {
    this.#system = system;
  }

  /**
   * Creates a group and its members. With an id that exists the group is returned as it is; with one that exists outside the
   * session it is refused.
   * @throws {TroupeError} ERR_GROUP_SIZE, ERR_OPTIONS_INVALID, ERR_INPUT_INVALID, ERR_ADDRESS, ERR_SESSION_NOT_FOUND,
   * ERR_SESSION_EXPIRED, ERR_ACTOR_STOPPED when the session was ended.
   */
  async create(options: CreateGroup): Promise<Group> {
    checkCreate(options);
    const { id = this.#system.newId(), topic = '', members, shared = {}, maxRounds = DEFAULT_ROUNDS } = options;
    assertSize(members.length);
    const input = {
      topic,
      shared,
      maxRounds,
      members: members.map((member, i) => toInput(member, `${id}:${i + 1}`)),
      ...(options.turnDeadlineMs !== undefined && { turnDeadlineMs: options.turnDeadlineMs }),
    };
    const made = this.#system.actor(group, id, input);
    // Without the input: what is said to a group that was removed must not make it anew.
    const ref = this.#system.actor(group, id);
    if (options.session === undefined) await made.snapshot();
    else await this.#createIn(options.session, id, input);
    return this.#open(id, ref);
  }

  /** @throws {TroupeError} ERR_GROUP_NOT_FOUND when there is none with this id. */
  async get(id: string): Promise<Group> {
    const ref = this.#system.actor(group, id);
    await assertExists(ref, 'ERR_GROUP_NOT_FOUND', id);
    return this.#open(id, ref);
  }

  /** Groups by pages, newest first. @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_ADDRESS */
  async list(filter: GroupFilter = {}): Promise<Page<GroupSummary>> {
    checkList('groups.list', filter, ['session']);
    const { session: sessionId, ...query } = filter;
    const parent = sessionId === undefined ? {} : { parent: toAddress(session.type, sessionId) };
    const page = await this.#system.list({ ...query, ...parent, type: group.type });
    return { ...page, items: page.items.map(summarize) };
  }

  /** Ends a group and removes it. Does nothing when there is none. Its members go right after this resolves, not before. */
  async delete(id: string): Promise<void> {
    await this.#system.remove(toAddress(group.type, id));
  }

  /** The session spawns the group and becomes its parent; once that is durable, whoever looks for the group makes it. */
  async #createIn(sessionId: string, id: string, input: Omit<GroupInput, 'turnDeadlineMs'>): Promise<void> {
    const { ref } = await this.#system.sessions.get(sessionId);
    if (await this.#isIn(ref.address, id)) return;
    const opening = ref.send({ type: 'GROUP.OPEN', key: id, input: input as unknown as Json });
    await unlessOver(sessionId, opening);
    await this.#system.actor(group, id).snapshot();
    // Another may have taken the id meanwhile.
    await this.#isIn(ref.address, id);
  }

  /** Whether the group exists. One that belongs elsewhere stays there. */
  async #isIn(parent: Address, id: string): Promise<boolean> {
    const stored = await this.#system.store.call('load', toAddress(group.type, id));
    if (stored === undefined || stored.parent === parent) return stored !== undefined;
    const place = stored.parent === ROOT ? 'by itself' : `in '${stored.parent}'`;
    throw new TroupeError(
      'ERR_OPTIONS_INVALID',
      `Group '${id}' cannot be created in '${parent}': it exists ${place}. Choose another id, or delete that group first.`,
      { details: { option: 'id', value: id, parent: stored.parent } },
    );
  }

  #open(id: string, ref: ActorRef<typeof group>): Group {
    return {
      id,
      ref,
      start: (startOptions = {}) => ref.send({ type: 'START' }, startOptions),
      say: (text, options) => say(ref, text, options),
      share: async (shared) => {
        checkShared(shared);
        await ref.send({ type: 'SHARE', shared: { ...shared } });
      },
      add: (member) => this.#add(ref, id, member),
      remove: (address) => this.#removeMember(ref, address),
      snapshot: () => ref.snapshot(),
      watch: () => ref.watch(),
      history: async (query = {}) => {
        checkHistory(query);
        return readHistory<GroupEntry>(this.#system, ref.address, query);
      },
      end: () => ref.send({ type: 'END' }),
      delete: () => this.delete(id),
    };
  }

  async #add(ref: ActorRef<typeof group>, id: string, member: NewMember): Promise<void> {
    const added = toInput(member, `${id}:${this.#system.newId()}`);
    const { context } = await ref.snapshot();
    assertSize(context.members.length + 1);
    await ref.send({ type: 'MEMBER.ADD', member: added });
  }

  async #removeMember(ref: ActorRef<typeof group>, address: string): Promise<void> {
    const { context } = await ref.snapshot();
    assertIsMember(ref.address, context.members, address);
    assertSize(context.members.length - 1);
    await ref.send({ type: 'MEMBER.REMOVE', address });
  }
}

async function say(
  ref: ActorRef<typeof group>,
  text: string,
  options: { readonly author: string; readonly id?: string },
): Promise<void> {
  checkOptions('say', options, ['author', 'id'], "an object such as { author: 'host' }");
  const { author, id } = options;
  checkText('say', 'author', author);
  await ref.send({ type: 'SAY', text, author }, id === undefined ? {} : { id });
}

function summarize({ address, meta, status, createdAt, updatedAt }: ActorSummary): GroupSummary {
  const { topic = '', members = 0 } = JSON.parse(meta) as { topic?: string; members?: number };
  return { id: address.slice(address.indexOf('/') + 1), topic, members, status, createdAt, updatedAt };
}
