/** Topics in memory: what commits publish and whom it reaches, and how far readers have come. Mirrors `sqlite/bus-rows.ts`. */
import { changesSubscriptions, deliver, planFanOut } from '../fan-out.ts';
import type { FanOutPlan, PlannedPublication } from '../fan-out.ts';
import type { BusEventRow, Commit, Cursor, InboxPosition, NewInboxRow, NewPublication, Published } from '../store.ts';
import { SubscriptionIndex } from '../subscriptions.ts';
import type { Subscriber } from '../subscriptions.ts';
import type { BusSweep, NamedCursor, SweptBus } from '../topics.ts';
import { MemoryBusLog } from './bus-log.ts';

/** What topics need of the tables around them. */
export interface TopicsContext {
  readonly limits: { readonly maxFanOut: number };
  readonly takePos: () => number;
  readonly writeInbox: (commit: Commit, row: NewInboxRow) => InboxPosition;
}

/** A row as it was kept, perhaps before events came from elsewhere. */
type KeptEvent = Omit<BusEventRow, LaterField> & Partial<Pick<BusEventRow, LaterField>>;
type LaterField = 'time' | 'attributes' | 'origin';

/** All of the topics, as data. */
export interface TopicsImage {
  readonly events: readonly KeptEvent[];
  readonly lastPos: number;
  readonly subscriptions: readonly Subscriber[];
  readonly cursors: readonly (readonly [string, Cursor])[];
}

/** Everything about topics. */
export class Topics {
  readonly subscriptions = new SubscriptionIndex();
  readonly cursors = new Map<string, Cursor>();
  readonly log = new MemoryBusLog();
  readonly #context: TopicsContext;

  constructor(context: TopicsContext) {
    this.#context = context;
  }

  get image(): TopicsImage {
    return {
      events: this.log.rows,
      lastPos: this.log.lastPos,
      subscriptions: this.subscriptions.all(),
      cursors: [...this.cursors],
    };
  }

  restore({ events, lastPos, subscriptions, cursors }: TopicsImage): void {
    this.log.restore(events.map(toWhole), lastPos);
    for (const subscriber of subscriptions) this.subscriptions.add(subscriber.address, subscriber);
    for (const [name, cursor] of cursors) this.cursors.set(name, cursor);
  }

  plan(commit: Commit): FanOutPlan | undefined {
    const isPublished = (id: string): boolean => this.log.has(id);
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

  sweep(sweep: BusSweep): SweptBus {
    return this.log.sweep(sweep, () => this.places());
  }

  /** Every cursor, in order of name. */
  places(): readonly NamedCursor[] {
    const places = [...this.cursors].map(([name, { pattern, pos }]) => ({ name, pattern, pos }));
    return places.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  }

  #publish(commit: Commit, planned: PlannedPublication): Published {
    const { publication } = planned;
    if (this.log.has(publication.id)) return { pos: 0, receivers: [] };
    const pos = this.#context.takePos();
    this.log.add(toRow(commit, publication, pos));
    return { pos, receivers: deliver(commit, planned, (row) => this.#context.writeInbox(commit, row)) };
  }
}

function toRow({ address, at }: Commit, publication: NewPublication, pos: number): BusEventRow {
  const { id, topic, priority, text, attributes = null, received } = publication;
  const { source, time, origin } = received ?? { source: address, time: at, origin: null };
  return { pos, id, topic, source, at, time, priority, text, attributes, origin };
}

function toWhole(row: KeptEvent): BusEventRow {
  const { time = row.at, attributes = null, origin = null } = row;
  return { ...row, time, attributes, origin };
}
