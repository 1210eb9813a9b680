/** What changes in the JSON of an actor when another is made from it: the addresses it knows, and whom it would answer. Pure. */
import type { Json } from './json.ts';

/** New addresses by old. */
export type Renames = ReadonlyMap<string, string>;

/**
 * JSON in which every text that is an old address is the new one, also where it names a field. Questions that wait for an answer lose
 * whoever asked: the original answers those.
 */
export function renameIn(value: Json, renames: Renames): Json {
  if (typeof value === 'string') return renames.get(value) ?? value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => renameIn(item, renames));
  const fields = Object.entries(value).map(([key, part]): [string, Json] => [
    renames.get(key) ?? key,
    renameIn(part, renames),
  ]);
  return withoutAsker(Object.fromEntries(fields));
}

/** The same for a JSON text. */
export function renameInText(text: string, renames: Renames): string {
  return JSON.stringify(renameIn(JSON.parse(text) as Json, renames));
}

/** Boot of questions whose asker is not there. */
const NOBODY = 'fork';

/** A reply token is recognised by its fields; without the boot and the id of the question, its reply goes nowhere. */
function withoutAsker(fields: { readonly [key: string]: Json }): Json {
  const { ask, boot, of } = fields;
  if (typeof ask !== 'string' || typeof boot !== 'string' || typeof of !== 'string') return fields;
  const { id: _id, ...token } = fields;
  return { ...token, boot: NOBODY };
}
