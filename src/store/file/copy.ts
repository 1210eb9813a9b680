/**
 * A copy of a file store. Files are never changed once they have their name, so a store in use is copied from outside: what the
 * manifest names, and the journal as far as it goes. Had the manifest changed by the end, the copy begins anew.
 */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isTroupeError } from '../../errors.ts';
import { backupError, syncPath, temporaryName } from '../backup/task.ts';
import type { CopyResult, CopyTask } from '../backup/task.ts';
import { isMissing, realDisk } from './disk.ts';
import { decodeDocument } from './document.ts';
import { FOLDERS, MANIFEST, numberOf } from './folder.ts';
import type { IndexEntry, Manifest } from './folder.ts';
import { loadFolder } from './load.ts';
import { LOCK_FILES, lockFolder } from './lock.ts';

/** A store that writes checkpoints faster than it can be copied is tried so often. */
const MOST_TRIES = 50;

/**
 * Copies a store, live or not, to a folder that is not open.
 * @throws {TroupeError} ERR_BACKUP, ERR_STORE_NEWER, ERR_STORE_LOCKED.
 */
export async function copyFolder(task: CopyTask): Promise<CopyResult> {
  const { from, to } = task;
  const temporary = temporaryName(to);
  try {
    copyWhole(from, temporary);
    await assertWhole(task, temporary);
    syncAll(temporary);
    await nameFolder(temporary, task);
    return { path: to, bytes: sizeOf(to) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function copyWhole(from: string, temporary: string): void {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    rmSync(temporary, { recursive: true, force: true });
    const before = readManifest(from);
    copyNamed(from, temporary, before.manifest);
    if (!readManifest(from).bytes.equals(before.bytes)) continue;
    return write(temporary, MANIFEST, join(from, MANIFEST));
  }
  throw backupError(`'${from}' changes faster than it can be copied. Try again when there is less to do.`, from);
}

function readManifest(from: string): { readonly bytes: Buffer; readonly manifest: Manifest } {
  const path = join(from, MANIFEST);
  try {
    const bytes = readFileSync(path);
    return { bytes, manifest: decodeDocument<Manifest>('manifest', bytes, path).data };
  } catch (error) {
    if (isTroupeError(error)) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw backupError(
      `'${from}' is not a whole store of Troupe (${said}). Nothing was changed; use another copy.`,
      from,
      error,
    );
  }
}

/** What is missing is no matter here: either the manifest has changed, or the store misses it as well. */
function copyNamed(from: string, temporary: string, { index, tables, journalFrom }: Manifest): void {
  for (const folder of FOLDERS) mkdirSync(join(temporary, folder), { recursive: true, mode: 0o700 });
  const journal = readdirSync(join(from, 'journal')).filter((name) => (numberOf(name) ?? 0) >= journalFrom);
  const entries = index ? readIndex(join(from, index.file)) : [];
  const files = [
    ...[index, ...Object.values(tables)].flatMap((ref) => (ref ? [ref.file] : [])),
    ...entries.flatMap(({ file, damaged = [] }) => [file, ...damaged]),
    ...journal.map((name) => join('journal', name)),
  ];
  for (const file of files) write(temporary, file, join(from, file));
}

function readIndex(path: string): readonly IndexEntry[] {
  try {
    return decodeDocument<readonly IndexEntry[]>('index', readFileSync(path), path).data;
  } catch {
    return [];
  }
}

function write(temporary: string, file: string, source: string): void {
  const target = join(temporary, file);
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  try {
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
    chmodSync(target, 0o600);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Reads the copy as a start would. What the store holds as damaged already may stay so. */
async function assertWhole({ from }: CopyTask, temporary: string): Promise<void> {
  let damaged: readonly string[];
  try {
    const held = await loadFolder(realDisk, temporary, Infinity);
    const known = (address: string): boolean =>
      [...held.index.values()].some((entry) => entry.actor.address === address && entry.damaged);
    damaged = [...held.damaged.keys()].filter((address) => !known(address));
  } catch (error) {
    if (isTroupeError(error, 'ERR_STORE_NEWER')) throw error;
    const said = error instanceof Error ? error.message.replaceAll(temporary, from) : String(error);
    throw backupError(`'${from}' is not a whole store of Troupe. ${said}`, from, error);
  }
  if (damaged.length === 0) return;
  const message = `'${from}' is not a whole store of Troupe: the file of '${damaged[0]}' is damaged or gone. Remove that actor, or use another copy.`;
  throw backupError(message, from);
}

async function nameFolder(temporary: string, { to, isOverwrite }: CopyTask): Promise<void> {
  if (!existsSync(to)) renameSync(temporary, to);
  else if (isOverwrite) await replace(temporary, to);
  else throw backupError(`'${to}' was made by someone else meanwhile. Choose another path.`, to);
  syncPath(dirname(to));
}

/** Under the lock of the store that goes: nobody has it open, or opens it meanwhile. */
async function replace(temporary: string, to: string): Promise<void> {
  if (!isStore(to))
    throw backupError(
      `'${to}' is no store of Troupe, and is not replaced by one. Remove it yourself, or choose another path.`,
      to,
    );
  const lock = await lockFolder(to);
  const former = `${temporary}-former`;
  try {
    renameSync(to, former);
    swapIn(temporary, to, former);
    rmSync(former, { recursive: true, force: true });
  } finally {
    lock.release();
  }
}

function swapIn(temporary: string, to: string, former: string): void {
  try {
    renameSync(temporary, to);
  } catch (error) {
    renameSync(former, to);
    throw error;
  }
}

/** Whether a folder is, or was, one of ours: a damaged store is what restoring is for. Others have a manifest.json, too. */
function isStore(path: string): boolean {
  if (!statSync(path).isDirectory()) return false;
  const known = new Set<string>([...FOLDERS, ...LOCK_FILES, MANIFEST, `${MANIFEST}.tmp`]);
  return readdirSync(path).every((name) => known.has(name)) || hasManifest(path);
}

function hasManifest(path: string): boolean {
  try {
    return readFileSync(join(path, MANIFEST), 'utf8').includes('"troupe": "manifest"');
  } catch {
    return false;
  }
}

function syncAll(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) syncPath(join(folder, entry));
  syncPath(folder);
}

function sizeOf(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}
