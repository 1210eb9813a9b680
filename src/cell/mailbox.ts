/**
 * What waits for one cell, in three lanes: orders to stop come before what the runtime itself has to say (timers, outcomes of
 * effect functions, ends of children), and that before what users and other actors sent. Owns no timer.
 *
 * Invariants: M1 within a lane first come, first served; M2 lanes never reorder what one actor sent to another: what a child
 * told its parent comes before its end; M3 nothing is refused here, whoever pushes has looked at `direct` and `told` before.
 */
import { isDirectEvent } from './items.ts';
import type { DirectItem, InboxItem, Item, Order } from './items.ts';
import { Lane } from './lane.ts';

/** True when a row of that sender waits in a lane. */
type HasWaiting = (lane: Lane<Item>, sender: string) => boolean;

export class Mailbox {
  readonly #stops = new Lane<Item>();
  readonly #runtime = new Lane<Item>();
  readonly #users = new Lane<Item>();
  #size = 0;
  #direct = 0;
  #told = 0;
  #scheduled = 0;

  get size(): number {
    return this.#size;
  }

  /** Direct events that wait. */
  get direct(): number {
    return this.#direct;
  }

  /** Inbox rows that wait, held in memory. */
  get told(): number {
    return this.#told;
  }

  /** Scheduled events that wait. */
  get scheduled(): number {
    return this.#scheduled;
  }

  peek(): Item | undefined {
    return this.#stops.peek() ?? this.#runtime.peek() ?? this.#users.peek();
  }

  push(item: Item): void {
    this.#count(item, 1);
    this.#laneOf(item, isWaiting).push(item);
  }

  /** Puts items back before all others, in the order given. */
  unshift(items: readonly Item[]): void {
    const back = new Map<Lane<Item>, Item[]>([
      [this.#stops, []],
      [this.#runtime, []],
      [this.#users, []],
    ]);
    const itemsOf = (lane: Lane<Item>): Item[] => back.get(lane) as Item[];
    for (const item of items) {
      this.#count(item, 1);
      itemsOf(this.#laneOf(item, (lane, sender) => itemsOf(lane).some((other) => isFrom(other, sender)))).push(item);
    }
    itemsOf(this.#users).push(...takeLater([this.#stops, this.#runtime], itemsOf(this.#users)));
    itemsOf(this.#runtime).push(...takeLater([this.#stops], itemsOf(this.#runtime)));
    for (const [lane, own] of back) if (own.length > 0) lane.unshift(own);
  }

  shift(): Item | undefined {
    const item = this.#stops.shift() ?? this.#runtime.shift() ?? this.#users.shift();
    if (item) this.#count(item, -1);
    return item;
  }

  /** Takes one item out wherever it stands. */
  remove(item: Item): void {
    this.removeWhere((other) => other === item);
  }

  /** Takes out every item that fits and returns them. */
  removeWhere(fits: (item: Item) => boolean): readonly Item[] {
    const removed = [this.#stops, this.#runtime, this.#users].flatMap((lane) => lane.removeWhere(fits));
    for (const item of removed) this.#count(item, -1);
    return removed;
  }

  /** Takes out the direct event that has waited longest. */
  takeOldestDirect(): DirectItem | undefined {
    const oldest = this.#users.takeFirst(isDirectEvent);
    if (oldest) this.#count(oldest, -1);
    return oldest as DirectItem | undefined;
  }

  /** Empties it and returns what was in it. */
  takeAll(): Item[] {
    const items = [...this.#stops.takeAll(), ...this.#runtime.takeAll(), ...this.#users.takeAll()];
    this.#size = 0;
    this.#direct = 0;
    this.#told = 0;
    this.#scheduled = 0;
    return items;
  }

  /** The first item that fits, left in place. */
  find(fits: (item: Item) => boolean): Item | undefined {
    return this.#stops.find(fits) ?? this.#runtime.find(fits) ?? this.#users.find(fits);
  }

  #laneOf(item: Item, hasWaiting: HasWaiting): Lane<Item> {
    switch (item.kind) {
      case 'order':
        return this.#laneOfOrder(item.order);
      case 'internal':
      case 'timer':
      case 'scheduled':
        return this.#runtime;
      case 'inbox':
        return this.#laneOfRow(item, hasWaiting);
      case 'direct':
        return this.#users;
    }
  }

  #laneOfOrder(order: Order): Lane<Item> {
    if (order === 'restart') return this.#runtime;
    return order === 'stop' || order === 'remove' ? this.#stops : this.#users;
  }

  #laneOfRow(item: InboxItem, hasWaiting: HasWaiting): Lane<Item> {
    const { kind, sender } = item.row;
    const isOfRuntime = item.isExit === true || kind === 'failed' || kind === 'restart';
    if (kind !== 'stop' && !isOfRuntime) return this.#users;
    if (hasWaiting(this.#users, sender)) return this.#users;
    return kind === 'stop' && !hasWaiting(this.#runtime, sender) ? this.#stops : this.#runtime;
  }

  #count(item: Item, by: 1 | -1): void {
    this.#size += by;
    if (item.kind === 'inbox') this.#told += by;
    else if (item.kind === 'scheduled') this.#scheduled += by;
    else if (isDirectEvent(item)) this.#direct += by;
  }
}

/** Takes what came later from senders whose earlier rows are put back: it comes after those (M2). */
function takeLater(lanes: readonly Lane<Item>[], earlier: readonly Item[]): readonly Item[] {
  const senders = new Set(earlier.flatMap((item) => (item.kind === 'inbox' ? [item.row.sender] : [])));
  if (senders.size === 0) return [];
  return lanes.flatMap((lane) => lane.removeWhere((item) => item.kind === 'inbox' && senders.has(item.row.sender)));
}

const isWaiting: HasWaiting = (lane, sender) => lane.some((other) => isFrom(other, sender));

function isFrom(item: Item, sender: string): boolean {
  return item.kind === 'inbox' && item.row.sender === sender;
}
