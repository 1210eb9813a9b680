/**
 * The runtime's holder of one live actor: mailbox, turns, commits. Every input, whoever sent it, takes the one way through:
 * mailbox, turn, commit, acknowledgement, release.
 *
 * Invariants:
 * C1 One turn at a time, in mailbox order; items of one sender keep their order (G4).
 * C2 Nothing leaves before the commit that holds its cause is acknowledged: no hint, reply, delivery (G2), effect function (G5).
 * C3 A refused commit takes the ones after it along: the cell starts anew from the store, and every item whose outcome is
 *    unknown is back in its mailbox.
 * C4 One phase at a time: `loading`, `live`, `busy` (something must finish first), `pausing` (between a failure and the next try), `ended`,
 *    `disposed`. What an older life of the XState actor started is dropped.
 */
import { ROOT, typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { AnyDefinition } from '../actor/define.ts';
import type { PersistedState } from '../state/persisted.ts';
import type { CommitResult } from '../store/store.ts';
import type { LifecycleView, Supervisor } from '../supervision/supervisor.ts';
import { answerEnded } from './answering.ts';
import { Blame } from './blame.ts';
import { CommitQueue } from './commit-queue.ts';
import type { CommitHooks, RefusedResult } from './commit-queue.ts';
import { createNext, failCreation } from './creating.ts';
import type { Draft } from './draft.ts';
import type { InFlightRow } from './effect-runs.ts';
import { Ending } from './ending.ts';
import type { End, EndingHooks } from './ending.ts';
import { refuseUnsavable, takeRefusal } from './failing.ts';
import { beginsAgain } from './failure.ts';
import type { Fault } from './failure.ts';
import type { HostCell } from './host-cell.ts';
import { IdGate } from './id-gate.ts';
import { accept, keepEarly } from './intake.ts';
import { InboxReader } from './inbox-reader.ts';
import type { InboxHooks } from './inbox-reader.ts';
import { Incarnation } from './incarnation.ts';
import type { IncarnationHost } from './incarnation.ts';
import type { DirectItem, InboxItem, InternalItem, Item, OrderItem, ScheduledItem, TimerItem } from './items.ts';
import { fail } from './judging.ts';
import type { LiveOrigin } from './live-actor.ts';
import { load, restore } from './loading.ts';
import { Mailbox } from './mailbox.ts';
import { letOut } from './release.ts';
import { followParent } from './orphans.ts';
import { dropSupervisor, lifecycleOf, obeyInPause, serves, supervisorOf } from './pausing.ts';
import { ScheduledReader } from './scheduled-reader.ts';
import type { CellServices, Pumped } from './services.ts';
import { Trouble } from './trouble.ts';
import { fill } from './turns.ts';

const NONE: readonly never[] = [];

/**
 * Thousands are kept, so a cell is its parts' one contact, and what most actors never need is made when it is. Its host sees it as
 * a `HostCell`; the rest is for the files of this folder.
 */
export class Cell implements HostCell, Pumped, CommitHooks, InboxHooks, EndingHooks, IncarnationHost {
  readonly address: Address;
  /** What runs it: the definition of its type, or that of a substitute. */
  definition: AnyDefinition;
  readonly services: CellServices;
  readonly mailbox = new Mailbox();
  /** What code sent while the cell was loading. */
  early: (DirectItem | OrderItem)[] | undefined;
  readonly commits: CommitQueue;
  inbox: InboxReader | undefined;
  scheduled: ScheduledReader | undefined;
  ids: IdGate | undefined;
  blame: Blame | undefined;
  ending: Ending | undefined;
  isUsed = true;
  quietSinceMs = 0;
  phase: 'loading' | 'live' | 'busy' | 'pausing' | 'ended' | 'disposed' = 'loading';
  incarnation: Incarnation | undefined;
  /** The item that made the actor, until that is durable. */
  creator: Item | undefined;
  /** Effect functions that the last life entered and never began. */
  unbegun: readonly InFlightRow[] = NONE;
  parent: Address = ROOT;
  trouble: Trouble | undefined;

  constructor(address: Address, services: CellServices) {
    this.address = address;
    this.services = services;
    this.definition = services.definitions.get(typeOf(address));
    this.commits = new CommitQueue(this);
    void this.load();
  }

  get hibernateAfterMs(): number {
    return this.definition.policy.hibernateAfterMs;
  }

  /** A history is kept of it. */
  get isRecorded(): boolean {
    return this.definition.policy.history !== undefined;
  }

  /** Accepts what code sent. */
  enqueue(item: DirectItem | OrderItem): void {
    this.isUsed = true;
    // Only a cell that has loaded knows what is repeated, and that must not be refused for want of room.
    if (this.phase === 'loading') return keepEarly(this, item);
    accept(this, item);
    this.pump();
  }

  /** A committed row for this actor, straight from its sender. While loading, the read that follows finds it. */
  hint(item: InboxItem, previousPos: number): void {
    this.isUsed = true;
    if (this.phase === 'loading') this.reader().readAfterReset();
    else if (this.phase === 'ended') this.reader().read();
    else this.reader().hint(item, previousPos);
  }

  /** There may be rows nobody hinted at. */
  wake(): void {
    if (this.mailbox.size === 0 && this.commits.unacknowledged === 0 && this.phase !== 'loading') this.reader().read();
  }

  /** There is a row whose position its sender does not know. */
  poke(): void {
    if (this.phase === 'loading') this.reader().readAfterReset();
    else this.reader().read();
  }

  /** Scheduled events may be due. Timers of the machine are watched by the live actor itself. */
  due(): void {
    const scheduled = (this.scheduled ??= new ScheduledReader(this));
    if (this.phase === 'live') scheduled.read();
    else scheduled.want();
  }

  /** Leaves memory if nothing is under way; everything comes back with the next load. Returns whether it did. */
  sleep(): boolean {
    if (!this.isQuiet) return false;
    const { nextDue } = this.commits.timers;
    if (nextDue !== null) this.services.dueLater(this.address, nextDue);
    this.dispose();
    this.services.disposed(this.address);
    return true;
  }

  get isQuiet(): boolean {
    return (
      this.phase === 'live' &&
      this.mailbox.size === 0 &&
      this.commits.unacknowledged === 0 &&
      this.inbox?.isQuiet !== false &&
      this.scheduled?.isQuiet !== false &&
      this.blame?.isClean !== false &&
      this.incarnation?.isStorable === true
    );
  }

  /** Committed state as JSON, nothing when the actor does not exist. */
  viewText(): string | undefined {
    const committed = this.commits.committed;
    if (!committed) return undefined;
    const { value, context, output } = committed.state ?? {};
    return JSON.stringify({ value, context, output, status: committed.status, seq: committed.seq });
  }

  /** Lets go of everything: the thread ends, or another owner took over. Nothing is committed any more. */
  dispose(): void {
    this.phase = 'disposed';
    this.ending?.dispose();
    dropSupervisor(this);
    this.endLife();
  }

  /** Takes what waits, as far as there is room. Also called when there is room again. */
  pump(): void {
    while (this.phase === 'live' && this.commits.hasRoom && this.isHeadReady) {
      if (!this.services.hasRoom(this)) return;
      this.fill(this.commits.newDraft());
    }
    if (this.phase === 'ended' && this.mailbox.size > 0) this.answerEnded();
    if (this.phase === 'busy') this.ending?.look();
    if (this.phase === 'pausing') obeyInPause(this);
    if (this.mailbox.size > 0) return;
    if (this.trouble) this.trouble.isCautious = false;
    if (this.inbox) this.#tend(this.inbox);
  }

  #tend(inbox: InboxReader): void {
    if (inbox.isBehind) inbox.read();
    else if (this.commits.unacknowledged === 0) inbox.trim();
  }

  /** Takes turns until the mailbox is empty or the commit is full, then posts what they led to. */
  fill(draft: Draft): void {
    fill(this, draft);
  }

  /** Makes the next life. */
  incarnate(origin: LiveOrigin): Incarnation {
    this.incarnation = new Incarnation(this, origin);
    return this.incarnation;
  }

  /** Posts a draft; `next` are items that come right after it. Returns false when its state cannot be saved. */
  post(draft: Draft, next: readonly Item[] = NONE): boolean {
    try {
      this.commits.post(draft);
      return true;
    } catch (error) {
      refuseUnsavable(this, draft, next, error);
      return false;
    }
  }

  /** A commit is durable: what it holds is let out. */
  acknowledged(draft: Draft, result: Exclude<CommitResult, { outcome: 'refused' }>): void {
    if (this.trouble && draft.items.length > 0) this.trouble.refusals = 0;
    if (draft.actor && draft.status === 'active') void followParent(this);
    this.creator = undefined;
    if (draft.sent) letOut(this.address, draft.sent, result, draft.at, this.services);
    if (draft.begins.length > 0) this.incarnation?.begin(draft.begins);
    if (draft.fired.length > 0) this.scheduled?.settle(draft.fired);
    draft.settle();
    if (draft.state || draft.status !== 'active') this.services.changed(this.address);
    this.pump();
  }

  reload(): void {
    dropSupervisor(this);
    this.endLife();
    this.inbox?.drop();
    this.scheduled?.reset();
    this.phase = 'loading';
    void this.load();
  }

  /** The machine has come to its end. A permanent actor begins again. */
  complete(draft: Draft): void {
    if (this.definition.policy.supervise.restart !== 'permanent') return this.finish(draft, { status: 'done' });
    if (this.post(draft)) this.failWith({ kind: 'ended', error: beginsAgain(this.address) });
  }

  finish(draft: Draft, end: End): void {
    void this.endingOf().finish(draft, this.parent, end);
  }

  get isLive(): boolean {
    return this.phase === 'live';
  }

  get isDisposed(): boolean {
    return this.phase === 'disposed';
  }

  enterEnded(): void {
    this.phase = 'ended';
    this.answerEnded();
  }

  answerEnded(): void {
    answerEnded(this);
  }

  /** True when an item waits that may be taken. */
  get isHeadReady(): boolean {
    const head = this.mailbox.peek();
    return head !== undefined && !this.ids?.isUnready(head);
  }

  reader(): InboxReader {
    return (this.inbox ??= new InboxReader(this));
  }

  gate(): IdGate {
    return (this.ids ??= new IdGate(this));
  }

  forgotten(): void {
    dropSupervisor(this);
    this.definition = this.services.definitions.get(typeOf(this.address));
    this.blame = undefined;
    this.trouble = undefined;
  }

  /** Another definition runs from here on. */
  become(definition: AnyDefinition): void {
    this.definition = definition;
    this.commits.adopt(definition);
  }

  /** A life has begun: whoever watches hears of it, and how long it took. */
  serves(draft: Draft): void {
    serves(this, draft);
  }

  /** Runs the pauses of an actor that has failed. */
  supervisorOf(): Supervisor {
    return supervisorOf(this);
  }

  /** Where the actor is in its life. */
  get lifecycle(): LifecycleView {
    return lifecycleOf(this);
  }

  get isEscalated(): boolean {
    return this.blame?.record.isEscalated === true;
  }

  forgive(draft: Draft): void {
    if (this.blame) this.blame.forgive(draft);
    if (draft.status === 'active') this.inTrouble().cause = 'revival';
  }

  inTrouble(): Trouble {
    return (this.trouble ??= new Trouble());
  }

  judgeOf(): Blame {
    return (this.blame ??= new Blame(this.address));
  }

  endingOf(): Ending {
    return (this.ending ??= new Ending(this, this.commits));
  }

  // Its phases, each in a file of its own.

  load(): Promise<void> {
    return load(this);
  }

  restore(draft?: Draft): void {
    restore(this, draft);
  }

  createNext(charge?: Fault): void {
    createNext(this, charge);
  }

  failCreation(creator: Item, draft: Draft, fault: Fault): void {
    failCreation(this, creator, draft, fault);
  }

  failWith(fault: Fault): void {
    fail(this, fault);
  }

  /** An effect function makes no progress. */
  stalled(key: string, error: Error): void {
    if (this.phase === 'live') this.failWith({ kind: 'stall', what: key, error });
  }

  refused(result: RefusedResult, drafts: readonly Draft[]): void {
    takeRefusal(this, result, drafts);
  }

  // What its parts ask for.

  stateBefore(draft: Draft): PersistedState | undefined {
    return this.commits.stateBefore(draft);
  }

  wantTurn(item: InternalItem | TimerItem): void {
    this.isUsed = true;
    this.mailbox.push(item);
    this.pump();
  }

  takeRows(items: readonly (InboxItem | ScheduledItem)[]): void {
    for (const item of items) this.mailbox.push(item);
    this.pump();
  }

  get isFull(): boolean {
    // Words of children that end are what an end waits for.
    return this.ending?.isWaiting !== true && this.mailbox.told >= this.definition.policy.mailbox.capacity;
  }

  idReady(): void {
    if (this.phase === 'ended') this.answerEnded();
    else this.pump();
  }

  idKnown(item: Item): void {
    this.mailbox.remove(item);
  }

  beginEnd(): void {
    this.endLife();
    this.phase = 'busy';
  }

  ended(): void {
    this.enterEnded();
  }

  endLife(): void {
    if (this.incarnation) this.unbegun = this.incarnation.end();
    this.incarnation = undefined;
  }
}
