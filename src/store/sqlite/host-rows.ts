/** What is kept for the host program and not for an actor: cursors of named subscribers, and when the system last lived. */
import type { Database } from 'better-sqlite3';
import type { Cursor } from '../store.ts';

/** How far a named subscriber has come. */
export function readCursor(db: Database, name: string): Cursor | undefined {
  return db.prepare<[string], Cursor>('SELECT pattern, pos FROM cursors WHERE name = ?').get(name);
}

/** Call in a transaction. */
export function writeCursor(db: Database, name: string, { pattern, pos }: Cursor): void {
  const sql = `INSERT INTO cursors (name, pattern, pos) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET pattern = excluded.pattern, pos = excluded.pos`;
  db.prepare(sql).run(name, pattern, pos);
}

/** Call in a transaction. True when there was one. */
export function deleteCursor(db: Database, name: string): boolean {
  return db.prepare('DELETE FROM cursors WHERE name = ?').run(name).changes === 1;
}

/** Adds the time since the last sign of life to the downtime on record, and returns that. Call in a transaction. */
export function rise(db: Database, now: number): number {
  // A clock that was set back says nothing of how long the system was down.
  const downMs = Math.max(0, now - (readMeta(db, 'alive_at') ?? now));
  const downtimeMs = (readMeta(db, 'downtime_ms') ?? 0) + downMs;
  writeMeta(db, 'downtime_ms', downtimeMs);
  markAlive(db, now);
  return downtimeMs;
}

/** A sign of life. Call in a transaction. */
export function markAlive(db: Database, now: number): void {
  writeMeta(db, 'alive_at', now);
}

function readMeta(db: Database, key: string): number | undefined {
  return db.prepare<[string], number>('SELECT value FROM meta WHERE key = ?').pluck().get(key);
}

function writeMeta(db: Database, key: string, value: number): void {
  db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)').run(key, value);
}
