/**
 * The list query: filters over the actors, by keyset so that pages stay whole while rows are added. A rowid is above all there are
 * when it is given, and an actor keeps its own, so it tells the order of first commits.
 */
import type { Database } from 'better-sqlite3';
import { isOldestFirst, limitOf, parseCursor, toCursor } from '../queries.ts';
import type { ListQuery, Page } from '../queries.ts';
import type { ActorSummary } from '../store.ts';

const COLUMNS =
  'rowid AS n, address, type, parent, status, seq, version, meta, error, spawned, created_at AS createdAt, updated_at AS updatedAt';

const META_EQUALS =
  "json_valid(meta) AND EXISTS (SELECT 1 FROM json_each(actors.meta) AS field WHERE field.key = ? AND field.type = 'text' AND field.value = ?)";

/** One page of actors. */
export function listActors(db: Database, query: ListQuery): Page<ActorSummary> {
  const limit = limitOf('list', query.limit);
  const { sql, values } = toListSql(query);
  // One more than asked for tells whether there is a next page.
  const rows = db.prepare<unknown[], ActorSummary & { readonly n: number }>(sql).all(...values, limit + 1);
  const last = rows[limit - 1];
  const items = rows.slice(0, limit).map(({ n: _n, ...summary }) => summary);
  return rows.length > limit && last ? { items, nextCursor: toCursor(last) } : { items };
}

/** The statement of a list; its limit is the last value to bind. */
export function toListSql(query: ListQuery): { readonly sql: string; readonly values: readonly unknown[] } {
  const { where, values } = toConditions(query);
  const direction = isOldestFirst(query.order) ? 'ASC' : 'DESC';
  return {
    sql: `SELECT ${COLUMNS} FROM actors ${where} ORDER BY created_at ${direction}, rowid ${direction} LIMIT ?`,
    values,
  };
}

function toConditions(query: ListQuery): { readonly where: string; readonly values: readonly unknown[] } {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const add = (condition: string, ...bound: readonly unknown[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (query.address !== undefined) add('address = ?', query.address);
  if (query.type !== undefined) add('type = ?', query.type);
  if (query.parent !== undefined) add('parent = ?', query.parent);
  if (query.statuses) add(`status IN (${query.statuses.map(() => '?').join(', ')})`, ...query.statuses);
  if (query.createdAfter !== undefined) add('created_at > ?', query.createdAfter);
  if (query.createdBefore !== undefined) add('created_at < ?', query.createdBefore);
  if (query.updatedAfter !== undefined) add('updated_at > ?', query.updatedAfter);
  if (query.updatedBefore !== undefined) add('updated_at < ?', query.updatedBefore);
  for (const [key, value] of Object.entries(query.meta ?? {})) add(META_EQUALS, key, value);
  if (query.cursor !== undefined) {
    const { createdAt, n } = parseCursor(query.cursor);
    add(`(created_at, rowid) ${isOldestFirst(query.order) ? '>' : '<'} (?, ?)`, createdAt, n);
  }
  return { where: conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '', values };
}
