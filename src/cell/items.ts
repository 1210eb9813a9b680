/** What waits in a cell's mailbox. Each item becomes at most one turn. */
import { ROOT } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { RUNTIME_EVENT_TYPES } from '../actor/effects.ts';
import { isOfRuntime } from '../bus/subjects.ts';
import { isTopicRowId } from '../store/fan-out.ts';
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
  /** Seq the actor must have when its turn comes; with it comes an id, by which its own first try is recognised. */
  readonly ifSeq?: number | undefined;
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
  /** It tells the end of a child, or that a substitute runs in its place. */
  readonly isExit?: boolean;
}

/** An item of a stored row. */
export function toInboxItem(row: InboxRow): InboxItem {
  // Nothing a damaged row says is obeyed: it waits as an event that becomes a dead letter.
  if (row.isDamaged) return { kind: 'inbox', row: { ...row, kind: 'event' } };
  return row.kind === 'event' && CHILD_STARTS.some((start) => row.text.startsWith(start))
    ? { kind: 'inbox', row, isExit: true }
    : { kind: 'inbox', row };
}

/** An item of a row that came as a hint, already parsed. */
export function toHintedItem(row: InboxRow, body: unknown): InboxItem {
  const isExit = row.kind === 'event' && CHILD_TYPES.has((body as { type?: unknown }).type);
  return isExit ? { kind: 'inbox', row, body, isExit } : { kind: 'inbox', row, body };
}

const CHILD_TYPES: ReadonlySet<unknown> = RUNTIME_EVENT_TYPES;
const CHILD_STARTS: readonly string[] = [...RUNTIME_EVENT_TYPES].map((type) => `{"type":"${type}",`);

/** The parsed content of an inbox item. */
export function bodyOf(item: InboxItem): unknown {
  return item.row.text === '' ? item.body : JSON.parse(item.row.text);
}

/** The JSON text of an inbox item. */
export function textOf(item: InboxItem): string {
  // Of a damaged row nothing is JSON but the text as a text.
  if (item.row.isDamaged) return JSON.stringify(item.row.text);
  return item.row.text === '' ? JSON.stringify(item.body) : item.row.text;
}

/**
 * When the event of a row was published, in milliseconds since the epoch; undefined when nobody published it, and for what the runtime
 * says: how long that takes is nobody's affair, and to say that it took long must not lead to more of it.
 */
export function publishedAtOf({ row, body }: InboxItem): number | undefined {
  if (!isTopicRowId(row.id) || row.isDamaged) return undefined;
  const topic = row.text === '' ? (body as { topic?: unknown }).topic : topicOf(row.text);
  return isOfRuntime(String(topic)) ? undefined : row.at;
}

/** Where the topic of an event stands in its JSON: within a string the quotes would be escaped, so that the first match is it. */
const TOPIC_FIELD = '"topic":"';

function topicOf(text: string): string {
  const from = text.indexOf(TOPIC_FIELD) + TOPIC_FIELD.length;
  return text.slice(from, text.indexOf('"', from));
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

/**
 * What code may order: an end, an end that takes the rows along, a new life, and for an actor that is held a new try, or an end.
 */
export type Order = 'stop' | 'remove' | 'restart' | 'revive' | 'discard';

/** An order of code about the life of the actor. */
export interface OrderItem {
  readonly kind: 'order';
  readonly order: Order;
  settle(outcome: Outcome): void;
}

export type Item = DirectItem | InboxItem | InternalItem | TimerItem | ScheduledItem | OrderItem;

/** An item that may be given up on: an event stands behind it. */
export type EventItem = DirectItem | InboxItem | ScheduledItem;

/** An item whose sender has looked at the actor before, and wants it as it was then. */
export type ConditionalItem = DirectItem & { readonly ifSeq: number };

/** True for what counts only for a certain seq of the actor. */
export function isConditional(item: Item): item is ConditionalItem {
  return item.kind === 'direct' && item.ifSeq !== undefined;
}

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

/** A stored row that is not what was written. */
export type DamagedItem = (InboxItem | ScheduledItem) & { readonly row: { readonly isDamaged: true } };

/** True for a stored row that is not what was written. */
export function isDamaged(item: Item): item is DamagedItem {
  return (item.kind === 'inbox' || item.kind === 'scheduled') && item.row.isDamaged === true;
}

/** True for an order to end, whoever gave it. */
export function isStopOrder(item: Item): boolean {
  if (item.kind === 'order') return item.order === 'stop' || item.order === 'remove';
  return item.kind === 'inbox' && item.row.kind === 'stop';
}

/** What a cell takes without a turn of its machine: an order to be made anew, and word of a child that failed. */
export type SupervisionItem = OrderItem | InboxItem;

/** True for what is the affair of supervision. */
export function isSupervision(item: Item): boolean {
  if (item.kind === 'order') return item.order === 'restart';
  return item.kind === 'inbox' && (item.row.kind === 'restart' || item.row.kind === 'failed');
}

/** True for a parent's order to end that wants to hear when that is done. */
export function isStopInOrder(item: InboxItem): boolean {
  return item.row.kind === 'stop' && (bodyOf(item) as { inOrder?: boolean }).inOrder === true;
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
