/**
 * Takes in exported sessions, in two passes over a copy of their lines. The first writes nothing: it reads and plans every session, as
 * the second does, and looks whether addresses are free. The second lets the store adopt one session after the other.
 */
import { ROOT, toAddress, typeOf } from '../../actor/address.ts';
import type { Address } from '../../actor/address.ts';
import { describeValue } from '../../describe.ts';
import { TroupeError } from '../../errors.ts';
import { MAX_LINE_CHARS, parseLines } from '../../pool/lines.ts';
import type { Line, ParseLinesOptions } from '../../pool/lines.ts';
import type { Adoption } from '../../store/store.ts';
import type { System } from '../../system/system.ts';
import { planSession } from './plan.ts';
import { Reader } from './reader.ts';
import type { SessionParts } from './reader.ts';
import { Spool } from './spool.ts';
import { findTree } from './tree.ts';

/** What becomes of ids that exist. By default they are refused. */
export interface ImportOptions {
  /** The id a session gets; the same for one that keeps its own. What is below a renamed session gets new addresses too. */
  readonly rename?: (id: string) => string;
  /** Sessions that exist under an id are removed for the imported ones, with all that is below them. @default false */
  readonly overwrite?: boolean;
}

/** What came to be. */
export interface ImportResult {
  readonly sessions: number;
  readonly messages: number;
}

/** Characters of lines that are read at a time. */
const BATCH_CHARS = 1_048_576;
/** Characters from which on lines are read in the pool: giving them there and back costs more for fewer. */
const POOL_CHARS = 262_144;
/** Bytes that what waits for the pool takes at most. */
const MAX_POOL_CHARS = 4_194_304;

const KEY_CHARS = 128;

/** Imports. */
export async function importSessions(
  lines: AsyncIterable<string> | Iterable<string>,
  system: System,
  options: ImportOptions,
): Promise<ImportResult> {
  check(lines, options);
  const spool = await Spool.create();
  try {
    return await new Import(system, options, spool).run(lines);
  } finally {
    await spool.close();
  }
}

class Import {
  readonly #system: System;
  readonly #options: ImportOptions;
  readonly #spool: Spool;
  /** New addresses, in the order they were asked for: both passes give the same. */
  readonly #renames = new Map<string, Map<Address, Address>>();
  readonly #taken = new Set<Address>();

  constructor(system: System, options: ImportOptions, spool: Spool) {
    this.#system = system;
    this.#options = options;
    this.#spool = spool;
  }

  async run(lines: AsyncIterable<string> | Iterable<string>): Promise<ImportResult> {
    const now = this.#system.core.env.now();
    const result = await this.#readAll(copied(lines, this.#spool), async (parts, reader) => {
      this.#plan(parts, now);
      await this.#assertFree(parts, reader);
    });
    await this.#readAll(this.#spool.read(), (parts) => this.#adopt(parts));
    return result;
  }

  async #readAll(
    texts: AsyncIterable<string>,
    onSession: (parts: SessionParts, reader: Reader) => Promise<void>,
  ): Promise<ImportResult> {
    const reader = new Reader();
    let firstLine = 1;
    for await (const text of texts) {
      const lines = await this.#parse(text, { owner: 'The import', firstLine });
      firstLine += lines.length;
      let from = 0;
      for (const line of lines) {
        const to = text.indexOf('\n', from) + 1;
        const ended = reader.take(line, text.slice(from, to));
        from = to;
        if (ended) await onSession(ended, reader);
      }
    }
    return reader.finish();
  }

  async #parse(text: string, options: ParseLinesOptions): Promise<readonly Line[]> {
    const isForPool = text.length >= POOL_CHARS && text.length <= MAX_POOL_CHARS;
    return isForPool ? this.#system.pool.parseLines(text, options) : parseLines(text, options);
  }

  #plan(parts: SessionParts, now: number): readonly Adoption[] {
    const renames = this.#renamesOf(parts);
    return planSession(parts, { definitions: this.#system.core.definitions, renames, now });
  }

  #renamesOf(parts: SessionParts): ReadonlyMap<Address, Address> {
    const known = this.#renames.get(parts.id);
    if (known) return known;
    const renames = new Map<Address, Address>();
    this.#renames.set(parts.id, renames);
    const id = this.#options.rename?.(parts.id) ?? parts.id;
    if (id === parts.id) return renames;
    for (const { address, body } of parts.actors) {
      const key = body.parent === ROOT ? id : this.#keyOf(address, id);
      renames.set(address, toAddress(typeOf(address), key));
    }
    return renames;
  }

  #keyOf(address: Address, id: string): string {
    const key = `${address.slice(address.indexOf('/') + 1)}:${id}`;
    return key.length <= KEY_CHARS ? key : this.#system.newId();
  }

  /** Nobody may live where an actor is to come, but in a session that is to go. */
  async #assertFree(parts: SessionParts, reader: Reader): Promise<void> {
    const going = new Set(await this.#goingFor(parts));
    for (const { address, line } of parts.actors) {
      const to = this.#renamesOf(parts).get(address) ?? address;
      const isTwice = this.#taken.has(to);
      this.#taken.add(to);
      if (!isTwice && (going.has(to) || !(await this.#exists(to)))) continue;
      const what = isTwice ? 'is made twice by this import' : 'exists';
      const next = 'Pass rename, or overwrite: true, or remove it first';
      throw reader.fault(`holds '${to}', which ${what}. ${next}`, 'ERR_ACTOR_EXISTS', line);
    }
  }

  /** Who is removed for a session: parents before children. */
  async #goingFor(parts: SessionParts): Promise<readonly Address[]> {
    const [first] = parts.actors;
    if (this.#options.overwrite !== true || !first) return [];
    const to = this.#renamesOf(parts).get(first.address) ?? first.address;
    return (await this.#exists(to)) ? findTree(this.#system.store, to) : [];
  }

  async #exists(address: Address): Promise<boolean> {
    const { items } = await this.#system.store.call('list', { address, limit: 1 });
    return items.length > 0;
  }

  async #adopt(parts: SessionParts): Promise<void> {
    const { core, store } = this.#system;
    for (const address of (await this.#goingFor(parts)).toReversed()) await this.#system.remove(address);
    const batch = this.#plan(parts, core.env.now());
    const result = await store.call('adopt', batch);
    if (result.outcome !== 'done') throw notAdopted(parts.id, result);
    for (const { commit } of batch) core.wake(commit.address);
  }
}

/** Lines in pieces of some size, each whole and with its end, which are kept as well. */
async function* copied(lines: AsyncIterable<string> | Iterable<string>, spool: Spool): AsyncGenerator<string> {
  let batch: string[] = [];
  let chars = 0;
  let count = 0;
  for await (const given of lines) {
    count++;
    const line = toLine(given, count);
    batch.push(line);
    chars += line.length;
    if (chars < BATCH_CHARS) continue;
    yield await keep(batch, spool);
    batch = [];
    chars = 0;
  }
  if (batch.length > 0) yield await keep(batch, spool);
}

async function keep(batch: readonly string[], spool: Spool): Promise<string> {
  const text = batch.join('');
  await spool.add(text);
  return text;
}

function toLine(line: unknown, count: number): string {
  const place = `The import, line ${count}`;
  if (typeof line !== 'string')
    throw corrupt(`${place} is ${describeValue(line)}. Pass lines of text, one each.`, count);
  if (line.length > MAX_LINE_CHARS)
    throw new TroupeError(
      'ERR_DATA_TOO_LARGE',
      `${place} has ${line.length} characters, and ${MAX_LINE_CHARS} are the most. Check that the file is an export.`,
      {
        details: { line: count },
      },
    );
  const end = line.indexOf('\n');
  if (end >= 0 && end < line.length - 1)
    throw corrupt(`${place} is more than one. Pass the lines one by one, as readline does.`, count);
  return end < 0 ? `${line}\n` : line;
}

function corrupt(message: string, line: number): TroupeError {
  return new TroupeError('ERR_DATA_CORRUPT', message, { details: { line } });
}

function check(lines: unknown, { rename, overwrite }: ImportOptions): void {
  const isGiven =
    typeof lines === 'object' && lines !== null && (Symbol.asyncIterator in lines || Symbol.iterator in lines);
  if (!isGiven) throw invalid('lines', lines, 'the lines of sessions.export(), one by one');
  if (rename !== undefined && typeof rename !== 'function') throw invalid('rename', rename, 'a function from id to id');
  if (overwrite !== undefined && typeof overwrite !== 'boolean') throw invalid('overwrite', overwrite, 'true or false');
}

function invalid(option: string, value: unknown, use: string): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option '${option}' of sessions.import() is ${describeValue(value)}. Use ${use}.`,
    {
      details: { option },
    },
  );
}

function notAdopted(
  id: string,
  result: { readonly outcome: string; readonly address: Address; readonly detail?: string },
): TroupeError {
  const { address, detail } = result;
  if (result.outcome === 'exists')
    return new TroupeError(
      'ERR_ACTOR_EXISTS',
      `'${address}' came to be while session '${id}' was imported, which was left out with all after it. Import those again.`,
      { details: { id, address } },
    );
  return new TroupeError(
    'ERR_INTERNAL',
    `The store refused '${address}' of session '${id}': ${detail ?? 'for no reason it told'}.`,
    {
      details: { id, address },
    },
  );
}
