/** What is kept of the system itself: when it last lived. */
import type { Database } from 'better-sqlite3';

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
