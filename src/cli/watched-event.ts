/** Messages of the stream as a person or a program reads them. Nothing is refused here: who watches wants to see it. Pure. */
import type { StreamMessage } from '../nats/client.ts';
import { shorten, toLine, toSafeJson } from './text.ts';

/** What is told of a message. */
export interface WatchedEvent {
  readonly topic: string;
  /** When it was published, in milliseconds since the epoch; when the stream took it, where it does not say so. */
  readonly time: number;
  /** Undefined: it says none, which counts as normal. */
  readonly priority: string | undefined;
  readonly source: string;
  /** False: the message is none in the words of CloudEvents, and `event` was made up from what is known of it. */
  readonly isCloudEvent: boolean;
  /** All of it as a CloudEvent. */
  readonly event: Readonly<Record<string, unknown>>;
}

const BINARY_PREFIX = 'ce-';
const PRIORITY_COLUMNS = 8;
const DAY_MS = 86_400_000;

/** Reads a message. The subject decides the topic. */
export function readWatched(message: StreamMessage, topic: string): WatchedEvent {
  const data = parse(message.text());
  const fromHeaders = readBinary(message, data);
  const structured = isCloudEvent(data) ? data : undefined;
  const event = structured ?? fromHeaders ?? wrap(message, topic, data);
  const time = typeof event['time'] === 'string' ? Date.parse(event['time']) : Number.NaN;
  return {
    topic,
    time: Number.isNaN(time) ? message.time : time,
    priority: event['priority'] === undefined ? undefined : asText(event['priority']),
    source: asText(event['source']),
    isCloudEvent: structured !== undefined || fromHeaders !== undefined,
    event,
  };
}

/** One line of JSON. */
export function toJsonLine({ event }: WatchedEvent): string {
  return toSafeJson(event);
}

/** One line for a person: time, priority, topic, source, data. @param columns of the terminal; undefined shows all of it */
export function toReadableLine(watched: WatchedEvent, { now, columns }: { now: number; columns?: number | undefined }) {
  const { topic, time, priority = 'normal', source, isCloudEvent: isOne, event } = watched;
  const data = 'data' in event ? toSafeJson(event['data']) : '';
  const remark = isOne ? '' : ' (not a CloudEvent)';
  const head = `${describeTime(time, now)} ${priority.padEnd(PRIORITY_COLUMNS)} ${topic}`;
  const line = toLine(`${head}  ${source}${remark}  ${data}`);
  return columns === undefined ? line : shorten(line, columns);
}

/** Local time; with the date when it is not of the last day. */
function describeTime(time: number, now: number): string {
  const at = new Date(time);
  const [hours, minutes, seconds] = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two);
  const ofDay = `${hours}:${minutes}:${seconds}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  if (Math.abs(now - time) < DAY_MS) return ofDay;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${ofDay}`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** A CloudEvent whose attributes are headers. */
function readBinary({ headers }: StreamMessage, data: unknown): Readonly<Record<string, unknown>> | undefined {
  const names = Object.keys(headers).filter((name) => name.startsWith(BINARY_PREFIX));
  const attributes = Object.fromEntries(names.map((name) => [name.slice(BINARY_PREFIX.length), headers[name]]));
  const event = { ...attributes, data };
  return isCloudEvent(event) ? event : undefined;
}

function wrap({ seq, time }: StreamMessage, topic: string, data: unknown): Readonly<Record<string, unknown>> {
  return {
    specversion: '1.0',
    id: String(seq),
    source: 'nats',
    type: topic,
    time: new Date(time).toISOString(),
    data,
  };
}

function isCloudEvent(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && 'specversion' in value && 'source' in value && 'id' in value;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : toSafeJson(value);
}

/** The text itself where it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
