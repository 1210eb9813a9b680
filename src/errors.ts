/**
 * The catalogue of error codes. The code is the contract: callers compare `error.code`, `docs/errors.md` lists every
 * code with its meaning and the next step, and a test keeps the two equal.
 */

/** Every code Troupe throws, with what it means and what to do next. */
export const ERROR_CATALOGUE = {
  ERR_ADDRESS: 'An address or key is outside the grammar. Keys match ^[A-Za-z0-9][A-Za-z0-9_:-]{0,127}$.',
  ERR_ACTOR_TYPE_UNKNOWN: 'No definition of this type is loaded. Export it from a module listed in `actors`.',
  ERR_ACTOR_NOT_FOUND:
    'The actor does not exist and cannot be created without input. Pass its input to `system.actor`.',
  ERR_ACTOR_STOPPED: 'The actor has ended. Use another key, or remove it first with `system.remove`.',
  ERR_ACTOR_QUARANTINED:
    'The actor failed too often and is held with its state, mailbox and last error. Mend the cause, then revive it with `system.revive`, or remove it.',
  ERR_ACTOR_FAILED: 'The actor threw while it handled an input. The `cause` is what it threw; mend the machine.',
  ERR_EVENT_FAILED:
    'One event failed its actor repeatedly and was moved to the dead letters. Fix the event or the machine.',
  ERR_DEAD_LETTER_UNKNOWN:
    'No dead letter has this position: it was replayed or discarded, or its actor was removed. List them with `system.deadLetters`.',
  ERR_EVENT_INVALID: 'An event does not fit the schema of its type. The path in `details` names the wrong part.',
  ERR_INPUT_INVALID: 'The input of an actor does not fit its schema. The path in `details` names the wrong part.',
  ERR_NOT_JSON: 'A value is not JSON and would be lost when it is saved. The path in `details` names it.',
  ERR_EFFECT_INVALID: 'An effect is malformed or of an unknown type. Use the effect constructors.',
  ERR_EFFECT_INTERRUPTED:
    'An effect function was cut off by a crash and its policy is `fail`. Check its outcome outside by its key, which is in `details`.',
  ERR_EFFECT_STALLED:
    'An effect function made no progress within its limit, and its actor was charged with it. Let it end, call progress(), or raise supervise.stallMs.',
  ERR_REPLACEMENT:
    'The substitute of a failed actor could not take over: it is not loaded, refuses the input, or failed at its start. Mend it; the actor is held with its state.',
  ERR_CHILD_UNNAMED:
    'A child has no named source or no id of its own and could not be restored. Name its logic in setup({ actors }) and give spawnChild an id.',
  ERR_ASK_TIMEOUT: 'No reply came in time. The event was delivered and its reply, if any, is dropped.',
  ERR_ASK_UNKNOWN: 'The definition declares no ask of this type. Declare it in defineActor({ asks }).',
  ERR_REPLY_INVALID: 'A reply does not fit the schema of its ask. The path in `details` names the wrong part.',
  ERR_DEFINITION_INVALID: 'A definition cannot work as written. The path in `details` names the field.',
  ERR_DEFINITION_DUPLICATE: 'Two definitions share a type. Types are unique in a system.',
  ERR_DEFINITION_DIFFERS:
    'A worker thread loaded another definition than the main thread. Let the module export the same in every thread.',
  ERR_DEFINITION_MODULE: 'A definitions module could not be imported, or exports no definition. The `cause` says why.',
  ERR_OPTIONS_INVALID: 'An option is unknown, missing or out of bounds. The message names it and what is allowed.',
  ERR_STORE_LOCKED: 'Another process holds the store file. One process writes one file.',
  ERR_STORE_NEWER: 'The store file was written by a newer Troupe. Upgrade, or use another file.',
  ERR_STORE_UNAVAILABLE:
    'The store cannot save at the moment. Work is kept and tried again; free space or mend the disk.',
  ERR_STORE_TROUBLE:
    'The store has not been able to save for a while, so nothing new is accepted; what was accepted before is kept. Nothing has happened: send again, with the same id if it had one, once `system.storeStatus` says `well`.',
  ERR_STORE_OPEN: 'The store could not be opened. Check path, permissions and free space; the `cause` says more.',
  ERR_BACKUP:
    'A copy of a store could not be made or restored. The message says what is wrong with the source or the target; nothing was changed.',
  ERR_STATE_CORRUPT:
    'A stored state, or a part of a history, does not match its checksum or shape. A state: the actor is quarantined; its rows are untouched. A part of a history: the actor goes on; read around the events it names.',
  ERR_STATE_VERSION:
    'A stored state has another definition version than the loaded one, or another structure, and nothing leads from one to the other. Add a step to `migrate`, or run the version that wrote it; its rows are untouched.',
  ERR_STATE_MIGRATION:
    'A step of `migrate` threw, or returned what is no state. Mend it in defineActor; the rows of the actor are untouched.',
  ERR_ACTOR_EXISTS:
    'An actor was to be made under an address that is taken. Choose another key, or remove that one first.',
  ERR_HISTORY_UNKNOWN:
    'No event of this number is kept for the actor. List what is kept with `ref.history()`, or keep more with `history` in defineActor.',
  ERR_CONFLICT:
    'The actor was changed since it was looked at, and the write depended on that. Look again and decide anew.',
  ERR_STATE_TOO_LARGE: 'A snapshot exceeds the cap of its definition. Keep histories in the log with append().',
  ERR_DATA_CORRUPT:
    'Compressed, exported or published data is damaged: it does not match its checksum or its format. Take it from a copy; the message says what is wrong.',
  ERR_DATA_TOO_LARGE: 'Data exceeds what is worked on in one piece. Split it; the message names size and limit.',
  ERR_XSTATE_UNSUPPORTED:
    'The installed XState does not fit the seams this version of Troupe relies on. Install one from 5.33.3 up to, not including, 6.',
  ERR_SYSTEM_STOPPED: 'The system has been stopped. Create a new one.',
  ERR_THREAD_START: 'A worker thread failed to start. The `cause` says why.',
  ERR_POOL_THREAD:
    'A thread of the pool ended under its task, or could not start. The `cause` says why; the next task gets another.',
  ERR_NODE_VERSION: 'This Node.js is too old. Install Node.js 22.18 or newer.',
  ERR_SESSION_NOT_FOUND: 'No session with this id exists. List the sessions, or create it.',
  ERR_SESSION_EXPIRED: 'The session has expired and takes nothing more. Create another.',
  ERR_GROUP_NOT_FOUND: 'No group with this id exists. List the groups, or create it.',
  ERR_GROUP_SIZE: 'A group has 2 to 10 members. Change the list of members.',
  ERR_SKILL_UNKNOWN: 'The agent has no skill of this name. Add it in defineAgent.',
  ERR_SCHEDULE_INVALID:
    'A delay or time cannot be kept: it is not a number, negative, or beyond the range of dates. The message names it and its owner.',
  ERR_TOPIC_INVALID: 'A topic or pattern is outside the grammar: tokens of visible characters joined by dots.',
  ERR_FAN_OUT: 'A publication would reach more subscribers than `maxFanOut` allows. Use fewer, or raise it.',
  ERR_HANDLER_TIMEOUT:
    'A handler of a subscription took longer than its limit, and the attempt has failed. Let it heed its `signal`, or raise `handlerTimeoutMs`.',
  ERR_MAILBOX_FULL:
    'The mailbox of the actor is full and its policy is `reject`. The event was not accepted; send it again later.',
  ERR_MAILBOX_DROPPED:
    'A newer event took the place of this one in a full mailbox, whose policy is `drop-oldest`. It was not processed.',
  ERR_OVERLOADED:
    'Too many messages wait for an answer, or too many tasks for the pool. Await the earlier ones first; see `maxPending`.',
  ERR_AGENT_UNKNOWN: 'No agent of this name is under watch. Register it with `system.health.register`.',
  ERR_DEGRADED:
    'Too many agents fail, so no new session is begun. Try again after `details.retryAfterMs`; existing sessions go on.',
  ERR_NATS_UNAVAILABLE:
    'No NATS server answers, or one did not answer in time. Start it or correct `nats.servers`; what was published waits in the store and is sent when it is back.',
  ERR_NATS_AUTH:
    'The NATS server does not accept the credentials, or they do not allow what is needed. Check those of option `nats` and the accounts of the server.',
  ERR_NATS_JETSTREAM: 'The NATS server has no JetStream, which keeps the events. Start it with `nats-server -js`.',
  ERR_NATS_STREAM:
    'The stream on the NATS server has other settings than are needed, or the server refuses them. Change it with `nats stream edit`, or set `nats: { stream: { update: true } }`.',
  ERR_EVENT_TOO_LARGE:
    'An event is larger than the NATS server takes. Publish less, or a reference to it; or raise `max_payload` of the server.',
  ERR_NATS_CONFLICT:
    'Another system serves this type of actors in the namespace, or runs on a copy of this store. The message names it; stop it, use another `nats.namespace`, or name the types to serve in `nats.actors`.',
  ERR_INTERNAL: 'A defect in Troupe. Report it with the stack.',
} as const;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** What travels beside the message: plain JSON data. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** The error Troupe throws everywhere. Compare `code`, never the message. */
export class TroupeError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TroupeError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** True for errors of the catalogue, optionally of one code. */
export function isTroupeError(error: unknown, code?: ErrorCode): error is TroupeError {
  return error instanceof TroupeError && (code === undefined || error.code === code);
}

/** Fails to compile when a union gains a case, and throws ERR_INTERNAL if one gets here anyway. */
export function assertNever(value: never): never {
  throw new TroupeError('ERR_INTERNAL', `Unexpected value ${JSON.stringify(value)}`);
}
