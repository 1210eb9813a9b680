/**
 * Topics: what commits publish and whom it reaches. Who is subscribed is also held in memory, for matching.
 *
 * Invariant: outside a transaction that changes subscriptions, the picture in memory is what the table says. A transaction
 * that is taken back throws the picture away, and the next use reads the table.
 */
import type { Database, Statement } from 'better-sqlite3';
import { changesSubscriptions, deliver, planFanOut } from '../fan-out.ts';
import type { FanOutPlan, PlannedPublication } from '../fan-out.ts';
import { endsActor } from '../decide.ts';
import type { Commit, NewPublication, Published } from '../store.ts';
import { SubscriptionIndex } from '../subscriptions.ts';
import type { Subscriber } from '../subscriptions.ts';
import type { BusLog } from './bus-log.ts';
import type { Positions } from './positions.ts';
import type { SideRows } from './side-rows.ts';

/** What topics need of the rows around them. */
export interface BusRowsContext {
  readonly positions: Positions;
  readonly rows: SideRows;
  readonly log: BusLog;
  readonly maxFanOut: number;
}

/** Publications and subscriptions. */
export class BusRows {
  readonly #db: Database;
  readonly #context: BusRowsContext;
  readonly #isPublished: Statement<[string], number>;
  readonly #publishOne: Statement<unknown[]>;
  readonly #unsubscribe: Statement<[string, string]>;
  readonly #unsubscribeAll: Statement<[string]>;
  readonly #subscribe: Statement<[string, string, string]>;
  #index: SubscriptionIndex | undefined;
  #isTouched = false;

  constructor(db: Database, context: BusRowsContext) {
    this.#db = db;
    this.#context = context;
    this.#isPublished = db.prepare<[string], number>('SELECT 1 FROM bus_events WHERE id = ?').pluck();
    this.#publishOne = db.prepare(
      `INSERT INTO bus_events (pos, id, topic, source, at, priority, text, time, origin, attributes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO NOTHING`,
    );
    this.#unsubscribe = db.prepare('DELETE FROM subscriptions WHERE pattern = ? AND address = ?');
    this.#unsubscribeAll = db.prepare('DELETE FROM subscriptions WHERE address = ?');
    this.#subscribe = db.prepare(
      `INSERT INTO subscriptions (pattern, address, event) VALUES (?, ?, ?)
         ON CONFLICT (pattern, address) DO UPDATE SET event = excluded.event`,
    );
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

  /** The transaction is durable: what it did to subscriptions stands. */
  saved(): void {
    this.#isTouched = false;
  }

  rolledBack(): void {
    if (this.#isTouched) this.#index = undefined;
    this.#isTouched = false;
  }

  #publish(commit: Commit, planned: PlannedPublication): Published {
    const { positions, rows, log } = this.#context;
    const pos = positions.take();
    if (!this.#write(commit, planned.publication, pos)) return { pos: 0, receivers: [] };
    log.wrote(planned.publication.text);
    return { pos, receivers: deliver(commit, planned, (row) => rows.writeInbox(commit, row)) };
  }

  /** False when the id is there already. */
  #write({ address, at }: Commit, publication: NewPublication, pos: number): boolean {
    const { id, topic, priority, text, attributes, received } = publication;
    const row = [pos, id, topic, received?.source ?? address, at, priority, text];
    const { changes } = this.#publishOne.run(
      ...row,
      received?.time ?? null,
      received?.origin ?? null,
      attributes ?? null,
    );
    return changes === 1;
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
