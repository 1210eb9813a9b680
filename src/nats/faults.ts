/**
 * What goes wrong with a NATS server, as errors of the catalogue. Errors of the library are told apart by their names and
 * ride along as cause; they hold no secret, since servers are given to the library without credentials.
 */
import { TroupeError } from '../errors.ts';

/** Errors of the library that say one is not let in. */
const AUTH_NAMES = ['AuthorizationError', 'UserAuthenticationExpiredError'];

/** Errors of the library that say nobody listens. */
const SILENT_NAMES = ['NoResponders', 'JetStreamNotEnabled'];

/** Codes of the server (`err_code`) for a message that is too big for its stream, and a stream that is not there. */
const TOO_LARGE_CODE = 10_054;
const STREAM_NOT_FOUND_CODE = 10_059;

/** Status of the server for what it cannot do at the moment. */
const BUSY_STATUS = 503;

/** True when a server does not accept the credentials. */
export function isAuthFault(error: unknown): boolean {
  return error instanceof Error && (AUTH_NAMES.includes(error.name) || isAuthFault(error.cause));
}

/** A connection that did not come about. `servers`: without credentials. */
export function toConnectError(cause: unknown, servers: readonly string[]): TroupeError {
  if (cause instanceof TroupeError) return cause;
  const where = servers.join(', ');
  const details = { servers };
  if (isAuthFault(cause))
    return new TroupeError(
      'ERR_NATS_AUTH',
      `The NATS server at ${where} does not accept the credentials: ${reasonOf(cause)}. Check user and password, token, nkeySeed or credentialsFile in option 'nats', and the accounts of the server.`,
      { cause, details },
    );
  return new TroupeError(
    'ERR_NATS_UNAVAILABLE',
    `No NATS server answers at ${where}: ${reasonOf(cause)}. Start one, correct 'nats.servers', or set nats: { required: false } to start without.`,
    { cause, details },
  );
}

/** A call that failed. `what` says which, as in `the publication on 'a.b'`. */
export function toCallError(cause: unknown, what: string, server: string): TroupeError {
  if (cause instanceof TroupeError) return cause;
  const details = { server, ...codeOf(cause) };
  if (isTooLarge(cause)) return tooLarge(what, undefined, undefined, cause);
  if (isPermissionFault(cause))
    return new TroupeError(
      'ERR_NATS_AUTH',
      `The NATS server at ${server} does not permit ${what}: ${reasonOf(cause)}. Give the user of option 'nats' the permissions that docs/nats.md lists.`,
      { cause, details },
    );
  if (isRefusal(cause))
    return new TroupeError(
      'ERR_NATS_STREAM',
      `The NATS server at ${server} refuses ${what}: ${reasonOf(cause)}. Mend the stream (nats stream info), or the option 'nats.stream'.`,
      { cause, details },
    );
  const reason = kindOf(cause);
  const text =
    reason === 'no-responders'
      ? `Nobody listens at the NATS server at ${server} for ${what}, so it was not done. Start who serves it, or try again.`
      : `The NATS server at ${server} did not answer to ${what}: ${reasonOf(cause)}. It is unknown whether it was done; try again.`;
  return new TroupeError('ERR_NATS_UNAVAILABLE', text, { cause, details: { ...details, reason } });
}

/** A message over what the server takes. */
export function tooLarge(what: string, bytes?: number, maxBytes?: number, cause?: unknown): TroupeError {
  const size = bytes === undefined ? 'is larger' : `has ${bytes} bytes, more`;
  const limit = maxBytes === undefined ? 'than the NATS server takes' : `than the ${maxBytes} the NATS server takes`;
  return new TroupeError(
    'ERR_EVENT_TOO_LARGE',
    `The message for ${what} ${size} ${limit}. Publish less, or a reference to it; or raise max_payload of the server.`,
    { ...(cause !== undefined && { cause }), details: { bytes, maxBytes } },
  );
}

/** The server has no JetStream. */
export function noJetStream(server: string, cause?: unknown): TroupeError {
  return new TroupeError(
    'ERR_NATS_JETSTREAM',
    `The NATS server at ${server} has no JetStream, which keeps the events. Start it with 'nats-server -js -sd FOLDER', or enable it for the account.`,
    { ...(cause !== undefined && { cause }), details: { server } },
  );
}

/** A group that others have begun with other subjects. */
export function otherGroup(name: string, is: readonly string[], wanted: readonly string[]): TroupeError {
  return new TroupeError(
    'ERR_OPTIONS_INVALID',
    `The group '${name}' is on the NATS server with ${is.join(', ')}, and a member asks for ${wanted.join(', ')}. Give every member of a group the same pattern, or use another name.`,
    { details: { option: 'pattern', name } },
  );
}

/** The client was closed, or never had a connection. */
export function notConnected(what: string, servers: readonly string[]): TroupeError {
  return new TroupeError(
    'ERR_NATS_UNAVAILABLE',
    `There is no connection to a NATS server (${servers.join(', ')}) for ${what}. The connection is tried again by itself; call again when it is there.`,
    { details: { servers, reason: 'closed' } },
  );
}

/** True when JetStream is not enabled, for the server or the account. */
export function isNoJetStream(error: unknown): boolean {
  return error instanceof Error && (error.name === 'JetStreamNotEnabled' || codeOf(error).errorCode === 10_039);
}

/** True when the server says that there is no such stream. */
export function isStreamMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'StreamNotFoundError' || codeOf(error).errorCode === STREAM_NOT_FOUND_CODE)
  );
}

function isTooLarge(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return codeOf(error).errorCode === TOO_LARGE_CODE || error.message.includes('max_payload');
}

/** The credentials are accepted, and allow something else. The library wraps it where an answer is waited for. */
function isPermissionFault(error: unknown): boolean {
  return error instanceof Error && (error.name === 'PermissionViolationError' || isPermissionFault(error.cause));
}

/** The server understood and says no; asking again would not help. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { status } = error as { readonly status?: unknown };
  return typeof status === 'number' && status !== BUSY_STATUS;
}

function codeOf(error: unknown): { readonly errorCode?: number } {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined;
  return typeof code === 'number' ? { errorCode: code } : {};
}

function kindOf(error: unknown): 'no-responders' | 'timeout' | 'error' {
  if (!(error instanceof Error)) return 'error';
  if (SILENT_NAMES.includes(error.name)) return 'no-responders';
  if (error.cause instanceof Error && SILENT_NAMES.includes(error.cause.name)) return 'no-responders';
  return error.name === 'TimeoutError' ? 'timeout' : 'error';
}

/** What an error says, in one line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason is given';
  const text = error.message.trim() || error.name;
  const code = (error as { readonly code?: unknown }).code;
  return typeof code === 'string' && !text.includes(code) ? `${text} (${code})` : text;
}
