/** The memory store's rows as plain data, and back: what a store writes that keeps its tables in memory and its files elsewhere. */
import type { Address } from '../../actor/address.ts';
import type { IdempotencyRow, LogRow } from '../queries.ts';
import type { RemovedProgress } from '../decide.ts';
import type { InboxRow, OutboxRow, StoredDeadLetter } from '../store.ts';
import type { KvRow } from './kv.ts';
import { MemoryStateRows } from './state-rows.ts';
import type { StateRowsImage } from './state-rows.ts';
import type { ActorEntry, ActorHead, MemoryTables } from './tables.ts';
import type { TimetableImage } from './timetable.ts';
import type { TopicsImage } from './topics.ts';

/** Everything of one actor but what waits for it and what comes later. */
export interface ActorImage extends StateRowsImage {
  readonly actor: ActorHead;
  readonly n: number;
  readonly lastLogN: number;
  readonly log: readonly (LogRow & { readonly seq: number })[];
  readonly idempotency: readonly IdempotencyRow[];
}

/** Everything that belongs to no single actor, by table. */
export interface TablesImage {
  readonly counters: MemoryTables['counters'];
  readonly host: MemoryTables['host'];
  readonly inbox: readonly InboxRow[];
  readonly outbox: readonly OutboxRow[];
  readonly deadLetters: readonly StoredDeadLetter[];
  readonly removed: readonly (readonly [Address, RemovedProgress & { readonly at: number }])[];
  readonly kv: readonly KvRow[];
  readonly timetable: TimetableImage;
  readonly topics: TopicsImage;
}

/** One actor as data. */
export function toActorImage({ actor, n, lastLogN, log, idempotency, states }: ActorEntry): ActorImage {
  return { actor, n, lastLogN, log, idempotency: [...idempotency.values()], ...states.image };
}

/** Puts an actor into the tables. */
export function restoreActor(tables: MemoryTables, image: ActorImage): void {
  const { actor, n, lastLogN, log, idempotency } = image;
  const states = new MemoryStateRows();
  states.restore(image);
  const ids = new Map(idempotency.map((row) => [row.id, row]));
  tables.actors.set(actor.address, { actor, n, lastLogN, log: [...log], idempotency: ids, states });
}

/** The tables but for the actors, as data. */
export function toTablesImage(tables: MemoryTables): TablesImage {
  const { counters, host, inboxes, outbox, deadLetters, removed, kv, timetable, topics } = tables;
  return {
    counters,
    host,
    inbox: [...inboxes.values()].flatMap(({ rows }) => [...rows.values()]),
    outbox: [...outbox.values()],
    deadLetters,
    removed: [...removed],
    kv: kv.rows,
    timetable: timetable.image,
    topics: topics.image,
  };
}

/** Puts what is there into empty tables. */
export function restoreTables(tables: MemoryTables, image: Partial<TablesImage>): void {
  if (image.counters) tables.restoreCounters(image.counters);
  Object.assign(tables.host, image.host);
  for (const row of image.inbox ?? []) tables.restoreInboxRow(row);
  for (const row of image.outbox ?? []) tables.outbox.set(row.pos, row);
  tables.deadLetters = [...(image.deadLetters ?? [])];
  for (const [address, progress] of image.removed ?? []) tables.removed.set(address, progress);
  tables.kv.restore(image.kv ?? []);
  if (image.timetable) tables.timetable.restore(image.timetable);
  if (image.topics) tables.topics.restore(image.topics);
}
