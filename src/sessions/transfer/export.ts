/**
 * Writes sessions as lines, one actor and one page of rows at a time, while they go on. Of each actor everything is from one moment:
 * between two looks at its row nothing may have changed. Actors of one session may differ by what was under way between them.
 */
import { MAX_SCHEDULED, assertAllScheduled } from '../../system/fork.ts';
import { crc32 } from 'node:zlib';
import type { Address } from '../../actor/address.ts';
import { TroupeError } from '../../errors.ts';
import { encodeLine } from '../../pool/lines.ts';
import { sumOfRow } from '../../state/codec.ts';
import { recoverState } from '../../state/recover.ts';
import { findTree } from './tree.ts';
import type { LogRow } from '../../store/queries.ts';
import type { StoreClient } from '../../store/store-client.ts';
import type { InboxRow, ScheduledRow, StoredActor } from '../../store/store.ts';
import { CHARS_PER_LINE, FORMAT, FORMAT_VERSION, ROWS_PER_LINE } from './format.ts';
import type { Body, Kind } from './format.ts';

/** What an export reads from. */
export interface ExportContext {
  readonly store: StoreClient;
  readonly now: () => number;
}

const PAGE = 1000;
/** Looks at an actor that changes all the time. */
const MAX_LOOKS = 100;

/** An actor and what stands beside it, as of one moment. */
interface Look {
  readonly actor: StoredActor;
  readonly first: number;
  readonly last: number;
  readonly scheduled: readonly ScheduledRow[];
  readonly waiting: readonly InboxRow[];
  readonly at: number;
}

/**
 * The lines of sessions, each with its end.
 * @throws {TroupeError} ERR_SESSION_NOT_FOUND, ERR_STATE_CORRUPT, ERR_CONFLICT for an actor that changes too fast to be looked at.
 */
export async function* exportSessions(
  addresses: AsyncIterable<Address>,
  context: ExportContext,
): AsyncGenerator<string, void, undefined> {
  const tally = { sessions: 0, messages: 0, lines: 0, checksum: 0 };
  const line = <K extends Kind>(kind: K, body: Body<K>): string => {
    const text = encodeLine(kind, body);
    tally.lines++;
    tally.checksum = crc32(text, tally.checksum);
    return text;
  };
  yield line('header', { format: FORMAT, version: FORMAT_VERSION, at: context.now() });
  for await (const address of addresses) {
    const id = address.slice(address.indexOf('/') + 1);
    yield line('session', { id });
    let actors = 0;
    let messages = 0;
    for (const member of await findTree(context.store, address)) {
      const look = await lookAt(member, context);
      if (!look && actors === 0) throw notFound(id);
      // It has ended and gone since the tree was read.
      if (!look) continue;
      if (actors === 0) messages = countRows(look);
      actors++;
      yield line('actor', toBody(look));
      for await (const [kind, body] of rowsOf(look, context.store)) yield line(kind, body);
    }
    yield line('end', { id, actors, messages });
    tally.sessions++;
    tally.messages += messages;
  }
  yield encodeLine('footer', { ...tally });
}

async function lookAt(address: Address, { store, now }: ExportContext): Promise<Look | undefined> {
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const actor = await store.call('load', address);
    if (!actor) return undefined;
    const [[first], [last], scheduled, waiting, again] = await Promise.all([
      store.call('log', address, { limit: 1 }),
      store.call('log', address, { limit: 1, direction: 'backward' }),
      store.call('scheduled', address, { limit: MAX_SCHEDULED }),
      readInbox(store, address),
      store.call('load', address),
    ]);
    if (again?.seq === actor.seq && again.epoch === actor.epoch)
      return { actor, first: first?.n ?? 0, last: last?.n ?? 0, scheduled, waiting, at: now() };
  }
  throw new TroupeError(
    'ERR_CONFLICT',
    `'${address}' changed between two looks at it, ${MAX_LOOKS} times in a row, and cannot be exported. Export it when less is said to it.`,
    { details: { address } },
  );
}

async function readInbox(store: StoreClient, address: Address): Promise<readonly InboxRow[]> {
  const rows: InboxRow[] = [];
  for (;;) {
    const page = await store.call('inbox', address, { afterPos: rows.at(-1)?.pos ?? 0, limit: PAGE });
    rows.push(...page);
    if (page.length < PAGE) return rows;
  }
}

function countRows({ first, last }: Look): number {
  return last === 0 ? 0 : last - first + 1;
}

function toBody(look: Look): Body<'actor'> {
  const { actor, at } = look;
  const { address, parent, version, status, error, meta, shape, supervision, inFlight, timers, subscriptions } = actor;
  const { state, checksum } = recoverState({ ...actor, owner: address });
  if (actor.sum !== null && sumOfRow(actor, checksum) !== actor.sum) throw corrupt(address);
  const texts = { error, meta, state: JSON.stringify(state), shape, supervision, inFlight, timers };
  const { spawned } = actor;
  return {
    address,
    parent,
    version,
    status,
    ...texts,
    subscriptions: [...subscriptions],
    spawned,
    at,
    logRows: countRows(look),
  };
}

/** What stands beside an actor, by lines that are not too long. */
async function* rowsOf(look: Look, store: StoreClient): AsyncGenerator<Rows> {
  const { actor, scheduled, waiting } = look;
  const of = actor.address;
  for await (const rows of toChunks(logOf(look, store), ([, , text]) => text.length)) yield ['log', { of, rows }];
  assertAllScheduled(of, scheduled.length);
  if (scheduled.some(({ isDamaged }) => isDamaged)) throw damaged(of, 'What is scheduled for it');
  if (waiting.some(({ isDamaged }) => isDamaged)) throw damaged(of, 'What waits for it');
  const schedule = scheduled.map(({ key, dueAt, text }) => ({ key, dueAt, text }));
  for await (const rows of toChunks(schedule, ({ text }) => text.length)) yield ['scheduled', { of, rows }];
  const inbox = waiting.map(({ sender, kind, id, text }) => ({ sender, kind, id, text }));
  for await (const rows of toChunks(inbox, ({ text }) => text.length)) yield ['waiting', { of, rows }];
}

type Rows = { [K in 'log' | 'scheduled' | 'waiting']: [K, Body<K>] }['log' | 'scheduled' | 'waiting'];

/** Exactly the rows there were at the look. */
async function* logOf({ actor, first, last }: Look, store: StoreClient): AsyncGenerator<[number, number, string]> {
  if (last === 0) return;
  for (let after = first - 1; after < last;) {
    const page: readonly LogRow[] = await store.call('log', actor.address, { after, before: last + 1, limit: PAGE });
    if (page[0]?.n !== after + 1) throw trimmed(actor.address);
    for (const { n, at, text, isDamaged } of page) {
      if (isDamaged) throw damaged(actor.address, `Line ${n} of its log`);
      yield [n, at, text];
    }
    after = page.at(-1)?.n ?? last;
  }
}

async function* toChunks<T>(rows: AsyncIterable<T> | Iterable<T>, lengthOf: (row: T) => number): AsyncGenerator<T[]> {
  let chunk: T[] = [];
  let chars = 0;
  for await (const row of rows) {
    chunk.push(row);
    chars += lengthOf(row);
    if (chunk.length < ROWS_PER_LINE && chars < CHARS_PER_LINE) continue;
    yield chunk;
    chunk = [];
    chars = 0;
  }
  if (chunk.length > 0) yield chunk;
}

function notFound(id: string): TroupeError {
  return new TroupeError(
    'ERR_SESSION_NOT_FOUND',
    `There is no session '${id}' to export. List the sessions, and export those there are.`,
    {
      details: { id },
    },
  );
}

function corrupt(address: Address): TroupeError {
  return new TroupeError(
    'ERR_STATE_CORRUPT',
    `The row of '${address}' does not match its checksum, and is not exported. The rows are untouched; restore them from a backup, or delete the actor.`,
    { details: { owner: address, row: 'Actor' } },
  );
}

function damaged(address: Address, what: string): TroupeError {
  return new TroupeError(
    'ERR_STATE_CORRUPT',
    `'${address}' cannot be exported. ${what} is missing or does not match its checksum; restore it from a backup, or delete the actor.`,
    { details: { owner: address } },
  );
}

function trimmed(address: Address): TroupeError {
  return new TroupeError('ERR_CONFLICT', `The log of '${address}' was trimmed while it was exported. Export again.`, {
    details: { address },
  });
}
