/**
 * How an actor ends: its children first, those started last before the others; then its last commit, with word to the parent; and what is
 * answered from then on. An end that was refused or cut off leaves everything as it was; the next start ends it again.
 */
import { ROOT } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { AnyDefinition } from '../actor/define.ts';
import type { ActorStatus, ActorSummary } from '../store/store.ts';
import { toPlainError } from '../supervision/events.ts';
import { encodeError } from '../thread/error-codec.ts';
import { announceIn } from './announce-in.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Draft } from './draft.ts';
import { answerAll } from './ended.ts';
import { notCreatable } from './failure.ts';
import { Farewell } from './farewell.ts';
import type { FarewellHooks } from './farewell.ts';
import { findLateChildren } from './orphans.ts';
import { isRemovalOrder, isStopInOrder } from './items.ts';
import type { Item } from './items.ts';
import { findChildren } from './steady-read.ts';

/** What an end needs of its cell. */
export interface EndingHooks extends FarewellHooks {
  readonly definition: AnyDefinition;
  readonly isDisposed: boolean;
  /** It is held because its parent failed with it. */
  readonly isEscalated: boolean;
  /** A held actor gets another try, or is let go of: only what it is remains on record. */
  forgive(draft: Draft): void;
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
  /** The last commit of a life, while its children end. */
  #draft: Draft | undefined;
  #farewell: Farewell | undefined;
  /** Children that the end under way has ordered to end. */
  #ordered: ReadonlySet<Address> = new Set();

  constructor(cell: EndingHooks, commits: CommitQueue) {
    this.#cell = cell;
    this.#commits = commits;
  }

  /** Gives up an end under way; its items go back to their senders' cell. */
  takeBack(): readonly Item[] {
    const items = this.#draft?.items ?? [];
    this.dispose();
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
      if (end.status !== 'quarantined') await this.#endChildren(draft);
    } catch (error) {
      return this.#log('an end was left to the next start', error);
    }
    // A refusal meanwhile has put everything back.
    if (this.#cell.isDisposed || this.#draft !== draft) return;
    this.#draft = undefined;
    if (end.status === 'quarantined') this.#announceHeld(draft, parent);
    if (parent !== ROOT && end.isParentAware !== true) draft.tellParent(parent, this.#cell.address);
    // An order to end is obeyed even when the state it leaves cannot be saved: the last one saved stays.
    if (end.status === 'stopped' && !this.#commits.canSave(draft)) draft.state = undefined;
    if (this.#cell.post(draft)) this.#commits.whenQuiet(() => void this.#afterEnd(draft));
  }

  /** The end is durable: no child comes after this look that would not notice it by itself. */
  async #afterEnd({ status, isRemoval }: Draft): Promise<void> {
    const { services, address } = this.#cell;
    const isWanted = (): boolean => !this.#cell.isDisposed;
    const late = status === 'quarantined' ? [] : await findLateChildren(services, address, isWanted).catch(() => []);
    if (this.#cell.isDisposed) return;
    const unordered = late.filter((child) => !this.#ordered.has(child));
    if (unordered.length > 0) this.#orderEnd(unordered, isRemoval);
    this.#commits.whenQuiet(() => this.#cell.ended());
  }

  #orderEnd(children: readonly Address[], isRemoval: boolean): void {
    const draft = isRemoval ? this.#commits.newOrphanDraft() : this.#commits.newDraft();
    const text = isRemoval ? '{"remove":true}' : '{}';
    for (const receiver of children) draft.rows.inbox.push({ receiver, kind: 'stop', id: draft.nextId(), text });
    this.#cell.post(draft);
  }

  #announceHeld(draft: Draft, parent: Address): void {
    const { address } = this.#cell;
    const error = toPlainError(JSON.parse(draft.error ?? '{}'));
    announceIn(draft, address, 'system.actor.quarantined', { address, parent, error });
  }

  /** The end an order asks for; a failure on the way out changes nothing about it. */
  obey(draft: Draft, parent: Address, item: Item, stop: () => { readonly error: unknown } | undefined): void {
    const failed = stop();
    if (failed) this.#log('actor failed while it stopped', failed.error);
    draft.consume(item, this.#commits.marks);
    draft.isRemoval = isRemovalOrder(item);
    const isParentAware = item.kind === 'inbox' && item.row.sender === parent && !isStopInOrder(item);
    void this.finish(draft, parent, { status: 'stopped', isParentAware });
  }

  /** Answers what is addressed to an actor that has ended or never was. Returns the end it may yet lead to. */
  answer(items: readonly Item[], parent: Address): 'answered' | 'finishing' {
    const { committed } = this.#commits;
    const { type } = this.#cell.definition;
    const absence = notCreatable(this.#cell.address, type, this.#cell.services.definitions.acceptsNoInput(type));
    const isKnown = this.#commits.isStored || committed !== undefined;
    const draft = isKnown ? this.#commits.newDraft() : this.#commits.newOrphanDraft();
    const isEscalated = this.#cell.isEscalated;
    const context = { address: this.#cell.address, committed, absence, marks: this.#commits.marks, isEscalated };
    answerAll(items, draft, context);
    if (committed?.status === 'quarantined' && draft.status !== 'quarantined') this.#release(draft);
    if (draft.isRemoval || (committed?.status === 'quarantined' && draft.status === 'stopped')) {
      const isAwaited = items.some((item) => item.kind === 'inbox' && isStopInOrder(item));
      void this.finish(draft, parent, { status: draft.status, isParentAware: !isAwaited });
      return 'finishing';
    }
    if (!draft.isEmpty) this.#cell.post(draft);
    return 'answered';
  }

  /** Whatever it was held for is forgotten. */
  #release(draft: Draft): void {
    const { address } = this.#cell;
    this.#cell.forgive(draft);
    const how = draft.status === 'active' ? 'revived' : 'discarded';
    announceIn(draft, address, 'system.actor.released', { address, how });
  }

  /** True while children end. */
  get isWaiting(): boolean {
    return this.#farewell !== undefined;
  }

  /** What waits for the end of a child looks at the mailbox again. */
  look(): void {
    this.#farewell?.look();
  }

  /** Ends what it waits for; nothing more comes of it. */
  dispose(): void {
    this.#farewell?.dispose();
    this.#draft = undefined;
  }

  /**
   * Children end before their parent, in the reverse order of their start, each within its time. The first that does not make it is left
   * to itself, and with it all that remain: the last commit orders an end to them, as it does to those whose creation it asks for.
   */
  async #endChildren(draft: Draft): Promise<void> {
    const known = await findChildren(this.#cell.services, this.#cell.address, () => !this.#cell.isDisposed);
    // A refusal meanwhile has put everything back.
    if (this.#draft !== draft) return;
    const living = known.filter(({ status }) => status === 'active').map(({ address }) => address);
    this.#farewell = new Farewell(this.#cell, this.#commits, draft);
    const remaining = await this.#farewell.endInOrder(living);
    this.#farewell = undefined;
    // Those that have ended by themselves are only to be removed.
    const isToEnd = ({ status }: ActorSummary): boolean =>
      status === 'quarantined' || (draft.isRemoval && status !== 'active');
    const others = known.filter(isToEnd).map(({ address }) => address);
    const coming = (draft.sent?.inbox ?? []).filter(({ kind }) => kind === 'create').map(({ receiver }) => receiver);
    const text = draft.isRemoval ? '{"remove":true}' : '{}';
    this.#ordered = new Set([...living, ...coming]);
    for (const receiver of new Set([...remaining, ...others, ...coming])) {
      draft.rows.inbox.push({ receiver, kind: 'stop', id: draft.nextId(), text });
    }
  }

  #log(text: string, error: unknown): void {
    this.#cell.services.log.warn(text, { address: this.#cell.address, error: encodeError(error) });
  }
}
