/**
 * The difference between two states, found by reference: what is the same object is the same, so the cost follows what
 * changed. Applying a delta gives the later state exactly, down to the order of keys.
 */
import { TroupeError } from '../errors.ts';
import type { Json } from './json.ts';
import { toQuickArray } from './json-shape.ts';

/** Keys and indexes from the root to a place in a state. */
export type DeltaPath = readonly (string | number)[];

/** One step from a state to the next: set a value, delete a key, or append to an array. */
export type DeltaOp =
  | readonly ['s', DeltaPath, Json]
  | readonly ['d', DeltaPath]
  | readonly ['a', DeltaPath, readonly Json[]];

type JsonArray = readonly Json[];
type JsonObject = { readonly [key: string]: Json };

/** The steps from one state to the next, or undefined when they are equal. */
export function diff(previous: Json, next: Json): DeltaOp[] | undefined {
  const ops: DeltaOp[] = [];
  compare(previous, next, [], ops);
  return ops.length > 0 ? ops : undefined;
}

/** `path` is shared by the whole descent, and copied into each step. */
function compare(previous: Json, next: Json, path: (string | number)[], ops: DeltaOp[]): void {
  if (previous === next) return;
  if (isArray(previous) && isArray(next)) return compareArrays(previous, next, path, ops);
  if (isObject(previous) && isObject(next)) return compareObjects(previous, next, path, ops);
  ops.push(['s', path.slice(), next]);
}

function compareObjects(previous: JsonObject, next: JsonObject, path: (string | number)[], ops: DeltaOp[]): void {
  const keysBefore = Object.keys(previous);
  const keys = Object.keys(next);
  const kept = countCommonStart(keysBefore, keys);
  if (kept < keysBefore.length) {
    if (!keepsOrder(previous, keysBefore, next, keys)) return void ops.push(['s', path.slice(), next]);
    for (const key of keysBefore) if (!Object.hasOwn(next, key)) ops.push(['d', [...path, key]]);
  }
  for (const key of keys) {
    const before = previous[key];
    const after = next[key] as Json;
    if (before === after) continue;
    path.push(key);
    // A new key has nothing, or what objects inherit, before it: neither is JSON, so the whole value is set.
    compare(before as Json, after, path, ops);
    path.pop();
  }
}

function compareArrays(previous: JsonArray, next: JsonArray, path: (string | number)[], ops: DeltaOp[]): void {
  const shared = previous.length;
  const before = toQuickArray(previous);
  const after = toQuickArray(next);
  const changed = next.length < shared ? undefined : findChanged(before, after, Math.max(2, shared >> 2));
  if (changed === undefined) {
    if (!isEqual(before, after)) ops.push(['s', path.slice(), next]);
    return;
  }
  for (const index of changed) {
    path.push(index);
    compare(before[index] as Json, after[index] as Json, path, ops);
    path.pop();
  }
  if (next.length > shared) ops.push(['a', path.slice(), after.slice(shared)]);
}

/** Where two arrays differ within the first one's length, or undefined when that is in more than `most` places. */
function findChanged(before: JsonArray, after: JsonArray, most: number): number[] | undefined {
  const changed: number[] = [];
  for (let i = 0; i < before.length; i++) {
    if (before[i] === after[i]) continue;
    if (changed.length === most) return undefined;
    changed.push(i);
  }
  return changed;
}

function countCommonStart(first: readonly string[], second: readonly string[]): number {
  let count = 0;
  while (count < first.length && first[count] === second[count]) count += 1;
  return count;
}

/** True when deleting and then adding keys gives `keys` in their order, which machines can see (an LRU in an object). */
function keepsOrder(previous: JsonObject, keysBefore: string[], next: JsonObject, keys: string[]): boolean {
  const kept = keysBefore.filter((key) => Object.hasOwn(next, key));
  const added = keys.filter((key) => !Object.hasOwn(previous, key));
  // Objects sort index-like keys to the front by themselves, here as there.
  const expected = [...kept, ...added].filter((key) => !isIndexLike(key));
  const actual = keys.filter((key) => !isIndexLike(key));
  return expected.every((key, i) => key === actual[i]);
}

function isIndexLike(key: string): boolean {
  return /^(?:0|[1-9]\d{0,9})$/.test(key) && Number(key) < 0xffff_ffff;
}

function isEqual(first: Json, second: Json): boolean {
  if (first === second) return true;
  if (isArray(first) && isArray(second)) {
    return first.length === second.length && first.every((item, i) => isEqual(item, second[i] as Json));
  }
  if (!isObject(first) || !isObject(second)) return false;
  const keys = Object.keys(first);
  const others = Object.keys(second);
  return (
    keys.length === others.length &&
    keys.every((key, i) => key === others[i] && isEqual(first[key] as Json, second[key] as Json))
  );
}

/**
 * The state after a delta. Shares what the delta leaves alone and changes neither argument.
 * @throws {TroupeError} ERR_STATE_CORRUPT when the delta is malformed or does not fit the state.
 */
export function applyDelta(state: Json, delta: unknown): Json {
  const copies = new Set<object>();
  return applySteps(state, delta, (container) => {
    if (copies.has(container)) return container;
    const copy = Array.isArray(container) ? [...container] : { ...container };
    copies.add(copy);
    return copy;
  });
}

/**
 * The state after a delta, made from `state` and `delta` themselves: both must be fresh from JSON.parse and owned by
 * the caller. Recovery replays long runs of deltas, and a copy per step would cost the square of their length.
 * @throws {TroupeError} ERR_STATE_CORRUPT when the delta is malformed or does not fit the state.
 */
export function applyDeltaInPlace(state: Json, delta: unknown): Json {
  return applySteps(state, delta, (container) => container);
}

type Container = Json[] | Record<string, Json>;
/** Gives the container that may be written to in place of one that stands in the state. */
type Own = (container: Container) => Container;

function applySteps(state: Json, delta: unknown, own: Own): Json {
  if (!Array.isArray(delta)) throw corrupt('is not a list of steps', []);
  let root = state;
  for (const op of delta) root = applyStep(root, toStep(op), own);
  return root;
}

function toStep(op: unknown): DeltaOp {
  if (!Array.isArray(op) || !isPath(op[1])) throw corrupt('has a malformed step', []);
  const [kind, path, value] = op as [unknown, DeltaPath, unknown];
  if (kind === 'd' && op.length === 2 && path.length > 0) return ['d', path];
  if (kind === 's' && op.length === 3 && value !== undefined) return ['s', path, value as Json];
  if (kind === 'a' && op.length === 3 && Array.isArray(value)) return ['a', path, value as Json[]];
  throw corrupt('has a malformed step', path);
}

function isPath(path: unknown): path is DeltaPath {
  if (!Array.isArray(path)) return false;
  return path.every((part) => (typeof part === 'string' ? part !== '__proto__' : Number.isInteger(part) && part >= 0));
}

function applyStep(root: Json, op: DeltaOp, own: Own): Json {
  const path = op[1];
  if (path.length === 0) return op[0] === 's' ? op[2] : append(root, op, own);
  const top = toContainer(root, path, own);
  let parent = top;
  for (let i = 0; i < path.length - 1; i++) {
    const child = toContainer(read(parent, path, i), path, own);
    write(parent, path[i] as string | number, child);
    parent = child;
  }
  const last = path[path.length - 1] as string | number;
  if (op[0] === 's') write(checkPlace(parent, path), last, op[2]);
  else if (op[0] === 'd') remove(parent, path);
  else write(parent, last, append(read(parent, path, path.length - 1), op, own));
  return top;
}

function append(target: Json, op: DeltaOp, own: Own): Json {
  if (!isArray(target) || op[0] !== 'a') throw corrupt('appends to what is no array', op[1]);
  const array = own(target as Json[]) as Json[];
  for (const item of op[2]) array.push(item);
  return array;
}

function toContainer(value: Json, path: DeltaPath, own: Own): Container {
  if (typeof value !== 'object' || value === null) throw corrupt('leads through a value that holds nothing', path);
  return own(value as Container);
}

function read(parent: Container, path: DeltaPath, index: number): Json {
  const part = path[index] as string | number;
  if (typeof part !== (Array.isArray(parent) ? 'number' : 'string') || !Object.hasOwn(parent, part)) {
    throw corrupt('leads to a place that does not exist', path);
  }
  return (parent as Record<string | number, Json>)[part] as Json;
}

/** Objects take new keys, arrays grow by append only. */
function checkPlace(parent: Container, path: DeltaPath): Container {
  if (Array.isArray(parent)) read(parent, path, path.length - 1);
  else if (typeof path[path.length - 1] !== 'string') throw corrupt('uses an index on an object', path);
  return parent;
}

function remove(parent: Container, path: DeltaPath): void {
  if (Array.isArray(parent)) throw corrupt('deletes from an array', path);
  read(parent, path, path.length - 1);
  delete parent[path[path.length - 1] as string];
}

function write(parent: Container, part: string | number, value: Json): void {
  (parent as Record<string | number, Json>)[part] = value;
}

function isArray(value: Json): value is JsonArray {
  return Array.isArray(value);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function corrupt(problem: string, path: DeltaPath): TroupeError {
  const place = path.map(String).join('.').slice(0, 200);
  return new TroupeError('ERR_STATE_CORRUPT', `A delta ${problem}${place === '' ? '' : ` at '${place}'`}.`, {
    details: { path: place },
  });
}
