/**
 * Lines of an export: JSON, one value each, every line with a checksum of its own, so that damage is found where it is. Pure.
 *
 * `{"k":KIND,"c":CRC32,"b":BODY}`, exactly so, without spaces: the checksum is that of the text of kind and body as it stands
 * there. What is no longer as it was written is refused, also where JSON would read it the same.
 */
import { crc32 } from 'node:zlib';
import { TroupeError } from '../errors.ts';
import { encodeJson } from '../state/json.ts';
import type { Json } from '../state/json.ts';
import { isReservedKey, MAX_JSON_DEPTH } from '../state/json-shape.ts';

/** A line that was read, or is to be written. */
export interface Line {
  /** What it holds: lower-case letters, digits, dots and dashes. */
  readonly kind: string;
  readonly body: Json;
}

/** What `parseLines` takes. */
export interface ParseLinesOptions {
  /** Where the lines come from; begins the messages of errors. @default 'An export' */
  readonly owner?: string;
  /** Number of the first line of the text, when it is not the first of the file. @default 1 */
  readonly firstLine?: number;
  /** Longest line, in characters. @default MAX_LINE_CHARS */
  readonly maxLineChars?: number;
}

/** Longest line: a state of the largest size there is, and a little. */
export const MAX_LINE_CHARS = 67_108_864 + 1_024;

const KIND = /^[a-z][a-z0-9.-]{0,63}$/;
const HEAD = /^\{"k":"([a-z][a-z0-9.-]{0,63})","c":(0|[1-9]\d{0,9}),"b":/;

/**
 * Writes a line, with its end.
 * @throws {TroupeError} ERR_NOT_JSON for a body that would not come back, ERR_OPTIONS_INVALID for a kind outside the grammar.
 */
export function encodeLine(kind: string, body: unknown): string {
  if (!KIND.test(kind)) {
    throw new TroupeError('ERR_OPTIONS_INVALID', `A line cannot be of kind '${kind}'. Kinds match ${KIND.source}.`);
  }
  const text = encodeJson(body, `A line of kind '${kind}'`, 'body');
  const key = findPollution(body);
  if (key !== undefined) throw createPollutedError(`A line of kind '${kind}'`, key);
  return `{"k":"${kind}","c":${checksumOf(kind, text)},"b":${text}}\n`;
}

/**
 * Reads lines. The last may lack its end.
 * @throws {TroupeError} ERR_DATA_CORRUPT or ERR_DATA_TOO_LARGE, which names the line and what to do; nothing of the text counts then.
 */
export function parseLines(text: string, options: ParseLinesOptions = {}): readonly Line[] {
  const { owner = 'An export', firstLine = 1, maxLineChars = MAX_LINE_CHARS } = options;
  const lines: Line[] = [];
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from);
    const to = end < 0 ? text.length : end;
    const place = `${owner}, line ${firstLine + lines.length}`;
    if (to - from > maxLineChars) throw createTooLongError(place, to - from, maxLineChars);
    lines.push(parseLine(text.slice(from, to), place));
    from = to + 1;
  }
  return lines;
}

function parseLine(line: string, place: string): Line {
  const [head = '', kind = '', checksum] = HEAD.exec(line) ?? [];
  if (head === '' || !line.endsWith('}')) throw createDamagedError(place, 'is not a line of an export');
  const text = line.slice(head.length, -1);
  if (checksumOf(kind, text) !== Number(checksum)) throw createDamagedError(place, 'does not match its checksum');
  const body = parseBody(text, place);
  if (!isShallow(body, 1)) throw createDamagedError(place, `is nested deeper than ${MAX_JSON_DEPTH} levels`);
  const key = findPollution(body);
  if (key !== undefined) throw createPollutedError(place, key);
  return { kind, body };
}

function parseBody(text: string, place: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw createDamagedError(place, 'has a body that is not JSON', cause);
  }
}

function checksumOf(kind: string, text: string): number {
  return crc32(text, crc32(`${kind}\n`));
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth > MAX_JSON_DEPTH) return false;
  return partsOf(value).every((part) => isShallow(part, depth + 1));
}

/** The first key in a value of no great depth that sets prototypes when it is copied, or stands for an actor. */
function findPollution(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const own = Array.isArray(value) ? undefined : findPollutedKey(value);
  if (own !== undefined) return own;
  for (const part of partsOf(value)) {
    const found = findPollution(part);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findPollutedKey(value: object): string | undefined {
  const reserved = Object.keys(value).find(isReservedKey);
  if (reserved !== undefined) return reserved;
  // By itself 'constructor' is a word like any other; only the prototype behind it is dangerous.
  const made: unknown = Object.hasOwn(value, 'constructor') ? value.constructor : undefined;
  const isPolluted = typeof made === 'object' && made !== null && Object.hasOwn(made, 'prototype');
  return isPolluted ? 'constructor.prototype' : undefined;
}

/** Without an entry made for each: a hostile line has millions. */
function partsOf(value: object): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : Object.values(value);
}

function createDamagedError(place: string, what: string, cause?: unknown): TroupeError {
  return new TroupeError(
    'ERR_DATA_CORRUPT',
    `${place} ${what}. The file was changed or cut off; take it from a copy, or write the export again.`,
    cause === undefined ? {} : { cause },
  );
}

function createPollutedError(place: string, key: string): TroupeError {
  return new TroupeError(
    'ERR_DATA_CORRUPT',
    `${place} carries the key '${key}', which could change what other objects are. Do not use the file unless you know where it comes from; rename the key where it was written.`,
    { details: { key } },
  );
}

function createTooLongError(place: string, chars: number, maxLineChars: number): TroupeError {
  return new TroupeError(
    'ERR_DATA_TOO_LARGE',
    `${place} has ${chars} characters, and ${maxLineChars} are the most. No export writes longer ones: check that the file is one.`,
    { details: { chars, maxLineChars } },
  );
}
