/**
 * Events on the stream, in the words of CloudEvents 1.0: a row of the log becomes headers and JSON (structured mode), and what is on the
 * stream, in structured or binary mode, from Troupe or anybody else, becomes a publication or says what is wrong with it. Pure.
 */
import { toAttributesText } from '../bus/attributes.ts';
import { toCloudEventText } from '../bus/cloud-event.ts';
import { isOfRuntime, parseTopic } from '../bus/subjects.ts';
import { PRIORITIES } from '../bus/topic-event.ts';
import type { Priority } from '../bus/topic-event.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import { encodeJson } from '../state/json.ts';
import type { BusEventRow, NewPublication, ReceivedFrom } from '../store/store.ts';
import type { NatsHeaders, StreamMessage } from './client.ts';
import { toEventSubject, toTopic } from './names.ts';

/** Says in which store an event was published. Names of headers as they are read: in lower case. */
export const ORIGIN_HEADER = 'Troupe-Origin';
const ORIGIN = ORIGIN_HEADER.toLowerCase();
const CONTENT_TYPE = 'content-type';
const STRUCTURED = 'application/cloudevents+json';
const BINARY_PREFIX = 'ce-';

const MAX_ID_CHARS = 256;
const MAX_SOURCE_CHARS = 512;

/** Origin of what no system published. */
const FOREIGN = 'nats';

/** Attributes of an event that have a place of their own. */
const OWN_FIELDS = ['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'priority', 'data'];

/** Ids that can stand in a header as they are. */
const PLAIN_ID = /^(?!id64:)[\x21-\x7e]+$/;

/** RFC 3339, as CloudEvents has it. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

/** What goes to the stream. */
export interface OutgoingEvent {
  readonly subject: string;
  /** The server stores one id once within its window. */
  readonly messageId: string;
  readonly headers: NatsHeaders;
  readonly text: string;
}

/** A publication of elsewhere. */
export type ReceivedPublication = NewPublication & { readonly received: ReceivedFrom };

/** What a message of the stream is to this store. */
export type IncomingEvent =
  /** This store sent it itself, or it is none of its business. */
  | { readonly kind: 'own' }
  | { readonly kind: 'event'; readonly publication: ReceivedPublication }
  | { readonly kind: 'fault'; readonly error: TroupeError };

/** Where events come from and go to. */
export interface EventPlace {
  readonly namespace: string;
  readonly storeId: string;
}

/** An event of the log as it goes to the stream. */
export function toOutgoing(row: BusEventRow, { namespace, storeId }: EventPlace): OutgoingEvent {
  return {
    subject: toEventSubject(namespace, row.topic),
    messageId: toMessageId(row.id),
    headers: { 'Content-Type': STRUCTURED, [ORIGIN_HEADER]: storeId },
    text: toCloudEventText(row),
  };
}

/** Bytes of an event on its way to the stream, without the names of who publishes it and where. */
export function toEventBytes({ id, topic, text, attributes = '' }: NewPublication): number {
  return Buffer.byteLength(text) + Buffer.byteLength(attributes) + Buffer.byteLength(id) * 2 + Buffer.byteLength(topic);
}

/** An id as a header can carry it. */
export function toMessageId(id: string): string {
  return PLAIN_ID.test(id) ? id : `id64:${Buffer.from(JSON.stringify(id)).toString('base64url')}`;
}

/** What a message of the stream is. Never throws. */
export function fromStream(message: StreamMessage, place: EventPlace): IncomingEvent {
  const origin = message.headers[ORIGIN];
  if (origin === place.storeId) return { kind: 'own' };
  try {
    const topic = toTopic(place.namespace, message.subject) ?? '';
    if (origin !== undefined && isOfRuntime(topic)) return { kind: 'own' };
    return { kind: 'event', publication: toPublication(message, parseTopic(topic), origin) };
  } catch (error) {
    if (error instanceof TroupeError) return { kind: 'fault', error };
    return { kind: 'fault', error: malformed(message, `cannot be read: ${String(error)}`) };
  }
}

function toPublication(message: StreamMessage, topic: string, origin: string | undefined): ReceivedPublication {
  if (origin !== undefined && !(origin.length <= 128 && /^[\x21-\x7e]+$/.test(origin)))
    throw malformed(message, `has a ${ORIGIN_HEADER} that is no id`);
  const fields = isBinary(message.headers) ? fromHeadersOf(message) : fromBodyOf(message);
  const id = textOf(message, fields, 'id', MAX_ID_CHARS);
  const source = textOf(message, fields, 'source', MAX_SOURCE_CHARS);
  textOf(message, fields, 'type', MAX_SOURCE_CHARS);
  if (fields['specversion'] !== '1.0')
    throw malformed(message, `has the specversion ${describeValue(fields['specversion'])} instead of '1.0'`);
  const attributes = attributesOf(message, fields);
  return {
    // What systems publish has an id of its own; elsewhere an id is unique within its source.
    id: origin === undefined ? `${source}#${id}` : id,
    topic,
    priority: priorityOf(message, fields),
    text: encodeJson(fields['data'] ?? null, `The data of the event '${id}' on '${message.subject}'`, 'data'),
    ...(attributes !== undefined && { attributes }),
    received: { origin: origin ?? FOREIGN, source, time: timeOf(message, fields) },
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** Binary mode: the attributes are headers. A message that says it is a whole CloudEvent is none of it. */
function isBinary(headers: NatsHeaders): boolean {
  if (headers[CONTENT_TYPE]?.toLowerCase().startsWith(STRUCTURED)) return false;
  return headers['ce-specversion'] !== undefined || headers['ce-id'] !== undefined;
}

function fromBodyOf(message: StreamMessage): Fields {
  const value = parse(message, decode(message));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(message, `is ${describeValue(value)} instead of an object`);
  if ('data_base64' in value) throw malformed(message, "has 'data_base64', and only data in JSON is taken");
  return value as Fields;
}

function fromHeadersOf(message: StreamMessage): Fields {
  const given = Object.entries(message.headers).filter(([name]) => name.startsWith(BINARY_PREFIX));
  const attributes = given.map(([name, value]) => [name.slice(BINARY_PREFIX.length), unescape(value)] as const);
  return { ...Object.fromEntries(attributes), data: dataOf(message) };
}

/** Headers of binary mode are percent-encoded where they are not plain. */
function unescape(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function dataOf(message: StreamMessage): unknown {
  if (message.data.length === 0) return null;
  const type = message.headers[CONTENT_TYPE]?.split(';')[0]?.trim().toLowerCase() ?? 'application/json';
  if (type === 'application/json' || type.endsWith('+json')) return parse(message, decode(message));
  if (type.startsWith('text/')) return decode(message);
  throw malformed(message, `has data of the type '${type}', and only JSON and text are taken`);
}

function decode(message: StreamMessage): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(message.data);
  } catch {
    throw malformed(message, 'is not UTF-8');
  }
}

function parse(message: StreamMessage, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(message, `is not JSON: ${error instanceof Error ? error.message : 'it cannot be parsed'}`);
  }
}

function textOf(message: StreamMessage, fields: Fields, name: string, most: number): string {
  const value = fields[name];
  if (typeof value === 'string' && value.length > 0 && value.length <= most) return value;
  const what = value === undefined ? `has no '${name}'` : `has the ${name} ${describeValue(value)}`;
  throw malformed(message, `${what}, which has to be a text of 1 to ${most} characters`);
}

function priorityOf(message: StreamMessage, fields: Fields): Priority {
  const given = fields['priority'] ?? 'normal';
  const priority = PRIORITIES.find((one) => one === given);
  if (priority) return priority;
  throw malformed(message, `has the priority ${describeValue(given)} instead of one of ${PRIORITIES.join(', ')}`);
}

function timeOf(message: StreamMessage, fields: Fields): number {
  const given = fields['time'] ?? undefined;
  if (given === undefined) return message.time;
  const time = typeof given === 'string' && TIME.test(given) ? Date.parse(given) : NaN;
  if (!Number.isNaN(time)) return time;
  throw malformed(message, `has the time ${describeValue(given)} instead of one such as '2026-11-21T12:00:00Z'`);
}

function attributesOf(message: StreamMessage, fields: Fields): string | undefined {
  const further = Object.entries(fields).filter(([name, value]) => !OWN_FIELDS.includes(name) && value !== null);
  const made = toAttributesText(Object.fromEntries(further));
  if ('text' in made) return made.text;
  throw malformed(message, `has attributes that ${made.fault}`);
}

function malformed({ subject, seq }: StreamMessage, why: string): TroupeError {
  const example = '{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","data":{}}';
  return new TroupeError(
    'ERR_EVENT_INVALID',
    `The message ${seq} on '${subject}' ${why}. Publish a CloudEvent, such as ${example}.`,
    { details: { subject, seq } },
  );
}
