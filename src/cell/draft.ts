/**
 * The commit in the making: what one or several turns of one actor led to, and whoever waits for it. Nothing in it has left
 * the cell; it does when the commit is acknowledged.
 */
import type { AnyActorRef } from 'xstate';
import { ROOT } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { PersistedState } from '../state/persisted.ts';
import type { ActorStatus, Commit, DeadLetter, FiredKey, InboxKey, NewActor, StateWrite } from '../store/store.ts';
import type { PlainError } from '../supervision/events.ts';
import { addEffectRows, createEffectRows, hasEffectRows, toScheduleFields } from './effect-rows.ts';
import type { EffectRows } from './effect-rows.ts';
import { isAwaited, isWork, publishedAtOf } from './items.ts';
import type { EventItem, Item, Outcome } from './items.ts';
import type { StoredTimers } from './machine-timers.ts';

const NO_KEYS: readonly never[] = [];

/** Most drafts hold a state and a mark, so that everything else is made when it is needed. */
export class Draft {
  /** Set anew when a commit is posted ahead of this one. */
  seq: number;
  readonly items: Item[] = [];
  #rows: EffectRows | undefined;
  #consumed: InboxKey[] | undefined;
  #fired: FiredKey[] | undefined;
  #publishedAt: number[] | undefined;
  #deadLetters: DeadLetter[] | undefined;
  #idempotencyIds: string[] | undefined;
  #begins: AnyActorRef[] | undefined;
  #causes: Item[] | undefined;
  /** Outcomes decided by this commit itself, such as a dead letter's. */
  #outcomes: Map<Item, Outcome> | undefined;
  state: PersistedState | undefined;
  status: ActorStatus = 'active';
  actor: NewActor | undefined;
  /** What the actor is made from, when this commit makes it. */
  input: unknown;
  error: string | null | undefined;
  supervision: string | null | undefined;
  inFlight: string | null | undefined;
  meta: string | undefined;
  timers: StoredTimers | undefined;
  isRemoval = false;
  /** A history is kept of what leads to commits. */
  isRecorded = false;
  /** Time of the commit, in milliseconds since the epoch; set when it is posted. */
  at = 0;
  #marks: Record<string, number> | undefined;
  readonly #birth: number;
  #ordinal = 0;

  /** @param birth when the actor was created, in milliseconds since the epoch: its key may have been used before */
  constructor(seq: number, birth: number) {
    this.seq = seq;
    this.#birth = birth;
  }

  /** Unique under this address: birth of the actor, seq, and place within the commit. */
  nextId(): string {
    return `${this.#birth.toString(36)}.${this.seq}.${this.#ordinal++}`;
  }

  /** What goes out with this commit; nothing when no effect asked for anything. */
  get sent(): EffectRows | undefined {
    return this.#rows;
  }

  /** Rows to add to. */
  get rows(): EffectRows {
    return (this.#rows ??= createEffectRows());
  }

  /** Effect functions to begin once this is acknowledged. */
  get begins(): readonly AnyActorRef[] {
    return this.#begins ?? NO_KEYS;
  }

  get hasConsumed(): boolean {
    return this.#consumed !== undefined || this.#fired !== undefined;
  }

  /** Scheduled events whose consequences stand in this commit. */
  get fired(): readonly FiredKey[] {
    return this.#fired ?? NO_KEYS;
  }

  /** When the published events were published whose consequences stand in this commit, in milliseconds since the epoch. */
  get publishedAt(): readonly number[] {
    return this.#publishedAt ?? NO_KEYS;
  }

  /** Items whose consequences stand in this commit, or that were given up on with it. */
  get causes(): readonly Item[] {
    return this.#causes ?? NO_KEYS;
  }

  /** True when there is nothing to save; items that only wait may still be in it. */
  get isEmpty(): boolean {
    return (
      this.state === undefined &&
      this.#marks === undefined &&
      this.actor === undefined &&
      !this.hasConsumed &&
      this.#idempotencyIds === undefined &&
      this.inFlight === undefined &&
      this.timers === undefined &&
      this.supervision === undefined &&
      this.error === undefined &&
      !this.isRemoval &&
      (this.#rows === undefined || !hasEffectRows(this.#rows))
    );
  }

  /** Notes that the consequences of `item` stand in this commit. */
  consume(item: Item, marks: Readonly<Record<string, number>>): void {
    this.#take(item, marks);
    if (item.kind === 'direct' && item.idempotencyId !== undefined && isWork(item))
      (this.#idempotencyIds ??= []).push(item.idempotencyId);
    if (item.kind !== 'inbox') return;
    const publishedAt = publishedAtOf(item);
    if (publishedAt !== undefined) (this.#publishedAt ??= []).push(publishedAt);
  }

  /** Notes that `item` was given up on. Its id is not recorded as done, so that a repetition is not taken for a success. */
  reject(item: EventItem, marks: Readonly<Record<string, number>>, outcome: Outcome): void {
    this.#take(item, marks);
    (this.#outcomes ??= new Map<Item, Outcome>()).set(item, outcome);
  }

  /** Tells whoever waits for `item` what became of it once this is durable; the item itself counts for nothing. */
  answer(item: Item, outcome: Outcome): void {
    this.items.push(item);
    (this.#outcomes ??= new Map<Item, Outcome>()).set(item, outcome);
  }

  bury(letter: DeadLetter): void {
    (this.#deadLetters ??= []).push(letter);
  }

  beginAfter(actors: readonly AnyActorRef[]): void {
    (this.#begins ??= []).push(...actors);
  }

  addRows(rows: EffectRows): void {
    if (this.#rows) addEffectRows(this.#rows, rows);
    else this.#rows = rows;
  }

  /** Tells the parent that this actor has ended, durably: with the very commit that ends it. */
  tellParent(parent: Address, child: Address): void {
    const isFailure = this.status === 'quarantined' || this.status === 'failed';
    const output = this.status === 'done' ? this.state?.output : undefined;
    const { name, message, code } = JSON.parse(this.error ?? '{}') as {
      name?: string;
      message?: string;
      code?: string;
    };
    const error = isFailure ? { name, message, code } : undefined;
    const text = JSON.stringify({ type: 'child.exited', child, reason: this.status, output, error });
    this.rows.inbox.push({ receiver: parent, kind: 'event', id: this.nextId(), text });
  }

  /** Tells the parent that a substitute runs in the place of this actor. */
  tellReplaced(parent: Address, child: Address, by: string, error: PlainError): void {
    if (parent === ROOT) return;
    const text = JSON.stringify({ type: 'child.replaced', child, by, error });
    this.rows.inbox.push({ receiver: parent, kind: 'event', id: this.nextId(), text });
  }

  /** Marks as they will be once this commit applies. */
  marksAfter(marks: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
    return this.#marks ?? marks;
  }

  /** Tells everyone who waits. */
  settle(fallback: Outcome = DONE): void {
    for (const item of this.items) if (isAwaited(item)) item.settle(this.#outcomes?.get(item) ?? fallback);
  }

  toCommit(
    base: { address: Address; epoch: number; at: number; version: number },
    state: StateWrite | undefined,
  ): Commit {
    const { address, epoch, at, version } = base;
    const marks = this.#marks && JSON.stringify(this.#marks);
    const commit: Mutable<Commit> = { address, epoch, seq: this.seq, at, version, status: this.status };
    if (state) commit.state = state;
    if (marks) commit.marks = marks;
    if (this.#isPlain) return commit;
    if (this.actor) commit.actor = this.actor;
    if (this.error !== undefined) commit.error = this.error;
    if (this.supervision !== undefined) commit.supervision = this.supervision;
    if (this.inFlight !== undefined) commit.inFlight = this.inFlight;
    if (this.timers) Object.assign(commit, { timers: this.timers.text, nextDue: this.timers.nextDue });
    if (this.#consumed) commit.consumed = this.#consumed;
    if (this.#fired) commit.fired = this.#fired;
    if (this.#deadLetters) commit.deadLetters = this.#deadLetters;
    if (this.meta !== undefined) commit.meta = this.meta;
    if (this.isRemoval) commit.isRemoval = true;
    return Object.assign(commit, this.#rowFields(), this.#idempotency());
  }

  /** A state and a mark, and nothing else: what most commits are. */
  get #isPlain(): boolean {
    return (
      this.#rows === undefined &&
      this.#consumed === undefined &&
      this.#fired === undefined &&
      this.#deadLetters === undefined &&
      this.#idempotencyIds === undefined &&
      this.timers === undefined &&
      (this.actor ?? this.inFlight ?? this.meta) === undefined &&
      this.inFlight !== null &&
      this.supervision === undefined &&
      this.error === undefined &&
      !this.isRemoval
    );
  }

  #rowFields(): Partial<Commit> {
    const rows = this.#rows;
    if (!rows) return {};
    const { inbox, outbox, log, keepLog, publish } = rows;
    return {
      ...(inbox.length > 0 && { inbox }),
      ...(outbox.length > 0 && { outbox }),
      ...(log.length > 0 && { log }),
      ...(keepLog !== undefined && { keepLog }),
      ...(publish.length > 0 && { publish }),
      ...toScheduleFields(rows),
    };
  }

  /** Ids recorded by this very commit carry their reply at once; replies to earlier ids go apart. */
  #idempotency(): Pick<Commit, 'idempotency' | 'replies'> {
    const ids = this.#idempotencyIds ?? NO_KEYS;
    const replies = this.#rows?.replies ?? NO_KEYS;
    if (ids.length + replies.length === 0) return {};
    const own = new Set<string>(ids);
    const replyOf = new Map(replies.map(({ id, reply }) => [id, reply]));
    const idempotency = ids.map((id) => {
      const reply = replyOf.get(id);
      return reply === undefined ? { id } : { id, reply };
    });
    const later = replies.filter(({ id }) => !own.has(id));
    return { ...(idempotency.length > 0 && { idempotency }), ...(later.length > 0 && { replies: later }) };
  }

  #take(item: Item, marks: Readonly<Record<string, number>>): void {
    this.items.push(item);
    if (this.isRecorded) (this.#causes ??= []).push(item);
    if (item.kind === 'inbox') (this.#consumed ??= []).push({ sender: item.row.sender, pos: item.row.pos });
    else if (item.kind === 'scheduled') (this.#fired ??= []).push({ key: item.row.key, pos: item.row.pos });
    else if (item.kind === 'direct' && item.n > 0 && isWork(item)) this.#mark(item.from, item.n, marks);
  }

  #mark(sender: string, n: number, marks: Readonly<Record<string, number>>): void {
    if (!this.#marks) this.#marks = { ...marks, [sender]: n };
    else this.#marks[sender] = n;
  }
}

const DONE: Outcome = {};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** True when the machine has come to its end in this draft. */
export function hasEnded({ state }: Draft): boolean {
  return state !== undefined && state.status !== 'active';
}
