/** The memory store's rows, and how one commit changes them. Mirrors `sqlite/`, without its two paths. */
import type { Address } from '../../actor/address.ts';
import { decideCommit, endsActor, refuse, refuseConsumed, toLast } from '../decide.ts';
import type { RemovedProgress, Verdict } from '../decide.ts';
import type { FanOutPlan } from '../fan-out.ts';
import type { IdempotencyRow, LogRow } from '../queries.ts';
import type {
  Adoption,
  AdoptionResult,
  Commit,
  CommitResult,
  InboxKey,
  InboxPosition,
  InboxRow,
  Landed,
  NewActor,
  NewInboxRow,
  OutboxRow,
  StoredActor,
  StoredDeadLetter,
} from '../store.ts';
import { misfitOf, misfitOfAdoption } from '../well-formed.ts';
import { MemoryKv } from './kv.ts';
import { MemoryStateRows } from './state-rows.ts';
import { Timetable } from './timetable.ts';
import { Topics } from './topics.ts';

/** Everything of one actor but its inbox. */
export interface ActorEntry {
  actor: ActorHead;
  /** Grows with every first commit. */
  readonly n: number;
  readonly states: MemoryStateRows;
  log: (LogRow & { readonly seq: number })[];
  /** Rows that were ever appended. */
  lastLogN: number;
  readonly idempotency: Map<string, IdempotencyRow>;
}

/** An actor but for the rows of its state. */
export type ActorHead = Omit<StoredActor, 'snapshot' | 'deltas'>;

/** Rows that wait for one actor, and their positions by sender, both in order of position. */
export interface Inbox {
  readonly rows: Map<number, InboxRow>;
  readonly bySender: Map<Address, number[]>;
}

/** All rows. */
export class MemoryTables {
  readonly actors = new Map<Address, ActorEntry>();
  readonly inboxes = new Map<Address, Inbox>();
  readonly outbox = new Map<number, OutboxRow>();
  readonly kv = new MemoryKv();
  readonly removed = new Map<Address, RemovedProgress & { readonly at: number }>();
  readonly timetable: Timetable;
  readonly topics: Topics;
  /** When the system last lived, and how long it had been down until then, in milliseconds. */
  readonly host: { aliveAt: number | null; downtimeMs: number } = { aliveAt: null, downtimeMs: 0 };
  /** Most subscribers of one publication. */
  readonly limits: { maxFanOut: number };
  deadLetters: StoredDeadLetter[] = [];
  readonly #touch: (address: Address) => void;
  #lastPos = 0;
  #lastN = 0;

  /** @param touch told of each actor whose rows, but for those that wait for it, change or go */
  constructor(maxFanOut: number, touch: (address: Address) => void = () => undefined) {
    this.#touch = touch;
    this.limits = { maxFanOut };
    const takePos = (): number => ++this.#lastPos;
    this.timetable = new Timetable(takePos);
    this.topics = new Topics({
      limits: this.limits,
      takePos,
      writeInbox: (commit, row) => this.#writeInbox(commit, row),
    });
  }

  /** The highest position and the highest number that were given. */
  get counters(): { readonly lastPos: number; readonly lastN: number } {
    return { lastPos: this.#lastPos, lastN: this.#lastN };
  }

  restoreCounters({ lastPos, lastN }: MemoryTables['counters']): void {
    this.#lastPos = lastPos;
    this.#lastN = lastN;
  }

  /** A row that was written before, as it was. */
  restoreInboxRow(row: InboxRow): void {
    const inbox = this.#inboxOf(row.receiver);
    const waiting = inbox.bySender.get(row.sender) ?? [];
    waiting.push(row.pos);
    inbox.rows.set(row.pos, row);
    inbox.bySender.set(row.sender, waiting);
  }

  /** The rows of an actor were changed from outside. */
  touch(address: Address): void {
    this.#touch(address);
  }

  /** All of them or none. */
  adopt(batch: readonly Adoption[]): AdoptionResult {
    for (const [index, adoption] of batch.entries()) {
      const { commit } = adoption;
      const { address } = commit;
      const misfit = misfitOfAdoption(adoption);
      if (misfit !== undefined) return { outcome: 'invalid', address, detail: misfit };
      const isTwice = batch.findIndex((other) => other.commit.address === address) < index;
      if (isTwice || this.actors.has(address)) return { outcome: 'exists', address };
      const verdict = this.#decide(commit, undefined, this.topics.plan(commit));
      if (verdict === 'apply') continue;
      return { outcome: 'invalid', address, detail: verdict.outcome === 'refused' ? verdict.reason : verdict.outcome };
    }
    for (const adoption of batch) this.#adopt(adoption);
    return { outcome: 'done' };
  }

  #adopt({ commit, log = [], logFrom, waiting = [] }: Adoption): void {
    this.apply(commit);
    const entry = this.actors.get(commit.address);
    if (!entry) return;
    const copied = logFrom
      ? (this.actors.get(logFrom.address)?.log ?? []).filter(({ seq }) => seq <= logFrom.untilSeq)
      : [];
    entry.log = [...log, ...copied].map(({ n, at, text }) => ({ n, at, text, seq: 1 }));
    entry.lastLogN = entry.log.at(-1)?.n ?? 0;
    for (const { sender, ...row } of waiting)
      this.#writeInbox({ ...commit, address: sender }, { ...row, receiver: commit.address });
  }

  /** Changes nothing unless the answer is `done`. */
  apply(commit: Commit): CommitResult {
    const misfit = misfitOf(commit);
    if (misfit !== undefined) return refuse('invalid', misfit);
    const entry = this.actors.get(commit.address);
    const plan = this.topics.plan(commit);
    const verdict = this.#decide(commit, entry, plan);
    if (verdict !== 'apply') return verdict;
    if (commit.isRemoval === true) this.#remove(commit, entry?.actor);
    else this.#write(endsActor(commit) ? toLast(commit) : commit, entry);
    const sent = this.#writeSent(commit, plan);
    // Last: its position comes after those of everything this commit sends.
    if (commit.seq > 0) this.actors.get(commit.address)?.states.write(commit, () => ++this.#lastPos);
    return { outcome: 'done', ...sent };
  }

  #decide(commit: Commit, entry: ActorEntry | undefined, plan: FanOutPlan | undefined): Verdict {
    const verdict = decideCommit(commit, entry?.actor, () => this.removed.get(commit.address));
    if (verdict !== 'apply') return verdict;
    if (!this.#canConsume(commit)) return refuseConsumed(commit);
    if (!canRecord(commit, entry)) return refuse('idempotency');
    if (!this.timetable.canFire(commit)) return refuse('timer');
    return plan?.excess === undefined ? 'apply' : refuse('fan-out', plan.excess);
  }

  #canConsume(commit: Commit): boolean {
    const keys = commit.consumed ?? [];
    const inbox = this.inboxes.get(commit.address);
    const isWaiting = keys.every((key) => inbox?.rows.get(key.pos)?.sender === key.sender);
    return isWaiting && new Set(keys.map((key) => key.pos)).size === keys.length;
  }

  #write(commit: Commit, existing: ActorEntry | undefined): void {
    if (commit.seq > 0) this.#writeActor(commit, existing);
    for (const key of commit.consumed ?? []) this.#consume(commit.address, key);
    for (const letter of commit.deadLetters ?? []) {
      this.deadLetters.push({ ...letter, pos: ++this.#lastPos, address: commit.address, at: commit.at });
    }
  }

  #writeActor(commit: Commit, existing: ActorEntry | undefined): void {
    const entry = existing ?? this.#first(commit);
    entry.actor = existing ? toNext(commit, existing.actor) : entry.actor;
    this.actors.set(commit.address, entry);
    this.#touch(commit.address);
    this.#writeFuture(commit, entry);
    writeLog(entry, commit);
    for (const { id, reply } of commit.idempotency ?? [])
      entry.idempotency.set(id, { id, reply: reply ?? null, at: commit.at });
    for (const { id, reply } of commit.replies ?? []) {
      const row = entry.idempotency.get(id);
      if (row) entry.idempotency.set(id, { ...row, reply });
    }
  }

  #first(commit: Commit): ActorEntry {
    return {
      actor: toFirst(commit),
      n: ++this.#lastN,
      states: new MemoryStateRows(),
      log: [],
      lastLogN: 0,
      idempotency: new Map<string, IdempotencyRow>(),
    };
  }

  /** What may reach the actor later: timers, scheduled events, topics. */
  #writeFuture(commit: Commit, entry: ActorEntry): void {
    if (endsActor(commit)) this.timetable.removeAll(commit.address);
    else this.timetable.write(commit);
    if (!this.topics.subscribe(commit)) return;
    entry.actor = { ...entry.actor, subscriptions: this.topics.subscriptions.of(commit.address) };
  }

  #consume(receiver: Address, { sender, pos }: InboxKey): void {
    const inbox = this.inboxes.get(receiver);
    const waiting = inbox?.bySender.get(sender);
    if (!inbox || !waiting) return;
    inbox.rows.delete(pos);
    waiting.splice(waiting.indexOf(pos), 1);
    if (waiting.length === 0) inbox.bySender.delete(sender);
    if (inbox.rows.size === 0) this.inboxes.delete(receiver);
  }

  #writeSent(commit: Commit, plan: FanOutPlan | undefined): Landed {
    const outboxPositions = (commit.outbox ?? []).map((row) => {
      const pos = ++this.#lastPos;
      this.outbox.set(pos, { ...row, pos, address: commit.address, at: commit.at });
      return pos;
    });
    const positions = (commit.inbox ?? []).map((row) => this.#writeInbox(commit, row));
    if (commit.place) {
      const { name, pattern, pos } = commit.place;
      this.topics.cursors.set(name, { pattern, pos });
    }
    const published = plan && this.topics.publish(commit, plan);
    return {
      ...(positions.length > 0 && { positions }),
      ...(outboxPositions.length > 0 && { outboxPositions }),
      ...(published && { published }),
    };
  }

  #writeInbox({ address: sender, at }: Commit, row: NewInboxRow): InboxPosition {
    const inbox = this.#inboxOf(row.receiver);
    const waiting = inbox.bySender.get(sender) ?? [];
    const previousPos = waiting.at(-1) ?? 0;
    const pos = ++this.#lastPos;
    waiting.push(pos);
    inbox.rows.set(pos, { ...row, pos, sender, at });
    inbox.bySender.set(sender, waiting);
    return { pos, previousPos };
  }

  #inboxOf(receiver: Address): Inbox {
    const inbox = this.inboxes.get(receiver) ?? {
      rows: new Map<number, InboxRow>(),
      bySender: new Map<Address, number[]>(),
    };
    this.inboxes.set(receiver, inbox);
    return inbox;
  }

  #remove(commit: Commit, actor: ActorHead | undefined): void {
    const { address, epoch, seq, at } = commit;
    this.actors.delete(address);
    this.#touch(address);
    this.inboxes.delete(address);
    this.timetable.removeAll(address);
    this.topics.subscribe(commit);
    this.deadLetters = this.deadLetters.filter((letter) => letter.address !== address);
    this.removed.set(address, { epoch, seq, createdAt: actor?.createdAt ?? at, at });
  }
}

function canRecord(commit: Commit, entry: ActorEntry | undefined): boolean {
  const ids = (commit.idempotency ?? []).map((write) => write.id);
  return new Set(ids).size === ids.length && !ids.some((id) => entry?.idempotency.has(id));
}

function writeLog(entry: ActorEntry, { seq, at, log = [], keepLog }: Commit): void {
  for (const text of log) entry.log.push({ n: ++entry.lastLogN, seq, at, text });
  if (keepLog !== undefined) entry.log = entry.log.filter(({ n }) => n > entry.lastLogN - keepLog);
}

function toFirst(commit: Commit): ActorHead {
  const { address, epoch, at } = commit;
  const { type, parent, meta, spawned = 0 }: NewActor = commit.actor ?? { type: '', parent: address, meta: '{}' };
  const empty = {
    shape: null,
    sum: null,
    error: null,
    marks: null,
    supervision: null,
    inFlight: null,
    timers: null,
    subscriptions: [],
  };
  const blank = {
    ...empty,
    address,
    type,
    parent,
    epoch,
    seq: 0,
    version: commit.version,
    status: commit.status,
    meta,
    spawned,
  };
  return toNext(commit, { ...blank, createdAt: at, updatedAt: at });
}

/** The actor after a commit: what the commit names is replaced, the rest stays. */
function toNext(commit: Commit, actor: ActorHead): ActorHead {
  const { seq, version, status, at, error, marks, supervision, inFlight, timers, meta, state, shape, sum } = commit;
  return {
    ...actor,
    seq,
    version,
    status,
    updatedAt: at,
    sum: sum ?? null,
    ...(state?.kind === 'snapshot' && { shape: shape ?? null }),
    ...(error !== undefined && { error }),
    ...(marks !== undefined && { marks }),
    ...(supervision !== undefined && { supervision }),
    ...(inFlight !== undefined && { inFlight }),
    ...(timers !== undefined && { timers }),
    ...(meta !== undefined && { meta }),
  };
}
