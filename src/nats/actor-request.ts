/** Requests to actors as they come over NATS: subject, payload and headers, read into what is to be done. Pure. */
import { toAddress } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { isRecord } from '../sessions/checks.ts';
import type { NatsHeaders } from './client.ts';

/** Headers of a request, as a publisher writes them. */
export const REQUEST_HEADERS = { id: 'Nats-Msg-Id', input: 'Troupe-Input', timeoutMs: 'Troupe-Timeout-Ms' } as const;

/** Who a request is for. */
export interface Target {
  readonly type: string;
  readonly key: string;
  readonly address: Address;
}

/** What is asked of an actor. */
export interface ActorRequest {
  /** Absent: the actor is to be there, created if need be, and nothing more. */
  readonly event?: { readonly type: string };
  /** However often it comes under this id, it is done once. */
  readonly id?: string;
  /** What the actor is created from when it does not exist. */
  readonly input?: unknown;
  /** Time an answer to an ask may take, in milliseconds. */
  readonly timeoutMs?: number;
}

type Fields = Readonly<Record<string, unknown>>;

const EXAMPLE = `{"type":"SAY","text":"hi"}`;
const WRAPPED = ['event', 'input', 'id', 'timeoutMs'];
const MAX_TIMEOUT_MS = 86_400_000;
const MAX_SHOWN_CHARS = 120;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What all subjects of actors begin with. */
export function actorPrefix(namespace: string): string {
  return `troupe.${namespace}.actor.`;
}

/**
 * Reads `troupe.NAMESPACE.actor.TYPE.KEY`.
 * @throws {TroupeError} ERR_ADDRESS when there are more or fewer tokens, or one is outside the grammar.
 */
export function parseActorSubject(subject: string, namespace: string): Target {
  const prefix = actorPrefix(namespace);
  const [type = '', key, ...more] = subject.slice(prefix.length).split('.');
  if (key === undefined || more.length > 0) {
    const shown = subject.length > MAX_SHOWN_CHARS ? `${subject.slice(0, MAX_SHOWN_CHARS)}…` : subject;
    const count = key === undefined ? 'no key' : `${more.length + 2} tokens instead of 2`;
    throw new TroupeError(
      'ERR_ADDRESS',
      `Subject '${shown}' has ${count} behind '${prefix}'. Write ${prefix}TYPE.KEY; neither type nor key has dots.`,
      { details: { subject: shown } },
    );
  }
  return { type, key, address: toAddress(type, key) };
}

/**
 * Reads a payload and its headers. The payload is the event itself, or, for clients without headers, an object without `type` that holds
 * it: `{"event":…,"input":…,"id":…,"timeoutMs":…}`; what that says comes before the headers. An empty payload with an input only creates.
 * @throws {TroupeError} ERR_NOT_JSON, ERR_EVENT_INVALID, ERR_OPTIONS_INVALID.
 */
export function parseActorRequest(to: Address, data: Uint8Array, headers: NatsHeaders): ActorRequest {
  const fromHeaders = readHeaders(to, headers);
  if (data.length === 0 && Object.hasOwn(fromHeaders, 'input')) return fromHeaders;
  const payload = parseJson(decode(to, data), `The payload for '${to}'`);
  if (!isRecord(payload)) throw noEvent(to, `is ${describeValue(payload)} instead of an object`);
  if (isEvent(payload)) return { ...fromHeaders, event: checkOwn(to, payload) };
  if (Object.hasOwn(payload, 'event') || Object.hasOwn(payload, 'input'))
    return { ...fromHeaders, ...unwrap(to, payload) };
  if (Object.hasOwn(payload, 'type')) throw noEvent(to, `has the type ${describeValue(payload['type'])}`);
  throw noEvent(to, 'has no type');
}

/** True for what can be an event: an object with a type. */
function isEvent(value: Fields): value is Fields & { readonly type: string } {
  return typeof value['type'] === 'string';
}

/** What a machine says to itself, such as the end of a timer, comes from nobody else. */
function checkOwn<T extends { readonly type: string }>(to: Address, event: T): T {
  if (!event.type.startsWith('xstate.')) return event;
  throw noEvent(
    to,
    `has the type '${event.type.slice(0, 80)}', and those that begin with 'xstate.' are the machine's own`,
  );
}

function unwrap(to: Address, payload: Fields): ActorRequest {
  const unknown = Object.keys(payload).find((key) => !WRAPPED.includes(key));
  if (unknown !== undefined)
    throw noEvent(to, `has no type, and a field '${unknown.slice(0, 80)}' besides ${WRAPPED.join(', ')}`);
  const { event, id, timeoutMs, ...rest } = payload;
  if (event !== undefined && !(isRecord(event) && isEvent(event)))
    throw noEvent(to, `holds an event that is ${describeValue(event)} without a type`);
  if (id !== undefined && typeof id !== 'string') throw wrongOption(to, 'id', id, 'a string of 1 to 256 characters');
  return {
    ...rest,
    ...(event !== undefined && { event: checkOwn(to, event) }),
    ...(id !== undefined && { id }),
    ...(timeoutMs !== undefined && { timeoutMs: checkTimeout(to, 'timeoutMs', timeoutMs) }),
  };
}

function readHeaders(to: Address, headers: NatsHeaders): Omit<ActorRequest, 'event'> {
  const read = (name: string): string | undefined => headers[name.toLowerCase()];
  const { id: idName, input: inputName, timeoutMs: timeoutName } = REQUEST_HEADERS;
  const [id, input, timeout] = [read(idName), read(inputName), read(timeoutName)];
  return {
    ...(id !== undefined && { id }),
    ...(input !== undefined && { input: parseJson(input, `Header '${inputName}' of a request to '${to}'`) }),
    ...(timeout !== undefined && { timeoutMs: checkTimeout(to, timeoutName, toNumber(timeout)) }),
  };
}

/** A number when the text is one, so that the message can show what stood there. */
function toNumber(text: string): unknown {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

function checkTimeout(to: Address, name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 1 && value <= MAX_TIMEOUT_MS) return value;
  throw wrongOption(to, name, value, `a number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`);
}

function decode(to: Address, data: Uint8Array): string {
  try {
    return utf8.decode(data);
  } catch (cause) {
    throw new TroupeError('ERR_NOT_JSON', `The payload for '${to}' is not UTF-8. Send JSON in UTF-8: ${EXAMPLE}.`, {
      cause,
      details: { address: to },
    });
  }
}

function parseJson(text: string, owner: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = text === '' ? 'is empty' : `is not JSON: ${(cause as Error).message}`;
    throw new TroupeError('ERR_NOT_JSON', `${owner} ${why}. Send an object such as ${EXAMPLE}.`, { cause });
  }
}

function noEvent(to: Address, what: string): TroupeError {
  return refusal('ERR_EVENT_INVALID', to, `The payload for '${to}' ${what}. Send an event: ${EXAMPLE}.`);
}

function wrongOption(to: Address, name: string, value: unknown, allowed: string): TroupeError {
  return refusal(
    'ERR_OPTIONS_INVALID',
    to,
    `'${name}' of a request to '${to}' is ${describeValue(value)}. Use ${allowed}.`,
  );
}

function refusal(code: ErrorCode, address: Address, message: string): TroupeError {
  return new TroupeError(code, message, { details: { address } });
}
