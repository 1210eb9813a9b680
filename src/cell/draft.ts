/**
 * The commit in the making: what one or several turns of one actor led to, and whoever waits for it. Nothing in it has left
 * the cell; it does when the commit is acknowledged.
 */
import type { AnyActorRef } from 'xstate';
import type { Address } from '../actor/address.ts';
import type { PersistedState } from '../state/persisted.ts';
import type { ActorStatus, Commit, DeadLetter, InboxKey, NewActor, StateWrite } from '../store/store.ts';
import type { EffectRows } from './compile-effects.ts';
import { isAwaited } from './items.ts';
import type { DirectItem, InboxItem, Item, Outcome } from './items.ts';

export class Draft {
  readonly seq: number;
  readonly items: Item[] = [];
  readonly rows: EffectRows = { inbox: [], outbox: [], log: [], replies: [] };
  readonly consumed: InboxKey[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly idempotencyIds: string[] = [];
  /** Effect functions to begin once this is acknowledged. */
  readonly begins: AnyActorRef[] = [];
  /** Outcomes decided by this commit itself, such as a dead letter's. */
  readonly outcomes = new Map<Item, Outcome>();
  state: PersistedState | undefined;
  status: ActorStatus = 'active';
  actor: NewActor | undefined;
  error: string | null | undefined;
  failing: string | null | undefined;
  inFlight: string | null | undefined;
  meta: string | undefined;
  isRemoval = false;
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

  /** True when there is nothing to save; items that only wait may still be in it. */
  get isEmpty(): boolean {
    return (
      this.state === undefined &&
      this.actor === undefined &&
      this.consumed.length === 0 &&
      this.#marks === undefined &&
      this.idempotencyIds.length === 0 &&
      this.inFlight === undefined &&
      this.failing === undefined &&
      this.error === undefined &&
      !this.isRemoval &&
      this.rows.log.length + this.rows.inbox.length + this.rows.outbox.length + this.rows.replies.length === 0
    );
  }

  /** Notes that the consequences of `item` stand in this commit. */
  consume(item: Item, marks: Readonly<Record<string, number>>): void {
    this.#take(item, marks);
    if (item.kind === 'direct' && item.event && item.idempotencyId !== undefined)
      this.idempotencyIds.push(item.idempotencyId);
  }

  /** Notes that `item` was given up on. Its id is not recorded as done, so that a repetition is not taken for a success. */
  reject(item: DirectItem | InboxItem, marks: Readonly<Record<string, number>>, outcome: Outcome): void {
    this.#take(item, marks);
    this.outcomes.set(item, outcome);
  }

  addRows(rows: EffectRows): void {
    this.rows.inbox.push(...rows.inbox);
    this.rows.outbox.push(...rows.outbox);
    this.rows.log.push(...rows.log);
    this.rows.replies.push(...rows.replies);
  }

  /** Tells the parent that this actor has ended, durably: with the very commit that ends it. */
  tellParent(parent: Address, child: Address): void {
    const reason = this.status === 'quarantined' ? 'failed' : this.status;
    const output = this.status === 'done' ? this.state?.output : undefined;
    const { name, message, code } = JSON.parse(this.error ?? '{}') as {
      name?: string;
      message?: string;
      code?: string;
    };
    const error = this.status === 'quarantined' ? { name, message, code } : undefined;
    const text = JSON.stringify({ type: 'child.exited', child, reason, output, error });
    this.rows.inbox.push({ receiver: parent, kind: 'event', id: this.nextId(), text });
  }

  /** Marks as they will be once this commit applies. */
  marksAfter(marks: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
    return this.#marks ?? marks;
  }

  /** Tells everyone who waits. */
  settle(fallback: Outcome = {}): void {
    for (const item of this.items) if (isAwaited(item)) item.settle(this.outcomes.get(item) ?? fallback);
  }

  toCommit(
    base: { address: Address; epoch: number; at: number; version: number },
    state: StateWrite | undefined,
  ): Commit {
    const { inbox, outbox, log, replies } = this.rows;
    return {
      ...base,
      seq: this.seq,
      status: this.status,
      ...(this.actor && { actor: this.actor }),
      ...(state && { state }),
      ...(this.error !== undefined && { error: this.error }),
      ...(this.#marks && { marks: JSON.stringify(this.#marks) }),
      ...(this.failing !== undefined && { failing: this.failing }),
      ...(this.inFlight !== undefined && { inFlight: this.inFlight }),
      ...(this.consumed.length > 0 && { consumed: this.consumed }),
      ...(inbox.length > 0 && { inbox }),
      ...(outbox.length > 0 && { outbox }),
      ...(log.length > 0 && { log }),
      ...this.#idempotency(replies),
      ...(this.deadLetters.length > 0 && { deadLetters: this.deadLetters }),
      ...(this.meta !== undefined && { meta: this.meta }),
      ...(this.isRemoval && { isRemoval: true }),
    };
  }

  /** Ids recorded by this very commit carry their reply at once; replies to earlier ids go apart. */
  #idempotency(replies: EffectRows['replies']): Pick<Commit, 'idempotency' | 'replies'> {
    const own = new Set(this.idempotencyIds);
    const replyOf = new Map(replies.map(({ id, reply }) => [id, reply]));
    const idempotency = this.idempotencyIds.map((id) => {
      const reply = replyOf.get(id);
      return reply === undefined ? { id } : { id, reply };
    });
    const later = replies.filter(({ id }) => !own.has(id));
    return { ...(idempotency.length > 0 && { idempotency }), ...(later.length > 0 && { replies: later }) };
  }

  #take(item: Item, marks: Readonly<Record<string, number>>): void {
    this.items.push(item);
    if (item.kind === 'inbox') this.consumed.push({ sender: item.row.sender, pos: item.row.pos });
    if (item.kind === 'direct' && item.event && item.n > 0)
      this.#marks = { ...(this.#marks ?? marks), [item.from]: item.n };
  }
}
