/**
 * Names what JSON would lose. Runs only after a check failed, so it may be slow and say things well: the value, its
 * owner, the path, and what to pass instead.
 */
import { TroupeError } from '../errors.ts';
import {
  isActorRef,
  isChildRef,
  isPlainArray,
  isPlainObject,
  isReservedKey,
  MAX_JSON_DEPTH,
  type RefScope,
} from './json-shape.ts';

type Segment = string | number;

interface Fault {
  readonly path: readonly Segment[];
  readonly what: string;
  /** Follows 'which'. */
  readonly outcome: string;
  readonly hint: string;
}

type Description = Omit<Fault, 'path'>;

/** The ERR_NOT_JSON that names the first value in `value` that JSON would lose. */
export function createNotJsonError(value: unknown, owner: string, rootPath: string, refs?: RefScope): TroupeError {
  const fault = findFault(value, [], [], refs) ?? { path: [], ...UNSTABLE };
  const path = formatPath(rootPath, fault.path);
  const place = path === '' ? `is ${fault.what}` : `carries ${fault.what} at '${path}'`;
  return new TroupeError('ERR_NOT_JSON', `${owner} ${place}, which ${fault.outcome}. ${fault.hint}`, {
    details: { path },
  });
}

/** A path as one would write it in code: `context.items[3].when`. */
export function formatPath(rootPath: string, segments: readonly Segment[]): string {
  let path = rootPath;
  for (const segment of segments) {
    if (typeof segment === 'number') path += `[${segment}]`;
    else if (!/^[A-Za-z_$][\w$]*$/.test(segment)) path += `[${JSON.stringify(shorten(segment))}]`;
    else path += path === '' ? segment : `.${segment}`;
  }
  return path;
}

function findFault(
  value: unknown,
  path: readonly Segment[],
  ancestors: readonly object[],
  refs: RefScope | undefined,
): Fault | undefined {
  if (typeof value !== 'object' || value === null) return at(path, describeLeaf(value));
  const fault = describeObject(value, ancestors, refs);
  if (fault !== undefined) return at(path, fault);
  if (isChildRef(value, refs)) return undefined;
  return findInParts(value, path, [...ancestors, value], refs);
}

function findInParts(
  value: object,
  path: readonly Segment[],
  ancestors: readonly object[],
  refs: RefScope | undefined,
): Fault | undefined {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const fault = i in value ? findFault(value[i], [...path, i], ancestors, refs) : at([...path, i], HOLE);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  for (const [key, part] of Object.entries(value)) {
    const fault = isReservedKey(key) ? at([...path, key], RESERVED) : findFault(part, [...path, key], ancestors, refs);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function at(path: readonly Segment[], description: Description | undefined): Fault | undefined {
  return description && { path, ...description };
}

function describe(what: string, outcome: string, hint: string): Description {
  return { what, outcome, hint };
}

const HOLE = describe('a hole', 'JSON would turn into null', 'Fill the array, or store null there.');
const RESERVED = describe('a reserved key', 'cannot be stored safely', 'Use another name for the key.');
const UNSTABLE = describe('a value', 'JSON would change', 'Pass plain data without getters.');

function describeLeaf(value: unknown): Description | undefined {
  switch (typeof value) {
    case 'undefined':
      return describe('undefined', 'JSON would drop', 'Leave the key out, or pass null instead.');
    case 'function':
      return describe('a function', 'JSON would drop', 'Pass data, and keep functions in setup().');
    case 'symbol':
      return describe('a symbol', 'JSON would drop', 'Pass a string instead.');
    case 'bigint':
      return describe('a BigInt', 'JSON cannot write', 'Pass a string instead.');
    case 'number':
      if (Number.isFinite(value)) return undefined;
      return describe(String(value), 'JSON would turn into null', 'Pass a finite number or null instead.');
    default:
      return undefined;
  }
}

function describeObject(
  value: object,
  ancestors: readonly object[],
  refs: RefScope | undefined,
): Description | undefined {
  if (ancestors.includes(value)) {
    return describe('a cycle', 'JSON cannot write', 'Refer to the outer object by an id instead.');
  }
  if (ancestors.length >= MAX_JSON_DEPTH) {
    return describe(
      `more than ${MAX_JSON_DEPTH} levels`,
      'is too deep to save',
      'Flatten it, and refer to parts by id.',
    );
  }
  if (Array.isArray(value)) return isPlainArray(value) ? undefined : ARRAY_WITH_PARTS;
  if (!isPlainObject(value)) return isChildRef(value, refs) ? undefined : describeInstance(value);
  const symbol = Object.getOwnPropertySymbols(value)[0];
  if (symbol !== undefined) {
    return describe(`the symbol key ${String(symbol)}`, 'JSON would drop', 'Use a string key instead.');
  }
  if (typeof value['toJSON'] === 'function') {
    return describe('an object with toJSON', 'JSON would replace', 'Pass what toJSON returns instead.');
  }
  return undefined;
}

const ARRAY_WITH_PARTS = describe(
  'an array with named parts',
  'JSON would turn into a plain array',
  'Pass a copy made by [...array], or an object with the parts you need.',
);

/** The classes people store most, tried in this order. */
const INSTANCES: readonly (readonly [(value: object) => boolean, Description])[] = [
  [
    (value) => value instanceof Date,
    describe('a Date', 'JSON would turn into a string', 'Pass a number or an ISO string instead.'),
  ],
  [
    (value) => value instanceof Error,
    describe('an Error', 'JSON would turn into {}', 'Pass { name, message } instead.'),
  ],
  [
    (value) => value instanceof Map,
    describe('a Map', 'JSON would turn into {}', 'Pass an object or an array of entries instead.'),
  ],
  [(value) => value instanceof Set, describe('a Set', 'JSON would turn into {}', 'Pass an array instead.')],
  [
    (value) => value instanceof RegExp,
    describe('a RegExp', 'JSON would turn into {}', 'Pass its source as a string instead.'),
  ],
  [
    (value) => value instanceof Promise,
    describe('a Promise', 'JSON would turn into {}', 'Await it in an effect function, and pass the result.'),
  ],
  [
    (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer,
    describe('binary data', 'JSON would bloat or lose', 'Pass a base64 string instead.'),
  ],
];

function describeInstance(value: object): Description {
  if (isActorRef(value)) {
    return describe(
      `a reference to actor '${value.id}'`,
      'would be lost on restart',
      "Only a machine's context can refer to actors, and only to its own children. Pass an id or an address instead.",
    );
  }
  for (const [matches, description] of INSTANCES) if (matches(value)) return description;
  const name: unknown = (value.constructor as { name?: unknown } | undefined)?.name;
  const what = typeof name === 'string' && name !== '' ? `an instance of ${shorten(name)}` : 'a class instance';
  return describe(what, 'JSON would turn into a plain object', 'Pass a plain object instead.');
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
