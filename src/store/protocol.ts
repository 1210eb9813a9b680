/**
 * What travels between the store thread and the threads that use it. Each client (a worker host, or main) has a port of
 * its own, so one client's messages keep their order and a dead client's port can be drained and closed (rule 6).
 * Messages are structured data: commits hold their texts ready made, and copying strings is cheaper than escaping them
 * into one more JSON text. Commits and results travel as flat arrays (`commit-codec.ts`).
 */
import type { MessagePort } from 'node:worker_threads';
import type { EncodedCommit, EncodedResults } from './commit-codec.ts';
import type { Commit, Store } from './store.ts';

/** Read and housekeeping calls a client may make; commits travel apart. */
export type StoreCall = Exclude<keyof Store, 'features' | 'commit' | 'close' | 'idle'>;

/** Client to store thread. */
export type StoreRequest =
  | { readonly kind: 'commits'; readonly commits: readonly EncodedCommit[] }
  | { readonly kind: 'call'; readonly id: number; readonly method: StoreCall; readonly args: readonly unknown[] };

/** `n` numbers a client's commits; the answer carries it back. */
export interface SentCommit {
  readonly n: number;
  readonly commit: Commit;
}

/** Store thread to client. Results of one transaction come as one message. */
export type StoreResponse =
  | { readonly kind: 'results'; readonly results: EncodedResults }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  /** `error` is an encoded error (src/thread/error-codec.ts). */
  | { readonly kind: 'failure'; readonly id: number; readonly error: unknown };

/** Main to store thread, over the thread's own port. */
export type StoreCommand =
  | { readonly kind: 'open'; readonly options: StoreOptions }
  /** The client's end of its channel travels with this message. */
  | { readonly kind: 'connect'; readonly client: string; readonly port: MessagePort }
  /** Asks for `drained` once everything the client posted before its end has been written. */
  | { readonly kind: 'drain'; readonly client: string }
  | { readonly kind: 'close' };

/** Store thread to main. */
export type StoreReport =
  | { readonly kind: 'opened' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'drained'; readonly client: string }
  /** The store cannot save: intake pauses, work is kept and tried again. Said after every try that failed, but for the first in a row. */
  | { readonly kind: 'trouble'; readonly error: unknown; readonly retryInMs: number }
  /** It saves again, after trouble that was told. */
  | { readonly kind: 'recovered' }
  | { readonly kind: 'log'; readonly level: string; readonly fields: unknown; readonly text: string }
  | { readonly kind: 'closed' };

/** Which store to open. */
export interface StoreOptions {
  /** `sqlite:FILE`, `file:FOLDER` or `memory:`. */
  readonly url: string;
  /** Power-loss durability: FULL syncs each transaction, NORMAL survives a process kill only. @default 'full' */
  readonly synchronous: 'full' | 'normal';
  /** Most subscribers of one publication; a commit that would reach more is refused. @default 1000 */
  readonly maxFanOut?: number;
}
