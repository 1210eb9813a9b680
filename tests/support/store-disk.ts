/** Disks that fail where a test tells them to, and forget what was not synced when the power goes. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { realDisk } from '../../src/store/file/disk.ts';
import type { Disk } from '../../src/store/file/disk.ts';

/** What goes wrong at a call, counted from 1. */
export interface DiskFault {
  readonly at: number;
  /** `fail`: this call only, having done nothing. `late`: this call only, having done its work. `stop`: this call and all after it: the process has ended. */
  readonly kind: 'fail' | 'late' | 'stop';
  readonly code: string;
}

/** A real folder behind a disk that goes wrong. */
export interface FaultyDisk extends Disk {
  fault: DiskFault | undefined;
  /** Calls so far, and the one that failed. */
  readonly calls: number;
  readonly failed: string | undefined;
  /** The power goes: names and bytes that were not synced are lost, or kept where `keeps` says so. The disk is sound again. */
  powerLoss(keeps: () => boolean): void;
}

interface File {
  bytes: Buffer;
  synced: Buffer;
}

/** Makes a disk that counts its calls and keeps in mind what is durable. Syncs cost nothing: nothing real is synced. */
export function createFaultyDisk(): FaultyDisk {
  let calls = 0;
  let failed: string | undefined;
  const now = new Map<string, File>();
  const durable = new Map<string, File>();
  const open = new Map<number, File>();

  const run = <T>(name: string, work: () => T): T => {
    calls++;
    const { fault } = disk;
    if (fault && (calls === fault.at || (fault.kind === 'stop' && calls > fault.at))) {
      failed ??= name;
      if (fault.kind === 'late') work();
      throw Object.assign(new Error(`${fault.code}: injected at call ${calls}, ${name}`), {
        code: fault.code,
        syscall: name,
      });
    }
    return work();
  };
  const disk: FaultyDisk = {
    fault: undefined,
    get calls() {
      return calls;
    },
    get failed() {
      return failed;
    },
    read: (path) => run('read', () => realDisk.read(path)),
    list: (path) => run('list', () => realDisk.list(path)),
    makeFolder: (path) => run('makeFolder', () => realDisk.makeFolder(path)),
    create: (path) =>
      run('create', () => {
        const handle = realDisk.create(path);
        const file = { bytes: Buffer.alloc(0), synced: Buffer.alloc(0) };
        now.set(path, file);
        open.set(handle, file);
        return handle;
      }),
    write: (handle, bytes) =>
      run('write', () => {
        realDisk.write(handle, bytes);
        const file = open.get(handle);
        if (file) file.bytes = Buffer.concat([file.bytes, bytes]);
      }),
    sync: (handle) =>
      run('sync', () => {
        const file = open.get(handle);
        if (file) file.synced = file.bytes;
      }),
    syncLater: async (handle) => disk.sync(handle),
    close: (handle) => {
      // A process that has ended holds nothing open.
      realDisk.close(handle);
      open.delete(handle);
      run('close', () => undefined);
    },
    rename: (from, to) =>
      run('rename', () => {
        realDisk.rename(from, to);
        const file = now.get(from);
        now.delete(from);
        if (file) now.set(to, file);
      }),
    syncFolder: (path) =>
      run('syncFolder', () => {
        for (const name of inFolder(durable, path)) if (!now.has(name)) durable.delete(name);
        for (const name of inFolder(now, path)) durable.set(name, now.get(name) as File);
      }),
    remove: (path) =>
      run('remove', () => {
        realDisk.remove(path);
        now.delete(path);
      }),
    powerLoss: (keeps) => {
      disk.fault = undefined;
      failed = undefined;
      for (const path of new Set([...now.keys(), ...durable.keys()])) settle(path, keeps);
    },
  };
  return disk;

  function settle(path: string, keeps: () => boolean): void {
    const file = now.get(path) === durable.get(path) || keeps() ? now.get(path) : durable.get(path);
    if (!file) {
      rmSync(path, { force: true });
      now.delete(path);
      durable.delete(path);
      return;
    }
    const bytes = file.bytes === file.synced || keeps() ? file.bytes : file.synced;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    const settled = { bytes: readFileSync(path), synced: bytes };
    settled.synced = settled.bytes;
    now.set(path, settled);
    durable.set(path, settled);
  }
}

function inFolder(files: ReadonlyMap<string, File>, folder: string): readonly string[] {
  return [...files.keys()].filter((path) => dirname(path) === folder);
}
