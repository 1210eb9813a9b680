/**
 * Actor references in a context. Live, they are actors; stored, they are `{ xstate$$type: 1, id }`, which XState turns
 * back into the child of that id. Parts without references are the same objects on both sides.
 */
import type { Json } from './json.ts';
import { isActorRef, toQuickArray } from './json-shape.ts';

/** XState's mark of a stored reference. */
const ACTOR_MARK = 1;

/**
 * The stored form of a context whose references were checked. `previousLive` and `previous` are the two forms of the
 * context before: what did not change live keeps its stored form.
 */
export function encodeRefs(live: unknown, previousLive: unknown, previous: Json | undefined): Json {
  if (typeof live !== 'object' || live === null) return live as Json;
  if (live === previousLive && previous !== undefined) return previous;
  if (Array.isArray(live)) return encodeArray(live, previousLive, previous);
  if (isActorRef(live)) return Object.freeze({ xstate$$type: ACTOR_MARK, id: live.id });
  return encodeObject(live as Record<string, unknown>, previousLive, previous);
}

function encodeObject(live: Record<string, unknown>, previousLive: unknown, previous: Json | undefined): Json {
  let copy: Record<string, Json> | undefined;
  for (const key of Object.keys(live)) {
    const part = encodeRefs(live[key], read(previousLive, key), read(previous, key) as Json | undefined);
    if (part === live[key]) continue;
    copy ??= { ...live } as Record<string, Json>;
    copy[key] = part;
  }
  return copy === undefined ? (live as Json) : Object.freeze(copy);
}

function encodeArray(live: readonly unknown[], previousLive: unknown, previous: Json | undefined): Json {
  const items = toQuickArray(live);
  const liveBefore: readonly unknown[] = Array.isArray(previousLive) ? toQuickArray(previousLive) : [];
  const before: readonly Json[] = Array.isArray(previous) ? toQuickArray(previous) : [];
  let copy: Json[] | undefined;
  for (let i = 0; i < items.length; i++) {
    const part = encodeRefs(items[i], liveBefore[i], before[i]);
    if (part === items[i]) continue;
    copy ??= [...items] as Json[];
    copy[i] = part;
  }
  return copy === undefined ? (live as Json) : Object.freeze(copy);
}

/**
 * A stored context as XState may restore it. XState writes actors over the stored references, so whatever holds one is
 * copied. A reference to a child that has ended is taken out, for XState would leave `undefined`, which is not JSON.
 */
export function decodeRefs(stored: Json, isChild: (id: string) => boolean): Json {
  if (typeof stored !== 'object' || stored === null) return stored;
  if (Array.isArray(stored)) return decodeArray(stored, isChild);
  return decodeObject(stored as Record<string, Json>, isChild);
}

function decodeArray(stored: readonly Json[], isChild: (id: string) => boolean): Json {
  let copy: Json[] | undefined;
  for (const [i, part] of stored.entries()) {
    const isRef = isStoredRef(part);
    const decoded = isRef ? part : decodeRefs(part, isChild);
    if (!isRef && decoded === part) continue;
    copy ??= [...stored];
    copy[i] = isRef && !isChild(part.id) ? null : decoded;
  }
  return copy ?? stored;
}

function decodeObject(stored: Record<string, Json>, isChild: (id: string) => boolean): Json {
  let copy: Record<string, Json> | undefined;
  for (const key of Object.keys(stored)) {
    const part = stored[key] as Json;
    const isRef = isStoredRef(part);
    const decoded = isRef ? part : decodeRefs(part, isChild);
    if (!isRef && decoded === part) continue;
    copy ??= { ...stored };
    if (isRef && !isChild(part.id)) delete copy[key];
    else copy[key] = decoded;
  }
  return copy ?? stored;
}

function isStoredRef(value: Json): value is { readonly xstate$$type: 1; readonly id: string } {
  return typeof value === 'object' && value !== null && read(value, 'xstate$$type') === ACTOR_MARK;
}

function read(container: unknown, key: string): unknown {
  if (typeof container !== 'object' || container === null || !Object.hasOwn(container, key)) return undefined;
  return (container as Record<string, unknown>)[key];
}
