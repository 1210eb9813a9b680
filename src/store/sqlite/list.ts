/** The list query: filters over the actors, newest first, by keyset so that pages stay whole while rows are added. */
import type { Database } from 'better-sqlite3';
import { limitOf, parseCursor, toCursor } from '../queries.ts';
import type { ActorSummary, ListQuery, Page } from '../store.ts';

const COLUMNS =
  'address, type, parent, status, seq, version, meta, error, created_at AS createdAt, updated_at AS updatedAt';

const META_EQUALS =
  "json_valid(meta) AND EXISTS (SELECT 1 FROM json_each(actors.meta) AS field WHERE field.key = ? AND field.type = 'text' AND field.value = ?)";

/** One page of actors. */
export function listActors(db: Database, query: ListQuery): Page<ActorSummary> {
  const limit = limitOf('list', query.limit);
  const { where, values } = toConditions(query);
  const sql = `SELECT ${COLUMNS} FROM actors ${where} ORDER BY created_at DESC, address DESC LIMIT ?`;
  // One more than asked for tells whether there is a next page.
  const rows = db.prepare<unknown[], ActorSummary>(sql).all(...values, limit + 1);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return rows.length > limit && last ? { items, nextCursor: toCursor(last) } : { items };
}

function toConditions(query: ListQuery): { readonly where: string; readonly values: readonly unknown[] } {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const add = (condition: string, ...bound: readonly unknown[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (query.type !== undefined) add('type = ?', query.type);
  if (query.parent !== undefined) add('parent = ?', query.parent);
  if (query.statuses) add(`status IN (${query.statuses.map(() => '?').join(', ')})`, ...query.statuses);
  if (query.createdAfter !== undefined) add('created_at > ?', query.createdAfter);
  if (query.createdBefore !== undefined) add('created_at < ?', query.createdBefore);
  if (query.updatedAfter !== undefined) add('updated_at > ?', query.updatedAfter);
  if (query.updatedBefore !== undefined) add('updated_at < ?', query.updatedBefore);
  for (const [key, value] of Object.entries(query.meta ?? {})) add(META_EQUALS, key, value);
  if (query.cursor !== undefined) {
    const { createdAt, address } = parseCursor(query.cursor);
    add('(created_at, address) < (?, ?)', createdAt, address);
  }
  return { where: conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '', values };
}
