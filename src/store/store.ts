/**
 * The store port, in Troupe's words: what the runtime needs from a place that keeps actors. Adapters: sqlite, file, memory.
 * One contract suite (tests/contract/store.ts) is every adapter's test.
 *
 * Invariants every adapter holds (design.md section 5 calls them rules):
 * 1. A commit that consumes an inbox row applies only if that row is there: exactly one row goes, else it is refused.
 * 4. An idempotency row is written once per (address, id); a commit that would write it again is refused.
 * 5. A commit applies only if the stored seq is its seq - 1 and the epoch matches. That is decided per actor before its
 *    other rows are written; a refusal never touches the rest of the batch.
 * 7. A commit marked `isResent` whose seq is already stored under the same epoch counts as done, not as refused.
 * 8. Rows go only in the commit of their consequence.
 * 9. A commit that consumes a scheduled event applies only if that very row is there, like rule 1.
 * 10. A publication reaches every subscription there is at its place in the order of commits, in the same transaction.
 */
import type { Address } from '../actor/address.ts';
import type { Priority } from '../bus/topic-event.ts';
import type {
  BusQuery,
  DeadLetterQuery,
  DueQuery,
  DueRow,
  HistoryQuery,
  HistoryRow,
  IdempotencyRow,
  KeyQuery,
  ListQuery,
  LogQuery,
  LogRow,
  LooseHistory,
  LooseHistoryQuery,
  LooseQuery,
  Page,
  Recoverable,
  StateRows,
  StatesQuery,
  StoreStats,
  TallyQuery,
  TallyRow,
} from './queries.ts';
import type { BusCount, BusCounts, BusPage, BusScan, BusSweep, NamedCursor, SweptBus } from './topics.ts';

/** What an adapter is, and promises of an acknowledged commit. */
export interface StoreFeatures {
  /** What an acknowledged commit survives: nothing, a process kill, or power loss as well. */
  readonly survives: 'nothing' | 'process-kill' | 'power-loss';
  /** Who else may use what this process writes: nobody, readers of other processes, or writers as well. */
  readonly shares: 'nothing' | 'reads' | 'writes';
  /** True when old events can be packed; otherwise there is never a run to pack. */
  readonly packsHistory: boolean;
}

/** Where an actor is in its life, as stored. `done`: its machine ended; `stopped`: told to; `failed`: it failed and is not to be
 *  restarted; `quarantined`: gave up on, held until it is revived or discarded. */
export const ACTOR_STATUSES = ['active', 'done', 'stopped', 'failed', 'quarantined'] as const;
export type ActorStatus = (typeof ACTOR_STATUSES)[number];

/** A text and its checksum, which is made and checked by `src/state/`. */
export interface ChecksummedText {
  readonly text: string;
  readonly checksum: number;
}

/** A whole state, or the difference to the state before. */
export interface StateWrite extends ChecksummedText {
  readonly kind: 'snapshot' | 'delta';
}

/** What an inbox row carries. `failed` tells a parent of a child's failure; `restart` is a parent's order to a child. */
export const INBOX_KINDS = ['event', 'create', 'stop', 'failed', 'restart'] as const;
export type InboxKind = (typeof INBOX_KINDS)[number];

/** A row for another actor's inbox, written in its sender's commit. */
export interface NewInboxRow {
  readonly receiver: Address;
  readonly kind: InboxKind;
  /** Unique per sender; the same after a crash and a second run of the same turn. */
  readonly id: string;
  /** JSON: the event, or the input and parent of a create. */
  readonly text: string;
}

/** A row that waits in an actor's inbox. `pos` grows over the whole store, never reused, and is commit order. */
export interface InboxRow extends NewInboxRow {
  readonly pos: number;
  readonly sender: Address;
  readonly at: number;
  /** It is not what was written. */
  readonly isDamaged?: true;
}

/** Names one inbox row for its deletion. */
export interface InboxKey {
  readonly sender: Address;
  readonly pos: number;
}

/** Something for the world outside the actors: the answer to an ask, or a delivery to the host program. */
export interface NewOutboxRow {
  readonly kind: 'reply' | 'deliver';
  /** Unique: seq and ordinal of the effect under its address. */
  readonly id: string;
  /** The ask the reply answers, or the channel of the delivery. */
  readonly target: string;
  /** Boot whose callers wait for the reply; absent for deliveries, which outlive a boot. */
  readonly boot?: string;
  readonly text: string;
}

export interface OutboxRow extends NewOutboxRow {
  readonly pos: number;
  readonly address: Address;
  readonly at: number;
}

/** An id the caller chose, kept so that the same message is done once. */
export interface IdempotencyWrite {
  readonly id: string;
  /** JSON of the reply, when this commit makes it. Absent: only the id is recorded. */
  readonly reply?: string;
}

/** An event that was given up on. */
export interface DeadLetter {
  readonly id: string;
  readonly sender: string;
  readonly text: string;
  /** JSON of the error. */
  readonly error: string;
  readonly attempts: number;
}

export interface StoredDeadLetter extends DeadLetter {
  readonly pos: number;
  readonly address: Address;
  readonly at: number;
}

/** What a first commit says about its actor, once. */
export interface NewActor {
  readonly type: string;
  readonly parent: Address;
  /** JSON of the metadata callers list and filter by, `{}` by default. */
  readonly meta: string;
  /** Position of the inbox row that spawned it: children of one parent were started in this order. @default 0 */
  readonly spawned?: number;
}

/** An event an actor will receive later. */
export interface ScheduleWrite {
  /** Unique within the actor. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
  /** JSON of the event. */
  readonly text: string;
}

/** A scheduled event as stored. `pos` names this very one: scheduling the key again gives another. */
export interface ScheduledRow extends ScheduleWrite {
  readonly pos: number;
  /** It is not what was written. */
  readonly isDamaged?: true;
}

/** Names one scheduled event for its consumption. */
export interface FiredKey {
  readonly key: string;
  readonly pos: number;
}

/** An actor's interest in topics. */
export interface Subscription {
  /** A valid pattern (`src/bus/subjects.ts`). */
  readonly pattern: string;
  /** Type of the event the subscriber receives. */
  readonly event: string;
}

/** Something published. */
export interface NewPublication {
  /** Unique in the store for as long as the event is kept: the same id again publishes nothing. */
  readonly id: string;
  /** A valid topic, without wildcards. */
  readonly topic: string;
  readonly priority: Priority;
  /** JSON of the data. */
  readonly text: string;
  /** JSON object of further attributes (CloudEvents). Absent: none. */
  readonly attributes?: string;
  /** Of an event that came from elsewhere. */
  readonly received?: ReceivedFrom;
}

/** Where an event came from, and what its publisher says of it. */
export interface ReceivedFrom {
  /** The store it was published in, or whatever else sent it. */
  readonly origin: string;
  readonly source: string;
  /** When it was published, in milliseconds since the epoch. */
  readonly time: number;
}

/** A published event as stored. */
export interface BusEventRow extends Omit<NewPublication, 'attributes' | 'received'> {
  readonly pos: number;
  /** Address of the publisher, or what that is called elsewhere. */
  readonly source: string;
  /** When it came into this store: retention and replay by time go by it. */
  readonly at: number;
  /** When it was published, as its publisher says. */
  readonly time: number;
  readonly attributes: string | null;
  /** Where it came from; null when it was published here. */
  readonly origin: string | null;
}

/** The unit of durability: everything one batch of turns of one actor led to. Applies whole or not at all. */
export interface Commit {
  readonly address: Address;
  readonly epoch: number;
  /** One more than the stored seq; 1 creates the actor and needs `actor`. 0 stands for an actor that is not stored: rows
   *  that wait for it go, as dead letters, what it sends and publishes goes out, and nobody is created. Resent, such a commit
   *  is recognised by what it consumes and by the ids it publishes; with neither, its rows are written again. Its `place` is what it
   *  says either way. With nothing but dead letters it may be for an actor that is stored: they are of what never reached it. */
  readonly seq: number;
  /** True when the same commit was posted before and its outcome is unknown (rules 5 and 7). */
  readonly isResent?: boolean;
  readonly at: number;
  readonly actor?: NewActor;
  /** Version of the definition that wrote the state. */
  readonly version: number;
  /** Absent: state unchanged. A snapshot takes the place of all before it, but for what `step` and `history` keep. */
  readonly state?: StateWrite;
  /** Beside a snapshot: the same change as a delta on the rows before, which are kept, so that the snapshot can be made again
   *  from them. What is before the snapshot before goes. */
  readonly step?: ChecksummedText;
  /** Of the machine that wrote the snapshot (`src/state/shape.ts`). Comes with a snapshot. */
  readonly shape?: string;
  /** Checksum over the actor's row as it is after this commit (`src/state/codec.ts`). */
  readonly sum?: number;
  /** JSON of what led to this commit and what it led to. Its presence keeps every row of state, until `trimHistory`; a snapshot
   *  without it takes the events before it along with the rows that told them. */
  readonly history?: ChecksummedText;
  /** Applied last: removes what is not needed to tell the events from this on. The row before the current snapshot stays. */
  readonly trimHistory?: HistoryTrim;
  readonly status: ActorStatus;
  /** JSON of the error that led to quarantine; null clears it; absent leaves it. */
  readonly error?: string | null;
  /** JSON: highest number per direct sender of this boot. Absent: unchanged. */
  readonly marks?: string;
  /** JSON: what supervision remembers of the actor (`src/supervision/record.ts`); null clears. Absent: unchanged. */
  readonly supervision?: string | null;
  /** JSON: effect functions begun and not finished; null when there are none. Absent: unchanged. */
  readonly inFlight?: string | null;
  /** Inbox rows of this actor whose consequences this commit holds (rule 1). */
  readonly consumed?: readonly InboxKey[];
  readonly inbox?: readonly NewInboxRow[];
  /** JSON texts appended to this actor's log, numbered on by the store. */
  readonly log?: readonly string[];
  /** Removes the oldest rows of the log, after `log`, until so many are left. What is left keeps its number. */
  readonly keepLog?: number;
  readonly outbox?: readonly NewOutboxRow[];
  readonly idempotency?: readonly IdempotencyWrite[];
  /** Replies to ids recorded by earlier commits. */
  readonly replies?: readonly Required<IdempotencyWrite>[];
  readonly deadLetters?: readonly DeadLetter[];
  /** JSON of new metadata. Absent: unchanged. */
  readonly meta?: string;
  /** JSON of the timers of the actor's machine; null when there are none. Absent: unchanged. */
  readonly timers?: string | null;
  /** When the first of `timers` is due, in milliseconds since the epoch. Comes with `timers`, null with null. */
  readonly nextDue?: number | null;
  /** Scheduled events of this actor that are consumed (rule 9). Checked before, and gone before, what `schedule` writes. */
  readonly fired?: readonly FiredKey[];
  /** Scheduled events of this actor that are taken back; unknown keys are none. */
  readonly unschedule?: readonly string[];
  /** Scheduled events of this actor, each key once; a key that exists is replaced, under a new position. */
  readonly schedule?: readonly ScheduleWrite[];
  /** Subscriptions of this actor that end; unknown patterns are none. Applied before `subscribe`. */
  readonly unsubscribe?: readonly string[];
  /** Subscriptions of this actor; a pattern that exists takes the new event type. */
  readonly subscribe?: readonly Subscription[];
  /** Published on topics, after everything else of this commit: it meets the subscriptions this commit leaves. */
  readonly publish?: readonly NewPublication[];
  /** Saved along: how far a reader has come of which this commit is the consequence. */
  readonly place?: NamedCursor;
  /** Removes every row of this actor but those it sent or published. */
  readonly isRemoval?: boolean;
}

/** Up to where a history is not wanted any more. */
export interface HistoryTrim {
  /** Events of commits before this one go. */
  readonly beforeSeq?: number;
  /** Events before this time go, in milliseconds since the epoch. */
  readonly beforeAt?: number;
}

/** An actor that comes to be whole: from another of its store, or from a file. */
export interface Adoption {
  /** Its first commit: seq 1, with `actor` and a snapshot. */
  readonly commit: Commit;
  /** Its log, as numbered. */
  readonly log?: readonly LogRow[];
  /** Copies the log of another actor, up to that actor's commit. */
  readonly logFrom?: { readonly address: Address; readonly untilSeq: number };
  /** Rows that wait for it, in their order. */
  readonly waiting?: readonly (Omit<NewInboxRow, 'receiver'> & { readonly sender: Address })[];
}

/** What became of an adoption: all came to be, or none since one exists. */
export type AdoptionResult =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'exists'; readonly address: Address }
  | { readonly outcome: 'invalid'; readonly address: Address; readonly detail: string };

/** Where the rows of a commit landed. */
export interface Landed {
  /** One per row of `inbox`, in its order. */
  readonly positions?: readonly InboxPosition[];
  /** Positions of the rows of `outbox`, in its order. */
  readonly outboxPositions?: readonly number[];
  /** One per entry of `publish`, in its order. */
  readonly published?: readonly Published[];
}

/** What became of one publication of a commit. */
export interface Published {
  /** Position of the event; 0 when its id had been published before, and nothing was written. */
  readonly pos: number;
  /** Inbox rows written for subscribers; their text is `toTopicEventText` of the event and their `event`. */
  readonly receivers: readonly (InboxPosition & { readonly receiver: Address; readonly event: string })[];
}

/** Where an inbox row of a commit landed. */
export interface InboxPosition {
  readonly pos: number;
  /** The latest earlier row of the same sender to the same receiver that still waits; 0 when there is none. A receiver
   *  that has not seen it has missed a hint and reads its inbox (rule 2). */
  readonly previousPos: number;
}

/**
 * Why a commit did not apply. `timer`: a scheduled event it consumes is not there; `fan-out`: a publication would reach more
 * subscribers than allowed; `invalid`: it cannot be written at all (a wrong type, a text too big), a defect of its sender.
 */
export type RefusalReason = 'seq' | 'epoch' | 'inbox' | 'idempotency' | 'timer' | 'fan-out' | 'invalid';

/** What became of a commit. `repeated`: it had been applied before; its positions are no longer known. */
export type CommitResult =
  | ({ readonly outcome: 'done' } & Landed)
  | { readonly outcome: 'repeated' }
  /** `detail` says what was wrong with an invalid commit. */
  | { readonly outcome: 'refused'; readonly reason: RefusalReason; readonly detail?: string };

/** One row of an actor's state: its text, or that compressed (zstd), and the commit it was written by. */
export interface StateRow {
  readonly seq: number;
  readonly text: string | Uint8Array;
  /** Of the text. */
  readonly checksum: number;
}

/** A large snapshot that is kept as text. */
export interface LooseSnapshot {
  readonly address: Address;
  readonly seq: number;
  readonly text: string;
}

/** Names a run of old events: all from one commit to another, as they were when it was found. */
export interface HistoryRunKey {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly events: number;
}

/** A run of old events of one actor, with the deltas that belong to them, as the one text to compress. The form is the adapter's own. */
export interface HistoryRun extends HistoryRunKey {
  readonly address: Address;
  readonly text: string;
}

/** An actor as stored. The texts are as they were written; nothing is parsed or verified here. */
export interface StoredActor {
  readonly address: Address;
  readonly type: string;
  readonly parent: Address;
  readonly epoch: number;
  readonly seq: number;
  readonly version: number;
  readonly status: ActorStatus;
  readonly error: string | null;
  /** Of the machine that wrote the snapshot; null when that was not told. */
  readonly shape: string | null;
  /** Checksum over the row; null when none was written. */
  readonly sum: number | null;
  readonly snapshot: StateRow;
  /** Those after the snapshot, in their order. */
  readonly deltas: readonly StateRow[];
  readonly marks: string | null;
  readonly supervision: string | null;
  readonly inFlight: string | null;
  readonly timers: string | null;
  readonly subscriptions: readonly Subscription[];
  readonly meta: string;
  /** Position of the inbox row that spawned it, 0 when none did. */
  readonly spawned: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One line of a list. */
export interface ActorSummary {
  readonly address: Address;
  readonly type: string;
  readonly parent: Address;
  readonly status: ActorStatus;
  readonly seq: number;
  readonly version: number;
  readonly meta: string;
  readonly error: string | null;
  /** Position of the inbox row that spawned it, 0 when none did. */
  readonly spawned: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** How far a reader of published events has come. */
export interface Cursor {
  readonly pattern: string;
  readonly pos: number;
}

/** A place that keeps actors. Every method may reject with ERR_STORE_UNAVAILABLE; then nothing was changed. */
export interface Store {
  readonly features: StoreFeatures;
  /**
   * Applies commits in order, each whole or not at all, durably when it resolves.
   * @throws {TroupeError} ERR_STORE_UNAVAILABLE when the batch could not be saved. `details.isOutcomeUnknown` is true when
   * it may have been saved all the same: the adapter has reopened, and the same commits must come again with `isResent`.
   */
  commit(batch: readonly Commit[]): Promise<readonly CommitResult[]>;
  load(address: Address): Promise<StoredActor | undefined>;
  /** Rows waiting for an actor, in order of position. */
  inbox(
    address: Address,
    query?: { readonly afterPos?: number; readonly limit?: number },
  ): Promise<readonly InboxRow[]>;
  /** Raises the epoch of an actor, so that commits of its former owner are refused. Returns the new epoch. */
  fence(address: Address): Promise<number>;
  idempotency(address: Address, id: string): Promise<IdempotencyRow | undefined>;
  /** Removes idempotency rows older than `before` (milliseconds since the epoch). Returns how many. */
  sweepIdempotency(before: number): Promise<number>;
  log(address: Address, query?: LogQuery): Promise<readonly LogRow[]>;
  /**
   * Events of an actor that are kept, in order of commits.
   * @throws {TroupeError} ERR_STATE_CORRUPT when packed events of this stretch are damaged; `states` as well.
   */
  history(address: Address, query?: HistoryQuery): Promise<readonly HistoryRow[]>;
  /** The rows that make the state of an actor at a commit: the last snapshot until then, and the deltas from it on. */
  states(address: Address, query: StatesQuery): Promise<StateRows | undefined>;
  /** Removes events of actors of a type before a time, as `trimHistory` does. Returns how many. */
  sweepHistory(type: string, before: number): Promise<number>;
  /** Makes actors whole: all or none, durable like a commit. */
  adopt(batch: readonly Adoption[]): Promise<AdoptionResult>;
  /** Snapshots that are kept as text, oldest first. */
  looseSnapshots(query: LooseQuery): Promise<readonly LooseSnapshot[]>;
  /** Puts the compressed form (zstd) of a snapshot in the place of its text. False when that snapshot is gone. */
  packSnapshot(address: Address, seq: number, packed: Uint8Array): Promise<boolean>;
  /** The next run of old events worth packing: what lies before the former snapshot of its actor. */
  looseHistory(query: LooseHistoryQuery): Promise<LooseHistory>;
  /** Puts the compressed form (zstd) of a run in the place of its rows; every read answers as before. False when it is not of the rows that are there now. */
  packHistory(address: Address, key: HistoryRunKey, packed: Uint8Array): Promise<boolean>;
  list(query?: ListQuery): Promise<Page<ActorSummary>>;
  /** Everything that must be woken for work to go on, in order of address; pages by `afterAddress`. */
  recoverable(query?: { readonly afterAddress?: Address; readonly limit?: number }): Promise<readonly Recoverable[]>;
  outbox(query?: { readonly afterPos?: number; readonly limit?: number }): Promise<readonly OutboxRow[]>;
  /** Removes outbox rows whose consequence has happened. Durable like a commit. */
  settleOutbox(positions: readonly number[]): Promise<void>;
  /** Removes replies meant for callers of another boot. Returns how many. */
  dropReplies(exceptBoot: string): Promise<number>;
  deadLetters(query?: DeadLetterQuery): Promise<readonly StoredDeadLetter[]>;
  /** Removes one. Durable like a commit. False when there is none at this position. */
  deleteDeadLetter(pos: number): Promise<boolean>;
  /** Active actors with something due, in order of time, then address; each once, with its first time. */
  due(query: DueQuery): Promise<readonly DueRow[]>;
  /** Scheduled events of an actor, in order of time, then position. `until`: only those due by then. */
  scheduled(
    address: Address,
    query?: { readonly until?: number; readonly limit?: number },
  ): Promise<readonly ScheduledRow[]>;
  /** Published events. */
  busEvents(query?: BusQuery): Promise<readonly BusEventRow[]>;
  /** Position of the latest published event that was ever kept, 0 when there was none. */
  lastBusPos(): Promise<number>;
  /** Pages through published events. A call looks at a bounded number of them, however few fit. */
  scanBus(query?: BusScan): Promise<BusPage>;
  /** Removes published events, a bounded number at a time (`sweepAll`). */
  sweepBus(sweep: BusSweep): Promise<SweptBus>;
  busCounts(): Promise<BusCounts>;
  /** How many events are kept. Positions have gaps: this counts. */
  countBus(query: BusCount): Promise<number>;
  cursor(name: string): Promise<Cursor | undefined>;
  /** All there are, in order of name. */
  cursors(): Promise<readonly NamedCursor[]>;
  /** Durable like a commit. */
  setCursor(name: string, cursor: Cursor): Promise<void>;
  deleteCursor(name: string): Promise<boolean>;
  /**
   * Called once when a system begins: adds the time since the last sign of life to the downtime on record, which it returns
   * in milliseconds.
   */
  rise(now: number): Promise<number>;
  /** A sign of life, from which the next downtime counts. */
  markAlive(now: number): Promise<void>;
  /** The value of a key that has not expired by `now` (milliseconds since the epoch). */
  kvGet(key: string, now: number): Promise<string | undefined>;
  /** @param expiresAt milliseconds since the epoch; never, without it */
  kvSet(key: string, value: string, expiresAt?: number): Promise<void>;
  /** False when there was none, or only one that had expired. */
  kvDelete(key: string, now: number): Promise<boolean>;
  /** Keys that have not expired, in order; pages by `after`. */
  kvKeys(query: KeyQuery): Promise<readonly string[]>;
  /** Removes every key that begins with a text. Returns how many had not expired. */
  kvClear(prefix: string, now: number): Promise<number>;
  /** Removes what has expired. Returns how many. */
  sweepKv(now: number): Promise<number>;
  stats(): Promise<StoreStats>;
  /** Counts actors of a type by status and a metadata field, each combination once, in no order. */
  tally(query: TallyQuery): Promise<readonly TallyRow[]>;
  /** Lets an idle store tidy up, for example write back its log. Never throws. */
  idle(): Promise<void>;
  close(): Promise<void>;
}
