/** What waits in a cell's mailbox. Each item becomes at most one turn. */
import { ROOT } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { InboxRow, ScheduledRow, ScheduleWrite } from '../store/store.ts';
import type { MachineTimer } from './machine-timers.ts';
import type { Delivery } from './xstate-seams.ts';

/** Sender of what nobody waits for. */
export const TOLD = 'tell';

/** How a direct item ended for whoever sent it. */
export interface Outcome {
  readonly error?: EncodedError;
  /** JSON of the recorded reply, when a caller's id had been answered before. */
  readonly reply?: string;
}

/** Sent by code: the host program, an interface, an effect function. Acknowledged when its commit is. */
export interface DirectItem {
  readonly kind: 'direct';
  /** Sender and its number per target; `n` 0 stands for a sender that dedupes by `idempotencyId` alone. */
  readonly from: string;
  readonly n: number;
  /** Id the caller chose. */
  readonly idempotencyId?: string | undefined;
  /** Neither this nor `command`: only makes sure that the actor exists and that what came before is committed. */
  readonly event?: { readonly type: string } | undefined;
  /** Sets or takes back a scheduled event, without a turn of the machine. */
  readonly command?: ScheduleCommand | undefined;
  /** Creates the actor when it does not exist. Wrapped, since the input itself may be anything. */
  readonly create?: { readonly input?: unknown } | undefined;
  settle(outcome: Outcome): void;
}

/** What code asks of an actor's schedule. */
export type ScheduleCommand = { readonly schedule: ScheduleWrite } | { readonly unschedule: string };

/** A row of the durable inbox: told, spawned or stopped by another actor. */
export interface InboxItem {
  readonly kind: 'inbox';
  /** `text` is empty when the row came as a hint, already parsed. */
  readonly row: InboxRow;
  readonly body?: unknown;
  /** It tells the end of a child. */
  readonly isExit?: boolean;
}

/** An item of a stored row. */
export function toInboxItem(row: InboxRow): InboxItem {
  return row.kind === 'event' && row.text.startsWith(EXIT_START)
    ? { kind: 'inbox', row, isExit: true }
    : { kind: 'inbox', row };
}

/** An item of a row that came as a hint, already parsed. */
export function toHintedItem(row: InboxRow, body: unknown): InboxItem {
  const isExit = row.kind === 'event' && (body as { type?: unknown }).type === 'child.exited';
  return isExit ? { kind: 'inbox', row, body, isExit } : { kind: 'inbox', row, body };
}

const EXIT_START = '{"type":"child.exited",';

/** The parsed content of an inbox item. */
export function bodyOf(item: InboxItem): unknown {
  return item.row.text === '' ? item.body : JSON.parse(item.row.text);
}

/** The JSON text of an inbox item. */
export function textOf(item: InboxItem): string {
  return item.row.text === '' ? JSON.stringify(item.body) : item.row.text;
}

/** An effect function, or other logic of the machine's own, that settled. */
export interface InternalItem {
  readonly kind: 'internal';
  readonly delivery: Delivery;
  /** The life of the actor it belongs to; another life drops it. */
  readonly life: object;
}

/** A timer of the machine that is due. */
export interface TimerItem {
  readonly kind: 'timer';
  readonly timer: MachineTimer;
  readonly life: object;
}

/** A scheduled event that is due. */
export interface ScheduledItem {
  readonly kind: 'scheduled';
  readonly row: ScheduledRow;
}

/** What code may order: an end, an end that takes the rows along, or a new try for a quarantined actor. */
export type Order = 'stop' | 'remove' | 'revive';

/** An order of code about the life of the actor. */
export interface OrderItem {
  readonly kind: 'order';
  readonly order: Order;
  settle(outcome: Outcome): void;
}

export type Item = DirectItem | InboxItem | InternalItem | TimerItem | ScheduledItem | OrderItem;

/** An item that may be given up on: an event stands behind it. */
export type EventItem = DirectItem | InboxItem | ScheduledItem;

/** True for an event that nobody waits for. */
export function isTold(item: Item): boolean {
  return item.kind === 'direct' && item.from === TOLD;
}

/** True for what a sender counts on: an event or a command, as opposed to a look at the state. */
export function isWork(item: DirectItem): boolean {
  return item.event !== undefined || item.command !== undefined;
}

/** True for an event that code sent. */
export function isDirectEvent(item: Item): boolean {
  return item.kind === 'direct' && item.event !== undefined;
}

/** Names the event of an item for attempts and dead letters; nothing for items that no event stands behind. */
export function eventIdOf(item: Item): string | undefined {
  if (item.kind === 'inbox') return `inbox:${item.row.pos}`;
  if (item.kind === 'scheduled') return `scheduled:${item.row.pos}`;
  if (item.kind !== 'direct') return undefined;
  return item.n > 0 ? `${item.from}:${item.n}` : `id:${item.idempotencyId ?? item.from}`;
}

/** True for what `eventIdOf` names, as opposed to a start, a stop, a timer or the key of an effect. */
export function isEventId(what: string): boolean {
  return what.startsWith('inbox:') || what.startsWith('scheduled:') || what.startsWith('id:') || /:\d+$/.test(what);
}

/** True for items whose sender waits for an outcome. */
export function isAwaited(item: Item): item is DirectItem | OrderItem {
  return item.kind === 'direct' || item.kind === 'order';
}

/** True for an order to end, whoever gave it. */
export function isStopOrder(item: Item): boolean {
  return (item.kind === 'order' && item.order !== 'revive') || (item.kind === 'inbox' && item.row.kind === 'stop');
}

/** True for an order to end that takes the rows along. */
export function isRemovalOrder(item: Item): boolean {
  if (item.kind === 'order') return item.order === 'remove';
  return item.kind === 'inbox' && item.row.kind === 'stop' && (bodyOf(item) as { remove?: boolean }).remove === true;
}

/** What an item creates an actor from; nothing when it cannot. */
export function originOf(item: Item): { readonly input: unknown; readonly parent: Address } | undefined {
  if (item.kind === 'direct') return item.create && { input: item.create.input, parent: ROOT };
  if (item.kind !== 'inbox' || item.row.kind !== 'create') return undefined;
  const { input, parent } = bodyOf(item) as { input?: unknown; parent: Address };
  return { input, parent };
}
