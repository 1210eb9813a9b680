/** What a cell needs from the worker host that runs it. */
import type { Address } from '../actor/address.ts';
import type { Definitions } from '../actor/definitions.ts';
import type { ActorEvent } from '../actor/effects.ts';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type {
  Commit,
  CommitResult,
  InboxPosition,
  InboxRow,
  NewOutboxRow,
  NewPublication,
  Store,
} from '../store/store.ts';
import type { StoreCall } from '../store/protocol.ts';
import type { Suspect } from '../thread/protocol.ts';

/** The store as a cell uses it: commits in order, and reads that see every commit posted before them. */
export interface CellStore {
  post(commit: Commit, onResult: (result: CommitResult) => void): void;
  call<M extends StoreCall>(method: M, ...args: Parameters<Store[M]>): ReturnType<Store[M]>;
}

/** A committed inbox row on its way to its receiver. */
export interface HintedRow extends Pick<InboxRow, 'receiver' | 'kind' | 'id' | 'text'> {
  /** Of a published event: when that was, in milliseconds since the epoch. */
  readonly at?: number;
}

/** A cell that takes its turns at once. */
export interface Runnable {
  /** Returns true when more wait than it may take at once. */
  pump(): boolean;
}

/** A cell that waits for room. */
export interface Pumped {
  pump(): void;
}

export interface CellServices {
  readonly env: Env;
  readonly log: Logger;
  readonly store: CellStore;
  readonly definitions: Definitions;
  /** Id of this run of the system. */
  readonly boot: string;
  /** Time during which no system ran, on record for this store, in milliseconds. */
  readonly downtimeMs: number;
  /** Lets out a committed inbox row. Without a position its receiver is only told to look into its inbox. */
  hint(sender: Address, row: HintedRow, position: InboxPosition | undefined): void;
  /** Something of this actor is due at a time, and the cell itself does not watch for it. */
  dueLater(address: Address, dueAt: number): void;
  /** An id that no other effect has, for actors that are not stored. */
  nextId(): string;
  /** Sends an event that is not stored, at most once. */
  tell(to: Address, eventText: string): void;
  /** Lets a cell take turns, now or when those under way are over. */
  run(cell: Runnable): void;
  /** What became of publications: subscribers are told. */
  published(sender: Address, publications: readonly NewPublication[], result: CommitResult, at: number): void;
  /** False while too much of this host is unacknowledged; the cell is pumped when there is room again. */
  hasRoom(cell: Pumped): boolean;
  /** Lets out a committed reply or delivery. Without a position main reads the outbox itself. */
  release(address: Address, row: NewOutboxRow, pos: number | undefined): void;
  /** Sends what waits to be sent to main now. */
  flush(): void;
  /** Committed state changed. */
  changed(address: Address): void;
  /** Sends on behalf of an effect function. */
  send(to: string, event: ActorEvent, id: string): Promise<void>;
  /** Where machines of this host log to; it knows whose turn it is. */
  readonly machineLogger: (...args: unknown[]) => void;
  /** Notes what runs now, for the beat; undefined when nothing does. */
  mark(address: Address, what: string | undefined): void;
  /** An actor that was stored lives, so long after its load began. */
  restored(address: Address, tookMs: number): void;
  /** What published events led to is durable. @param publishedAt when each was published, in milliseconds since the epoch */
  handled(publishedAt: readonly number[]): void;
  /** Calls a user's effect function, so that what it leads to later is known to be this actor's. */
  runEffect<T>(address: Address, key: string, run: () => T): T;
  /** The charge against this actor, when its turn ended the thread before this one. Handed out once. */
  takeSuspect(address: Address): Suspect | undefined;
  /** The cell holds nothing any more and may be forgotten. */
  disposed(address: Address): void;
}
