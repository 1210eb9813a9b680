/** Backups of a running system's store, and starting from one. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import { checkOptions, wrong } from '../sessions/checks.ts';
import { runCopy } from '../store/backup/run.ts';
import { backupError } from '../store/backup/task.ts';
import type { CopyResult } from '../store/backup/task.ts';
import { parseStoreUrl } from '../store/open-store.ts';
import type { ResolvedOptions } from './options.ts';

/** What to restore. */
export interface RestoreOptions {
  /** Path of a backup, or of a store nobody writes to. */
  readonly from: string;
  /** Path, or URL, of the store that is to be. */
  readonly to: string;
  /** What stands at `to` goes. @default false */
  readonly overwrite?: boolean;
}

/**
 * Copies the store of a running system: everything acknowledged before, as of one moment, in order.
 * @throws {TroupeError} ERR_BACKUP, ERR_OPTIONS_INVALID.
 */
export async function backupStore({ store: url, openStore }: ResolvedOptions, path: string): Promise<CopyResult> {
  const to = resolve(checkText('backup', 'path', path));
  const [, scheme] = /^(sqlite|file):/.exec(path) ?? [];
  if (scheme !== undefined)
    throw backupError(`A backup goes to a path, and '${path}' is a URL. Pass '${toPath(path)}'.`, path);
  if (openStore) throw backupError('A store that was given by openStore is copied by whoever gave it.', to);
  const location = parseStoreUrl(url);
  if (location.kind === 'memory')
    throw backupError(
      "Store 'memory:' is kept nowhere, so there is no copy of it. Use 'sqlite:FILE' or 'file:FOLDER'.",
      to,
    );
  return runCopy({ kind: location.kind, purpose: 'backup', from: resolve(location.path), to, isOverwrite: false });
}

/**
 * Makes a store from a backup: checks that it is whole and that this Troupe can read it, and copies it. A system started on the copy goes on
 * from the moment of the backup.
 * @throws {TroupeError} ERR_BACKUP, ERR_STORE_NEWER, ERR_STORE_LOCKED when a system holds `to`, ERR_OPTIONS_INVALID.
 */
export async function restoreBackup(options: RestoreOptions): Promise<CopyResult> {
  checkOptions('restoreBackup', options, ['from', 'to', 'overwrite'], "{ from: './copy', to: './store' }");
  const { from, to, overwrite = false } = options;
  if (typeof overwrite !== 'boolean') throw wrong('restoreBackup', 'overwrite', overwrite, 'Use true or false');
  const source = resolve(toPath(checkText('restoreBackup', 'from', from)));
  const target = resolve(toPath(checkText('restoreBackup', 'to', to)));
  const kind = kindOf(source);
  const [, scheme] = /^(sqlite|file):/.exec(to) ?? [];
  if (scheme !== undefined && scheme !== kind)
    throw backupError(
      `'${source}' is a ${kind === 'file' ? 'folder' : 'file'}, and becomes no store '${to}'. Use '${kind}:${toPath(to)}'.`,
      source,
    );
  return runCopy({ kind, purpose: 'restore', from: source, to: target, isOverwrite: overwrite });
}

function kindOf(source: string): 'sqlite' | 'file' {
  try {
    return statSync(source).isDirectory() ? 'file' : 'sqlite';
  } catch (error) {
    throw backupError(`There is nothing to restore at '${source}'. Check the path and its permissions.`, source, error);
  }
}

function toPath(text: string): string {
  return text.replace(/^(sqlite|file):/, '');
}

function checkText(owner: string, name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `${owner}: option '${name}' is ${describeValue(value)}. Pass the path of a file or folder.`,
    {
      details: { option: name },
    },
  );
}
