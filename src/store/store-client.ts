/**
 * A thread's side of the store: posts commits and calls over a port, and keeps what is unacknowledged, so that it can be
 * posted again when the store thread had to be replaced (rule 7).
 *
 * Invariants: C1 commits leave in the order posted, also after a reconnect; C2 what may have been seen by a store before
 * goes again as resent, what never left goes as new; C3 every commit gets one result, every call one answer, unless the
 * client is closed first.
 */
import { TroupeError } from '../errors.ts';
import type { Env, Port } from '../env.ts';
import { decodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import { encodeCommit, forEachResult } from './commit-codec.ts';
import type { EncodedCommit } from './commit-codec.ts';
import { Slots } from '../slots.ts';
import type { StoreCall, StoreRequest, StoreResponse } from './protocol.ts';
import type { Commit, CommitResult, Store } from './store.ts';

/** The store, as seen from another thread. */
export interface StoreClient {
  /** Posts a commit at the end of this turn of the event loop. `onResult` is called once it is durable or refused. */
  post(commit: Commit, onResult: (result: CommitResult) => void): void;
  /** Calls the store. The answer reflects every commit posted before. */
  call<M extends StoreCall>(method: M, ...args: Parameters<Store[M]>): ReturnType<Store[M]>;
  /** Goes on with a store thread that replaces the one before: everything unacknowledged is posted again. */
  reconnect(port: Port): void;
  /** Commits posted and not answered yet. */
  readonly unacknowledged: number;
  /** Resolves once no commit is unacknowledged. */
  settled(): Promise<void>;
  /** Closes the port. Open calls are rejected; commits without a result stay without. */
  close(): void;
}

/** Entries that leave at once, without waiting for the end of the turn of the event loop. */
const FLUSH_AT = 32;

/**
 * Makes a client on one end of a channel whose other end a StoreWriter has, or will have.
 * @param onAcknowledged called after results came, so that what waits for room can go on
 */
export function createStoreClient(port: Port, env: Env, onAcknowledged: () => void = () => {}): StoreClient {
  return new PortStoreClient(port, env, onAcknowledged);
}

type OpenCommit = {
  readonly kind: 'commit';
  readonly n: number;
  readonly commit: Commit;
  readonly onResult: (result: CommitResult) => void;
  isSent: boolean;
};

type OpenCall = {
  readonly kind: 'call';
  readonly n: number;
  readonly method: StoreCall;
  readonly args: readonly unknown[];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
};

class PortStoreClient implements StoreClient {
  readonly #env: Env;
  readonly #onAcknowledged: () => void;
  /** In the order posted; commits and calls share one numbering. */
  readonly #open = new Slots<OpenCommit | OpenCall>();
  #port: Port | undefined;
  #outgoing: (OpenCommit | OpenCall)[] = [];
  #isScheduled = false;
  #isClosed = false;
  #unacknowledged = 0;
  #onSettled: (() => void)[] = [];

  constructor(port: Port, env: Env, onAcknowledged: () => void) {
    this.#env = env;
    this.#onAcknowledged = onAcknowledged;
    this.#attach(port);
  }

  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  post(commit: Commit, onResult: (result: CommitResult) => void): void {
    if (!this.#isClosed) this.#unacknowledged++;
    this.#enter({ kind: 'commit', n: this.#open.next, commit, onResult, isSent: false });
  }

  call<M extends StoreCall>(method: M, ...args: Parameters<Store[M]>): ReturnType<Store[M]> {
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.#isClosed) reject(closedError(method));
      else this.#enter({ kind: 'call', n: this.#open.next, method, args, resolve, reject });
    });
    return answer as ReturnType<Store[M]>;
  }

  reconnect(port: Port): void {
    this.#port?.close();
    this.#attach(port);
    this.#outgoing = this.#open.values();
    this.#flush();
  }

  settled(): Promise<void> {
    if (this.#unacknowledged === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onSettled.push(resolve));
  }

  close(): void {
    this.#isClosed = true;
    this.#port?.close();
    this.#port = undefined;
    this.#outgoing = [];
    for (const entry of this.#open.values()) if (entry.kind === 'call') entry.reject(closedError(entry.method));
    this.#open.clear();
    this.#unacknowledged = 0;
  }

  #attach(port: Port): void {
    this.#port = port;
    port.onMessage((message) => {
      if (this.#port === port) this.#receive(message as StoreResponse);
    });
    port.onClose(() => {
      // The store thread is gone. What is posted from here on waits for `reconnect`.
      if (this.#port === port) this.#port = undefined;
    });
  }

  #enter(entry: OpenCommit | OpenCall): void {
    if (this.#isClosed) return;
    this.#open.add(entry);
    this.#outgoing.push(entry);
    // The store begins on the first commits while the next ones are still being made.
    if (this.#outgoing.length >= FLUSH_AT) return this.#flush();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#env.defer(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  /** Neighbouring commits leave as one message. */
  #flush(): void {
    const port = this.#port;
    if (!port) return;
    const entries = this.#outgoing;
    this.#outgoing = [];
    let commits: EncodedCommit[] = [];
    const send = (request: StoreRequest): void => port.post(request);
    for (const entry of entries) {
      if (entry.kind === 'commit') {
        commits.push(encode(entry));
        continue;
      }
      if (commits.length > 0) send({ kind: 'commits', commits });
      commits = [];
      send({ kind: 'call', id: entry.n, method: entry.method, args: entry.args });
    }
    if (commits.length > 0) send({ kind: 'commits', commits });
  }

  #receive(response: StoreResponse): void {
    if (response.kind === 'results') {
      forEachResult(response.results, (n, result) => this.#settleCommit(n, result));
      return this.#onAcknowledged();
    }
    const entry = this.#open.get(response.id);
    if (entry?.kind !== 'call') return;
    this.#open.take(response.id);
    if (response.kind === 'answer') entry.resolve(response.value);
    else entry.reject(decodeError(response.error as EncodedError));
  }

  #settleCommit(n: number, result: CommitResult): void {
    const entry = this.#open.get(n);
    if (entry?.kind !== 'commit') return;
    this.#open.take(n);
    this.#unacknowledged--;
    entry.onResult(result);
    if (this.#unacknowledged === 0) for (const settled of this.#onSettled.splice(0)) settled();
  }
}

function encode(entry: OpenCommit): EncodedCommit {
  const { n, commit, isSent } = entry;
  entry.isSent = true;
  return encodeCommit(n, commit, isSent || commit.isResent === true);
}

function closedError(method: string): TroupeError {
  return new TroupeError(
    'ERR_STORE_UNAVAILABLE',
    `The store client was closed before '${method}' was answered. Make the call while the system runs.`,
    {
      details: { method, isOutcomeUnknown: false },
    },
  );
}
