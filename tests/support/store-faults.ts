/** A real SQLite connection that fails where a test tells it to: a broken disk, without breaking one. */
import type { Database, Statement } from 'better-sqlite3';
import { connectFile } from '../../src/store/sqlite/connect.ts';
import type { Connect } from '../../src/store/sqlite/connect.ts';

/** What a connection does wrong. Change it at any time. */
export interface Faults {
  readonly connect: Connect;
  /** The next COMMIT throws this error code: before it reached SQLite, or after SQLite did it. */
  commit: { readonly code: string; readonly when: 'before' | 'after' } | undefined;
  /** Every COMMIT throws like that as long as it is set. */
  commits: Faults['commit'];
  /** The next BEGIN throws this error code. */
  begin: string | undefined;
  /** Opening throws this error code as long as it is set. */
  open: string | undefined;
  /** Connections made so far, the looking ones not counted. */
  opened: number;
  /** The writing connection that is open now. */
  db: Database | undefined;
}

/** Makes connections that fail on demand. */
export function createFaults(): Faults {
  const none = { commit: undefined, commits: undefined, begin: undefined, open: undefined };
  const faults: Faults = { connect, ...none, opened: 0, db: undefined };
  return faults;

  function connect(file: string, options?: Parameters<Connect>[1]): Database {
    if (faults.open !== undefined) throw sqliteError(faults.open);
    const db = connectFile(file, options);
    if (options?.readonly) return db;
    faults.opened++;
    faults.db = db;
    const prepare = db.prepare.bind(db);
    db.prepare = ((sql: string) => wrap(sql, prepare(sql) as Statement<unknown[]>, faults)) as Database['prepare'];
    return db;
  }
}

/** An error as SQLite's driver throws it. */
export function sqliteError(code: string): Error {
  return Object.assign(new Error(`injected ${code}`), { code });
}

function wrap(sql: string, statement: Statement<unknown[]>, faults: Faults): Statement<unknown[]> {
  if (sql !== 'COMMIT' && !sql.startsWith('BEGIN')) return statement;
  const run = statement.run.bind(statement);
  statement.run = (...values) => {
    if (sql !== 'COMMIT') return runBegin(faults, run, values);
    const { commit = faults.commits } = faults;
    faults.commit = undefined;
    if (commit?.when === 'before') throw sqliteError(commit.code);
    const result = run(...values);
    if (commit?.when === 'after') throw sqliteError(commit.code);
    return result;
  };
  return statement;
}

function runBegin(faults: Faults, run: Statement<unknown[]>['run'], values: unknown[]) {
  const { begin } = faults;
  faults.begin = undefined;
  if (begin !== undefined) throw sqliteError(begin);
  return run(...values);
}
