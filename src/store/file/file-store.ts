/**
 * The store of plain files: tables in memory, and a folder of JSON that a person can read. A change is one file of a journal,
 * durable before it is applied to the tables and acknowledged; from time to time what changed is written into files of its own
 * and the journal begins anew (`folder.ts` says which files there are).
 *
 * Invariants: F1 the tables are what the files and the journal lead to; F2 a change that is not in the journal was not applied;
 * F3 after a write whose outcome is unknown nothing in memory is trusted: the folder is read and written anew first.
 */
import { realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Address } from '../../actor/address.ts';
import { DEFAULT_MAX_FAN_OUT } from '../fan-out.ts';
import { toWritableSweep } from '../bus-log.ts';
import { refuse } from '../decide.ts';
import type { Adoption, AdoptionResult, Commit, CommitResult, Cursor, Store, StoreFeatures } from '../store.ts';
import type { BusSweep, SweptBus } from '../topics.ts';
import { misfitOf, misfitOfAdoption } from '../well-formed.ts';
import { toChange } from './changes.ts';
import type { Change, ChangeMethod } from './changes.ts';
import { writeCheckpoint, writeManifest } from './checkpoint.ts';
import type { Place } from './checkpoint.ts';
import { UncertainWrite, realDisk, writeWhole } from './disk.ts';
import type { Disk } from './disk.ts';
import { encodeDocument } from './document.ts';
import { toOpenError, toUnavailable } from './failures.ts';
import { FOLDERS, journalFile } from './folder.ts';
import type { JournalEntry } from './folder.ts';
import { loadFolder, removeLeftovers } from './load.ts';
import type { Held } from './load.ts';
import { lockFolder } from './lock.ts';
import type { FolderLock } from './lock.ts';
import { FileReads } from './reads.ts';

/** How to open a file store. */
export interface FileStoreOptions {
  /** Its folder, which is made. */
  readonly folder: string;
  /** `full`: what is acknowledged survives power loss; `normal`: a process kill only. @default 'full' */
  readonly synchronous?: 'full' | 'normal';
  /** Most subscribers of one publication. @default 1000 */
  readonly maxFanOut?: number;
  /** The file system. Tests inject failures here. */
  readonly disk?: Disk;
}

/** How far the journal goes before a checkpoint is written: when there is time, and at the latest. */
const JOURNAL = {
  idle: { files: 100, bytes: 1_000_000, actors: 200 },
  most: { files: 2_000, bytes: 32_000_000, actors: 2_000 },
} as const;

/** A checkpoint that failed is tried again after so many more changes. */
const RETRY_AFTER = 500;

/**
 * Opens a store and takes its lock.
 * @throws {TroupeError} ERR_STORE_LOCKED, ERR_STORE_NEWER, ERR_STORE_OPEN.
 */
export async function openFileStore(options: FileStoreOptions): Promise<Store> {
  const { synchronous = 'full', maxFanOut = DEFAULT_MAX_FAN_OUT, disk = realDisk } = options;
  const folder = prepareFolder(options.folder, disk);
  const lock = await lockFolder(folder);
  try {
    const place = { disk, folder, isSynced: synchronous === 'full' };
    return new FileStore(place, maxFanOut, lock, await openHeld(place, maxFanOut));
  } catch (error) {
    lock.release();
    throw toOpenError(folder, error);
  }
}

function prepareFolder(path: string, disk: Disk): string {
  const wanted = resolve(path);
  try {
    disk.makeFolder(wanted);
    if (!statSync(wanted).isDirectory()) throw new Error('it is no folder');
    return realpathSync(wanted);
  } catch (error) {
    const isFile = ['EEXIST', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code));
    throw isFile
      ? toOpenError(
          wanted,
          'it is a file, or lies below one',
          `Choose a folder, or use 'sqlite:${path}' for a SQLite file.`,
        )
      : toOpenError(wanted, error);
  }
}

/** @param isDoubtful what the folder seems to have may not be durable: it is written anew */
async function openHeld(place: Place, maxFanOut: number, isDoubtful = false): Promise<Held> {
  const { disk, folder, isSynced } = place;
  const held = await loadFolder(disk, folder, maxFanOut);
  for (const inner of FOLDERS) disk.makeFolder(join(folder, inner));
  const isNew = held.manifest.nextFile === 1 && held.next === 1;
  // From here on the journal is not synced, whatever the files before it are.
  if (isNew || (held.manifest.isSynced && !isSynced)) {
    held.manifest = { ...held.manifest, isSynced };
    writeManifest(place, held.manifest);
  }
  if (isSynced) for (const path of [join(folder, 'journal'), folder, dirname(folder)]) disk.syncFolder(path);
  if (isDoubtful || (isSynced && !held.manifest.isSynced)) await writeCheckpoint(place, held, true);
  removeLeftovers(disk, folder, held);
  return held;
}

class FileStore extends FileReads implements Store {
  readonly features: StoreFeatures;
  readonly #place: Place;
  readonly #maxFanOut: number;
  readonly #lock: FolderLock;
  #held: Held | undefined;
  #reopening: Promise<void> | undefined;
  #checkpointing: Promise<void> | undefined;
  #isClosed = false;
  /** Length of the journal before which no checkpoint is tried again. */
  #retryAt = 0;

  constructor(place: Place, maxFanOut: number, lock: FolderLock, held: Held) {
    super();
    const survives = place.isSynced ? 'power-loss' : 'process-kill';
    this.features = { survives, shares: 'nothing', packsHistory: false };
    this.#place = place;
    this.#maxFanOut = maxFanOut;
    this.#lock = lock;
    this.#held = held;
  }

  async commit(batch: readonly Commit[]): Promise<readonly CommitResult[]> {
    // What cannot be written stays out of the journal, and out of the way of the others.
    const misfits = batch.map(misfitOf);
    const sound = batch.filter((_commit, index) => misfits[index] === undefined);
    const results = sound.length > 0 ? [...(await this.#change('commit', sound))] : [];
    if (sound.length === 0) await this.run(() => undefined);
    return misfits.map((misfit) => (misfit === undefined ? results.shift() : undefined) ?? refuse('invalid', misfit));
  }

  async adopt(batch: readonly Adoption[]): Promise<AdoptionResult> {
    const isSound = batch.length > 0 && batch.every((adoption) => misfitOfAdoption(adoption) === undefined);
    return isSound ? this.#change('adopt', batch) : this.run(({ memory }) => memory.adopt(batch));
  }

  async fence(address: Address): Promise<number> {
    const isThere = await this.run(({ tables }) => tables.actors.has(address));
    return isThere ? this.#change('fence', address) : 0;
  }

  async sweepIdempotency(before: number): Promise<number> {
    return this.#change('sweepIdempotency', before);
  }

  async sweepHistory(type: string, before: number): Promise<number> {
    return this.#change('sweepHistory', type, before);
  }

  async packSnapshot(address: Address, seq: number, packed: Uint8Array): Promise<boolean> {
    return this.#change('packSnapshot', address, seq, packed);
  }

  async settleOutbox(positions: readonly number[]): Promise<void> {
    if (positions.length > 0) await this.#change('settleOutbox', positions);
  }

  async dropReplies(exceptBoot: string): Promise<number> {
    return this.#change('dropReplies', exceptBoot);
  }

  async deleteDeadLetter(pos: number): Promise<boolean> {
    return this.#change('deleteDeadLetter', pos);
  }

  async sweepBus(sweep: BusSweep): Promise<SweptBus> {
    // A wrong limit is told of here, before it is in the journal.
    return this.#change('sweepBus', toWritableSweep(sweep));
  }

  async setCursor(name: string, { pattern, pos }: Cursor): Promise<void> {
    return this.#change('setCursor', name, { pattern, pos });
  }

  async deleteCursor(name: string): Promise<boolean> {
    return this.#change('deleteCursor', name);
  }

  async rise(now: number): Promise<number> {
    return this.#change('rise', now);
  }

  async markAlive(now: number): Promise<void> {
    return this.#change('markAlive', now);
  }

  async kvSet(key: string, value: string, expiresAt?: number): Promise<void> {
    return this.#change('kvSet', key, value, ...(expiresAt === undefined ? [] : [expiresAt]));
  }

  async kvDelete(key: string, now: number): Promise<boolean> {
    return this.#change('kvDelete', key, now);
  }

  async kvClear(prefix: string, now: number): Promise<number> {
    return this.#change('kvClear', prefix, now);
  }

  async sweepKv(now: number): Promise<number> {
    return this.#change('sweepKv', now);
  }

  async idle(): Promise<void> {
    await this.#checkpointing;
    const held = this.#held;
    if (held && isLonger(held, JOURNAL.idle)) await this.#checkpoint(held);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#checkpointing;
    const held = this.#held;
    if (held && held.journalFiles.length > 0) await this.#checkpoint(held);
    this.#held = undefined;
    this.#lock.release();
  }

  /** Makes a change durable, then applies it; the two are one turn. */
  async #change<M extends ChangeMethod>(
    method: M,
    ...args: Parameters<Store[M]>
  ): Promise<Awaited<ReturnType<Store[M]>>> {
    try {
      return await this.run((held) => {
        this.#append(held, toChange(method, args));
        const done = (held.memory[method] as (...given: unknown[]) => unknown).call(held.memory, ...args);
        if (held.journalFiles.length >= this.#retryAt && isLonger(held, JOURNAL.most)) void this.#checkpoint(held);
        return done as ReturnType<Store[M]>;
      });
    } catch (error) {
      if (!(error instanceof UncertainWrite)) throw error;
      await this.#reopen().catch(() => undefined);
      throw toUnavailable(this.#place.folder, error.cause, true);
    }
  }

  #append(held: Held, change: Change): void {
    const { disk, folder, isSynced } = this.#place;
    const entry: JournalEntry = { n: held.next, after: held.tip, change, maxFanOut: this.#maxFanOut };
    const { sum, bytes, extension } = encodeDocument('journal', entry);
    const file = `${journalFile(held.next)}${extension}`;
    try {
      writeWhole(disk, join(folder, file), bytes, isSynced);
    } catch (error) {
      if (!(error instanceof UncertainWrite)) throw toUnavailable(folder, error);
      this.#held = undefined;
      throw error;
    }
    held.next++;
    held.tip = sum;
    held.journalBytes += bytes.length;
    held.journalFiles.push(file);
  }

  /** What is in the journal is safe there: a checkpoint that fails is only late. */
  #checkpoint(held: Held): Promise<void> {
    this.#checkpointing ??= writeCheckpoint(this.#place, held)
      .then(
        () => void (this.#retryAt = 0),
        () => void (this.#retryAt = held.journalFiles.length + RETRY_AFTER),
      )
      .finally(() => (this.#checkpointing = undefined));
    return this.#checkpointing;
  }

  protected async run<T>(work: (held: Held) => T): Promise<Awaited<T>> {
    while (!this.#held) {
      if (this.#isClosed) throw toUnavailable(this.#place.folder, new Error('the store is closed'));
      await this.#reopen();
    }
    return await work(this.#held);
  }

  #reopen(): Promise<void> {
    this.#reopening ??= this.#readAnew().finally(() => (this.#reopening = undefined));
    return this.#reopening;
  }

  async #readAnew(): Promise<void> {
    // One that is under way takes numbers, and is right about what it is of.
    await this.#checkpointing;
    try {
      const held = await openHeld(this.#place, this.#maxFanOut, true);
      this.#retryAt = 0;
      if (!this.#isClosed) this.#held = held;
    } catch (error) {
      throw toUnavailable(this.#place.folder, error);
    }
  }
}

function isLonger(
  { journalFiles, journalBytes, touched }: Held,
  bounds: (typeof JOURNAL)[keyof typeof JOURNAL],
): boolean {
  const { files, bytes, actors } = bounds;
  return journalFiles.length >= files || journalBytes >= bytes || touched.size >= actors;
}
