/** Metadata of sessions as fields that lists filter by. */
import { describeValue } from '../describe.ts';
import type { Json } from '../state/json.ts';
import { checkText, isRecord, wrong } from './checks.ts';

/** Keeps the fields of users apart from those of the session itself. */
const PREFIX = 'metadata.';
const MAX_FOUND_CHARS = 256;
/** Fields of one session that can be found, the first ones. */
const MAX_FIELDS = 32;

/** The fields of a session's metadata that lists can filter by. */
export function toMeta(metadata: Readonly<Record<string, Json>>): Readonly<Record<string, string>> {
  const fields = Object.entries(metadata).filter(([, value]) => isFindable(value));
  return Object.fromEntries(
    fields.slice(0, MAX_FIELDS).map(([key, value]) => [`${PREFIX}${key}`, JSON.stringify(value)]),
  );
}

/**
 * What a list must find for a filter by metadata.
 * @throws {TroupeError} ERR_OPTIONS_INVALID for what cannot be found.
 */
export function toMetaFilter(metadata: unknown): Readonly<Record<string, string>> {
  if (metadata === undefined) return {};
  if (!isRecord(metadata)) throw wrong('sessions.list', 'metadata', metadata, "Use an object such as { project: 'x' }");
  const fields = Object.entries(metadata);
  if (fields.length > MAX_FIELDS)
    throw wrong(
      'sessions.list',
      'metadata',
      metadata,
      `It has ${fields.length} fields: filter by at most ${MAX_FIELDS}`,
    );
  for (const [key, value] of fields) {
    checkText('sessions.list', 'metadata', key);
    if (isFindable(value)) continue;
    const what = describeValue(value);
    throw wrong(
      'sessions.list',
      'metadata',
      metadata,
      `Its '${key}' is ${what}: use a text of at most ${MAX_FOUND_CHARS} characters, a number or a boolean`,
    );
  }
  return toMeta(metadata as Readonly<Record<string, Json>>);
}

function isFindable(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= MAX_FOUND_CHARS;
  return typeof value === 'boolean' || Number.isFinite(value);
}
