/**
 * Reads the lines of exported sessions, one after the other, and refuses what is not as it was written: order, counts, checksums,
 * addresses, texts. Holds one session at a time. What an actor is made of is checked by whoever plans it.
 */
import { crc32 } from 'node:zlib';
import { ROOT, parseAddress } from '../../actor/address.ts';
import type { Address } from '../../actor/address.ts';
import { describeValue } from '../../describe.ts';
import { TroupeError, isTroupeError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Line } from '../../pool/lines.ts';
import { BODIES, FORMAT, FORMAT_VERSION, inFlightSchema, timersSchema } from './format.ts';
import type { Body, Kind } from './format.ts';
import { findTextFault, readText } from './inner.ts';

/** An actor as it was exported. */
export interface ActorParts {
  readonly address: Address;
  readonly body: Body<'actor'>;
  /** Number of its line. */
  readonly line: number;
  readonly log: Body<'log'>['rows'];
  readonly scheduled: Body<'scheduled'>['rows'];
  readonly waiting: Body<'waiting'>['rows'];
}

/** A session and what is below it. */
export interface SessionParts {
  readonly id: string;
  readonly actors: readonly ActorParts[];
  readonly messages: number;
}

const SESSION = 'session';
const AGAIN = 'Take the file from a copy, or export again';

export class Reader {
  readonly #tally = { sessions: 0, messages: 0, lines: 0, checksum: 0 };
  readonly #seen = new Set<string>();
  #id: string | undefined;
  #actors: ActorParts[] = [];
  #at: 'start' | 'sessions' | 'over' = 'start';
  #line = 0;

  /**
   * Takes the next line, as it was read and as it stood. Returns the session that it ends.
   * @throws {TroupeError} ERR_DATA_CORRUPT, ERR_ADDRESS.
   */
  take(line: Line, text: string): SessionParts | undefined {
    this.#line++;
    const { kind } = line;
    if (!Object.hasOwn(BODIES, kind))
      throw this.fault(`is of kind '${kind}', which this Troupe does not know. Upgrade Troupe, or take another file`);
    if (this.#at === 'over') throw this.fault(`comes after the footer. ${AGAIN}`);
    if (this.#at === 'start' && kind !== 'header')
      throw this.fault(`is not the header of exported sessions. Pass the lines of sessions.export() from the first on`);
    const ended = this.#takeKind(kind as Kind, line.body);
    this.#tally.lines++;
    this.#tally.checksum = crc32(text, this.#tally.checksum);
    return ended;
  }

  /** @throws {TroupeError} ERR_DATA_CORRUPT when the lines end too early. */
  finish(): { readonly sessions: number; readonly messages: number } {
    if (this.#at === 'over') return { sessions: this.#tally.sessions, messages: this.#tally.messages };
    this.#line++;
    throw this.fault(`is missing: the file was cut off. ${AGAIN}`);
  }

  /** What is said of the line at hand. */
  fault(what: string, code: ErrorCode = 'ERR_DATA_CORRUPT', line = this.#line): TroupeError {
    return new TroupeError(code, `The import, line ${line} ${what}.`, { details: { line } });
  }

  #takeKind(kind: Kind, body: unknown): SessionParts | undefined {
    switch (kind) {
      case 'header':
        return this.#begin(this.#parse('header', body));
      case 'session':
        return this.#open(this.#parse('session', body));
      case 'actor':
        return void this.#actors.push(this.#toActor(this.#parse('actor', body)));
      case 'log':
        return this.#addLog(this.#parse('log', body));
      case 'scheduled':
        return this.#addScheduled(this.#parse('scheduled', body));
      case 'waiting':
        return this.#addWaiting(this.#parse('waiting', body));
      case 'end':
        return this.#end(this.#parse('end', body));
      case 'footer':
        return this.#close(this.#parse('footer', body));
    }
  }

  #parse<K extends Kind>(kind: K, body: unknown): Body<K> {
    const parsed = BODIES[kind].safeParse(body);
    if (parsed.success) return parsed.data as Body<K>;
    const [issue] = parsed.error.issues;
    throw this.fault(
      `does not hold what a line of kind '${kind}' does: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}. ${AGAIN}`,
    );
  }

  #begin({ format, version }: Body<'header'>): undefined {
    if (this.#at !== 'start') throw this.fault(`is a second header. ${AGAIN}`);
    if (format !== FORMAT)
      throw this.fault(`says format ${describeValue(format)}, not '${FORMAT}'. Pass the lines of sessions.export()`);
    if (version < 1 || version > FORMAT_VERSION)
      throw this.fault(`says version ${version}, and this Troupe reads up to ${FORMAT_VERSION}. Upgrade Troupe`);
    this.#at = 'sessions';
  }

  #open({ id }: Body<'session'>): undefined {
    if (this.#id !== undefined) throw this.fault(`begins a session within another. ${AGAIN}`);
    this.#addressOf(`${SESSION}/${id}`);
    this.#id = id;
    this.#actors = [];
  }

  #toActor(body: Body<'actor'>): ActorParts {
    if (this.#id === undefined) throw this.fault(`is an actor outside a session. ${AGAIN}`);
    const address = this.#addressOf(body.address);
    if (this.#seen.has(address)) throw this.fault(`holds '${address}' a second time. ${AGAIN}`);
    this.#seen.add(address);
    this.#assertPlace(address, body.parent);
    this.#assertWhole();
    this.#assertRecord(body.meta, 'meta');
    this.#assertRecord(body.state, 'state');
    this.#assertRecord(body.error ?? '{}', 'error');
    this.#assertRecord(body.supervision ?? '{}', 'supervision');
    this.#assertList(body.timers, 'timers', timersSchema);
    this.#assertList(body.inFlight, 'inFlight', inFlightSchema);
    return { address, body, line: this.#line, log: [], scheduled: [], waiting: [] };
  }

  /** The session is the first, and whoever else there is belongs to one before. */
  #assertPlace(address: Address, parent: string): void {
    const isFirst = this.#actors.length === 0;
    const isInPlace = isFirst
      ? address === `${SESSION}/${this.#id}` && parent === ROOT
      : this.#actors.some((other) => other.address === parent);
    if (!isInPlace)
      throw this.fault(
        `holds '${address}' below '${parent}', which is not its place in session '${this.#id}'. ${AGAIN}`,
      );
  }

  /** Every message the actor before has was there. */
  #assertWhole(): void {
    const last = this.#actors.at(-1);
    if (!last || last.log.length === last.body.logRows) return;
    throw this.fault(
      `comes after ${last.log.length} of ${last.body.logRows} rows of the log of '${last.address}'. ${AGAIN}`,
    );
  }

  #addLog({ of, rows }: Body<'log'>): undefined {
    const { log } = this.#current(of);
    for (const row of rows) {
      const [n, , text] = row;
      const last = log.at(-1)?.[0];
      if (last !== undefined && n !== last + 1)
        throw this.fault(`has row ${n} of the log of '${of}' after row ${last}. ${AGAIN}`);
      this.#assertText(text, `row ${n}`);
      (log as typeof rows).push(row);
    }
  }

  #addScheduled({ of, rows }: Body<'scheduled'>): undefined {
    const { scheduled } = this.#current(of);
    for (const row of rows) {
      this.#assertEvent(row.text, `what is scheduled under '${row.key}'`);
      if (scheduled.some(({ key }) => key === row.key)) throw this.fault(`schedules '${row.key}' twice. ${AGAIN}`);
    }
    (scheduled as typeof rows).push(...rows);
  }

  #addWaiting({ of, rows }: Body<'waiting'>): undefined {
    const { waiting } = this.#current(of);
    for (const { sender, kind, text } of rows) {
      this.#addressOf(sender);
      if (kind === 'event') this.#assertEvent(text, `an event of '${sender}'`);
      else this.#assertText(text, `what '${sender}' sent`);
    }
    (waiting as typeof rows).push(...rows);
  }

  #current(of: string): ActorParts {
    const actor = this.#actors.at(-1);
    if (this.#id !== undefined && actor?.address === of) return actor;
    throw this.fault(`belongs to '${of}', whose line is not before it. ${AGAIN}`);
  }

  #end({ id, actors, messages }: Body<'end'>): SessionParts {
    this.#assertWhole();
    const found = { actors: this.#actors.length, messages: this.#actors[0]?.log.length ?? 0 };
    if (this.#id !== id || found.actors !== actors || found.messages !== messages)
      throw this.fault(
        `ends session '${id}' with ${actors} actors and ${messages} messages, and there were ${found.actors} and ${found.messages} of '${this.#id ?? 'none'}'. ${AGAIN}`,
      );
    this.#id = undefined;
    this.#tally.sessions++;
    this.#tally.messages += messages;
    const parts = { id, actors: this.#actors, messages };
    this.#actors = [];
    return parts;
  }

  #close(said: Body<'footer'>): undefined {
    const isSame = Object.entries(this.#tally).every(([name, value]) => said[name as keyof typeof said] === value);
    if (this.#id !== undefined || !isSame)
      throw this.fault(`is a footer that does not match the lines before it: some are missing or were added. ${AGAIN}`);
    this.#at = 'over';
  }

  #addressOf(text: string): Address {
    try {
      return parseAddress(text).address;
    } catch (error) {
      if (isTroupeError(error))
        throw this.fault(`holds an address outside the grammar: ${error.message.slice(0, -1)}`, 'ERR_ADDRESS');
      throw error;
    }
  }

  #assertText(text: string | null, name: string): void {
    const fault = text === null ? undefined : findTextFault(text);
    if (fault !== undefined)
      throw this.fault(`holds a text (${name}) that ${fault}. Do not use the file unless you know where it comes from`);
  }

  #assertRecord(text: string, name: string): void {
    this.#assertText(text, name);
    const value = readText(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.fault(`holds a text (${name}) that is no object. ${AGAIN}`);
  }

  #assertEvent(text: string, name: string): void {
    this.#assertText(text, name);
    const event = readText(text) as { readonly type?: unknown } | null;
    if (typeof event !== 'object' || typeof event?.type !== 'string')
      throw this.fault(`holds ${name}, which is no event. ${AGAIN}`);
  }

  #assertList(text: string | null, name: string, schema: typeof timersSchema | typeof inFlightSchema): void {
    this.#assertText(text, name);
    if (text !== null && !schema.safeParse(readText(text)).success)
      throw this.fault(`holds ${name} that cannot be read. ${AGAIN}`);
  }
}
