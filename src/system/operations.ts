/**
 * What a host program does to actors from outside, whatever their type. `System` adds what runs; here nothing is kept.
 */
import { parseAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { ListQuery, Page } from '../store/queries.ts';
import type { ActorSummary, StoredDeadLetter } from '../store/store.ts';
import type { LifecycleView } from '../supervision/supervisor.ts';
import { checkVersions } from './check-versions.ts';
import type { VersionReport } from './check-versions.ts';
import type { SystemCore } from './core.ts';
import { DeadLetters } from './dead-letters.ts';
import type { LetterQuery } from './dead-letters.ts';
import { loadDefinitions } from './deploy-check.ts';
import { fork } from './fork.ts';
import type { ForkOptions, ForkResult } from './fork.ts';
import type { SystemOptions } from './options.ts';
import { readTree } from './tree.ts';
import type { ActorTree, TreeOptions } from './tree.ts';

/** What a host program does to actors as such: lists them, looks at their tree, gives orders, goes back in time. */
export abstract class Operations {
  /** What the parts of the system share. */
  abstract get core(): SystemCore;

  /** Known actors, newest first, by pages. */
  async list(query: ListQuery = {}): Promise<Page<ActorSummary>> {
    this.core.assertRunning();
    return this.core.store().call('list', query);
  }

  /**
   * The tree of actors: under the root the types, then actors and their children in order of start. With an address, what is
   * below that actor.
   * @throws {TroupeError} ERR_ACTOR_NOT_FOUND, ERR_ADDRESS, ERR_OPTIONS_INVALID.
   */
  async tree(address?: Address, options?: TreeOptions): Promise<ActorTree> {
    this.core.assertRunning();
    return readTree(this.core.store(), address, options);
  }

  /**
   * Makes an actor of the same type under another key from what an actor was after one of its events, with its log until then, what waited for it
   * and what was left of its times; nothing it did is done again. What is below it comes along, as it was before the next event of the actor, or is now when there is
   * none, each under its key with the new one behind it. All of it comes to be, or nothing.
   * @param seq as `ref.history()` lists it
   * @throws {TroupeError} ERR_ACTOR_NOT_FOUND, ERR_HISTORY_UNKNOWN, ERR_ACTOR_EXISTS, ERR_ADDRESS, ERR_OPTIONS_INVALID, ERR_STATE_CORRUPT.
   */
  async fork(address: string, seq: number, newKey: string, options?: ForkOptions): Promise<ForkResult> {
    this.core.assertRunning();
    return fork(this.core, this.core.store(), { from: address, seq, newKey, ...(options && { options }) });
  }

  /**
   * A dry run before a deploy: reads every actor that lives or is held, runs `migrate` steps on copies, and tells whose state, timers, children or
   * waiting events would not fit. Writes nothing.
   * @param actors the modules to come, as `createSystem` takes them. @default what is loaded
   * @throws {TroupeError} ERR_OPTIONS_INVALID, ERR_DEFINITION_MODULE, ERR_DEFINITION_DUPLICATE, ERR_DEFINITION_INVALID.
   */
  async checkVersions(actors?: SystemOptions['actors']): Promise<VersionReport> {
    this.core.assertRunning();
    return checkVersions(this.core.store(), actors ? await loadDefinitions(actors) : this.core.definitions);
  }

  /** Events that were given up on, oldest first. */
  async deadLetters(query: LetterQuery = {}): Promise<readonly StoredDeadLetter[]> {
    this.core.assertRunning();
    return this.#letters.list(query);
  }

  /**
   * Sends the event of a dead letter to its actor again, as a new message. Resolves when the state it led to is durable and the
   * letter is gone. If it is not processed, the letter stays and the error says why.
   * @param pos of the letter, as `deadLetters` lists it
   * @throws {TroupeError} ERR_DEAD_LETTER_UNKNOWN, ERR_OPTIONS_INVALID for a letter of a subscription, and as `send` of a ref.
   */
  async replayDeadLetter(pos: number): Promise<void> {
    this.core.assertRunning();
    await this.#letters.replay(pos);
  }

  /**
   * Throws a dead letter away. Resolves when that is durable.
   * @throws {TroupeError} ERR_DEAD_LETTER_UNKNOWN.
   */
  async discardDeadLetter(pos: number): Promise<void> {
    this.core.assertRunning();
    this.core.assertSavesWhat(`discarding dead letter ${pos}`);
    await this.#letters.discard(pos);
  }

  /** Ends an actor and its children and removes their rows. Resolves when that is durable. */
  async remove(address: Address): Promise<void> {
    await this.#order(address, 'remove');
  }

  /**
   * Gives a quarantined actor another try, from its last commit, with everything that waits in its inbox. Does nothing to
   * others. Resolves when that is durable.
   */
  async revive(address: Address): Promise<void> {
    await this.#order(address, 'revive');
  }

  /**
   * Lets go of a quarantined actor: it has ended, its children with it, and what waits for it becomes dead letters. Its state and log can
   * still be read. Does nothing to others. Resolves when that is durable.
   */
  async discard(address: Address): Promise<void> {
    await this.#order(address, 'discard');
  }

  /**
   * Makes an actor anew from its last commit: effect functions are aborted and run again under their key. A quarantined one is
   * revived. Does nothing to one that has ended. Resolves when the old life is over; `system.actor.restarted` tells when it serves again.
   */
  async restart(address: Address): Promise<void> {
    this.core.assertRunning();
    await this.core.requests.order(parseAddress(address).address, 'restart');
  }

  /** Where an actor is in its life: running, pausing before a restart, held, ended. Answered at once, whatever waits for it. */
  async lifecycle(address: Address): Promise<LifecycleView> {
    this.core.assertRunning();
    return (await this.core.requests.lifecycle(parseAddress(address).address)) as LifecycleView;
  }

  async #order(address: Address, order: 'remove' | 'revive' | 'discard'): Promise<void> {
    this.core.assertRunning();
    const { address: to } = parseAddress(address);
    this.core.assertSaves(to);
    await this.core.requests.order(to, order);
  }

  get #letters(): DeadLetters {
    return new DeadLetters(this.core, this.core.store());
  }
}
