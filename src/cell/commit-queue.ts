/**
 * The commits of one cell: what is durable, what has been posted and waits for acknowledgement, and the numbers that go on
 * from it. Commits are acknowledged in the order they were posted.
 */
import type { Address } from '../actor/address.ts';
import type { AnyDefinition, HistoryPolicy } from '../actor/define.ts';
import type { PersistedState } from '../state/persisted.ts';
import type { ActorStatus, Commit, CommitResult, NewInboxRow } from '../store/store.ts';
import { Draft } from './draft.ts';
import { isAwaited, isTold } from './items.ts';
import type { DirectItem, Outcome } from './items.ts';
import { readTimers } from './load.ts';
import type { StoredLife } from './load.ts';
import type { StoredTimers } from './machine-timers.ts';
import { NO_ROW, RowImage } from './row-image.ts';
import { readRecord } from '../supervision/record.ts';
import { toHistory } from './recording.ts';
import type { CellServices } from './services.ts';
import { StateSaver } from './state-saver.ts';
import type { SavedState, SavedWrite } from './state-saver.ts';

/** What is known to be durable. */
export interface Committed {
  readonly state: PersistedState | undefined;
  readonly status: ActorStatus;
  readonly seq: number;
  readonly error: string | null;
}

/** Whose commits they are. */
export interface CommitHooks {
  readonly address: Address;
  readonly definition: AnyDefinition;
  readonly services: CellServices;
  /** A commit is durable: let out what it holds. `isRepeated`: its positions are not known. */
  acknowledged(draft: Draft, result: Extract<CommitResult, { outcome: 'done' | 'repeated' }>): void;
  /** A commit was refused, and the ones after it with it. Nothing of them applies. */
  refused(result: RefusedResult, drafts: readonly Draft[]): void;
  /** The actor is gone with all its rows: nothing it was is held against, or kept for, the next of its name. */
  forgotten(): void;
}

export type RefusedResult = Extract<CommitResult, { outcome: 'refused' }>;

export class CommitQueue {
  readonly #cell: CommitHooks;
  #posted: Draft[] = [];
  #life = 0;
  #seq = 0;
  #birth = 0;
  #epoch = 1;
  #version: number;
  #saver: StateSaver;
  #marks: Readonly<Record<string, number>> = {};
  #inFlightText: string | null = null;
  #timers: StoredTimers = NO_TIMERS;
  #meta = '{}';
  #committed: Committed | undefined;
  #image = new RowImage(NO_ROW);
  /** Checksum of the last row of state, as posted. */
  #tip = 0;
  /** What the actor goes on from when no row says so. */
  #unsaved: PersistedState | undefined;
  /** Subscriptions as posted, followed while a history is kept. */
  #topics = new Map<string, string>();
  #onQuiet: (() => void)[] | undefined;

  constructor(cell: CommitHooks) {
    this.#cell = cell;
    this.#version = cell.definition.version;
    this.#saver = this.#newSaver(cell.definition);
  }

  get committed(): Committed | undefined {
    return this.#committed;
  }

  get unacknowledged(): number {
    return this.#posted.length;
  }

  /** False while so many wait for acknowledgement that more input has to wait in the mailbox. */
  get hasRoom(): boolean {
    const { history } = this.#cell.definition.policy;
    return this.#posted.length < (history ? MAX_UNACKNOWLEDGED_RECORDED : MAX_UNACKNOWLEDGED);
  }

  /** Highest number per direct sender, posted commits included. */
  get marks(): Readonly<Record<string, number>> {
    return this.#marks;
  }

  /** In-flight rows as posted last. */
  get inFlightText(): string | null {
    return this.#inFlightText;
  }

  /** Timers of the machine as posted last. */
  get timers(): StoredTimers {
    return this.#timers;
  }

  /** False until the first commit has been posted. */
  get isStored(): boolean {
    return this.#seq > 0;
  }

  /** Goes on from what the store holds, or from nothing. Results of commits posted before no longer count. */
  reset(stored: StoredLife | undefined): void {
    this.#life++;
    this.#posted = [];
    this.#onQuiet = undefined;
    this.#seq = stored?.seq ?? 0;
    this.#birth = stored?.createdAt ?? this.#cell.services.env.now();
    this.#epoch = stored?.epoch ?? 1;
    this.#marks = stored?.marks ?? {};
    this.#meta = stored?.meta ?? '{}';
    this.#version =
      stored && (stored.fault || stored.status !== 'active') ? stored.version : this.#cell.definition.version;
    this.#inFlightText = stored?.inFlightText ?? null;
    this.#timers = toStoredTimers(stored);
    this.#committed = stored && {
      state: stored.renewed ?? stored.saved?.state,
      status: stored.status,
      seq: stored.seq,
      error: stored.error,
    };
    this.#image = new RowImage(stored?.row ?? NO_ROW);
    this.#tip = stored?.tip ?? 0;
    this.#topics = new Map(stored?.subscriptions.map(({ pattern, event }) => [pattern, event]));
    this.#unsaved = stored?.status === 'active' ? stored.renewed : undefined;
    this.#saver = this.#newSaver(this.#cell.definition, stored?.saved);
  }

  /** Another definition runs from here on: what it saves stands by itself. */
  adopt(definition: AnyDefinition): void {
    this.#version = definition.version;
    this.#saver = this.#newSaver(definition);
  }

  #newSaver({ policy }: AnyDefinition, last?: SavedState): StateSaver {
    const { maxStateBytes, history } = policy;
    return new StateSaver({ owner: this.#cell.address, maxStateBytes, keepsSteps: history !== undefined, last });
  }

  /** Holds an actor whose state cannot be used as quarantined, without a word to the store. */
  hold(error: string): void {
    this.#committed = { state: undefined, status: 'quarantined', seq: this.#seq, error };
  }

  /** A restored actor has walked into a state and set its timers again. Nothing is saved of that which equals what is stored. */
  rebase(draft: Draft): void {
    if (draft.timers?.text === this.#timers.text) draft.timers = undefined;
    if (!draft.state || !this.#committed || !this.#saver.rebase(draft.state)) return;
    this.#committed = { ...this.#committed, state: draft.state };
    draft.state = undefined;
  }

  newDraft(): Draft {
    const draft = new Draft(this.#seq + 1, this.#birth);
    draft.status = this.#committed?.status ?? 'active';
    draft.isRecorded = this.#cell.definition.policy.history !== undefined;
    return draft;
  }

  /** A draft for an actor that does not exist: rows meant for it may be removed, nothing is created. */
  newOrphanDraft(): Draft {
    return new Draft(0, this.#birth);
  }

  /** The state the next turn starts from. */
  stateBefore(draft: Draft): PersistedState | undefined {
    return draft.state ?? this.#posted.findLast(({ state }) => state)?.state ?? this.#committed?.state;
  }

  /**
   * Posts a draft; an empty one only waits for those before it.
   * @throws {TroupeError} ERR_STATE_TOO_LARGE, or what the user's `meta` throws; nothing was posted then.
   */
  post(draft: Draft): void {
    if (draft.isEmpty) return this.#wait(draft);
    // The user's `meta` may throw, so it comes before the saver counts the state as posted.
    draft.state ??= this.#unsaved;
    const meta = this.#metaOf(draft);
    const write = draft.state && this.#saver.write(draft.state);
    this.#unsaved = undefined;
    this.#noteMeta(draft, meta);
    draft.at = this.#cell.services.env.now();
    const commit = this.#toCommit(draft, write);
    this.#seq = draft.seq;
    this.#marks = draft.marksAfter(this.#marks);
    if (draft.inFlight !== undefined) this.#inFlightText = draft.inFlight;
    if (draft.timers) this.#timers = draft.timers;
    this.#posted.push(draft);
    const life = this.#life;
    this.#cell.services.store.post(commit, (result) => {
      if (life === this.#life) this.#take(draft, result);
    });
  }

  #toCommit(draft: Draft, write: SavedWrite | undefined): Commit {
    const { address, definition, services } = this.#cell;
    const base = { address, epoch: this.#epoch, at: draft.at, version: this.#version };
    const commit: Mutable<Commit> = draft.toCommit(base, write?.state);
    if (draft.seq === 0) return commit;
    if (write?.state.kind === 'snapshot') commit.shape = services.definitions.shapeOf(definition.type);
    if (write?.step) commit.step = write.step;
    if (write) this.#tip = this.#saver.tip;
    commit.sum = this.#image.after(commit, this.#tip);
    if (definition.policy.history) this.#record(draft, commit, definition.policy.history);
    return commit;
  }

  /** What is beyond the bounds goes now and then, many at a time. */
  #record(draft: Draft, commit: Mutable<Commit>, { keep, keepMs }: Required<HistoryPolicy>): void {
    if (draft.isRemoval) return;
    for (const [pattern, event] of draft.sent?.subscriptions ?? []) setOrDelete(this.#topics, pattern, event);
    const { inFlight, timers, supervision } = this.#image.fields;
    const substitute = readRecord(supervision).as;
    commit.history = toHistory(draft, commit, {
      version: this.#version,
      tip: this.#tip,
      substitute,
      timers,
      inFlight,
      topics: this.#topics,
    });
    if (draft.seq % Math.min(TRIM_EVERY, keep) > 0) return;
    commit.trimHistory = {
      ...(keep < Infinity && { beforeSeq: draft.seq - keep + 1 }),
      ...(keepMs < Infinity && { beforeAt: draft.at - keepMs }),
    };
  }

  /** Posts a row for another actor ahead of a draft that is still in the making; that one follows. */
  postAhead(row: NewInboxRow, later: Draft): void {
    const draft = this.newDraft();
    draft.rows.inbox.push(row);
    this.post(draft);
    later.seq = this.#seq + 1;
  }

  /** True when `post` would not throw for the state of this draft. */
  canSave(draft: Draft): boolean {
    try {
      this.#metaOf(draft);
      return draft.state === undefined || this.#saver.fits(draft.state);
    } catch {
      return false;
    }
  }

  /** Runs `next` once nothing is under way any more, after whatever waits for that already. */
  whenQuiet(next: () => void): void {
    (this.#onQuiet ??= []).push(next);
    this.#settleQuiet();
  }

  /** Tells the sender of an item that changes nothing, once what was posted before it is durable. */
  answer(item: DirectItem, outcome: Outcome): void {
    const last = this.#posted.at(-1);
    if (last) last.answer(item, outcome);
    else item.settle(outcome);
  }

  #wait(draft: Draft): void {
    const last = this.#posted.at(-1);
    // Those that nobody waits for would only pile up while the store is away.
    if (last) last.items.push(...draft.items.filter((item) => isAwaited(item) && !isTold(item)));
    else draft.settle();
  }

  #metaOf(draft: Draft): string {
    if (!draft.state || draft.state.status === 'error' || !this.#cell.definition.meta) return this.#meta;
    const { address, definition, services } = this.#cell;
    services.mark(address, 'meta');
    try {
      return JSON.stringify(definition.meta?.(draft.state.context ?? null));
    } finally {
      services.mark(address, undefined);
    }
  }

  #noteMeta(draft: Draft, meta: string): void {
    if (meta === this.#meta) return;
    this.#meta = meta;
    if (draft.actor) draft.actor = { ...draft.actor, meta };
    else draft.meta = meta;
  }

  #take(draft: Draft, result: CommitResult): void {
    if (result.outcome === 'refused') {
      const drafts = this.#posted;
      this.#life++;
      this.#posted = [];
      return this.#cell.refused(result, drafts);
    }
    this.#posted.shift();
    const error = draft.error === undefined ? (this.#committed?.error ?? null) : draft.error;
    // Seq 0 only lets go of rows for an actor that does not exist.
    if (draft.seq > 0) {
      this.#committed = { state: draft.state ?? this.#committed?.state, status: draft.status, seq: draft.seq, error };
    }
    if (draft.publishedAt.length > 0) this.#cell.services.handled(draft.publishedAt);
    this.#cell.acknowledged(draft, result);
    if (draft.isRemoval && this.#posted.length === 0) this.#forget();
    this.#settleQuiet();
  }

  /** What waits may post again; the rest waits on then. */
  #settleQuiet(): void {
    while (this.#onQuiet && this.#posted.length === 0) {
      const next = this.#onQuiet.shift();
      if (!next) return;
      next();
    }
  }

  /** The actor is gone with all its rows; whoever comes next begins from nothing. */
  #forget(): void {
    this.#seq = 0;
    this.#birth = this.#cell.services.env.now();
    this.#marks = {};
    this.#meta = '{}';
    this.#inFlightText = null;
    this.#timers = NO_TIMERS;
    this.#committed = undefined;
    this.#image = new RowImage(NO_ROW);
    this.#unsaved = undefined;
    this.#topics = new Map();
    this.#cell.forgotten();
    this.adopt(this.#cell.definition);
  }
}

/** Commits of one cell that may wait for acknowledgement. */
const MAX_UNACKNOWLEDGED = 4;
/** The same for one whose history is kept: each of its commits holds one turn. */
const MAX_UNACKNOWLEDGED_RECORDED = 64;

/** Commits between two times that what is no longer kept of a history goes. */
const TRIM_EVERY = 64;

function setOrDelete(topics: Map<string, string>, pattern: string, event: string | null): void {
  if (event === null) topics.delete(pattern);
  else topics.set(pattern, event);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NO_TIMERS: StoredTimers = { text: null, nextDue: null };

function toStoredTimers(stored: StoredLife | undefined): StoredTimers {
  if (!stored || stored.timersText === null || stored.fault) return NO_TIMERS;
  return { text: stored.timersText, nextDue: readTimers(stored.timersText)[0]?.dueAt ?? null };
}
