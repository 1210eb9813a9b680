/**
 * Values with versions that many write and read: each name is an actor, each version a row of its log. So a version is durable, numbered
 * without gaps, and decided on in one turn; reading takes the store alone.
 */
import { versions } from '../../actors/versions.ts';
import { toAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { TroupeError, isTroupeError } from '../errors.ts';
import { encodeJson } from '../state/json.ts';
import type { Json } from '../state/json.ts';
import type { LogQuery, LogRow } from '../store/queries.ts';
import type { ActorRef } from '../system/ref.ts';
import type { System } from '../system/system.ts';
import { checkBase, checkFollow, checkKeep, checkList, checkPut, checkVersion, tooLarge } from './checks.ts';
import { follow } from './follow.ts';
import type { Following, FollowOptions } from './follow.ts';

/** One version of a value. */
export interface Version {
  /** From 1 on, without gaps. */
  readonly version: number;
  readonly value: Json;
  /** When it was committed, in milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Makes one value of two that came after the same: `base` is what both came after, undefined when that version is not kept any more.
 * May be asked again when yet another write comes first.
 */
export type Merge = (base: Json | undefined, mine: Json, theirs: Json) => Json | Promise<Json>;

/** How to write. */
export interface PutOptions {
  /** The version that the value was made from. May be left out with `last-write-wins`. */
  readonly base?: number;
  /** What happens when that is not the last version any more. @default 'reject' */
  readonly onConflict?: 'reject' | 'last-write-wins' | Merge;
}

/** How to create. */
export interface CreateVersions {
  /** Versions that stay: once there are a quarter more, the oldest go. 1 to 1,000,000. @default 100 */
  readonly keep?: number;
}

const MAX_VALUE_CHARS = 1_000_000;
/** Tries of a write that is merged. */
const MAX_TRIES = 10;

export class Versions {
  readonly #system: System;

  constructor(system: System) {
    this.#system = system;
  }

  /**
   * Creates a value under a name, as version 1.
   * @param name as the key of an address
   * @throws {TroupeError} ERR_ACTOR_EXISTS, ERR_NOT_JSON, ERR_OPTIONS_INVALID, ERR_ADDRESS.
   */
  async create(name: string, value: Json, options: CreateVersions = {}): Promise<Version> {
    checkKeep(options);
    checkValue(name, value);
    const token = this.#system.newId();
    const ref = this.#system.actor(versions, name, { value, token, ...options });
    const { context } = await ref.snapshot();
    if (context.token === token) return this.#first(ref.address, value);
    throw new TroupeError(
      'ERR_ACTOR_EXISTS',
      `There is a value '${name}' already, in version ${context.version}. Write another version with put(), or choose another name.`,
      { details: { name, version: context.version } },
    );
  }

  /**
   * A version, the last one without a number.
   * @throws {TroupeError} ERR_ACTOR_NOT_FOUND, ERR_HISTORY_UNKNOWN for a version that is not kept, ERR_OPTIONS_INVALID, ERR_ADDRESS.
   */
  async get(name: string, version?: number): Promise<Version> {
    checkVersion(version);
    const found = await this.#find(toAddress(versions.type, name), version);
    if (found) return found;
    const last = await this.#find(toAddress(versions.type, name), undefined);
    if (!last) throw notFound(name);
    throw new TroupeError(
      'ERR_HISTORY_UNKNOWN',
      `Version ${version} of '${name}' is not kept; the last is ${last.version}. List what is kept with versions.list('${name}').`,
      { details: { name, version, last: last.version } },
    );
  }

  /** Versions that are kept, by pages, oldest first. @throws {TroupeError} ERR_ACTOR_NOT_FOUND, ERR_OPTIONS_INVALID, ERR_ADDRESS. */
  async list(name: string, query: LogQuery = {}): Promise<readonly Version[]> {
    checkList(query);
    const address = toAddress(versions.type, name);
    const found = await this.#read(address, query);
    if (found.length === 0 && !(await this.#find(address, undefined))) throw notFound(name);
    return found;
  }

  /**
   * Writes the next version. Resolves with its number once it is durable. Of all writes with the same `base` at most one comes right after it.
   * @throws {TroupeError} ERR_CONFLICT when the base is not the last version any more, with `details.version`, the last one;
   * ERR_ACTOR_NOT_FOUND, ERR_NOT_JSON, ERR_OPTIONS_INVALID, ERR_ADDRESS.
   */
  async put(name: string, value: Json, options: PutOptions = {}): Promise<number> {
    const { base, onConflict = 'reject' } = checkPut(options);
    checkValue(name, value);
    const ref = this.#system.actor(versions, name);
    if (onConflict === 'last-write-wins') return (await put(ref, name, value, undefined)).version;
    const from = checkBase(base);
    const { version, isConflict } = await put(ref, name, value, from);
    if (!isConflict) return version;
    if (onConflict === 'reject') throw conflict(name, from, version, 1);
    return this.#merge(ref, name, { mine: value, base: from, merge: onConflict });
  }

  /**
   * Hands the last version to a listener, now and whenever a look finds another; versions in between are skipped. One at a time: a look
   * waits for the listener. A listener that throws gets the same version at the next look. Ends with the system, if not before.
   * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_ADDRESS.
   */
  follow(name: string, options: FollowOptions, listener: (version: Version) => void | Promise<void>): Following {
    checkFollow(options, listener);
    const address = toAddress(versions.type, name);
    const { core } = this.#system;
    const find = async () => {
      core.assertRunning();
      return this.#find(address, undefined);
    };
    return follow({ env: core.env, log: core.log, find }, options, listener);
  }

  /** Removes a value with all its versions. Does nothing when there is none. */
  async delete(name: string): Promise<void> {
    await this.#system.remove(toAddress(versions.type, name));
  }

  async #merge(
    ref: ActorRef<typeof versions>,
    name: string,
    { mine, base, merge }: { readonly mine: Json; readonly base: number; readonly merge: Merge },
  ): Promise<number> {
    const before = await this.#find(ref.address, base);
    let last = base;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const theirs = await this.get(name);
      const value = await merge(before?.value, mine, theirs.value);
      checkValue(name, value);
      const { version, isConflict } = await put(ref, name, value, theirs.version);
      if (!isConflict) return version;
      last = version;
    }
    throw conflict(name, base, last, MAX_TRIES);
  }

  /** The version that was just made; with few that stay it may be gone already. */
  async #first(address: Address, value: Json): Promise<Version> {
    return (await this.#find(address, 1)) ?? { version: 1, value, at: this.#system.core.env.now() };
  }

  async #find(address: Address, version: number | undefined): Promise<Version | undefined> {
    const last = { limit: 1, direction: 'backward' } as const;
    const [found] = await this.#read(
      address,
      version === undefined ? last : { after: version - 1, before: version + 1, limit: 1 },
    );
    return found;
  }

  async #read(address: Address, query: LogQuery): Promise<readonly Version[]> {
    const rows = await this.#system.store.call('log', address, query);
    return rows.map((row) => toVersion(address, row));
  }
}

function toVersion(address: Address, { n, at, text, isDamaged }: LogRow): Version {
  if (!isDamaged) return { version: n, value: (JSON.parse(text) as { value: Json }).value, at };
  throw new TroupeError(
    'ERR_STATE_CORRUPT',
    `Version ${n} of '${address}' is missing or does not match its checksum. The other versions are not touched by that; restore it from a backup, or write the next with put().`,
    { details: { owner: address, n } },
  );
}

async function put(ref: ActorRef<typeof versions>, name: string, value: Json, base: number | undefined) {
  try {
    return await ref.ask({ type: 'PUT', value, ...(base !== undefined && { base }) });
  } catch (error) {
    if (isTroupeError(error, 'ERR_ACTOR_NOT_FOUND')) throw notFound(name, error);
    throw error;
  }
}

function checkValue(name: string, value: unknown): void {
  const { length } = encodeJson(value, `The value of '${name}'`, '');
  if (length > MAX_VALUE_CHARS) throw tooLarge(name, length, MAX_VALUE_CHARS);
}

function notFound(name: string, cause?: unknown): TroupeError {
  return new TroupeError('ERR_ACTOR_NOT_FOUND', `There is no value '${name}'. Create it with versions.create().`, {
    cause,
    details: { name },
  });
}

function conflict(name: string, base: number, version: number, tries: number): TroupeError {
  const after = tries > 1 ? `, in each of ${tries} tries` : '';
  return new TroupeError(
    'ERR_CONFLICT',
    `'${name}' is in version ${version}, not ${base} any more: another write came first${after}. Read it again and decide anew, or pass onConflict.`,
    { details: { name, base, version } },
  );
}
