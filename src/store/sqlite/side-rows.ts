/** Writes of everything a commit carries besides the actor's row. Nothing here decides; that has been done before. */
import type { Database, Statement } from 'better-sqlite3';
import type { LogRow } from '../queries.ts';
import type { Commit, InboxPosition, InboxRow, Landed, NewInboxRow } from '../store.ts';
import type { Positions } from './positions.ts';
import { sealOf } from './seal.ts';

/** The seal of a row that waits. */
export function sealOfInbox({ receiver, pos, sender, kind, id, at, text }: InboxRow): number {
  return sealOf(receiver, pos, sender, kind, id, at, text);
}

/** The seal of a line of a log. */
export function sealOfLog(address: string, { n, at, text }: LogRow): number {
  return sealOf(address, n, at, text);
}

/** Tables that hold rows of one actor under `address`, all removed with it. */
const OWN_TABLES = [
  'actors',
  'snapshots',
  'deltas',
  'history',
  'segments',
  'log',
  'idempotency',
  'dead_letters',
  'scheduled',
] as const;

/** The rows beside the actor's row. */
export class SideRows {
  readonly #positions: Positions;
  readonly #waits: Statement<[string, number, string], number>;
  readonly #isRecorded: Statement<[string, string], number>;
  readonly #consume: Statement<[string, number, string]>;
  readonly #previous: Statement<[string, string], number>;
  readonly #inbox: Statement<unknown[]>;
  readonly #outbox: Statement<unknown[]>;
  readonly #log: Statement<unknown[]>;
  readonly #trimLog: Statement<[string, number]>;
  readonly #beginLog: Statement<[number, string]>;
  readonly #record: Statement<unknown[]>;
  readonly #reply: Statement<[string, string, string]>;
  readonly #deadLetter: Statement<unknown[]>;
  readonly #remember: Statement<unknown[]>;
  readonly #removals: readonly Statement<[string]>[];

  constructor(db: Database, positions: Positions) {
    this.#positions = positions;
    this.#waits = db
      .prepare<[string, number, string], number>('SELECT 1 FROM inbox WHERE receiver = ? AND pos = ? AND sender = ?')
      .pluck();
    this.#isRecorded = db
      .prepare<[string, string], number>('SELECT 1 FROM idempotency WHERE address = ? AND id = ?')
      .pluck();
    this.#consume = db.prepare('DELETE FROM inbox WHERE receiver = ? AND pos = ? AND sender = ?');
    this.#previous = db
      .prepare<[string, string], number>(
        'SELECT pos FROM inbox WHERE receiver = ? AND sender = ? ORDER BY pos DESC LIMIT 1',
      )
      .pluck();
    this.#inbox = db.prepare(
      'INSERT INTO inbox (receiver, pos, sender, kind, id, at, text, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#outbox = db.prepare(
      'INSERT INTO outbox (pos, address, kind, id, target, boot, at, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#log = db.prepare('INSERT INTO log (address, n, seq, at, text, sum) VALUES (?, ?, ?, ?, ?, ?)');
    this.#trimLog = db.prepare('DELETE FROM log WHERE address = ? AND n <= ?');
    this.#beginLog = db.prepare('UPDATE actors SET log_from = ? WHERE address = ?');
    this.#record = db.prepare('INSERT INTO idempotency (address, id, at, reply) VALUES (?, ?, ?, ?)');
    this.#reply = db.prepare('UPDATE idempotency SET reply = ? WHERE address = ? AND id = ?');
    this.#deadLetter = db.prepare(
      'INSERT INTO dead_letters (pos, address, id, sender, attempts, at, error, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#remember = db.prepare(
      'INSERT OR REPLACE INTO removed (address, epoch, seq, created_at, at) VALUES (?, ?, ?, ?, ?)',
    );
    this.#removals = [
      ...OWN_TABLES.map((table) => db.prepare<[string]>(`DELETE FROM ${table} WHERE address = ?`)),
      db.prepare<[string]>('DELETE FROM inbox WHERE receiver = ?'),
    ];
  }

  /** Rule 1, asked before anything of the commit is written: is every row it consumes there, each named once? */
  canConsume(commit: Commit): boolean {
    const keys = commit.consumed;
    if (!keys || keys.length === 0) return true;
    if (keys.length > 1 && new Set(keys.map((key) => key.pos)).size < keys.length) return false;
    return keys.every((key) => this.#waits.get(commit.address, key.pos, key.sender) !== undefined);
  }

  /** Rule 4, asked before anything of the commit is written: is none of its ids recorded yet? */
  canRecord(commit: Commit): boolean {
    const writes = commit.idempotency;
    if (!writes || writes.length === 0) return true;
    if (writes.length > 1 && new Set(writes.map((write) => write.id)).size < writes.length) return false;
    return writes.every((write) => this.#isRecorded.get(commit.address, write.id) === undefined);
  }

  /** Everything but log rows and the rows of state. Returns where inbox rows landed. */
  write(commit: Commit): Landed | undefined {
    if (commit.consumed) for (const key of commit.consumed) this.#consume.run(commit.address, key.pos, key.sender);
    if (commit.idempotency)
      for (const { id, reply } of commit.idempotency) this.#record.run(commit.address, id, commit.at, reply ?? null);
    if (commit.replies) for (const { id, reply } of commit.replies) this.#reply.run(reply, commit.address, id);
    if (commit.deadLetters) this.#writeDeadLetters(commit, commit.deadLetters);
    return this.writeSent(commit);
  }

  /** What goes out to others: it stays even when its sender is removed by the same commit. */
  writeSent(commit: Commit): Landed | undefined {
    const { inbox, outbox } = commit;
    if (!inbox && !outbox) return undefined;
    const outboxPositions = outbox && this.#writeOutbox(commit, outbox);
    const positions = inbox?.map((row) => this.writeInbox(commit, row));
    return { ...(positions?.length && { positions }), ...(outboxPositions?.length && { outboxPositions }) };
  }

  writeLog({ address, seq, at, log, keepLog }: Commit, lastN: number): void {
    let n = lastN;
    for (const text of log ?? []) this.#log.run(address, ++n, seq, at, text, sealOfLog(address, { n, at, text }));
    if (keepLog === undefined || this.#trimLog.run(address, n - keepLog).changes === 0) return;
    this.#beginLog.run(n - keepLog + 1, address);
  }

  /** Removes the actor's rows and remembers how far it had come. */
  remove(commit: Commit, createdAt: number): void {
    for (const statement of this.#removals) statement.run(commit.address);
    this.#remember.run(commit.address, commit.epoch, commit.seq, createdAt, commit.at);
  }

  /** One row for another actor, at the next position. */
  writeInbox(commit: Commit, row: NewInboxRow): InboxPosition {
    const previousPos = this.#previous.get(row.receiver, commit.address) ?? 0;
    const pos = this.#positions.take();
    const { receiver, kind, id, text } = row;
    const { address: sender, at } = commit;
    this.#inbox.run(
      receiver,
      pos,
      sender,
      kind,
      id,
      at,
      text,
      sealOfInbox({ receiver, pos, sender, kind, id, at, text }),
    );
    return { pos, previousPos };
  }

  #writeOutbox({ address, at }: Commit, rows: NonNullable<Commit['outbox']>): number[] {
    return rows.map(({ kind, id, target, boot, text }) => {
      const pos = this.#positions.take();
      this.#outbox.run(pos, address, kind, id, target, boot ?? null, at, text);
      return pos;
    });
  }

  /** Rows for an actor that does not exist leave as dead letters. What an actor that is not stored sends goes out. */
  writeOrphan(commit: Commit): Landed | undefined {
    for (const key of commit.consumed ?? []) this.#consume.run(commit.address, key.pos, key.sender);
    this.#writeDeadLetters(commit, commit.deadLetters ?? []);
    return this.writeSent(commit);
  }

  #writeDeadLetters(commit: Commit, letters: NonNullable<Commit['deadLetters']>): void {
    for (const letter of letters) {
      const { id, sender, attempts, error, text } = letter;
      this.#deadLetter.run(this.#positions.take(), commit.address, id, sender, attempts, commit.at, error, text);
    }
  }
}
