/**
 * The heart of the store thread: gathers the commits of all clients and writes them in common transactions, so that one
 * sync pays for many (natural group commit: while one transaction is written, the next one gathers).
 *
 * Invariants: W1 commits of a client are written in the order posted; W2 a result leaves only after its transaction is
 * durable; W3 a call sees every commit its client posted before it; W4 a batch that failed stays at the front and is
 * tried again (`retry.ts`), marked as resent when its outcome is unknown; until then reads see what is saved; W5 after `drain` nothing of that client is ever written; W6 a
 * read that waits for a publication is answered after the first transaction that wrote one it asks for, never by looking again.
 */
import { TroupeError, isTroupeError } from '../errors.ts';
import type { Env, Port, TimerHandle } from '../env.ts';
import { encodeError } from '../thread/error-codec.ts';
import { decodeCommit, pushResult } from './commit-codec.ts';
import type { StoreReport, StoreRequest, StoreResponse } from './protocol.ts';
import { isEncodedCommit, parseRequest, sizeOf } from './requests.ts';
import { isTrouble, pauseAfter } from './retry.ts';
import type { Commit, CommitResult, Store } from './store.ts';
import { WriterClient, isPatient, isWrite } from './writer-client.ts';
import type { WaitingCall } from './writer-client.ts';

/** Bounds of one transaction: longer ones delay everybody and gain nothing. */
const MAX_COMMITS = 2_000;
const MAX_CHARACTERS = 2_000_000;

/** Quiet time after which the store may tidy up. */
const IDLE_MS = 200;

interface Queued {
  readonly client: WriterClient;
  readonly n: number;
  commit: Commit;
}

/** Writes the commits of many clients to one store. */
export class StoreWriter {
  readonly #store: Store;
  readonly #env: Env;
  readonly #report: (report: StoreReport) => void;
  readonly #clients = new Set<WriterClient>();
  readonly #queue: Queued[] = [];
  #cycle: Promise<void> | undefined;
  #isScheduled = false;
  #isClosing = false;
  #isAbandoned = false;
  /** Something may have been published that parked reads have not seen. */
  #hasPublished = false;
  /** Tries in a row that failed, and what with. */
  #failures = 0;
  #lastError: unknown;
  #retryTimer: TimerHandle | undefined;
  #idleTimer: TimerHandle | undefined;
  #lastWriteMs = 0;

  constructor(store: Store, env: Env, report: (report: StoreReport) => void) {
    this.#store = store;
    this.#env = env;
    this.#report = report;
  }

  /** Takes commits and calls from a port until it closes. */
  connect(name: string, port: Port): void {
    if (this.#isClosing) return port.close();
    const client = new WriterClient(name, port);
    this.#clients.add(client);
    port.onMessage((message) => this.#receive(client, message));
    port.onClose(() => {
      client.leave();
      this.#schedule();
    });
  }

  /**
   * Resolves when the client's port has closed and everything it posted is written (rule 6). A client nobody knows, or
   * that has been drained already, is drained.
   */
  async drain(name: string): Promise<void> {
    const clients = [...this.#clients].filter((client) => client.name === name);
    await Promise.all(clients.map((client) => client.whenDrained()));
  }

  /**
   * Writes what has been taken in, then closes the store.
   * @throws {TroupeError} ERR_STORE_UNAVAILABLE when something could not be written; it was never acknowledged.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#env.clearTimeout(this.#retryTimer);
    this.#env.clearTimeout(this.#idleTimer);
    await this.#cycle;
    let failure: unknown;
    while (this.#queue.length > 0 && failure === undefined) failure = await this.#write(this.#batchSize());
    await this.#answer();
    for (const client of this.#clients) {
      client.settleDrained();
      client.close();
    }
    await this.#store.close();
    if (failure !== undefined) throw failure;
  }

  /**
   * Stops where it stands, as if its thread had ended: what has not been written never will be, and nobody gets another
   * answer. A transaction under way may still be written. The store stays open.
   */
  abandon(): void {
    this.#isClosing = true;
    this.#isAbandoned = true;
    this.#env.clearTimeout(this.#retryTimer);
    this.#env.clearTimeout(this.#idleTimer);
    this.#queue.length = 0;
    for (const client of this.#clients) client.abandon();
    this.#clients.clear();
  }

  #receive(client: WriterClient, message: unknown): void {
    if (this.#isClosing) return;
    const request = parseRequest(message);
    if (!request) return this.#logGarbage(client, 'request');
    if (request.kind === 'call') client.calls.push({ request, after: client.posted });
    else this.#enqueue(client, request.commits);
    this.#schedule();
  }

  #enqueue(client: WriterClient, commits: readonly unknown[]): void {
    for (const encoded of commits) {
      if (isEncodedCommit(encoded)) {
        const { n, commit } = decodeCommit(encoded);
        this.#queue.push({ client, n, commit });
        client.posted++;
      } else this.#logGarbage(client, 'commit');
    }
  }

  #schedule(): void {
    if (this.#isScheduled || this.#cycle || this.#isClosing) return;
    this.#isScheduled = true;
    // Everything that has arrived by the end of this turn of the event loop shares one transaction.
    this.#env.defer(() => {
      this.#isScheduled = false;
      if (!this.#isClosing) this.#cycle = this.#runCycle();
    });
  }

  async #runCycle(): Promise<void> {
    try {
      if (this.#retryTimer === undefined && this.#queue.length > 0) await this.#write(this.#batchSize());
      if (this.#hasPublished) await this.#answerParked();
      await this.#answer();
      this.#forgetDrained();
    } finally {
      this.#cycle = undefined;
    }
    if (this.#hasWork()) this.#schedule();
  }

  #hasWork(): boolean {
    if (this.#queue.length > 0 && this.#retryTimer === undefined) return true;
    return [...this.#clients].some(({ calls, written }) => calls[0] !== undefined && calls[0].after <= written);
  }

  #batchSize(): number {
    let characters = 0;
    let count = 0;
    for (const { commit } of this.#queue) {
      characters += sizeOf(commit);
      if (count > 0 && (count === MAX_COMMITS || characters > MAX_CHARACTERS)) break;
      count++;
    }
    return count;
  }

  /** Writes the first `count` commits of the queue. Returns what went wrong. */
  async #write(count: number): Promise<unknown> {
    const batch = this.#queue.slice(0, count);
    try {
      const results = await this.#store.commit(batch.map(({ commit }) => commit));
      if (this.#isAbandoned) return undefined;
      this.#queue.splice(0, count);
      this.#deliver(batch, results);
      this.#recovered();
      this.#armIdle();
      return undefined;
    } catch (error) {
      this.#keep(batch, error);
      return error;
    }
  }

  /** One message per client and transaction. */
  #deliver(batch: readonly Queued[], results: readonly CommitResult[]): void {
    const byClient = new Map<WriterClient, (number | CommitResult)[]>();
    for (const [index, { client, n, commit }] of batch.entries()) {
      const own = byClient.get(client) ?? [];
      const result = results[index] ?? { outcome: 'refused', reason: 'invalid' };
      pushResult(own, n, result);
      if (commit.publish && result.outcome !== 'refused') this.#hasPublished = true;
      byClient.set(client, own);
      client.written++;
    }
    for (const [client, own] of byClient) this.#post(client, { kind: 'results', results: own });
  }

  /** The same commits are tried again, in the same order, in front of all others (W4). */
  #keep(batch: readonly Queued[], error: unknown): void {
    if (this.#isAbandoned) return;
    if (isTroupeError(error, 'ERR_STORE_UNAVAILABLE') && error.details['isOutcomeUnknown'] === true) {
      for (const queued of batch) queued.commit = { ...queued.commit, isResent: true };
      // What was written after all may be refused when it is tried again: nobody would wake those who wait for it.
      this.#hasPublished ||= batch.some(({ commit }) => commit.publish !== undefined);
    }
    this.#failures++;
    this.#lastError = error;
    if (this.#isClosing) return;
    const retryInMs = pauseAfter(this.#failures);
    if (isTrouble(this.#failures)) this.#report({ kind: 'trouble', error: encodeError(error), retryInMs });
    this.#retryTimer = this.#env.setTimeout(() => {
      this.#retryTimer = undefined;
      this.#schedule();
    }, retryInMs);
  }

  #recovered(): void {
    if (isTrouble(this.#failures)) this.#report({ kind: 'recovered' });
    this.#failures = 0;
  }

  async #answer(): Promise<void> {
    const isInTrouble = this.#retryTimer !== undefined;
    for (const client of this.#clients) {
      if (client.calls.length === 0) continue;
      for (const call of client.takeReadyCalls()) await this.#call(client, call);
      if (!isInTrouble || client.calls.length === 0) continue;
      const unwritten = new Set(
        this.#queue.filter((queued) => queued.client === client).map(({ commit }) => commit.address),
      );
      for (const call of client.takeIndependentReads(unwritten)) await this.#call(client, call);
    }
  }

  async #answerParked(): Promise<void> {
    this.#hasPublished = false;
    for (const client of this.#clients) for (const call of client.takeParked()) await this.#call(client, call);
  }

  async #call(client: WriterClient, call: WaitingCall): Promise<void> {
    if (this.#isAbandoned) return;
    // Not tried before its time either: each try may hold up everybody, for five seconds where somebody else has locked the file.
    const isHopeless = this.#failures > 0 && isWrite(call);
    const response = isHopeless ? this.#refuse(call) : await this.#perform(call.request);
    // Nothing is written between this read and the next: a publication that follows finds the call parked.
    if (isPatient(call) && isEmptyAnswer(response)) client.park(call);
    else this.#post(client, response);
  }

  #refuse({ request: { id } }: WaitingCall): StoreResponse {
    return { kind: 'failure', id, error: encodeError(toUntried(this.#lastError)) };
  }

  async #perform({ id, method, args }: Extract<StoreRequest, { readonly kind: 'call' }>): Promise<StoreResponse> {
    try {
      const perform = this.#store[method] as (...args: unknown[]) => Promise<unknown>;
      return { kind: 'answer', id, value: await perform.apply(this.#store, [...args]) };
    } catch (error) {
      return { kind: 'failure', id, error: encodeError(error) };
    }
  }

  #post(client: WriterClient, response: StoreResponse): void {
    if (!client.isClosed) client.post(response);
  }

  #forgetDrained(): void {
    for (const client of this.#clients) {
      if (!client.isDrained) continue;
      this.#clients.delete(client);
      client.close();
      client.settleDrained();
    }
  }

  /** One timer for any number of writes: it looks back when it fires. */
  #armIdle(): void {
    if (this.#isClosing) return;
    this.#lastWriteMs = this.#env.monotonicMs();
    if (this.#idleTimer !== undefined) return;
    const check = (): void => {
      const quietMs = this.#env.monotonicMs() - this.#lastWriteMs;
      this.#idleTimer = quietMs < IDLE_MS ? this.#env.setTimeout(check, IDLE_MS - quietMs) : undefined;
      if (this.#idleTimer === undefined && !this.#isClosing) void this.#store.idle();
    };
    this.#idleTimer = this.#env.setTimeout(check, IDLE_MS);
  }

  #logGarbage(client: WriterClient, what: string): void {
    const text = `Client '${client.name}' of the store sent a malformed ${what}; it was dropped`;
    this.#report({ kind: 'log', level: 'error', fields: { client: client.name }, text });
  }
}

/** What a call is told that was not even tried: nothing has come of it, whatever became of the commits that failed. */
function toUntried(error: unknown): unknown {
  if (!isTroupeError(error, 'ERR_STORE_UNAVAILABLE')) return error;
  const { message, cause, details } = error;
  return new TroupeError(error.code, message, { cause, details: { ...details, isOutcomeUnknown: false } });
}

function isEmptyAnswer(response: StoreResponse): boolean {
  return response.kind === 'answer' && Array.isArray(response.value) && response.value.length === 0;
}
