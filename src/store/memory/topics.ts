/** Topics in memory: published events, subscriptions, cursors. Mirrors `sqlite/bus-rows.ts`. */
import { changesSubscriptions, deliver, planFanOut } from '../fan-out.ts';
import type { FanOutPlan, PlannedPublication } from '../fan-out.ts';
import { limitOf } from '../queries.ts';
import type { BusQuery } from '../queries.ts';
import type { BusEventRow, Commit, Cursor, InboxPosition, NewInboxRow, Published } from '../store.ts';
import { SubscriptionIndex } from '../subscriptions.ts';
import type { Subscriber } from '../subscriptions.ts';

/** What topics need of the tables around them. */
export interface TopicsContext {
  readonly limits: { readonly maxFanOut: number };
  readonly takePos: () => number;
  readonly writeInbox: (commit: Commit, row: NewInboxRow) => InboxPosition;
}

/** All of the topics, as data. */
export interface TopicsImage {
  readonly events: readonly BusEventRow[];
  readonly lastPos: number;
  readonly subscriptions: readonly Subscriber[];
  readonly cursors: readonly (readonly [string, Cursor])[];
}

/** Everything about topics. */
export class Topics {
  readonly subscriptions = new SubscriptionIndex();
  readonly cursors = new Map<string, Cursor>();
  readonly #context: TopicsContext;
  readonly #ids = new Set<string>();
  /** In order of position. */
  #events: BusEventRow[] = [];
  #lastPos = 0;

  constructor(context: TopicsContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#events.length;
  }

  /** Of the latest event that was ever kept. */
  get lastPos(): number {
    return this.#lastPos;
  }

  get image(): TopicsImage {
    return {
      events: this.#events,
      lastPos: this.#lastPos,
      subscriptions: this.subscriptions.all(),
      cursors: [...this.cursors],
    };
  }

  restore({ events, lastPos, subscriptions, cursors }: TopicsImage): void {
    this.#events = [...events];
    for (const { id } of events) this.#ids.add(id);
    this.#lastPos = lastPos;
    for (const subscriber of subscriptions) this.subscriptions.add(subscriber.address, subscriber);
    for (const [name, cursor] of cursors) this.cursors.set(name, cursor);
  }

  plan(commit: Commit): FanOutPlan | undefined {
    const isPublished = (id: string): boolean => this.#ids.has(id);
    return planFanOut(commit, { index: this.subscriptions, maxFanOut: this.#context.limits.maxFanOut, isPublished });
  }

  /** True when the subscriptions of the actor may have changed. */
  subscribe(commit: Commit): boolean {
    const isChange = changesSubscriptions(commit);
    if (isChange) this.subscriptions.apply(commit);
    return isChange;
  }

  publish(commit: Commit, { publications }: FanOutPlan): readonly Published[] {
    return publications.map((planned) => this.#publish(commit, planned));
  }

  events({ afterPos = 0, limit }: BusQuery): readonly BusEventRow[] {
    // From the end: most readers are near it.
    const start = this.#events.findLastIndex(({ pos }) => pos <= afterPos) + 1;
    return this.#events.slice(start, start + limitOf('busEvents', limit));
  }

  sweep(before: number): number {
    const old = this.#events.filter(({ at }) => at < before);
    for (const { id } of old) this.#ids.delete(id);
    this.#events = this.#events.filter(({ at }) => at >= before);
    return old.length;
  }

  #publish(commit: Commit, planned: PlannedPublication): Published {
    const { publication } = planned;
    if (this.#ids.has(publication.id)) return { pos: 0, receivers: [] };
    const pos = this.#context.takePos();
    this.#events.push({ ...publication, pos, source: commit.address, at: commit.at });
    this.#ids.add(publication.id);
    this.#lastPos = pos;
    return { pos, receivers: deliver(commit, planned, (row) => this.#context.writeInbox(commit, row)) };
  }
}
