/** A test system on a real SQLite file whose disk fails when the test says so, in simulated time. */
import { connectFile } from '../../src/store/sqlite/connect.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Commit, Store } from '../../src/store/store.ts';
import type { StoreStatus, SystemTopic } from '../../src/index.ts';
import { testSystem } from '../../src/testing.ts';
import type { TestSystem } from '../../src/testing.ts';
import { BASIC } from './harness.ts';
import { createFaults } from './store-faults.ts';
import type { Faults } from './store-faults.ts';
import { tempStoreFile } from './store-files.ts';

/** A way for a disk to fail; returns how to mend it. */
export type Breakage = (disk: { readonly file: string; readonly faults: Faults }) => () => void;

/** Ways for a disk to fail. Those of SQLite itself are real; those of the disk below are thrown where SQLite would. */
export const BREAKAGES: Readonly<Record<string, Breakage>> = {
  'a full disk (SQLITE_FULL)': ({ faults: { db } }) => {
    db?.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true }))}`);
    return () => db?.pragma('max_page_count = 1000000');
  },
  'a file that somebody else has locked (SQLITE_BUSY)': ({ file }) => {
    const other = connectFile(file, { timeout: 0 });
    other.exec('BEGIN IMMEDIATE');
    return () => other.close();
  },
  'a disk that only reads (SQLITE_READONLY)': ({ faults: { db } }) => {
    db?.pragma('query_only = 1');
    return () => db?.pragma('query_only = 0');
  },
  'a sync that fails before it has written (SQLITE_IOERR_FSYNC)': commitsFail('before'),
  'a sync that fails after it has written (SQLITE_IOERR_FSYNC)': commitsFail('after'),
};

function commitsFail(when: 'before' | 'after'): Breakage {
  return ({ faults }) => {
    faults.commits = { code: 'SQLITE_IOERR_FSYNC', when };
    return () => void (faults.commits = undefined);
  };
}

/** A system whose disk can be broken. */
export interface Outage extends AsyncDisposable {
  readonly test: TestSystem;
  /** Breaks the disk; returns how to mend it. */
  break(breakage: Breakage): () => void;
  /** Lets each transaction take so long from here on. */
  slowDown(ms: number): void;
  /** When commits were tried since the disk was broken, in milliseconds since then. */
  readonly tries: readonly number[];
  /** States of the store that a listener was told. */
  readonly heard: readonly StoreStatus[];
  /** What a subscriber of `system.store.>` has got. */
  readonly said: readonly SystemTopic[];
  /** Opens the store as it is on the disk, after the system has been stopped. */
  reopen(): Store;
}

/** Starts one. */
export async function createOutage(): Promise<Outage> {
  const files = tempStoreFile();
  const disk = { faults: createFaults(), tried: (): void => {}, slow: async (): Promise<void> => {} };
  const test = await testSystem({ actors: [BASIC], openStore: async () => openWatched(files.file, disk) });
  const [tries, heard, said] = [[] as number[], [] as StoreStatus[], [] as SystemTopic[]];
  let brokenMs = 0;
  disk.tried = () => void tries.push(Math.round(test.env.monotonicMs() - brokenMs));
  test.system.onStoreTrouble((status) => void heard.push(status));
  await test.system.bus.subscribe('system.store.>', ({ topic }) => void said.push(topic as SystemTopic));
  return {
    test,
    tries,
    heard,
    said,
    break: (breakage) => {
      brokenMs = test.env.monotonicMs();
      tries.length = 0;
      return breakage({ file: files.file, faults: disk.faults });
    },
    slowDown: (ms) => {
      disk.slow = () => new Promise((resolve) => void test.env.setTimeout(resolve, ms));
    },
    reopen: () => openSqliteStore({ file: files.file }),
    [Symbol.asyncDispose]: async () => {
      await test.stop();
      files.clean();
    },
  };
}

interface Disk {
  readonly faults: Faults;
  tried(): void;
  slow(): Promise<void>;
}

function openWatched(file: string, disk: Disk): Store {
  // Nobody waits for a lock here: that would be real time.
  const connect: Faults['connect'] = (path, options) => disk.faults.connect(path, { ...options, timeout: 0 });
  const store = openSqliteStore({ file, connect });
  const commit = store.commit.bind(store);
  return Object.assign(store, {
    commit: async (batch: readonly Commit[]) => {
      disk.tried();
      await disk.slow();
      return commit(batch);
    },
  });
}
