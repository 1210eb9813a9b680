/** What users call to work with sessions: create, get, list, say, history, delete, sweep. */
import { session } from '../../actors/session.ts';
import { LIFECYCLES } from '../../machines/session.ts';
import type { Lifecycle, SessionDescription, SessionMessage } from '../../machines/session.ts';
import { isTroupeError } from '../errors.ts';
import type { InputOf, StateView } from '../actor/define.ts';
import { toAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { ListQuery, LogQuery, Page } from '../store/queries.ts';
import type { ActorSummary } from '../store/store.ts';
import { assertExists } from '../system/existing.ts';
import { readHistory } from '../system/history.ts';
import type { HistoryEntry } from '../system/history.ts';
import type { ActorRef } from '../system/ref.ts';
import type { System } from '../system/system.ts';
import { createSessionAgents } from './agents.ts';
import type { SessionAgents } from './agents.ts';
import { checkCount, checkHistory, checkList, checkOneOf, checkOptions, checkText } from './checks.ts';
import { toMetaFilter } from './metadata.ts';
import { unlessOver } from './over.ts';
import { exportSessions } from './transfer/export.ts';
import { importSessions } from './transfer/import.ts';
import type { ImportOptions, ImportResult } from './transfer/import.ts';
import { readStats } from './stats.ts';
import type { SessionStats } from './stats.ts';

/** Who the session is for, and what is known of it. */
export type CreateSession = InputOf<typeof session> & {
  /** Id of the session. @default a new UUID */
  readonly id?: string;
};

/** Which sessions to list. */
export interface SessionFilter extends Omit<ListQuery, 'type' | 'meta' | 'parent' | 'address'> {
  readonly user?: string;
  readonly lifecycle?: Lifecycle;
  /** Equal values of fields of their metadata; the first 32 that are texts of at most 256 characters, numbers or booleans can be found. */
  readonly metadata?: Readonly<Record<string, string | number | boolean>>;
}

export interface SayOptions {
  /** @default 'user' */
  readonly author?: string;
  /** Id of this message: however often it is sent, it is said once. */
  readonly id?: string;
}

export interface TrimOptions {
  /** Messages that stay. */
  readonly keep: number;
}

/** A line of a list of sessions. */
export interface SessionSummary {
  readonly id: string;
  readonly user: string;
  readonly title: string;
  /** Of a session that was ended: where it was then. */
  readonly lifecycle: Lifecycle;
  readonly status: ActorSummary['status'];
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One conversation. */
export interface Session {
  readonly id: string;
  readonly ref: ActorRef<typeof session>;
  /**
   * Adds a message. Resolves when it is durable.
   * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_SESSION_EXPIRED, ERR_SESSION_NOT_FOUND once it was removed,
   * ERR_ACTOR_STOPPED once `end()` was called, and what else `ref.send` throws.
   */
  say(text: string, options?: SayOptions): Promise<void>;
  /** @throws {TroupeError} ERR_SESSION_EXPIRED, ERR_SESSION_NOT_FOUND, ERR_ACTOR_STOPPED, and what else `ref.ask` throws. */
  describe(): Promise<SessionDescription>;
  snapshot(): Promise<StateView<typeof session>>;
  /**
   * Writes what depends on what the session is now, such as its metadata or the state of an agent: `decide` makes an event of what
   * it sees, and is asked again when another write was faster (G18). Resolves with false when it found nothing to do.
   * @throws {TroupeError} ERR_CONFLICT when every try met a change, ERR_SESSION_EXPIRED, ERR_SESSION_NOT_FOUND, and what else `ref.update` throws.
   */
  update(...args: Parameters<ActorRef<typeof session>['update']>): Promise<boolean>;
  /** Messages by pages, oldest first. @throws {TroupeError} ERR_OPTIONS_INVALID */
  history(query?: LogQuery): Promise<readonly HistoryEntry<SessionMessage>[]>;
  /** The last `count` messages, oldest first. @param count 1 to 10,000 @throws {TroupeError} ERR_OPTIONS_INVALID */
  window(count: number): Promise<readonly HistoryEntry<SessionMessage>[]>;
  /**
   * Removes the oldest messages until `keep` are left, 1 to 1,000,000; what is left keeps its numbers. Resolves when that is durable.
   * @throws {TroupeError} ERR_EVENT_INVALID, ERR_SESSION_EXPIRED, ERR_SESSION_NOT_FOUND, and what else `ref.send` throws.
   */
  trim(options: TrimOptions): Promise<void>;
  /** State each agent keeps in this session. */
  readonly agents: SessionAgents;
  /** Ends the session; its history stays. Its groups and agents end right after this resolves, not before. */
  end(): Promise<void>;
  /** Ends the session and removes it. What is below it goes right after this resolves, not before. */
  delete(): Promise<void>;
}

const CREATE_KEYS = ['id', 'user', 'title', 'metadata', 'idleAfterMs', 'expireAfterMs', 'keepMessages'];

/** Expired sessions that are removed at a time. */
const SWEEP_PAGE = 100;

export class Sessions {
  readonly #system: System;

  constructor(system: System) {
    this.#system = system;
  }

  /**
   * Creates a session. With an id that exists the session is returned as it is.
   * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_INPUT_INVALID, ERR_ADDRESS; ERR_DEGRADED for a new session while too many agents fail.
   */
  async create(options: CreateSession): Promise<Session> {
    checkOptions('sessions.create', options, CREATE_KEYS, "an object such as { user: 'ada' }");
    const { id = this.#system.newId(), ...input } = options;
    const created = this.#system.actor(session, id, input);
    if (this.#system.health.mode === 'degraded') await this.#assertKnown(id);
    await created.snapshot();
    // Without the input: what is said to a session that was removed must not make it anew.
    return this.#open(id, this.#system.actor(session, id));
  }

  /** @throws {TroupeError} ERR_SESSION_NOT_FOUND when there is none with this id. */
  async get(id: string): Promise<Session> {
    const ref = this.#system.actor(session, id);
    await assertExists(ref, 'ERR_SESSION_NOT_FOUND', id);
    return this.#open(id, ref);
  }

  /** Sessions by pages, newest first. @throws {TroupeError} ERR_OPTIONS_INVALID */
  async list(filter: SessionFilter = {}): Promise<Page<SessionSummary>> {
    checkList('sessions.list', filter, ['user', 'lifecycle', 'metadata']);
    const { user, lifecycle, metadata, ...query } = filter;
    if (user !== undefined) checkText('sessions.list', 'user', user);
    checkOneOf('sessions.list', 'lifecycle', lifecycle, LIFECYCLES);
    const meta = {
      ...toMetaFilter(metadata),
      ...(user !== undefined && { user }),
      ...(lifecycle !== undefined && { lifecycle }),
    };
    const page = await this.#system.list({ ...query, type: session.type, meta });
    return { ...page, items: page.items.map(summarize) };
  }

  /** Counts of sessions and of what they hold, and how long saves and restores have taken since the system began. */
  async stats(): Promise<SessionStats> {
    return readStats(this.#system);
  }

  /**
   * Writes sessions as lines of JSON, with everything that is below them, while they go on: no more than a page of messages is in
   * memory at a time (G19). Write the lines to a file one after the other; `import` reads them.
   * @param ids which ones; all of them, oldest first, without
   * @throws {TroupeError} ERR_SESSION_NOT_FOUND, ERR_OPTIONS_INVALID, ERR_STATE_CORRUPT; ERR_CONFLICT for a session that changes too fast.
   */
  export(ids?: Iterable<string>): AsyncGenerator<string, void, undefined> {
    return exportSessions(this.#addressesOf(ids), {
      store: this.#system.store,
      now: () => this.#system.core.env.now(),
    });
  }

  /**
   * Takes in what `export` wrote (G19). Everything is checked before anything is written, and each session comes to be whole or not at
   * all: with its messages under their numbers, agents, groups, and what was left of its timers.
   * @param lines each one line, with or without its end
   * @throws {TroupeError} ERR_DATA_CORRUPT, ERR_DATA_TOO_LARGE, ERR_ACTOR_EXISTS, ERR_ACTOR_TYPE_UNKNOWN, ERR_STATE_VERSION, ERR_ADDRESS and
   * others, each with the number of its line; ERR_OPTIONS_INVALID.
   */
  async import(lines: AsyncIterable<string> | Iterable<string>, options: ImportOptions = {}): Promise<ImportResult> {
    checkOptions('sessions.import', options, ['rename', 'overwrite'], '{ overwrite: true }, or nothing');
    return importSessions(lines, this.#system, options);
  }

  async *#addressesOf(ids: Iterable<string> | undefined): AsyncGenerator<Address> {
    if (ids !== undefined) return yield* Array.from(ids, (id) => toAddress(session.type, id));
    let cursor: string | undefined;
    do {
      const from = cursor === undefined ? {} : { cursor };
      const page = await this.#system.list({ type: session.type, order: 'oldest', limit: SWEEP_PAGE, ...from });
      yield* page.items.map(({ address }) => address);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  /**
   * Ends a session and removes it. Does nothing when there is none. What is below it goes right after this resolves, not
   * before.
   */
  async delete(id: string): Promise<void> {
    await this.#system.remove(toAddress(session.type, id));
  }

  /**
   * Removes the sessions that have expired, as `delete` does. Returns how many it found: of two sweeps at the same time, each
   * counts what it saw, so both may count the same session. The system does this regularly (`sessionSweepEveryMs`); what an earlier sweep
   * was cut off from, the next one does. A count above 0 is said on `system.session.swept`.
   */
  async sweep(): Promise<number> {
    let count = 0;
    let cursor: string | undefined;
    do {
      const from = cursor === undefined ? {} : { cursor };
      const page = await this.list({ lifecycle: 'expired', statuses: ['done'], limit: SWEEP_PAGE, ...from });
      const removed = await Promise.all(page.items.map(({ id }) => this.#removeExpired(id)));
      count += removed.filter(Boolean).length;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    if (count > 0) this.#system.announce('system.session.swept', { count });
    return count;
  }

  /** While too many agents fail nothing new is begun. */
  async #assertKnown(id: string): Promise<void> {
    try {
      await this.#system.actor(session, id).snapshot();
    } catch (error) {
      if (isTroupeError(error, 'ERR_ACTOR_NOT_FOUND')) this.#system.assertTakesSessions();
      else throw error;
    }
  }

  /** Looks once more before: since the list was made the session may be gone, and another have taken its id. */
  async #removeExpired(id: string): Promise<boolean> {
    try {
      const { value } = await this.#system.actor(session, id).snapshot();
      if (value !== 'expired') return false;
    } catch (error) {
      if (isTroupeError(error, 'ERR_ACTOR_NOT_FOUND')) return false;
      throw error;
    }
    await this.delete(id);
    return true;
  }

  #open(id: string, ref: ActorRef<typeof session>): Session {
    const read = (query: LogQuery) => readHistory<SessionMessage>(this.#system, ref.address, query);
    return {
      id,
      ref,
      say: (text, options = {}) => unlessOver(id, say(ref, text, options)),
      describe: () => unlessOver(id, ref.ask({ type: 'DESCRIBE' })),
      snapshot: () => ref.snapshot(),
      update: (decide, options) => unlessOver(id, ref.update(decide, options)),
      history: async (query = {}) => {
        checkHistory(query);
        return read(query);
      },
      window: async (count) => {
        checkCount(count);
        return read({ limit: count, direction: 'backward' });
      },
      trim: (options) => unlessOver(id, trim(ref, options)),
      agents: createSessionAgents(id, ref),
      end: () => ref.stop(),
      delete: () => this.delete(id),
    };
  }
}

async function say(ref: ActorRef<typeof session>, text: string, options: SayOptions): Promise<void> {
  checkOptions('say', options, ['author', 'id'], "an object such as { author: 'agent' }, or nothing");
  const { author, id } = options;
  if (author !== undefined) checkText('say', 'author', author);
  await ref.send({ type: 'SAY', text, ...(author !== undefined && { author }) }, id === undefined ? {} : { id });
}

async function trim(ref: ActorRef<typeof session>, options: TrimOptions): Promise<void> {
  checkOptions('trim', options, ['keep'], '{ keep: 100 }');
  await ref.send({ type: 'TRIM', keep: options.keep });
}

function summarize({ address, meta, status, createdAt, updatedAt }: ActorSummary): SessionSummary {
  const { user = '', title = '', lifecycle = 'active' } = JSON.parse(meta) as Partial<SessionSummary>;
  return { id: keyOf(address), user, title, lifecycle, status, createdAt, updatedAt };
}

function keyOf(address: Address): string {
  return address.slice(address.indexOf('/') + 1);
}
