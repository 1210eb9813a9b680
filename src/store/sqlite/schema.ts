/**
 * The tables, as ordered migrations: migration n leads from schema version n to n + 1, in a transaction of its own.
 * Never change one that was released; add the next.
 *
 * Shape: the hot row is `actors`, and a commit that only moves its state is one update of that row. So a snapshot lives
 * in the row while it is small, and in `snapshots` when it is large: SQLite rewrites a whole record at every update, and
 * a delta must not cost the size of the state it changes. Rows of state say by which commit they were written; those after
 * `snapshot_seq` are current, those before it are what history and repair go back to. `extra` says what else there is (see EXTRA_*). Old events
 * leave `history` and `deltas` for `segments`, compressed together.
 */
import type { Database } from 'better-sqlite3';
import { TroupeError } from '../../errors.ts';

/** Bit of `actors.extra`: rows in `deltas` after the snapshot. */
export const EXTRA_DELTAS = 1;
/** Bit of `actors.extra`: the snapshot is in `snapshots`. */
export const EXTRA_SNAPSHOT = 2;
/** Bit of `actors.extra`: rows in `subscriptions`. */
export const EXTRA_SUBSCRIPTIONS = 4;
/** Bit of `actors.extra`: rows of state from before the snapshot. */
export const EXTRA_FORMER = 8;
/** The bits that say that the state is not in the row alone. */
export const EXTRA_STATE = EXTRA_DELTAS | EXTRA_SNAPSHOT | EXTRA_FORMER;
/** Longest snapshot text kept in the actor's row: what fits one page beside the other columns. */
export const IN_ROW_SNAPSHOT_LENGTH = 3_500;

/** Marks a file as ours in SQLite's header: 'TRPE'. */
const APPLICATION_ID = 0x54525045;

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE actors (
    address TEXT PRIMARY KEY NOT NULL,
    type TEXT NOT NULL,
    parent TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    extra INTEGER NOT NULL DEFAULT 0,
    log_n INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0,
    meta TEXT NOT NULL,
    error TEXT,
    failing TEXT,
    in_flight TEXT,
    marks TEXT,
    snapshot TEXT
  );
  CREATE INDEX actors_by_creation ON actors (created_at, address);
  CREATE INDEX actors_by_type ON actors (type, created_at, address);
  CREATE INDEX actors_by_parent ON actors (parent, created_at, address);
  CREATE INDEX actors_in_flight ON actors (address) WHERE in_flight IS NOT NULL;
  CREATE TABLE snapshots (address TEXT PRIMARY KEY NOT NULL, text TEXT NOT NULL);
  CREATE TABLE deltas (
    address TEXT NOT NULL, seq INTEGER NOT NULL, checksum INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (address, seq)
  ) WITHOUT ROWID;
  CREATE TABLE removed (
    address TEXT PRIMARY KEY NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    created_at INTEGER NOT NULL, at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE inbox (
    receiver TEXT NOT NULL, pos INTEGER NOT NULL, sender TEXT NOT NULL, kind TEXT NOT NULL,
    id TEXT NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (receiver, pos)
  ) WITHOUT ROWID;
  CREATE INDEX inbox_by_sender ON inbox (receiver, sender, pos);
  CREATE TABLE log (
    address TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (address, n)
  ) WITHOUT ROWID;
  CREATE TABLE outbox (
    pos INTEGER PRIMARY KEY, address TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    target TEXT NOT NULL, boot TEXT, at INTEGER NOT NULL, text TEXT NOT NULL
  );
  CREATE TABLE idempotency (
    address TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, reply TEXT,
    PRIMARY KEY (address, id)
  ) WITHOUT ROWID;
  CREATE INDEX idempotency_by_age ON idempotency (at);
  CREATE TABLE dead_letters (
    pos INTEGER PRIMARY KEY, address TEXT NOT NULL, id TEXT NOT NULL, sender TEXT NOT NULL,
    attempts INTEGER NOT NULL, at INTEGER NOT NULL, error TEXT NOT NULL, text TEXT NOT NULL
  );
  CREATE INDEX dead_letters_by_address ON dead_letters (address, pos);
  CREATE TABLE kv (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);
  CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
  `,
  // Time and topics.
  `
  ALTER TABLE actors ADD COLUMN timers TEXT;
  ALTER TABLE actors ADD COLUMN next_due INTEGER;
  CREATE INDEX actors_due ON actors (next_due, address) WHERE next_due IS NOT NULL AND status = 'active';
  CREATE TABLE scheduled (
    address TEXT NOT NULL, key TEXT NOT NULL, pos INTEGER NOT NULL, due_at INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (address, key)
  ) WITHOUT ROWID;
  CREATE INDEX scheduled_due ON scheduled (due_at, address);
  CREATE INDEX scheduled_by_actor ON scheduled (address, due_at, key);
  CREATE TABLE bus_events (
    pos INTEGER PRIMARY KEY, id TEXT NOT NULL, topic TEXT NOT NULL, source TEXT NOT NULL,
    at INTEGER NOT NULL, priority TEXT NOT NULL, text TEXT NOT NULL
  );
  CREATE UNIQUE INDEX bus_events_by_id ON bus_events (id);
  CREATE INDEX bus_events_by_age ON bus_events (at);
  CREATE TABLE subscriptions (
    pattern TEXT NOT NULL, address TEXT NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (pattern, address)
  ) WITHOUT ROWID;
  CREATE INDEX subscriptions_by_actor ON subscriptions (address);
  CREATE TABLE cursors (name TEXT PRIMARY KEY NOT NULL, pattern TEXT NOT NULL, pos INTEGER NOT NULL) WITHOUT ROWID;
  `,
  // Supervision: what is remembered of failures is more than the last event.
  `
  ALTER TABLE actors RENAME COLUMN failing TO supervision;
  ALTER TABLE actors ADD COLUMN spawned INTEGER NOT NULL DEFAULT 0;
  UPDATE actors SET supervision = json_object('event', json(supervision)) WHERE supervision IS NOT NULL;
  `,
  // Lists of one moment go by the order of first commits, which is that of rowid: an index ends with it by itself.
  `
  DROP INDEX actors_by_creation;
  DROP INDEX actors_by_type;
  DROP INDEX actors_by_parent;
  CREATE INDEX actors_by_creation ON actors (created_at);
  CREATE INDEX actors_by_type ON actors (type, created_at);
  CREATE INDEX actors_by_parent ON actors (parent, created_at);
  `,
  // History: rows of state stay when a snapshot takes their place, and each knows its commit.
  `
  ALTER TABLE actors ADD COLUMN snapshot_seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE actors ADD COLUMN shape TEXT;
  ALTER TABLE actors ADD COLUMN sum INTEGER;
  ALTER TABLE snapshots RENAME TO snapshots_before;
  CREATE TABLE snapshots (
    address TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, checksum INTEGER NOT NULL, text BLOB NOT NULL,
    PRIMARY KEY (address, seq)
  );
  INSERT INTO snapshots (address, seq, at, checksum, text)
    SELECT address, 0, updated_at, checksum, text FROM snapshots_before JOIN actors USING (address);
  DROP TABLE snapshots_before;
  ALTER TABLE log ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE history (
    address TEXT NOT NULL, seq INTEGER NOT NULL, pos INTEGER NOT NULL, at INTEGER NOT NULL, checksum INTEGER NOT NULL,
    text TEXT NOT NULL, PRIMARY KEY (address, seq)
  ) WITHOUT ROWID;
  CREATE INDEX snapshots_loose ON snapshots (at) WHERE typeof(text) = 'text';
  ALTER TABLE kv ADD COLUMN expires_at INTEGER;
  CREATE INDEX kv_expiring ON kv (expires_at) WHERE expires_at IS NOT NULL;
  `,
  // Seals: rows say for themselves that they are damaged, and histories and logs where they begin and end.
  // The sum of an actor's row speaks for its address as well from here on.
  `
  ALTER TABLE inbox ADD COLUMN sum INTEGER;
  ALTER TABLE log ADD COLUMN sum INTEGER;
  ALTER TABLE scheduled ADD COLUMN sum INTEGER;
  ALTER TABLE kv ADD COLUMN sum INTEGER;
  ALTER TABLE history ADD COLUMN prev INTEGER;
  ALTER TABLE actors ADD COLUMN history_seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE actors ADD COLUMN history_prev INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE actors ADD COLUMN log_from INTEGER NOT NULL DEFAULT 1;
  UPDATE actors SET sum = NULL,
    log_from = coalesce((SELECT min(n) FROM log WHERE log.address = actors.address), log_n + 1);
  `,
  // Old events of a history, compressed together with their deltas; what is large stands last.
  `
  CREATE TABLE segments (
    address TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, events_from INTEGER NOT NULL,
    deltas_from INTEGER NOT NULL, first_pos INTEGER NOT NULL, min_at INTEGER NOT NULL, max_at INTEGER NOT NULL,
    begins INTEGER NOT NULL DEFAULT 0, checksum INTEGER NOT NULL, packed BLOB NOT NULL, PRIMARY KEY (address, first_seq)
  );
  `,
  // Events that came from elsewhere (`origin`), published at a time of theirs; how many there are, up to a position.
  `
  ALTER TABLE bus_events ADD COLUMN time INTEGER;
  ALTER TABLE bus_events ADD COLUMN origin TEXT;
  ALTER TABLE bus_events ADD COLUMN attributes TEXT;
  INSERT INTO meta (key, value) SELECT 'bus_counted_pos', coalesce(max(pos), 0) FROM bus_events;
  INSERT INTO meta (key, value) SELECT 'bus_events', count(*) FROM bus_events;
  INSERT INTO meta (key, value) SELECT 'bus_chars', coalesce(sum(length(text)), 0) FROM bus_events;
  `,
];

/** The schema version this Troupe writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Looks before anything is written: is this file ours to write?
 * @throws {TroupeError} ERR_STORE_NEWER when a newer Troupe wrote it; ERR_STORE_OPEN when it is some other database.
 */
export function assertUsable(db: Database, file: string): void {
  const version = readNumber(db, 'user_version');
  if (readNumber(db, 'application_id') === APPLICATION_ID) return assertNotNewer(version, file);
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (tables === 0 && version === 0) return;
  throw new TroupeError(
    'ERR_STORE_OPEN',
    `File '${file}' is a database of another program. Choose another file for the store.`,
    {
      details: { file },
    },
  );
}

/** @throws {Error} unless Troupe wrote this file. */
export function assertOurs(db: Database, file: string): void {
  if (readNumber(db, 'application_id') !== APPLICATION_ID) throw new Error(`'${file}' was not written by Troupe`);
}

function assertNotNewer(version: number, file: string): void {
  if (version <= SCHEMA_VERSION) return;
  throw new TroupeError(
    'ERR_STORE_NEWER',
    `Store '${file}' has schema version ${version}, and this Troupe writes version ${SCHEMA_VERSION}. Upgrade Troupe, or use another file; this one was left untouched.`,
    { details: { file, stored: version, supported: SCHEMA_VERSION } },
  );
}

/** Brings an older or empty file to a schema version, the newest unless a test wants another. Call `assertUsable` before. */
export function migrate(db: Database, toVersion = SCHEMA_VERSION): void {
  for (let version = readNumber(db, 'user_version'); version < toVersion; version++) {
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(MIGRATIONS[version] ?? '');
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${version + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}

function readNumber(db: Database, pragma: string): number {
  return Number(db.pragma(pragma, { simple: true }));
}
