/**
 * The default store: one SQLite file, one writing connection, WAL. An acknowledged commit survives power loss at
 * `synchronous: 'full'`, a process kill at `'normal'`.
 *
 * After an I/O error the connection is given up and nothing is acknowledged on it again: the next session opens the file
 * afresh and writes the whole log back, synced, before anything it read there counts as saved.
 */
import type { Address } from '../../actor/address.ts';
import { TroupeError } from '../../errors.ts';
import { DEFAULT_MAX_FAN_OUT } from '../fan-out.ts';
import type {
  BusQuery,
  DeadLetterQuery,
  DueQuery,
  HistoryQuery,
  KeyQuery,
  ListQuery,
  LogQuery,
  LooseHistoryQuery,
  LooseQuery,
  StatesQuery,
  TallyQuery,
} from '../queries.ts';
import type {
  Adoption,
  AdoptionResult,
  Commit,
  CommitResult,
  Cursor,
  HistoryRunKey,
  Store,
  StoreFeatures,
} from '../store.ts';
import type { BusCount, BusScan, BusSweep } from '../topics.ts';
import { adoptAll, NotAdopted } from './adopting.ts';
import { DefectiveCommit, applyAll } from './batch.ts';
import { connectFile, prepareFile, toOpenError } from './connect.ts';
import type { Connect, Synchronous } from './connect.ts';
import {
  isCommitOutcomeUnknown,
  isFileDamaged,
  isHandleSpoilt,
  isPlaceAtFault,
  toDamaged,
  toUnavailable,
} from './failures.ts';
import { markAlive, rise } from './host-rows.ts';
import { listActors } from './list.ts';
import { lockFile } from './lock.ts';
import type { FileLock } from './lock.ts';
import { Session } from './session.ts';
import type { SessionOptions } from './session.ts';
import { tally } from './tally.ts';

/** How to open a SQLite store. */
export interface SqliteStoreOptions {
  /** Path of the file; its folder is made. */
  readonly file: string;
  /** @default 'full' */
  readonly synchronous?: Synchronous;
  /** Most subscribers of one publication. @default 1000 */
  readonly maxFanOut?: number;
  /** Makes connections. Tests inject failures here. */
  readonly connect?: Connect;
}

/**
 * Opens a store and takes its lock.
 * @throws {TroupeError} ERR_STORE_LOCKED, ERR_STORE_NEWER, ERR_STORE_OPEN.
 */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  const { connect = connectFile, synchronous = 'full', maxFanOut = DEFAULT_MAX_FAN_OUT } = options;
  const file = prepareFile(options.file);
  // The lock's connection is never a test's: what fails there is the store, not the lock.
  const lock = lockFile(file, connectFile);
  try {
    return new SqliteStore({ file, synchronous, connect, maxFanOut }, lock);
  } catch (error) {
    lock.release();
    throw error instanceof TroupeError ? error : toOpenError(file, error);
  }
}

class SqliteStore implements Store {
  readonly features: StoreFeatures;
  readonly #options: SessionOptions;
  readonly #lock: FileLock;
  #session: Session | undefined;
  #nextPosition: number;
  #isClosed = false;

  constructor(options: SessionOptions, lock: FileLock) {
    const survives = options.synchronous === 'full' ? 'power-loss' : 'process-kill';
    this.features = { survives, shares: 'reads', packsHistory: true };
    this.#options = options;
    this.#lock = lock;
    this.#session = new Session(options);
    this.#nextPosition = this.#session.positions.next;
  }

  async commit(batch: readonly Commit[]): Promise<readonly CommitResult[]> {
    const defective = new Map<number, string>();
    for (;;) {
      try {
        return this.#transact((session) => applyAll(session, batch, defective));
      } catch (error) {
        // The whole transaction was taken back; the others go again without it, so that one commit never blocks all.
        if (!(error instanceof DefectiveCommit)) throw error;
        defective.set(error.index, error.message);
      }
    }
  }

  async load(address: Address) {
    return this.#read((session) => session.reads.load(address));
  }

  async inbox(address: Address, query?: { readonly afterPos?: number; readonly limit?: number }) {
    return this.#read((session) => session.reads.inbox(address, query));
  }

  async fence(address: Address): Promise<number> {
    return this.#transact(({ db }) => {
      const sql = 'UPDATE actors SET epoch = epoch + 1 WHERE address = ? RETURNING epoch';
      return db.prepare<[string], number>(sql).pluck().get(address) ?? 0;
    });
  }

  async idempotency(address: Address, id: string) {
    return this.#read((session) => session.reads.idempotency(address, id));
  }

  async sweepIdempotency(before: number): Promise<number> {
    return this.#transact(({ db }) => {
      db.prepare('DELETE FROM removed WHERE at < ?').run(before);
      return db.prepare('DELETE FROM idempotency WHERE at < ?').run(before).changes;
    });
  }

  async log(address: Address, query?: LogQuery) {
    return this.#read((session) => session.reads.log(address, query));
  }

  async history(address: Address, query?: HistoryQuery) {
    return this.#read((session) => session.history.list(address, query));
  }

  async states(address: Address, query: StatesQuery) {
    return this.#read((session) => session.history.states(address, query));
  }

  async sweepHistory(type: string, before: number): Promise<number> {
    return this.#transact((session) => session.history.sweep(type, before));
  }

  async adopt(batch: readonly Adoption[]): Promise<AdoptionResult> {
    try {
      this.#transact((session) => adoptAll(session, batch));
      return { outcome: 'done' };
    } catch (error) {
      if (error instanceof NotAdopted) return error.result;
      throw error;
    }
  }

  async looseSnapshots(query: LooseQuery) {
    return this.#read((session) => session.history.loose(query));
  }

  async packSnapshot(address: Address, seq: number, packed: Uint8Array): Promise<boolean> {
    return this.#transact((session) => session.history.pack(address, seq, packed));
  }

  async looseHistory(query: LooseHistoryQuery) {
    return this.#read((session) => session.runs.find(query));
  }

  async packHistory(address: Address, key: HistoryRunKey, packed: Uint8Array): Promise<boolean> {
    return this.#transact((session) => session.runs.pack(address, key, packed));
  }

  async list(query: ListQuery = {}) {
    return this.#read(({ db }) => listActors(db, query));
  }

  async recoverable(query?: { readonly afterAddress?: Address; readonly limit?: number }) {
    return this.#read((session) => session.reads.recoverable(query));
  }

  async outbox(query?: { readonly afterPos?: number; readonly limit?: number }) {
    return this.#read((session) => session.reads.outbox(query));
  }

  async settleOutbox(positions: readonly number[]): Promise<void> {
    if (positions.length === 0) return;
    this.#transact(({ db }) => {
      const remove = db.prepare('DELETE FROM outbox WHERE pos = ?');
      for (const pos of positions) remove.run(pos);
    });
  }

  async dropReplies(exceptBoot: string): Promise<number> {
    return this.#transact(
      ({ db }) => db.prepare("DELETE FROM outbox WHERE kind = 'reply' AND boot IS NOT ?").run(exceptBoot).changes,
    );
  }

  async deadLetters(query?: DeadLetterQuery) {
    return this.#read((session) => session.reads.deadLetters(query));
  }

  async deleteDeadLetter(pos: number): Promise<boolean> {
    return this.#transact(({ db }) => db.prepare('DELETE FROM dead_letters WHERE pos = ?').run(pos).changes > 0);
  }

  async due(query: DueQuery) {
    return this.#read((session) => session.scheduled.due(query));
  }

  async scheduled(address: Address, query?: { readonly until?: number; readonly limit?: number }) {
    return this.#read((session) => session.scheduled.list(address, query));
  }

  async busEvents(query?: BusQuery) {
    return this.#read((session) => session.busLog.events(query));
  }

  async lastBusPos(): Promise<number> {
    return this.#read((session) => session.busLog.lastPos());
  }

  async scanBus(query?: BusScan) {
    return this.#read((session) => session.busLog.scan(query));
  }

  async sweepBus(sweep: BusSweep) {
    return this.#transact(({ busLog, cursors }) => busLog.sweep(sweep, () => cursors.all()));
  }

  async countBus(query: BusCount) {
    return this.#read((session) => session.busLog.count(query));
  }

  async busCounts() {
    return this.#read((session) => session.busLog.counts());
  }

  async cursor(name: string) {
    return this.#read((session) => session.cursors.get(name));
  }

  async cursors() {
    return this.#read((session) => session.cursors.all());
  }

  async setCursor(name: string, { pattern, pos }: Cursor): Promise<void> {
    this.#transact((session) => session.cursors.set({ name, pattern, pos }));
  }

  async deleteCursor(name: string): Promise<boolean> {
    return this.#transact((session) => session.cursors.delete(name));
  }

  async rise(now: number): Promise<number> {
    return this.#transact(({ db }) => rise(db, now));
  }

  async markAlive(now: number): Promise<void> {
    this.#transact(({ db }) => markAlive(db, now));
  }

  async kvGet(key: string, now: number) {
    return this.#read((session) => session.kv.get(key, now));
  }

  async kvSet(key: string, value: string, expiresAt?: number): Promise<void> {
    this.#transact((session) => session.kv.set(key, value, expiresAt));
  }

  async kvDelete(key: string, now: number): Promise<boolean> {
    return this.#transact((session) => session.kv.delete(key, now));
  }

  async kvKeys(query: KeyQuery) {
    return this.#read((session) => session.kv.keys(query));
  }

  async kvClear(prefix: string, now: number): Promise<number> {
    return this.#transact((session) => session.kv.clear(prefix, now));
  }

  async sweepKv(now: number): Promise<number> {
    return this.#transact((session) => session.kv.sweep(now));
  }

  async stats() {
    return this.#read((session) => session.reads.stats());
  }

  async tally(query: TallyQuery) {
    return this.#read(({ db }) => tally(db, query));
  }

  async idle(): Promise<void> {
    try {
      this.#session?.writeBack('PASSIVE');
    } catch {
      // Tidying up can wait; what is wrong shows at the next commit.
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#session?.close();
    this.#session = undefined;
    this.#lock.release();
  }

  /** Runs `work` in a transaction that is durable when this returns. */
  #transact<T>(work: (session: Session) => T): T {
    const session = this.#open();
    let value: T;
    try {
      session.begin.run();
      value = work(session);
    } catch (error) {
      throw this.#takeBack(session, error);
    }
    try {
      session.commit.run();
    } catch (error) {
      throw this.#commitFailed(session, error);
    }
    session.bus.saved();
    session.busLog.saved();
    return value;
  }

  #read<T>(work: (session: Session) => T): T {
    const session = this.#open();
    try {
      return work(session);
    } catch (error) {
      if (!isPlaceAtFault(error)) throw error;
      if (isHandleSpoilt(error)) this.#giveUp(session);
      throw isFileDamaged(error) ? toDamaged(this.#options.file, error) : toUnavailable(this.#options.file, error);
    }
  }

  /** Nothing of the transaction has reached its COMMIT, so it is certain that nothing was changed. */
  #takeBack(session: Session, error: unknown): unknown {
    try {
      session.rollback();
    } catch {
      this.#giveUp(session);
    }
    if (!isPlaceAtFault(error)) return error;
    if (isHandleSpoilt(error)) this.#giveUp(session);
    return toUnavailable(this.#options.file, error);
  }

  #commitFailed(session: Session, error: unknown): TroupeError {
    if (!isCommitOutcomeUnknown(error)) return this.#takeBack(session, error) as TroupeError;
    this.#giveUp(session);
    this.#tryToReopen();
    return toUnavailable(this.#options.file, error, true);
  }

  #giveUp(session: Session): void {
    this.#nextPosition = Math.max(this.#nextPosition, session.positions.next);
    if (this.#session === session) this.#session = undefined;
    session.close();
  }

  #tryToReopen(): void {
    try {
      this.#open();
    } catch {
      // The next call tries again and says why not.
    }
  }

  #open(): Session {
    if (this.#session) return this.#session;
    const { file } = this.#options;
    if (this.#isClosed) throw toUnavailable(file, new Error('the store is closed'));
    let session: Session | undefined;
    try {
      session = new Session(this.#options, this.#nextPosition);
      // What was read back may sit in the page cache only, its sync having failed. Written into the file and synced, it
      // is durable; and the log starts over, so that no broken stretch lies before what comes next.
      if (!session.writeBack('TRUNCATE'))
        throw new Error('a reader holds the write-ahead log that must be written back first');
      this.#session = session;
      return session;
    } catch (error) {
      session?.close();
      throw toUnavailable(file, error);
    }
  }
}
