/** From a folder to tables in memory: the files of the manifest, then the changes of the journal, each checked. */
import { join } from 'node:path';
import type { Address } from '../../actor/address.ts';
import { isTroupeError } from '../../errors.ts';
import { restoreActor, restoreTables } from '../memory/image.ts';
import type { TablesImage } from '../memory/image.ts';
import { createStoreOver } from '../memory/memory-store.ts';
import { MemoryTables } from '../memory/tables.ts';
import type { Store } from '../store.ts';
import { decodeActor } from './actor-file.ts';
import type { ActorFile } from './actor-file.ts';
import { repeat } from './changes.ts';
import { isMissing, tryTo } from './disk.ts';
import type { Disk } from './disk.ts';
import { decodeDocument } from './document.ts';
import { toDamageError, toOpenError } from './failures.ts';
import { FOLDERS, MANIFEST, NO_SUM, isOurs, numberOf } from './folder.ts';
import type { DocumentKind } from './document.ts';
import type { FileRef, IndexEntry, JournalEntry, Manifest, TableName } from './folder.ts';
import { LOCK_FILES } from './lock.ts';

/** A folder that was read: what the store works on, and what is on disk of it. */
export interface Held {
  readonly tables: MemoryTables;
  readonly memory: Store;
  /** Actors that differ from their files. */
  readonly touched: Set<Address>;
  /** Actors whose files were damaged, by their number: they load as damaged until they are removed. */
  readonly damaged: Map<Address, { readonly n: number; readonly files: readonly string[] }>;
  manifest: Manifest;
  index: ReadonlyMap<Address, IndexEntry>;
  /** Number of the next change, and the checksum of the last. */
  next: number;
  tip: string;
  journalFiles: string[];
  journalBytes: number;
}

const EMPTY: Manifest = { tables: {}, journalFrom: 1, tip: NO_SUM, nextFile: 1, isSynced: true };

/**
 * Reads a folder. Changes nothing in it.
 * @throws {TroupeError} ERR_STORE_OPEN, ERR_STORE_NEWER.
 */
export async function loadFolder(disk: Disk, folder: string, maxFanOut: number): Promise<Held> {
  const manifest = readManifest(disk, folder);
  const touched = new Set<Address>();
  const tables = new MemoryTables(maxFanOut, (address) => void touched.add(address));
  const held: Held = {
    tables,
    memory: createStoreOver(tables),
    touched,
    damaged: new Map(),
    manifest: manifest ?? EMPTY,
    index: new Map(),
    next: manifest?.journalFrom ?? 1,
    tip: manifest?.tip ?? NO_SUM,
    journalFiles: [],
    journalBytes: 0,
  };
  if (!manifest) return held;
  readTables(disk, folder, held);
  readActors(disk, folder, held);
  touched.clear();
  await readJournal(disk, folder, held);
  tables.limits.maxFanOut = maxFanOut;
  return held;
}

/** Undefined for a folder nothing was ever written to. */
function readManifest(disk: Disk, folder: string): Manifest | undefined {
  const path = join(folder, MANIFEST);
  try {
    return decodeDocument<Manifest>('manifest', disk.read(path), path).data;
  } catch (error) {
    if (!isMissing(error)) throw toDamageError(path, error);
    assertNothingLost(disk, folder, path);
    return undefined;
  }
}

function assertNothingLost(disk: Disk, folder: string, path: string): void {
  const known = new Set<string>([...FOLDERS, ...LOCK_FILES, `${MANIFEST}.tmp`]);
  const strange = disk.list(folder).find((name) => !known.has(name));
  if (strange !== undefined)
    throw toOpenError(folder, `it has '${strange}' and no ${MANIFEST}`, 'Choose an empty folder, or one of a store.');
  for (const name of FOLDERS) {
    const names = listOrNone(disk, join(folder, name)).filter((file) => !file.endsWith('.tmp'));
    if (names.length > 0) throw toDamageError(path, 'it is gone, and the files it names are there');
  }
}

function readTables(disk: Disk, folder: string, { tables, manifest }: Held): void {
  const entries = Object.entries(manifest.tables) as (readonly [TableName, FileRef])[];
  const images = entries.map(([name, ref]) => [name, readRef(disk, folder, 'table', ref)] as const);
  restoreTables(tables, Object.fromEntries(images) as Partial<TablesImage>);
}

function readRef<T>(disk: Disk, folder: string, kind: DocumentKind, { file, sum }: FileRef): T {
  const path = join(folder, file);
  try {
    const document = decodeDocument<T>(kind, disk.read(path), path);
    if (document.sum !== sum) throw new Error(`its checksum is ${document.sum}, not ${sum} as it is known`);
    return document.data;
  } catch (error) {
    throw toDamageError(path, error);
  }
}

function readActors(disk: Disk, folder: string, held: Held): void {
  const { index } = held.manifest;
  if (!index) return;
  const entries = readRef<readonly IndexEntry[]>(disk, folder, 'index', index);
  held.index = new Map(entries.map((entry) => [entry.actor.address, entry]));
  for (const entry of entries) readActor(disk, folder, held, entry);
}

/** One that is damaged is there all the same, as far as the index knows it, and is told apart by its rows of state. */
function readActor(disk: Disk, folder: string, { tables, damaged }: Held, entry: IndexEntry): void {
  const { actor, n, damaged: before = [] } = entry;
  if (before.length > 0) damaged.set(actor.address, { n, files: before });
  try {
    restoreActor(tables, decodeActor(readRef<ActorFile>(disk, folder, 'actor', entry)));
  } catch (error) {
    if (isUnread(error)) throw error;
    damaged.set(actor.address, { n, files: [...before, entry.file] });
    restoreActor(tables, { actor, n, lastLogN: 0, log: [], idempotency: [], snapshots: [], deltas: [], events: [] });
  }
}

/** The disk gave nothing, which may pass: unlike what was read, or is gone. A newer format is no damage either. */
function isUnread(error: unknown): boolean {
  if (isTroupeError(error, 'ERR_STORE_NEWER')) return true;
  const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
  return cause?.syscall !== undefined && !isMissing(cause);
}

async function readJournal(disk: Disk, folder: string, held: Held): Promise<void> {
  const names = new Map(listOrNone(disk, join(folder, 'journal')).map((name) => [numberOf(name), name]));
  const last = [...names.keys()].reduce<number>((most, n = 0) => Math.max(most, n), 0);
  for (; held.next <= last; held.next++) {
    const name = names.get(held.next) ?? `${String(held.next).padStart(10, '0')}.json`;
    const path = join(folder, 'journal', name);
    try {
      const bytes = disk.read(path);
      const { sum, data } = decodeDocument<JournalEntry>('journal', bytes, path);
      if (data.n !== held.next || data.after !== held.tip) throw new Error('it does not follow the change before it');
      held.tables.limits.maxFanOut = data.maxFanOut;
      await repeat(held.memory, data.change);
      held.tip = sum;
      held.journalBytes += bytes.length;
      held.journalFiles.push(join('journal', name));
    } catch (error) {
      throw toDamageError(path, error);
    }
  }
}

/**
 * Removes what no manifest names: leftovers of writes that were cut off. Call once what is on disk is durable; what cannot be
 * removed stays for the next time.
 */
export function removeLeftovers(disk: Disk, folder: string, held: Held): void {
  const wanted = new Set<string>([
    ...[held.manifest.index, ...Object.values(held.manifest.tables)].flatMap((ref) => (ref ? [ref.file] : [])),
    ...[...held.index.values()].flatMap(({ file, damaged = [] }) => [file, ...damaged]),
    ...[...held.damaged.values()].flatMap(({ files }) => files),
    ...held.journalFiles,
  ]);
  const types = listOrNone(disk, join(folder, 'actors')).map((type) => join('actors', type));
  for (const inner of ['tables', 'journal', ...types])
    for (const name of listOrNone(disk, join(folder, inner)))
      if (isOurs(name) && !wanted.has(join(inner, name))) tryTo(() => disk.remove(join(folder, inner, name)));
}

function listOrNone(disk: Disk, path: string): readonly string[] {
  try {
    return disk.list(path);
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return [];
    throw error;
  }
}
