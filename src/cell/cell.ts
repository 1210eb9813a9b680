/**
 * The runtime's holder of one live actor: mailbox, turns, commits. Every input, whoever sent it, takes the one way through:
 * mailbox, turn, commit, acknowledgement, release.
 *
 * Invariants:
 * C1 One turn at a time, in mailbox order; items of one sender keep their order (G4).
 * C2 Nothing leaves before the commit that holds its cause is acknowledged: no hint, reply, delivery (G2), effect function (G5).
 * C3 A refused commit takes the ones after it along: the cell starts anew from the store, and every item whose outcome is
 *    unknown is back in its mailbox.
 * C4 One phase at a time: `loading`, `live`, `busy` (something must finish first), `ended`, `disposed`. What an older life of
 *    the XState actor started is dropped.
 */
import { ROOT, typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { AnyDefinition } from '../actor/define.ts';
import type { TroupeError } from '../errors.ts';
import type { PersistedState } from '../state/persisted.ts';
import type { ActorStatus, CommitResult } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import { Blame } from './blame.ts';
import { CommitQueue } from './commit-queue.ts';
import { findCreator } from './creation.ts';
import type { Creator } from './creation.ts';
import type { Draft } from './draft.ts';
import type { InFlightRow } from './effect-runs.ts';
import { answerEnded } from './ended.ts';
import { actorQuarantined, creationFailed, notCreatable, refusedTooOften } from './failure.ts';
import { IdGate } from './id-gate.ts';
import { INBOX_PAGE, InboxReader } from './inbox-reader.ts';
import { Incarnation } from './incarnation.ts';
import type { Failed, IncarnationOptions } from './incarnation.ts';
import { eventIdOf, isAwaited, isRemovalOrder, isStopOrder } from './items.ts';
import type { DirectItem, InboxItem, Item, OrderItem } from './items.ts';
import { readStored } from './load.ts';
import type { StoredLife } from './load.ts';
import { Mailbox } from './mailbox.ts';
import { isRepeated, settleRepeated } from './repeats.ts';
import type { CellServices } from './services.ts';
import { findChildren } from './steady-read.ts';

/** Turns that may share one commit. */
const MAX_TURNS_PER_COMMIT = 64;

/** Commits of one cell that may wait for acknowledgement; more input waits in the mailbox. */
const MAX_UNACKNOWLEDGED = 4;

/** Refusals in a row after which a cell is held: the same commit would be refused forever. */
const MAX_REFUSALS = 10;

/** Pause before a load that failed is tried again. */
const LOAD_RETRY_MS = 500;

export class Cell {
  readonly address: Address;
  readonly #definition: AnyDefinition;
  readonly #services: CellServices;
  readonly #mailbox = new Mailbox();
  readonly #commits: CommitQueue;
  readonly #inbox: InboxReader;
  readonly #ids: IdGate;
  readonly #blame: Blame;
  #phase: 'loading' | 'live' | 'busy' | 'ended' | 'disposed' = 'loading';
  #incarnation: Incarnation | undefined;
  /** The item that made the actor, until that is durable. */
  #creator: Item | undefined;
  /** Effect functions that the last life entered and never began. */
  #unbegun: readonly InFlightRow[] = [];
  #parent: Address = ROOT;
  /** The item whose turn failed, while the commits before it are under way. */
  #failed: Item | undefined;
  #isCautious = false;
  /** Refusals since the last commit that applied. */
  #refusals = 0;
  /** The last commit of a life, while it waits for the list of children. */
  #ending: Draft | undefined;

  constructor(address: Address, services: CellServices) {
    this.address = address;
    this.#services = services;
    this.#definition = services.definitions.get(typeOf(address));
    this.#blame = new Blame(address, this.#definition.policy);
    this.#commits = new CommitQueue(address, this.#definition, services, {
      acknowledged: (draft, result) => this.#acknowledged(draft, result),
      refused: (reason, drafts) => this.#refused(reason, drafts),
    });
    this.#inbox = new InboxReader(address, services, (items) => this.#takeItems(items));
    this.#ids = new IdGate({
      address,
      services,
      ready: () => (this.#phase === 'ended' ? this.#answerEnded() : this.#pump()),
      drop: (item) => this.#mailbox.remove(item),
    });
    void this.#load();
  }

  /** Accepts what code sent. */
  enqueue(item: DirectItem | OrderItem): void {
    // A replaced host may wake a cell, by a hint or a read, before main repeats what the dead host had committed.
    if (this.#phase !== 'loading' && isRepeated(item, this.#commits.marks)) {
      return this.#settleRepeated(item);
    }
    const isGated = item.kind === 'direct' && item.idempotencyId !== undefined;
    const admitted = isGated ? this.#ids.admit(item, item.idempotencyId as string) : item;
    if (!admitted) return;
    this.#mailbox.push(admitted);
    this.#pump();
  }

  /** A committed row for this actor, straight from its sender. While loading, the read that follows finds it. */
  hint(item: InboxItem, previousPos: number): void {
    if (this.#phase === 'loading') this.#inbox.readAfterReset();
    else if (this.#phase === 'ended') this.#inbox.read();
    else this.#inbox.hint(item, previousPos);
  }

  /** There may be rows nobody hinted at. */
  wake(): void {
    if (this.#mailbox.size === 0 && this.#commits.unacknowledged === 0 && this.#phase !== 'loading') this.#inbox.read();
  }

  /** There is a row whose position its sender does not know. */
  poke(): void {
    if (this.#phase === 'loading') this.#inbox.readAfterReset();
    else this.#inbox.read();
  }

  /** Committed state as JSON, nothing when the actor does not exist. */
  viewText(): string | undefined {
    const committed = this.#commits.committed;
    if (!committed) return undefined;
    const { value, context, output } = committed.state ?? {};
    return JSON.stringify({ value, context, output, status: committed.status, seq: committed.seq });
  }

  /** Lets go of everything: the thread ends, or another owner took over. Nothing is committed any more. */
  dispose(): void {
    this.#phase = 'disposed';
    this.#endLife();
  }

  async #load(): Promise<void> {
    const { store, log, env } = this.#services;
    try {
      const [actor, rows] = await Promise.all([
        store.call('load', this.address),
        store.call('inbox', this.address, { limit: INBOX_PAGE }),
      ]);
      if (this.#phase !== 'loading') return;
      this.#mailbox.unshift(this.#inbox.reset(rows));
      const stored = actor && readStored(actor, this.#definition, this.#services.boot);
      this.#commits.reset(stored);
      this.#blame.take(this.#services.takeSuspect(this.address), stored?.failing);
      if (stored) this.#resume(stored);
      else this.#createNext();
      this.#inbox.catchUp();
    } catch (error) {
      log.warn('cannot load actor, trying again', { address: this.address, error: encodeError(error) });
      env.setTimeout(() => void (this.#phase === 'loading' && this.#load()), LOAD_RETRY_MS);
    }
  }

  #resume(stored: StoredLife): void {
    this.#parent = stored.parent;
    this.#dropRepeated(stored.marks);
    if (stored.fault) return this.#holdFaulty(stored, stored.fault);
    if (this.#refusals > MAX_REFUSALS) return this.#holdFaulty(stored, refusedTooOften(this.address));
    if (stored.status !== 'active') return this.#enterEnded();
    const draft = this.#commits.newDraft();
    this.#blame.note(draft);
    const fault = this.#blame.threadFault;
    if (fault) return void this.#finish(draft, 'quarantined', JSON.stringify(encodeError(fault)));
    this.#restore(draft);
  }

  /** A state that cannot be used: quarantined with its rows untouched; a foreign version is not even noted in the store. */
  #holdFaulty(stored: StoredLife, fault: TroupeError): void {
    const error = JSON.stringify(encodeError(fault));
    this.#services.log.error('actor held: its stored state cannot be used', {
      address: this.address,
      error: encodeError(fault),
    });
    if (stored.status === 'active' && fault.code === 'ERR_STATE_CORRUPT') {
      return void this.#finish(this.#commits.newDraft(), 'quarantined', error);
    }
    this.#commits.hold(error);
    this.#enterEnded();
  }

  /** Direct items that were committed before a crash and came again. */
  #dropRepeated(marks: Readonly<Record<string, number>>): void {
    for (const item of this.#mailbox.takeAll()) {
      if (isRepeated(item, marks)) this.#settleRepeated(item);
      else this.#mailbox.push(item);
    }
  }

  #settleRepeated(item: DirectItem): void {
    settleRepeated(item, this.address, this.#services, () => !this.#isDisposed()).catch(() => {});
  }

  #restore(draft = this.#commits.newDraft()): void {
    const state = this.#commits.committed?.state as PersistedState;
    const stored = JSON.parse(this.#commits.inFlightText ?? '[]') as InFlightRow[];
    const restored = stored.map((row) => (this.#hasBegun(row) ? row : { ...row, attempt: row.attempt - 1 }));
    const failed = this.#incarnate({ state }, restored).start(draft);
    if (failed) return this.#fail(undefined, failed.error);
    this.#commits.rebase(draft);
    this.#blame.acquit('start', draft);
    this.#phase = 'live';
    if (!draft.isEmpty) this.#post(draft);
    this.#pump();
  }

  #hasBegun({ key, attempt }: InFlightRow): boolean {
    return !this.#unbegun.some((row) => row.key === key && row.attempt === attempt);
  }

  /** The actor does not exist: the first item that can makes it. */
  #createNext(): void {
    const creator = this.#findCreator();
    if (creator) this.#create(creator.item, creator);
    else this.#enterEnded();
  }

  #findCreator(): Creator | undefined {
    return findCreator(this.#mailbox, this.#services.definitions.acceptsNoInput(this.#definition.type));
  }

  #create(creator: Item, origin: { readonly input: unknown; readonly parent: Address }): void {
    this.#parent = origin.parent;
    this.#creator = creator;
    const draft = this.#commits.newDraft();
    draft.actor = { type: this.#definition.type, parent: this.#parent, meta: '{}' };
    const isSpawn = creator.kind === 'inbox' && creator.row.kind === 'create';
    if (isSpawn) {
      this.#mailbox.remove(creator);
      draft.consume(creator, this.#commits.marks);
    }
    const fault = this.#blame.threadFault;
    if (fault) return this.#failCreation(creator, draft, fault);
    const failed = this.#incarnate({ input: origin.input }).start(draft);
    if (failed) return this.#failCreation(creator, draft, failed.error);
    this.#phase = 'live';
    if (hasEnded(draft)) return void this.#finish(draft, 'done');
    this.#fill(draft);
    this.#pump();
  }

  #failCreation(creator: Item, draft: Draft, error: unknown): void {
    this.#endLife();
    const failure = creationFailed(this.address, error);
    if (!isAwaited(creator)) {
      draft.actor = { type: this.#definition.type, parent: this.#parent, meta: '{}' };
      draft.state = { status: 'error' };
      if (draft.consumed.length === 0) {
        this.#mailbox.remove(creator);
        draft.consume(creator, this.#commits.marks);
      }
      return void this.#finish(draft, 'quarantined', JSON.stringify(encodeError(failure)));
    }
    this.#mailbox.remove(creator);
    creator.settle({ error: encodeError(failure) });
    this.#createNext();
  }

  #pump(): void {
    while (this.#phase === 'live' && this.#commits.unacknowledged < MAX_UNACKNOWLEDGED && this.#isHeadReady()) {
      this.#fill(this.#commits.newDraft());
    }
    if (this.#phase === 'ended' && this.#mailbox.size > 0) this.#answerEnded();
    if (this.#mailbox.size > 0) return;
    this.#isCautious = false;
    if (this.#inbox.isBehind) this.#inbox.read();
    else if (this.#commits.unacknowledged === 0) this.#inbox.trim();
  }

  /** Takes turns until the mailbox is empty or the commit is full, then posts what they led to. */
  #fill(draft: Draft): void {
    const limit = this.#isCautious ? 1 : MAX_TURNS_PER_COMMIT;
    for (let turns = 0; turns < limit && this.#isHeadReady(); turns++) {
      const item = this.#mailbox.shift() as Item;
      if (isStopOrder(item)) return this.#stopAfter(draft, item);
      if (item.kind === 'order') {
        draft.items.push(item);
        continue;
      }
      if (this.#blame.buryPoison(item, draft, this.#commits.marks)) continue;
      const failed = this.#turn(draft, item);
      if (failed) return this.#failAfter(draft, item, failed.error);
      if (hasEnded(draft)) return void this.#finish(draft, 'done');
    }
    this.#post(draft);
  }

  #turn(draft: Draft, item: Item): Failed | undefined {
    const failed = this.#incarnation?.turn(draft, item);
    if (failed) return failed;
    draft.consume(item, this.#commits.marks);
    this.#blame.acquit(eventIdOf(item) ?? 'internal', draft);
    return undefined;
  }

  /** Makes the next life. */
  #incarnate(origin: IncarnationOptions['origin'], restored: readonly InFlightRow[] = []): Incarnation {
    this.#incarnation = new Incarnation({
      address: this.address,
      definition: this.#definition,
      services: this.#services,
      origin,
      restored,
      stateBefore: (draft) => this.#commits.stateBefore(draft),
      wantTurn: (item) => {
        this.#mailbox.push(item);
        this.#pump();
      },
    });
    return this.#incarnation;
  }

  /** Posts a draft; `next` are items that come right after it. Returns false when its state cannot be saved. */
  #post(draft: Draft, next: readonly Item[] = []): boolean {
    try {
      this.#commits.post(draft);
      return true;
    } catch (error) {
      this.#refuseUnsavable(draft, next, error);
      return false;
    }
  }

  /**
   * A state over its cap, or one whose metadata cannot be told. Alone in its commit the culprit is known; otherwise all are
   * tried again, one to a commit.
   */
  #refuseUnsavable(draft: Draft, next: readonly Item[], error: unknown): void {
    const [first, ...others] = [...draft.items, ...next];
    const creator = this.#creator;
    if (others.length > 0) {
      this.#mailbox.unshift([...draft.items, ...next]);
      return this.#startOver();
    }
    this.#blame.accuse();
    if (!draft.actor || !creator) return this.#fail(first, error);
    if (first && first !== creator) this.#mailbox.unshift([first]);
    this.#failCreation(creator, this.#commits.newDraft(), error);
  }

  #acknowledged(draft: Draft, result: Exclude<CommitResult, { outcome: 'refused' }>): void {
    if (draft.items.length > 0) this.#refusals = 0;
    this.#creator = undefined;
    const { positions, outboxPositions } = result.outcome === 'done' ? result : {};
    draft.rows.inbox.forEach((row, i) => this.#services.hint(this.address, row, positions?.[i]));
    draft.rows.outbox.forEach((row, i) => this.#services.release(this.address, row, outboxPositions?.[i]));
    this.#incarnation?.begin(draft.begins);
    draft.settle();
    if (draft.state || draft.status !== 'active') this.#services.changed(this.address);
    this.#pump();
  }

  /** Rule 5: the cell and its queued commits are dropped, and it reloads. */
  #refused(reason: string, drafts: readonly Draft[]): void {
    this.#refusals++;
    this.#services.log.warn('commit refused, reloading', { address: this.address, reason });
    const failed = this.#failed ? [this.#failed] : [];
    const unposted = this.#ending ? [...drafts, this.#ending] : drafts;
    const items = [...unposted.flatMap((draft) => draft.items), ...failed, ...this.#mailbox.takeAll()].filter(
      isAwaited,
    );
    this.#failed = undefined;
    this.#ending = undefined;
    this.#mailbox.unshift(items);
    this.#endLife();
    for (const item of items) {
      if (item.kind === 'direct' && item.idempotencyId !== undefined) this.#ids.look(item, item.idempotencyId);
    }
    this.#reload();
  }

  #reload(): void {
    this.#endLife();
    this.#inbox.drop();
    this.#phase = 'loading';
    void this.#load();
  }

  #failAfter(draft: Draft, item: Item, error: unknown): void {
    const isPosted = (draft.isEmpty && draft.items.length === 0) || this.#post(draft, [item]);
    if (isPosted) this.#fail(item, error);
  }

  #fail(item: Item | undefined, error: unknown): void {
    this.#endLife();
    this.#phase = 'busy';
    this.#isCautious = true;
    this.#failed = item;
    this.#commits.whenQuiet(() => this.#judge(item, error));
  }

  /** The same turns again, one to a commit, from what is durable. */
  #startOver(): void {
    this.#endLife();
    this.#phase = 'busy';
    this.#isCautious = true;
    this.#commits.whenQuiet(() => (this.#commits.isStored ? this.#restore() : this.#createNext()));
  }

  /** Carries out the decision on a failure; what it costs is durable before the actor goes on. */
  #judge(item: Item | undefined, cause: unknown): void {
    this.#failed = undefined;
    const { env, log } = this.#services;
    const error = encodeError(cause);
    const draft = this.#commits.newDraft();
    const decision = this.#blame.decide(item, error, env.now(), draft, this.#commits.marks);
    const correlation = item && eventIdOf(item);
    log.warn('actor failed', { address: this.address, correlation, decision, attempts: this.#blame.attempts, error });
    if (decision === 'quarantine') return this.#giveUp(draft, item, JSON.stringify(error));
    if (decision === 'retry') this.#mailbox.unshift([item as Item]);
    this.#post(draft);
    this.#commits.whenQuiet(() => this.#restore());
  }

  #giveUp(draft: Draft, item: Item | undefined, error: string): void {
    if (item && isAwaited(item)) item.settle({ error: encodeError(actorQuarantined(this.address, error)) });
    void this.#finish(draft, 'quarantined', error);
  }

  /** The end has a commit of its own: what came before must be saved as it is, or fail by itself. */
  #stopAfter(draft: Draft, item: Item): void {
    const isAlone = draft.isEmpty && draft.items.length === 0;
    if (isAlone || this.#post(draft, [item])) this.#obeyStop(this.#commits.newDraft(), item);
  }

  #obeyStop(draft: Draft, item: Item): void {
    const failed = this.#incarnation?.stop(draft);
    if (failed)
      this.#services.log.warn('actor failed while it stopped', {
        address: this.address,
        error: encodeError(failed.error),
      });
    draft.consume(item, this.#commits.marks);
    draft.isRemoval = isRemovalOrder(item);
    const isByParent = item.kind === 'inbox' && item.row.sender === this.#parent;
    void this.#finish(draft, 'stopped', undefined, isByParent);
  }

  /** The last commit of this life: status, word to the parent, an end to the children. */
  async #finish(draft: Draft, status: ActorStatus, error?: string, isParentAware = false): Promise<void> {
    this.#endLife();
    this.#phase = 'busy';
    draft.status = status;
    if (error !== undefined) draft.error = error;
    if (this.#commits.inFlightText !== null || draft.inFlight !== undefined) draft.inFlight = null;
    this.#ending = draft;
    try {
      if (status !== 'quarantined') await this.#stopChildren(draft);
    } catch (error) {
      return this.#services.log.warn('an end was left to the next start', {
        address: this.address,
        error: encodeError(error),
      });
    }
    // A refusal meanwhile has put everything back.
    if (this.#isDisposed() || this.#ending !== draft) return;
    this.#ending = undefined;
    if (this.#parent !== ROOT && !isParentAware) draft.tellParent(this.#parent, this.address);
    // An order to end is obeyed even when the state it leaves cannot be saved: the last one saved stays.
    if (status === 'stopped' && !this.#commits.canSave(draft)) draft.state = undefined;
    if (this.#post(draft)) this.#commits.whenQuiet(() => this.#enterEnded());
  }

  /** Orders an end to every child, also to those whose creation this very commit asks for. */
  async #stopChildren(draft: Draft): Promise<void> {
    const text = draft.isRemoval ? '{"remove":true}' : '{}';
    const known = await findChildren(this.#services, this.address, () => !this.#isDisposed());
    const coming = draft.rows.inbox.filter(({ kind }) => kind === 'create').map(({ receiver }) => receiver);
    for (const receiver of new Set([...known, ...coming])) {
      draft.rows.inbox.push({ receiver, kind: 'stop', id: draft.nextId(), text });
    }
  }

  #isDisposed(): boolean {
    return this.#phase === 'disposed';
  }

  #enterEnded(): void {
    this.#phase = 'ended';
    this.#answerEnded();
  }

  /** Nobody lives here: senders are told, rows of others become dead letters, then the cell is forgotten. */
  #answerEnded(): void {
    const committed = this.#commits.committed;
    if (!committed && !this.#commits.isStored && this.#findCreator()) {
      return this.#commits.whenQuiet(() => void (this.#phase === 'ended' && this.#createNext()));
    }
    const { type } = this.#definition;
    const absence = notCreatable(this.address, type, this.#services.definitions.acceptsNoInput(type));
    const draft = this.#commits.isStored || committed ? this.#commits.newDraft() : this.#commits.newOrphanDraft();
    answerEnded(this.#takeReady(), draft, {
      address: this.address,
      committed,
      absence,
      marks: this.#commits.marks,
    });
    if (draft.isRemoval || (committed?.status === 'quarantined' && draft.status === 'stopped')) {
      return void this.#finish(draft, draft.status, undefined, true);
    }
    if (!draft.isEmpty) this.#post(draft);
    this.#commits.whenQuiet(() => {
      if (this.#phase !== 'ended' || this.#mailbox.size > 0) return;
      if (this.#commits.committed?.status === 'active') return this.#reload();
      this.#phase = 'disposed';
      this.#services.disposed(this.address);
    });
  }

  /** All items but those whose id may have been done before: they get the outcome it had then (G6). */
  #takeReady(): readonly Item[] {
    const items = this.#mailbox.takeAll();
    for (const item of items) if (this.#ids.isUnready(item)) this.#mailbox.push(item);
    return items.filter((item) => !this.#ids.isUnready(item));
  }

  #takeItems(items: readonly InboxItem[]): void {
    for (const item of items) this.#mailbox.push(item);
    this.#pump();
  }

  #isHeadReady(): boolean {
    const head = this.#mailbox.peek();
    return head !== undefined && !this.#ids.isUnready(head);
  }

  #endLife(): void {
    if (this.#incarnation) this.#unbegun = this.#incarnation.end();
    this.#incarnation = undefined;
  }
}

function hasEnded(draft: Draft): boolean {
  return draft.state !== undefined && draft.state.status !== 'active';
}
