/** The few calls of the file system that the file store makes, all of them in one place: tests pass a disk that fails, or that forgets. */
import {
  closeSync,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** A file system. Every method throws what Node throws. */
export interface Disk {
  read(path: string): Buffer;
  /** Names in a folder, in no order. */
  list(path: string): readonly string[];
  /** Makes one folder, private to its user, if it is not there. */
  makeFolder(path: string): void;
  /** Opens an empty file for writing, private to its user. */
  create(path: string): number;
  write(handle: number, bytes: Uint8Array): void;
  sync(handle: number): void;
  /** The same, while other work goes on. */
  syncLater(handle: number): Promise<void>;
  close(handle: number): void;
  rename(from: string, to: string): void;
  /** Makes durable which names a folder has. */
  syncFolder(path: string): void;
  remove(path: string): void;
}

/** The real one. */
export const realDisk: Disk = {
  read: (path) => readFileSync(path),
  list: (path) => readdirSync(path),
  makeFolder: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
  create: (path) => openSync(path, 'w', 0o600),
  write: (handle, bytes) => {
    for (let from = 0; from < bytes.length;) from += writeSync(handle, bytes, from);
  },
  sync: (handle) => fsyncSync(handle),
  syncLater: (handle) =>
    new Promise((resolve, reject) => fsync(handle, (error) => (error ? reject(error) : resolve()))),
  close: (handle) => closeSync(handle),
  rename: (from, to) => renameSync(from, to),
  syncFolder: (path) => {
    // Windows opens no folders; its file systems keep names with the files.
    if (process.platform === 'win32') return;
    const handle = openSync(path, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  },
  remove: (path) => rmSync(path, { force: true }),
};

/** What a temporary file's name ends with. */
export const TEMPORARY = '.tmp';

/** A file was given its name, and whether that stays is not known. */
export class UncertainWrite extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/**
 * Writes a whole file: under another name first, so that under its own it is there whole or not at all.
 * @param isSynced false: what is written survives the process, not the machine
 * @throws {UncertainWrite} when it may have got its name; anything else leaves what was there.
 */
export function writeWhole(disk: Disk, path: string, bytes: Uint8Array, isSynced: boolean): void {
  const temporary = `${path}${TEMPORARY}`;
  try {
    writeTemporary(disk, temporary, bytes, isSynced);
  } catch (error) {
    tryTo(() => disk.remove(temporary));
    throw error;
  }
  try {
    disk.rename(temporary, path);
    if (isSynced) disk.syncFolder(dirname(path));
  } catch (error) {
    throw new UncertainWrite(error);
  }
}

function writeTemporary(disk: Disk, path: string, bytes: Uint8Array, isSynced: boolean): void {
  const handle = disk.create(path);
  try {
    disk.write(handle, bytes);
    if (isSynced) disk.sync(handle);
  } finally {
    disk.close(handle);
  }
}

/** A file that is to be written. */
export interface NewFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Files that are synced side by side: a disk does many as fast as one. */
const SIDE_BY_SIDE = 32;

/**
 * The same for many, while other work goes on; their folders are to be synced afterwards. Leaves a rest when it fails, under
 * numbers that are taken.
 */
export async function writeMany(disk: Disk, files: readonly NewFile[], isSynced: boolean): Promise<void> {
  for (let from = 0; from < files.length; from += SIDE_BY_SIDE) {
    const some = files.slice(from, from + SIDE_BY_SIDE);
    await writeSome(disk, some, isSynced);
    for (const { path } of some) disk.rename(`${path}${TEMPORARY}`, path);
  }
}

async function writeSome(disk: Disk, files: readonly NewFile[], isSynced: boolean): Promise<void> {
  const handles: number[] = [];
  try {
    for (const { path, bytes } of files) {
      const handle = disk.create(`${path}${TEMPORARY}`);
      handles.push(handle);
      disk.write(handle, bytes);
    }
    if (!isSynced) return;
    const synced = await Promise.allSettled(handles.map((handle) => disk.syncLater(handle)));
    for (const result of synced) if (result.status === 'rejected') throw result.reason;
  } finally {
    closeAll(disk, handles);
  }
}

function closeAll(disk: Disk, handles: readonly number[]): void {
  const failures: unknown[] = [];
  for (const handle of handles)
    try {
      disk.close(handle);
    } catch (error) {
      failures.push(error);
    }
  if (failures.length > 0) throw failures[0];
}

/** For what may fail without harm: leftovers are removed at the next open. */
export function tryTo(work: () => void): void {
  try {
    work();
  } catch {
    // As said.
  }
}

/** True when an error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
}
