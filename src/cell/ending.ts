/**
 * How an actor ends: its last commit with word to the parent and an end to the children, and what is answered from then on.
 * An end that was refused or cut off leaves everything as it was; the next start ends it again.
 */
import { ROOT } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { AnyDefinition } from '../actor/define.ts';
import type { ActorStatus } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Draft } from './draft.ts';
import { answerEnded } from './ended.ts';
import { notCreatable } from './failure.ts';
import { isRemovalOrder } from './items.ts';
import type { Item } from './items.ts';
import type { CellServices } from './services.ts';
import { findChildren } from './steady-read.ts';

/** What an end needs of its cell. */
export interface EndingHooks {
  readonly address: Address;
  readonly definition: AnyDefinition;
  readonly services: CellServices;
  readonly isDisposed: boolean;
  /** The live actor is let go of, and nothing but this end happens until it is durable. */
  beginEnd(): void;
  /** Saves a draft; false when it cannot be saved. */
  post(draft: Draft): boolean;
  /** The end is durable. */
  ended(): void;
}

/** An end, and why. */
export interface End {
  readonly status: ActorStatus;
  /** JSON of the error, for a quarantine. */
  readonly error?: string;
  /** The parent ordered it and needs no word. @default false */
  readonly isParentAware?: boolean;
}

export class Ending {
  readonly #cell: EndingHooks;
  readonly #commits: CommitQueue;
  /** The last commit of a life, while it waits for the list of children. */
  #draft: Draft | undefined;

  constructor(cell: EndingHooks, commits: CommitQueue) {
    this.#cell = cell;
    this.#commits = commits;
  }

  /** Gives up an end under way; its items go back to their senders' cell. */
  takeBack(): readonly Item[] {
    const items = this.#draft?.items ?? [];
    this.#draft = undefined;
    return items;
  }

  /** The last commit of this life: status, word to the parent, an end to the children. */
  async finish(draft: Draft, parent: Address, end: End): Promise<void> {
    this.#cell.beginEnd();
    draft.status = end.status;
    if (end.error !== undefined) draft.error = end.error;
    if (this.#commits.inFlightText !== null || draft.inFlight !== undefined) draft.inFlight = null;
    this.#draft = draft;
    try {
      if (end.status !== 'quarantined') await this.#stopChildren(draft);
    } catch (error) {
      return this.#log('an end was left to the next start', error);
    }
    // A refusal meanwhile has put everything back.
    if (this.#cell.isDisposed || this.#draft !== draft) return;
    this.#draft = undefined;
    if (parent !== ROOT && end.isParentAware !== true) draft.tellParent(parent, this.#cell.address);
    // An order to end is obeyed even when the state it leaves cannot be saved: the last one saved stays.
    if (end.status === 'stopped' && !this.#commits.canSave(draft)) draft.state = undefined;
    if (this.#cell.post(draft)) this.#commits.whenQuiet(() => this.#cell.ended());
  }

  /** The end an order asks for; a failure on the way out changes nothing about it. */
  obey(draft: Draft, parent: Address, item: Item, stop: () => { readonly error: unknown } | undefined): void {
    const failed = stop();
    if (failed) this.#log('actor failed while it stopped', failed.error);
    draft.consume(item, this.#commits.marks);
    draft.isRemoval = isRemovalOrder(item);
    const isParentAware = item.kind === 'inbox' && item.row.sender === parent;
    void this.finish(draft, parent, { status: 'stopped', isParentAware });
  }

  /** Answers what is addressed to an actor that has ended or never was. Returns the end it may yet lead to. */
  answer(items: readonly Item[], parent: Address): 'answered' | 'finishing' {
    const { committed } = this.#commits;
    const { type } = this.#cell.definition;
    const absence = notCreatable(this.#cell.address, type, this.#cell.services.definitions.acceptsNoInput(type));
    const isKnown = this.#commits.isStored || committed !== undefined;
    const draft = isKnown ? this.#commits.newDraft() : this.#commits.newOrphanDraft();
    answerEnded(items, draft, { address: this.#cell.address, committed, absence, marks: this.#commits.marks });
    if (draft.isRemoval || (committed?.status === 'quarantined' && draft.status === 'stopped')) {
      void this.finish(draft, parent, { status: draft.status, isParentAware: true });
      return 'finishing';
    }
    if (!draft.isEmpty) this.#cell.post(draft);
    return 'answered';
  }

  /** Orders an end to every child, also to those whose creation this very commit asks for. */
  async #stopChildren(draft: Draft): Promise<void> {
    const text = draft.isRemoval ? '{"remove":true}' : '{}';
    const known = await findChildren(this.#cell.services, this.#cell.address, () => !this.#cell.isDisposed);
    const coming = (draft.sent?.inbox ?? []).filter(({ kind }) => kind === 'create').map(({ receiver }) => receiver);
    for (const receiver of new Set([...known, ...coming])) {
      draft.rows.inbox.push({ receiver, kind: 'stop', id: draft.nextId(), text });
    }
  }

  #log(text: string, error: unknown): void {
    this.#cell.services.log.warn(text, { address: this.#cell.address, error: encodeError(error) });
  }
}
