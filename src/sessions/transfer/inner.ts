/** JSON inside the texts of an import: what comes from elsewhere must not change what other objects are. Pure. */
import type { Json } from '../../state/json.ts';
import { MAX_JSON_DEPTH } from '../../state/json-shape.ts';

/** Why a text is not used; nothing when it can be. */
export function findTextFault(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'is not JSON';
  }
  return findFault(value, 1);
}

/** A text that `findTextFault` has found nothing against. */
export function readText(text: string): Json {
  return JSON.parse(text) as Json;
}

function findFault(value: unknown, depth: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > MAX_JSON_DEPTH) return `is nested deeper than ${MAX_JSON_DEPTH} levels`;
  if (!Array.isArray(value) && Object.hasOwn(value, '__proto__')) return "carries the key '__proto__'";
  if (setsPrototype(value)) return "carries the key 'constructor.prototype'";
  for (const part of Object.values(value)) {
    const fault = findFault(part, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** By itself 'constructor' is a word like any other; only the prototype behind it is dangerous. */
function setsPrototype(value: object): boolean {
  const made: unknown = Object.hasOwn(value, 'constructor') ? value.constructor : undefined;
  return typeof made === 'object' && made !== null && Object.hasOwn(made, 'prototype');
}
