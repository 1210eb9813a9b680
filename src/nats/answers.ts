/** Answers to requests that came over NATS: JSON for everybody, and for errors the headers that services on NATS use. Pure. */
import { TroupeError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { NatsHeaders } from './client.ts';

/** What is sent back. */
export interface Answer {
  readonly text: string;
  readonly headers?: NatsHeaders;
}

/** Numbers of errors in the header `Nats-Service-Error-Code`, as on the web; 500 for those that are not listed. */
const NUMBERS: Partial<Readonly<Record<ErrorCode, number>>> = {
  ERR_ADDRESS: 400,
  ERR_EVENT_INVALID: 400,
  ERR_INPUT_INVALID: 400,
  ERR_NOT_JSON: 400,
  ERR_OPTIONS_INVALID: 400,
  ERR_ACTOR_TYPE_UNKNOWN: 404,
  ERR_ACTOR_NOT_FOUND: 404,
  ERR_AGENT_UNKNOWN: 404,
  ERR_ACTOR_STOPPED: 410,
  ERR_ACTOR_QUARANTINED: 409,
  ERR_NATS_CONFLICT: 409,
  ERR_DATA_TOO_LARGE: 413,
  ERR_EVENT_FAILED: 422,
  ERR_OVERLOADED: 429,
  ERR_MAILBOX_FULL: 429,
  ERR_MAILBOX_DROPPED: 429,
  ERR_DEGRADED: 503,
  ERR_STORE_TROUBLE: 503,
  ERR_STORE_UNAVAILABLE: 503,
  ERR_SYSTEM_STOPPED: 503,
  ERR_ASK_TIMEOUT: 504,
};

const MAX_HEADER_CHARS = 512;
const INTERNAL = 'This system met a defect of its own, which its log describes. Tell whoever runs it.';

/** It was done. `more` is what there is to say about it. */
export function toDone(more: { readonly reply?: unknown; readonly seq?: number } = {}): Answer {
  return { text: JSON.stringify({ ok: true, ...more }) };
}

/** It was not done, and why. What is no error of the catalogue stays here: its words were not meant for others. */
export function toRefused(error: unknown, hasHeaders: boolean): Answer {
  const { code, message, details } = toPublic(error);
  const isEmpty = Object.keys(details).length === 0;
  const text = JSON.stringify({ ok: false, error: { code, message, ...(!isEmpty && { details }) } });
  if (!hasHeaders) return { text };
  const number = String(NUMBERS[code] ?? 500);
  return {
    text,
    headers: { 'Nats-Service-Error-Code': number, 'Nats-Service-Error': toHeader(`${code}: ${message}`) },
  };
}

/** The answer, or an error in its place when it is larger than the server takes. */
export function fitAnswer(answer: Answer, maxBytes: number, hasHeaders: boolean): Answer {
  const bytes = Buffer.byteLength(answer.text);
  if (bytes <= maxBytes - 2 * MAX_HEADER_CHARS) return answer;
  const message = `The answer has ${bytes} bytes, and the server takes messages of ${maxBytes}. Ask for less, or raise max_payload of the server. What was asked has happened.`;
  return toRefused(new TroupeError('ERR_DATA_TOO_LARGE', message, { details: { bytes, maxBytes } }), hasHeaders);
}

function toPublic(error: unknown): Pick<TroupeError, 'code' | 'message' | 'details'> {
  if (!(error instanceof TroupeError)) return new TroupeError('ERR_INTERNAL', INTERNAL);
  const { code, message } = error;
  return { code, message, details: encodeError(error).details ?? {} };
}

/** A header is one line of plain characters. */
function toHeader(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_HEADER_CHARS);
}
