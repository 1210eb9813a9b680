/**
 * Topics: published events and subscriptions. Who is subscribed is also held in memory, for matching.
 *
 * Invariant: outside a transaction that changes subscriptions, the picture in memory is what the table says. A transaction
 * that is taken back throws the picture away, and the next use reads the table.
 */
import type { Database, Statement } from 'better-sqlite3';
import { changesSubscriptions, deliver, planFanOut } from '../fan-out.ts';
import type { FanOutPlan, PlannedPublication } from '../fan-out.ts';
import { endsActor } from '../decide.ts';
import { limitOf } from '../queries.ts';
import type { BusQuery } from '../queries.ts';
import type { BusEventRow, Commit, Published } from '../store.ts';
import { SubscriptionIndex } from '../subscriptions.ts';
import type { Subscriber } from '../subscriptions.ts';
import type { Positions } from './positions.ts';
import type { SideRows } from './side-rows.ts';

/** What topics need of the rows around them. */
export interface BusRowsContext {
  readonly positions: Positions;
  readonly rows: SideRows;
  readonly maxFanOut: number;
}

/** Reads and writes of everything about topics. */
export class BusRows {
  readonly #db: Database;
  readonly #context: BusRowsContext;
  readonly #isPublished: Statement<[string], number>;
  readonly #publishOne: Statement<unknown[]>;
  readonly #unsubscribe: Statement<[string, string]>;
  readonly #unsubscribeAll: Statement<[string]>;
  readonly #subscribe: Statement<[string, string, string]>;
  readonly #events: Statement<[number, number], BusEventRow>;
  readonly #lastPos: Statement<[], number>;
  #index: SubscriptionIndex | undefined;
  #isTouched = false;

  constructor(db: Database, context: BusRowsContext) {
    this.#db = db;
    this.#context = context;
    this.#isPublished = db.prepare<[string], number>('SELECT 1 FROM bus_events WHERE id = ?').pluck();
    this.#publishOne = db.prepare(
      `INSERT INTO bus_events (pos, id, topic, source, at, priority, text) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO NOTHING`,
    );
    this.#unsubscribe = db.prepare('DELETE FROM subscriptions WHERE pattern = ? AND address = ?');
    this.#unsubscribeAll = db.prepare('DELETE FROM subscriptions WHERE address = ?');
    this.#subscribe = db.prepare(
      `INSERT INTO subscriptions (pattern, address, event) VALUES (?, ?, ?)
         ON CONFLICT (pattern, address) DO UPDATE SET event = excluded.event`,
    );
    this.#events = db.prepare(
      'SELECT pos, id, topic, source, at, priority, text FROM bus_events WHERE pos > ? ORDER BY pos LIMIT ?',
    );
    this.#lastPos = db
      .prepare<[], number>(
        `SELECT max(coalesce((SELECT max(pos) FROM bus_events), 0),
           coalesce((SELECT value FROM meta WHERE key = 'last_bus_pos'), 0))`,
      )
      .pluck();
    this.#index = readIndex(db);
  }

  /** Asked before anything of the commit is written. */
  plan(commit: Commit): FanOutPlan | undefined {
    const isPublished = (id: string): boolean => this.#isPublished.get(id) !== undefined;
    return planFanOut(commit, { index: this.#current(), maxFanOut: this.#context.maxFanOut, isPublished });
  }

  /** Writes what the commit does to the subscriptions of its actor. True when the actor has any after it. */
  subscribe(commit: Commit): boolean {
    const { address, unsubscribe = [], subscribe = [] } = commit;
    const index = this.#current();
    const isChange = changesSubscriptions(commit) && (subscribe.length > 0 || index.has(address));
    if (!isChange) return index.has(address);
    this.#isTouched = true;
    if (endsActor(commit)) this.#unsubscribeAll.run(address);
    for (const pattern of unsubscribe) this.#unsubscribe.run(pattern, address);
    for (const { pattern, event } of subscribe) this.#subscribe.run(pattern, address, event);
    index.apply(commit);
    return index.has(address);
  }

  publish(commit: Commit, { publications }: FanOutPlan): readonly Published[] {
    return publications.map((planned) => this.#publish(commit, planned));
  }

  events({ afterPos = 0, limit }: BusQuery = {}): readonly BusEventRow[] {
    return this.#events.all(afterPos, limitOf('busEvents', limit));
  }

  lastPos(): number {
    return this.#lastPos.get() ?? 0;
  }

  /** Call in a transaction. What was the last position stays known. */
  sweep(before: number): number {
    const lastPos = this.lastPos();
    const { changes } = this.#db.prepare('DELETE FROM bus_events WHERE at < ?').run(before);
    if (changes > 0)
      this.#db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('last_bus_pos', ?)").run(lastPos);
    return changes;
  }

  /** The transaction is durable: what it did to subscriptions stands. */
  saved(): void {
    this.#isTouched = false;
  }

  rolledBack(): void {
    if (this.#isTouched) this.#index = undefined;
    this.#isTouched = false;
  }

  #publish(commit: Commit, planned: PlannedPublication): Published {
    const { positions, rows } = this.#context;
    const { id, topic, priority, text } = planned.publication;
    const pos = positions.take();
    const { changes } = this.#publishOne.run(pos, id, topic, commit.address, commit.at, priority, text);
    if (changes === 0) return { pos: 0, receivers: [] };
    return { pos, receivers: deliver(commit, planned, (row) => rows.writeInbox(commit, row)) };
  }

  #current(): SubscriptionIndex {
    this.#index ??= readIndex(this.#db);
    return this.#index;
  }
}

function readIndex(db: Database): SubscriptionIndex {
  const index = new SubscriptionIndex();
  const rows = db.prepare<[], Subscriber>('SELECT pattern, address, event FROM subscriptions');
  for (const row of rows.iterate()) index.add(row.address, row);
  return index;
}
