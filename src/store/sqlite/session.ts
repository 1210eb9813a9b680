/**
 * One connection that writes, with everything prepared on it. Ends as a whole when the connection can no longer be
 * trusted; the store then opens the next session.
 */
import type { Database, Statement } from 'better-sqlite3';
import { CommitApplier } from './applier.ts';
import { BusLog } from './bus-log.ts';
import { BusRows } from './bus-rows.ts';
import { openWriting } from './connect.ts';
import type { Connect, Synchronous } from './connect.ts';
import { CursorRows } from './cursor-rows.ts';
import { HistoryRows } from './history-rows.ts';
import { HistoryRuns } from './history-runs.ts';
import { KvRows } from './kv-rows.ts';
import { Positions } from './positions.ts';
import { Reads } from './reads.ts';
import { ScheduledRows } from './scheduled-rows.ts';
import { SideRows } from './side-rows.ts';

/** What a session needs to open. */
export interface SessionOptions {
  readonly file: string;
  readonly synchronous: Synchronous;
  readonly connect: Connect;
  readonly maxFanOut: number;
}

/** An open connection. */
export class Session {
  readonly db: Database;
  readonly applier: CommitApplier;
  readonly positions: Positions;
  readonly scheduled: ScheduledRows;
  readonly bus: BusRows;
  readonly busLog: BusLog;
  readonly cursors: CursorRows;
  readonly history: HistoryRows;
  readonly runs: HistoryRuns;
  readonly kv: KvRows;
  readonly reads: Reads;
  readonly begin: Statement<[]>;
  readonly commit: Statement<[]>;

  constructor(options: SessionOptions, nextPosition?: number) {
    this.db = openWriting(options.file, options.synchronous, options.connect);
    try {
      this.positions = new Positions(this.db, nextPosition);
      const rows = new SideRows(this.db, this.positions);
      this.scheduled = new ScheduledRows(this.db, this.positions);
      this.busLog = new BusLog(this.db);
      this.cursors = new CursorRows(this.db);
      const { positions, busLog: log } = this;
      this.bus = new BusRows(this.db, { positions, rows, log, maxFanOut: options.maxFanOut });
      this.history = new HistoryRows(this.db, this.positions);
      this.runs = new HistoryRuns(this.db);
      this.kv = new KvRows(this.db);
      const { scheduled, bus, cursors, history } = this;
      this.applier = new CommitApplier(this.db, { rows, scheduled, bus, cursors, history });
      this.reads = new Reads(this.db);
      this.begin = this.db.prepare('BEGIN IMMEDIATE');
      this.commit = this.db.prepare('COMMIT');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @throws when SQLite cannot take the transaction back; the session is of no use then. */
  rollback(): void {
    this.bus.rolledBack();
    this.busLog.rolledBack();
    if (this.db.inTransaction) this.db.exec('ROLLBACK');
    this.positions.rolledBack();
  }

  /** Writes the log back into the file. True when all of it went. Never waits for readers. */
  writeBack(mode: 'PASSIVE' | 'TRUNCATE'): boolean {
    type Row = { readonly busy: number; readonly log: number; readonly checkpointed: number };
    const patienceMs = this.db.pragma('busy_timeout', { simple: true });
    this.db.pragma('busy_timeout = 0');
    const [row] = this.db.pragma(`wal_checkpoint(${mode})`) as readonly Row[];
    this.db.pragma(`busy_timeout = ${Number(patienceMs)}`);
    return row !== undefined && row.busy === 0 && row.log === row.checkpointed;
  }

  close(): void {
    try {
      this.db.close();
    } catch {
      // A handle that cannot even be closed is given up; the session that follows starts from the file.
    }
  }
}
