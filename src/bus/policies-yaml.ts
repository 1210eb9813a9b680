/** The option `bus` in a file of YAML. The only importer of `yaml`. What is wrong is named with its file, line and column. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { LineCounter, isMap, isScalar, parseDocument, visit } from 'yaml';
import type { Document, Node, Pair } from 'yaml';
import { TroupeError } from '../errors.ts';
import { isPolicyFault, parseBusOptions } from './policies.ts';
import type { BusSettings, PolicyFault } from './policies.ts';

/** Longest file. */
const MAX_BYTES = 64 * 1024;

/** Most aliases of a file, and most values they may stand for. */
const MAX_ALIASES = 20;
const MAX_ALIASED = 100;

/** A place in the file. */
interface Spot {
  readonly line: number;
  readonly column: number;
}

/**
 * Reads the file.
 * @param path absolute
 * @throws {TroupeError} ERR_OPTIONS_INVALID naming the file, the line and column, the key, what it is, and what is allowed.
 */
export function readPolicies(path: string): BusSettings {
  const lines = new LineCounter();
  const document = parse(path, readText(path), lines);
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw wrong(path, toSpot(lines, problem.pos[0]), toSentence(problem.message, problem.code));
  assertAliases(path, document, lines);
  const result = parseBusOptions(toValue(path, document));
  if (!isPolicyFault(result)) return result;
  throw wrong(path, spotOf(document, result, lines), `'${result.path.join('.') || 'the file'}' ${result.why}`, result);
}

/** At most one byte more than is allowed is read. */
function readText(path: string): string {
  const bytes = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  try {
    // Opening what is no file, such as a pipe, might wait for ever.
    if (!statSync(path).isFile()) throw new Error('It is no file.');
    const file = openSync(path, 'r');
    try {
      for (let read = -1; read !== 0 && length < bytes.length; length += read)
        read = readSync(file, bytes, length, bytes.length - length, null);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw wrong(path, undefined, `it cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (length > MAX_BYTES) throw wrong(path, undefined, `it has more than ${MAX_BYTES} bytes. Keep only policies in it`);
  return bytes.toString('utf8', 0, length);
}

/** The schema is fixed, whatever the file says of itself: no tags but those of JSON, no merge keys, no dates. */
function parse(path: string, text: string, lineCounter: LineCounter): Document.Parsed {
  try {
    const options = { schema: 'core', merge: false, resolveKnownTags: false, uniqueKeys: true } as const;
    return parseDocument(text, { ...options, lineCounter, prettyErrors: false, stringKeys: true });
  } catch (cause) {
    // Such as a stack that is too deep for what is nested in it.
    throw wrong(path, undefined, `it cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function assertAliases(path: string, document: Document.Parsed, lines: LineCounter): void {
  let aliases = 0;
  visit(document, {
    Alias: (_, alias) => {
      const spot = alias.range ? toSpot(lines, alias.range[0]) : undefined;
      if (++aliases > MAX_ALIASES) throw wrong(path, spot, tooManyAliases);
      if (!alias.resolve(document))
        throw wrong(path, spot, `the alias '*${alias.source}' names nothing that stands before it`);
    },
  });
}

/** An empty file is an empty object. */
function toValue(path: string, document: Document.Parsed): unknown {
  try {
    return (document.toJS({ maxAliasCount: MAX_ALIASED }) as unknown) ?? {};
  } catch (cause) {
    if (cause instanceof ReferenceError) throw wrong(path, undefined, tooManyAliases);
    throw wrong(path, undefined, `it cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

const tooManyAliases = `it has more than ${MAX_ALIASES} aliases, or they stand for more than ${MAX_ALIASED} values. Write out what they stand for`;

/** The key when that is wrong, else the value; of what is not in the file, the nearest above. */
function spotOf(document: Document.Parsed, { path, isKey }: PolicyFault, lines: LineCounter): Spot | undefined {
  let node: unknown = document.contents;
  for (const [index, key] of path.entries()) {
    const isLast = index === path.length - 1;
    const pair = isMap(node) ? node.items.find((item) => isKeyOf(item, key)) : undefined;
    const next: unknown = isLast && isKey && pair ? pair.key : (pair?.value ?? itemAt(node, key));
    if (!next) break;
    node = next;
  }
  const offset = (node as Node | null)?.range?.[0];
  return offset === undefined ? undefined : toSpot(lines, offset);
}

function toSpot(lines: LineCounter, offset: number): Spot {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function isKeyOf({ key }: Pair, wanted: PropertyKey): boolean {
  return isScalar(key) && String(key.value) === wanted;
}

function itemAt(node: unknown, key: PropertyKey): unknown {
  return typeof key === 'number' ? (node as { items?: readonly unknown[] } | null)?.items?.[key] : undefined;
}

/** What the parser says, as the middle of a sentence. */
function toSentence(message: string, code: string): string {
  if (code === 'DUPLICATE_KEY') return 'a key stands there twice. Keep one of them';
  if (code === 'TAG_RESOLVE_FAILED') return `it has a tag (${message}). Write the value without it`;
  if (code === 'MULTIPLE_DOCS') return 'it holds more than one document. Keep one';
  return `it is not YAML: ${message.replace(/\.$/, '')}`;
}

function wrong(path: string, spot: Spot | undefined, what: string, fault?: PolicyFault): TroupeError {
  const at = spot ? `, line ${spot.line}, column ${spot.column}` : '';
  const sentence = what.endsWith('.') ? what : `${what}.`;
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `createSystem: in '${path}'${at}: ${sentence} Correct the file, then start again.`,
    {
      details: { path: ['bus', ...(fault?.path ?? [])].join('.'), file: path, ...spot },
    },
  );
}
