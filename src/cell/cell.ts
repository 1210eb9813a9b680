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
import type { CommitResult } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import { admit } from './admission.ts';
import { Blame } from './blame.ts';
import { CommitQueue } from './commit-queue.ts';
import type { CommitHooks, RefusedResult } from './commit-queue.ts';
import { findCreator } from './creation.ts';
import type { Creator } from './creation.ts';
import type { Draft } from './draft.ts';
import type { InFlightRow } from './effect-runs.ts';
import { Ending } from './ending.ts';
import type { End, EndingHooks } from './ending.ts';
import { actorQuarantined, creationFailed, fanOutRefused, refusedTooOften } from './failure.ts';
import type { HostCell } from './host-cell.ts';
import { IdGate } from './id-gate.ts';
import { INBOX_PAGE, InboxReader } from './inbox-reader.ts';
import type { InboxHooks } from './inbox-reader.ts';
import { Incarnation } from './incarnation.ts';
import type { IncarnationHost } from './incarnation.ts';
import { eventIdOf, isAwaited, isStopOrder } from './items.ts';
import type {
  DirectItem,
  InboxItem,
  InternalItem,
  Item,
  OrderItem,
  ScheduleCommand,
  ScheduledItem,
  TimerItem,
} from './items.ts';
import type { Failed, LiveOrigin } from './live-actor.ts';
import { readStored, readTimers } from './load.ts';
import type { StoredLife } from './load.ts';
import { Mailbox } from './mailbox.ts';
import { letOut } from './release.ts';
import { isRepeated, mayBeSpent, settleRepeated } from './repeats.ts';
import { ScheduledReader } from './scheduled-reader.ts';
import type { CellServices, Pumped } from './services.ts';
import { Trouble } from './trouble.ts';

/** Turns that may share one commit. */
const MAX_TURNS_PER_COMMIT = 64;

/** Commits of one cell that may wait for acknowledgement; more input waits in the mailbox. */
const MAX_UNACKNOWLEDGED = 4;

/** Pause before a load that failed is tried again. */
const LOAD_RETRY_MS = 500;

const NONE: readonly never[] = [];

/** Thousands are kept, so a cell is its parts' one contact, and what most actors never need is made when it is. */
export class Cell implements HostCell, Pumped, CommitHooks, InboxHooks, EndingHooks, IncarnationHost {
  readonly address: Address;
  readonly definition: AnyDefinition;
  readonly services: CellServices;
  readonly #mailbox = new Mailbox();
  /** What code sent while the cell was loading. */
  #early: (DirectItem | OrderItem)[] | undefined;
  readonly #commits: CommitQueue;
  #inbox: InboxReader | undefined;
  #scheduled: ScheduledReader | undefined;
  #ids: IdGate | undefined;
  #blame: Blame | undefined;
  #ending: Ending | undefined;
  isUsed = true;
  quietSinceMs = 0;
  #phase: 'loading' | 'live' | 'busy' | 'ended' | 'disposed' = 'loading';
  #incarnation: Incarnation | undefined;
  /** The item that made the actor, until that is durable. */
  #creator: Item | undefined;
  /** Effect functions that the last life entered and never began. */
  #unbegun: readonly InFlightRow[] = NONE;
  #parent: Address = ROOT;
  #trouble: Trouble | undefined;

  constructor(address: Address, services: CellServices) {
    this.address = address;
    this.services = services;
    this.definition = services.definitions.get(typeOf(address));
    this.#commits = new CommitQueue(this);
    void this.#load();
  }

  get hibernateAfterMs(): number {
    return this.definition.policy.hibernateAfterMs;
  }

  /** Accepts what code sent. */
  enqueue(item: DirectItem | OrderItem): void {
    this.isUsed = true;
    // Only a cell that has loaded knows what is repeated, and that must not be refused for want of room.
    if (this.#phase === 'loading') return void (this.#early ??= []).push(item);
    this.#accept(item);
    this.pump();
  }

  #acceptEarly(): void {
    const early = this.#early ?? NONE;
    this.#early = undefined;
    for (const item of early) this.#accept(item);
  }

  /** A replaced host may wake a cell, by a hint or a read, before main repeats what the dead host had committed. */
  #accept(item: DirectItem | OrderItem): void {
    const direct = item.kind === 'direct' ? item : undefined;
    if (direct && isRepeated(direct, this.#commits.marks)) return this.#settleRepeated(direct);
    if (!admit(item, this.#mailbox, this.definition, this.address, this.services)) return;
    const isGated = item.kind === 'direct' && item.idempotencyId !== undefined;
    const admitted = isGated ? this.#gate().admit(item, item.idempotencyId as string) : item;
    if (admitted) this.#mailbox.push(admitted);
  }

  /** A committed row for this actor, straight from its sender. While loading, the read that follows finds it. */
  hint(item: InboxItem, previousPos: number): void {
    this.isUsed = true;
    if (this.#phase === 'loading') this.#reader().readAfterReset();
    else if (this.#phase === 'ended') this.#reader().read();
    else this.#reader().hint(item, previousPos);
  }

  /** There may be rows nobody hinted at. */
  wake(): void {
    if (this.#mailbox.size === 0 && this.#commits.unacknowledged === 0 && this.#phase !== 'loading')
      this.#reader().read();
  }

  /** There is a row whose position its sender does not know. */
  poke(): void {
    if (this.#phase === 'loading') this.#reader().readAfterReset();
    else this.#reader().read();
  }

  /** Scheduled events may be due. Timers of the machine are watched by the live actor itself. */
  due(): void {
    const scheduled = (this.#scheduled ??= new ScheduledReader(this));
    if (this.#phase === 'live') scheduled.read();
    else scheduled.want();
  }

  /** Leaves memory if nothing is under way; everything comes back with the next load. Returns whether it did. */
  sleep(): boolean {
    if (!this.#isQuiet) return false;
    const { nextDue } = this.#commits.timers;
    if (nextDue !== null) this.services.dueLater(this.address, nextDue);
    this.dispose();
    this.services.disposed(this.address);
    return true;
  }

  get #isQuiet(): boolean {
    return (
      this.#phase === 'live' &&
      this.#mailbox.size === 0 &&
      this.#commits.unacknowledged === 0 &&
      this.#inbox?.isQuiet !== false &&
      this.#scheduled?.isQuiet !== false &&
      this.#blame?.isClean(this.services.env.now()) !== false &&
      this.#incarnation?.isStorable === true
    );
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
    const { store, log, env } = this.services;
    try {
      const [actor, rows] = await Promise.all([
        store.call('load', this.address),
        store.call('inbox', this.address, { limit: INBOX_PAGE }),
      ]);
      if (this.#phase !== 'loading') return;
      if (rows.length > 0 || this.#inbox) this.#mailbox.unshift(this.#reader().reset(rows));
      const stored = actor && readStored(actor, this.definition, this.services.boot);
      this.#commits.reset(stored);
      this.#acceptEarly();
      this.#takeBlame(stored);
      if (stored) this.#resume(stored);
      else this.#createNext();
      this.#inbox?.catchUp();
      if (this.#isLive) this.#scheduled?.catchUp();
    } catch (error) {
      log.warn('cannot load actor, trying again', { address: this.address, error: encodeError(error) });
      env.setTimeout(() => void (this.#phase === 'loading' && this.#load()), LOAD_RETRY_MS);
    }
  }

  /** Most actors have nothing to answer for. */
  #takeBlame(stored: StoredLife | undefined): void {
    const suspect = this.services.takeSuspect(this.address);
    if (this.#blame || suspect || stored?.failing) this.#judgeOf().take(suspect, stored?.failing);
  }

  #resume(stored: StoredLife): void {
    this.#parent = stored.parent;
    this.#dropRepeated(stored.marks);
    if (stored.fault) return this.#holdFaulty(stored, stored.fault);
    if (this.#trouble?.isRefusedForGood) return this.#holdFaulty(stored, refusedTooOften(this.address));
    if (stored.status !== 'active') return this.#enterEnded();
    const draft = this.#commits.newDraft();
    this.#blame?.note(draft);
    const fault = this.#blame?.threadFault;
    if (fault) return this.#finish(draft, { status: 'quarantined', error: JSON.stringify(encodeError(fault)) });
    this.#subscribeToTopics(draft, new Set(stored.subscriptions.map(({ pattern }) => pattern)));
    this.#restore(draft);
  }

  /** Topics of the definition that this actor does not receive yet. */
  #subscribeToTopics(draft: Draft, known: ReadonlySet<string>): void {
    for (const [pattern, type] of Object.entries(this.definition.policy.topics)) {
      if (!known.has(pattern)) draft.rows.subscriptions.set(pattern, type);
    }
  }

  /** A state that cannot be used: quarantined with its rows untouched; a foreign version is not even noted in the store. */
  #holdFaulty(stored: StoredLife, fault: TroupeError): void {
    const error = JSON.stringify(encodeError(fault));
    this.services.log.error('actor held: its stored state cannot be used', {
      address: this.address,
      error: encodeError(fault),
    });
    if (stored.status === 'active' && fault.code === 'ERR_STATE_CORRUPT') {
      return this.#finish(this.#commits.newDraft(), { status: 'quarantined', error });
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
    settleRepeated(item, this.address, this.services, () => !this.isDisposed).catch(() => {});
  }

  #restore(draft = this.#commits.newDraft()): void {
    const state = this.#commits.committed?.state as PersistedState;
    const stored = this.#commits.inFlightText === null ? [] : (JSON.parse(this.#commits.inFlightText) as InFlightRow[]);
    const inFlight = stored.map((row) => (this.#hasBegun(row) ? row : { ...row, attempt: row.attempt - 1 }));
    const timers = readTimers(this.#commits.timers.text);
    const failed = this.#incarnate({ state }).start(draft, { inFlight, timers });
    if (failed) return this.#fail(undefined, failed.error);
    this.#commits.rebase(draft);
    this.#blame?.acquit('start', draft);
    this.#phase = 'live';
    if (!draft.isEmpty) this.post(draft);
    this.pump();
    if (this.#isLive) this.#scheduled?.catchUp();
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
    return findCreator(this.#mailbox, this.services.definitions.acceptsNoInput(this.definition.type));
  }

  #create(creator: Item, origin: { readonly input: unknown; readonly parent: Address }): void {
    this.#parent = origin.parent;
    this.#creator = creator;
    const draft = this.#commits.newDraft();
    draft.actor = { type: this.definition.type, parent: this.#parent, meta: '{}' };
    this.#subscribeToTopics(draft, new Set());
    const isSpawn = creator.kind === 'inbox' && creator.row.kind === 'create';
    if (isSpawn) {
      this.#mailbox.remove(creator);
      draft.consume(creator, this.#commits.marks);
    }
    const fault = this.#blame?.threadFault ?? this.#trouble?.faultOf(creator);
    if (fault) return this.#failCreation(creator, draft, fault);
    const failed = this.#incarnate({ input: origin.input }).start(draft);
    if (failed) return this.#failCreation(creator, draft, failed.error);
    this.#phase = 'live';
    if (hasEnded(draft)) return this.#finish(draft, { status: 'done' });
    this.#fill(draft);
    this.pump();
  }

  #failCreation(creator: Item, draft: Draft, error: unknown): void {
    this.#endLife();
    const failure = creationFailed(this.address, error);
    if (!isAwaited(creator)) {
      draft.actor = { type: this.definition.type, parent: this.#parent, meta: '{}' };
      draft.state = { status: 'error' };
      if (!draft.hasConsumed) {
        this.#mailbox.remove(creator);
        draft.consume(creator, this.#commits.marks);
      }
      return this.#finish(draft, { status: 'quarantined', error: JSON.stringify(encodeError(failure)) });
    }
    this.#mailbox.remove(creator);
    creator.settle({ error: encodeError(failure) });
    this.#createNext();
  }

  /** Takes what waits, as far as there is room. Also called when there is room again. */
  pump(): void {
    while (this.#phase === 'live' && this.#commits.unacknowledged < MAX_UNACKNOWLEDGED && this.#isHeadReady()) {
      if (!this.services.hasRoom(this)) return;
      this.#fill(this.#commits.newDraft());
    }
    if (this.#phase === 'ended' && this.#mailbox.size > 0) this.#answerEnded();
    if (this.#mailbox.size > 0) return;
    if (this.#trouble) this.#trouble.isCautious = false;
    if (this.#inbox) this.#tend(this.#inbox);
  }

  #tend(inbox: InboxReader): void {
    if (inbox.isBehind) inbox.read();
    else if (this.#commits.unacknowledged === 0) inbox.trim();
  }

  /** Takes turns until the mailbox is empty or the commit is full, then posts what they led to. */
  #fill(draft: Draft): void {
    const limit = this.#trouble?.isCautious ? 1 : MAX_TURNS_PER_COMMIT;
    for (let turns = 0; turns < limit && this.#isHeadReady(); turns++) {
      const item = this.#mailbox.shift() as Item;
      if (isStopOrder(item)) return this.#stopAfter(draft, item);
      if (item.kind === 'order') {
        draft.items.push(item);
        continue;
      }
      if (this.#blame?.buryPoison(item, draft, this.#commits.marks)) continue;
      const failed = this.#turn(draft, item);
      if (failed) return this.#failAfter(draft, item, failed.error);
      if (hasEnded(draft)) return this.#finish(draft, { status: 'done' });
    }
    this.post(draft);
  }

  #turn(draft: Draft, item: Item): Failed | undefined {
    const fault = this.#trouble?.faultOf(item);
    const failed = fault ? { error: fault } : this.#incarnation?.turn(draft, item);
    if (failed) return failed;
    if (item.kind === 'direct' && item.command) this.#obey(draft, item.command);
    draft.consume(item, this.#commits.marks);
    if (draft.sent && draft.sent.schedules.size > 0) this.#dropMoved(draft.sent.schedules);
    this.#blame?.acquit(eventIdOf(item) ?? 'internal', draft);
    return undefined;
  }

  #obey(draft: Draft, command: ScheduleCommand): void {
    if ('schedule' in command) draft.rows.schedules.set(command.schedule.key, command.schedule);
    else draft.rows.schedules.set(command.unschedule, null);
  }

  /** A scheduled event that was moved or taken back while it waited for its turn does not get one. */
  #dropMoved(keys: ReadonlyMap<string, unknown>): void {
    const moved = this.#mailbox.removeWhere((item) => item.kind === 'scheduled' && keys.has(item.row.key));
    this.#scheduled?.forget(moved.filter((item) => item.kind === 'scheduled'));
  }

  /** Makes the next life. */
  #incarnate(origin: LiveOrigin): Incarnation {
    this.#incarnation = new Incarnation(this, origin);
    return this.#incarnation;
  }

  /** Posts a draft; `next` are items that come right after it. Returns false when its state cannot be saved. */
  post(draft: Draft, next: readonly Item[] = NONE): boolean {
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
    this.#blame?.accuse();
    if (!draft.actor || !creator) return this.#fail(first, error);
    if (first && first !== creator) this.#mailbox.unshift([first]);
    this.#failCreation(creator, this.#commits.newDraft(), error);
  }

  /** A commit is durable: what it holds is let out. */
  acknowledged(draft: Draft, result: Exclude<CommitResult, { outcome: 'refused' }>): void {
    if (this.#trouble && draft.items.length > 0) this.#trouble.refusals = 0;
    this.#creator = undefined;
    if (draft.sent) letOut(this.address, draft.sent, result, draft.at, this.services);
    if (draft.begins.length > 0) this.#incarnation?.begin(draft.begins);
    if (draft.fired.length > 0) this.#scheduled?.settle(draft.fired);
    draft.settle();
    if (draft.state || draft.status !== 'active') this.services.changed(this.address);
    this.pump();
  }

  /** Rule 5: the cell and its queued commits are dropped, and it reloads. */
  refused({ reason, detail }: RefusedResult, drafts: readonly Draft[]): void {
    const trouble = this.#inTrouble();
    trouble.refusals++;
    // What was scheduled may be moved while its turn is under way: no trouble, only another look.
    const level = reason === 'timer' ? 'debug' : 'warn';
    this.services.log[level]('commit refused, reloading', { address: this.address, reason, detail });
    if (reason === 'fan-out') trouble.condemn(drafts[0], fanOutRefused(this.address, detail));
    const posted = drafts.flatMap((draft) => draft.items).filter((item) => !mayBeSpent(item, reason));
    const unposted = [...posted, ...(this.#ending?.takeBack() ?? NONE)];
    const items = [...unposted, ...trouble.takeFailed(), ...this.#mailbox.takeAll()].filter(isAwaited);
    this.#mailbox.unshift(items);
    this.#endLife();
    for (const item of items) {
      if (item.kind === 'direct' && item.idempotencyId !== undefined) this.#gate().look(item, item.idempotencyId);
    }
    this.#reload();
  }

  #reload(): void {
    this.#endLife();
    this.#inbox?.drop();
    this.#scheduled?.reset();
    this.#phase = 'loading';
    void this.#load();
  }

  #failAfter(draft: Draft, item: Item, error: unknown): void {
    const isPosted = (draft.isEmpty && draft.items.length === 0) || this.post(draft, [item]);
    if (isPosted) this.#fail(item, error);
  }

  #fail(item: Item | undefined, error: unknown): void {
    this.#endLife();
    this.#phase = 'busy';
    const trouble = this.#inTrouble();
    trouble.isCautious = true;
    trouble.failed = item;
    this.#commits.whenQuiet(() => this.#judge(item, error));
  }

  /** The same turns again, one to a commit, from what is durable. */
  #startOver(): void {
    this.#endLife();
    this.#phase = 'busy';
    this.#inTrouble().isCautious = true;
    // What the turns had moved or taken back is there again.
    this.#mailbox.removeWhere((item) => item.kind === 'scheduled');
    this.#scheduled?.reset();
    this.#commits.whenQuiet(() => (this.#commits.isStored ? this.#restore() : this.#createNext()));
  }

  /** Carries out the decision on a failure; what it costs is durable before the actor goes on. */
  #judge(item: Item | undefined, cause: unknown): void {
    this.#trouble?.judged(item);
    const { env, log } = this.services;
    const error = encodeError(cause);
    const draft = this.#commits.newDraft();
    const blame = this.#judgeOf();
    const decision = blame.decide(item, error, env.now(), draft, this.#commits.marks);
    const correlation = item && eventIdOf(item);
    log.warn('actor failed', { address: this.address, correlation, decision, attempts: blame.attempts, error });
    if (decision === 'quarantine') return this.#giveUp(draft, item, JSON.stringify(error));
    if (decision === 'retry') this.#mailbox.unshift([item as Item]);
    this.post(draft);
    this.#commits.whenQuiet(() => this.#restore());
  }

  #giveUp(draft: Draft, item: Item | undefined, error: string): void {
    if (item && isAwaited(item)) item.settle({ error: encodeError(actorQuarantined(this.address, error)) });
    this.#finish(draft, { status: 'quarantined', error });
  }

  /** The end has a commit of its own: what came before must be saved as it is, or fail by itself. */
  #stopAfter(draft: Draft, item: Item): void {
    const isAlone = draft.isEmpty && draft.items.length === 0;
    if (!isAlone && !this.post(draft, [item])) return;
    const last = this.#commits.newDraft();
    this.#end().obey(last, this.#parent, item, () => this.#incarnation?.stop(last));
  }

  #finish(draft: Draft, end: End): void {
    void this.#end().finish(draft, this.#parent, end);
  }

  get #isLive(): boolean {
    return this.#phase === 'live';
  }

  get isDisposed(): boolean {
    return this.#phase === 'disposed';
  }

  #enterEnded(): void {
    this.#phase = 'ended';
    this.#answerEnded();
  }

  /** Nobody lives here: senders are told, rows of others become dead letters, then the cell is forgotten. */
  #answerEnded(): void {
    const { committed, isStored } = this.#commits;
    if (!committed && !isStored && this.#findCreator()) {
      return this.#commits.whenQuiet(() => void (this.#phase === 'ended' && this.#createNext()));
    }
    if (this.#end().answer(this.#takeReady(), this.#parent) === 'finishing') return;
    this.#commits.whenQuiet(() => {
      if (this.#phase !== 'ended' || this.#mailbox.size > 0) return;
      if (this.#commits.committed?.status === 'active') return this.#reload();
      this.#phase = 'disposed';
      this.services.disposed(this.address);
    });
  }

  /** All items but those whose id may have been done before: they get the outcome it had then (G6). */
  #takeReady(): readonly Item[] {
    const items = this.#mailbox.takeAll();
    if (!this.#ids) return items;
    for (const item of items) if (this.#ids.isUnready(item)) this.#mailbox.push(item);
    return items.filter((item) => !this.#ids?.isUnready(item));
  }

  #isHeadReady(): boolean {
    const head = this.#mailbox.peek();
    return head !== undefined && !this.#ids?.isUnready(head);
  }

  #reader(): InboxReader {
    return (this.#inbox ??= new InboxReader(this));
  }

  #gate(): IdGate {
    return (this.#ids ??= new IdGate(this));
  }

  #inTrouble(): Trouble {
    return (this.#trouble ??= new Trouble());
  }

  #judgeOf(): Blame {
    return (this.#blame ??= new Blame(this.address, this.definition.policy));
  }

  #end(): Ending {
    return (this.#ending ??= new Ending(this, this.#commits));
  }

  // What its parts ask for.

  stateBefore(draft: Draft): PersistedState | undefined {
    return this.#commits.stateBefore(draft);
  }

  wantTurn(item: InternalItem | TimerItem): void {
    this.isUsed = true;
    this.#mailbox.push(item);
    this.pump();
  }

  takeRows(items: readonly (InboxItem | ScheduledItem)[]): void {
    for (const item of items) this.#mailbox.push(item);
    this.pump();
  }

  get isFull(): boolean {
    return this.#mailbox.told >= this.definition.policy.mailbox.capacity;
  }

  idReady(): void {
    if (this.#phase === 'ended') this.#answerEnded();
    else this.pump();
  }

  idKnown(item: Item): void {
    this.#mailbox.remove(item);
  }

  beginEnd(): void {
    this.#endLife();
    this.#phase = 'busy';
  }

  ended(): void {
    this.#enterEnded();
  }

  #endLife(): void {
    if (this.#incarnation) this.#unbegun = this.#incarnation.end();
    this.#incarnation = undefined;
  }
}

function hasEnded(draft: Draft): boolean {
  return draft.state !== undefined && draft.state.status !== 'active';
}
