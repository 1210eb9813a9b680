/** Random JSON and random changes to it, for the property tests of `src/state`. */
import fc from 'fast-check';
import type { Json } from '../../../src/state/json.ts';

/** Settings of a property: fast-check prints the seed of a failure, and SEED=… repeats it. */
export function runs(numRuns: number): { numRuns: number; seed?: number } {
  const seed = process.env['SEED'];
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
}

/** Keys that collide with what objects inherit, look like indexes, or are any text. */
const key = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'constructor', 'toString', 'prototype', '0', '7', '10', '', 'a.b', 'é'),
  fc.string({ unit: 'binary', maxLength: 4 }).filter((text) => text !== '__proto__'),
);

const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
  fc.string({ unit: 'binary', maxLength: 6 }),
);

/** Any plain JSON, small. */
export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    { weight: 3, arbitrary: leaf },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 6 }) },
    { weight: 2, arbitrary: fc.dictionary(key, tie('value'), { maxKeys: 5 }) },
  ),
})).value;

/** One change to a value: how to reach the place, and what to do there. */
export interface Edit {
  readonly steps: readonly number[];
  readonly kind: number;
  readonly key: string;
  readonly value: Json;
}

/** Any change. */
export const edit: fc.Arbitrary<Edit> = fc.record({
  steps: fc.array(fc.nat({ max: 7 }), { maxLength: 4 }),
  kind: fc.nat({ max: 9 }),
  key,
  value: json,
});

/** The value after a change, sharing all that the change leaves alone, as machines do it. */
export function applyEdit(value: Json, change: Edit, step = 0): Json {
  const at = change.steps[step];
  if (Array.isArray(value)) {
    if (at === undefined || value.length === 0) return editArray(value as Json[], change);
    return (value as Json[]).map((item, i) => (i === at % value.length ? applyEdit(item, change, step + 1) : item));
  }
  // What is no plain object stands for an actor reference.
  if (typeof value !== 'object' || Object.getPrototypeOf(value ?? 0) !== Object.prototype) return change.value;
  const record = value as Record<string, Json>;
  const keys = Object.keys(record);
  const inner = at === undefined ? undefined : keys[at % keys.length];
  if (inner === undefined) return editObject(record, change);
  return { ...record, [inner]: applyEdit(record[inner]!, change, step + 1) };
}

function editArray(items: Json[], { kind, value }: Edit): Json {
  switch (kind) {
    case 0:
      return items.slice(1);
    case 1:
      return [...items.slice(1), value];
    case 2:
      return [value, ...items];
    case 3:
      return items.toReversed();
    case 4:
      return items.slice(0, -1);
    case 5:
      return items.map((item, i) => (i === items.length - 1 ? value : item));
    default:
      return [...items, value];
  }
}

function editObject(record: Record<string, Json>, { kind, key: name, value }: Edit): Json {
  const { [name]: _dropped, ...rest } = record;
  switch (kind) {
    case 0:
      return rest;
    case 1:
      return { [name]: value, ...rest };
    case 2:
      return { ...rest, [name]: value };
    case 3:
      return Object.fromEntries(Object.entries(record).toReversed());
    case 4:
      return value;
    default:
      return { ...record, [name]: value };
  }
}
