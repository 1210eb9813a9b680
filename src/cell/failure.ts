/** Failures and the errors that tell of them: what failed, to whom it happened, what to do next. Pure. */
import type { Address } from '../actor/address.ts';
import { TroupeError } from '../errors.ts';
import type { FailureKind, PlainError } from '../supervision/events.ts';
import { decodeError, encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { Suspect, ThreadEnd } from '../thread/protocol.ts';
import type { Draft } from './draft.ts';
import { eventIdOf, textOf } from './items.ts';
import type { DamagedItem, EventItem, InboxItem, Item } from './items.ts';

/** A failure of an actor, as its cell sees it. */
export interface Fault {
  readonly kind: FailureKind;
  readonly error: unknown;
  /** The input that failed it. */
  readonly item?: Item | undefined;
  /** What it was doing, where no input tells. */
  readonly what?: string;
  /** How often in a row, where that is known from elsewhere. */
  readonly attempts?: number;
  /** The row of a child that told of it, and is answered with the decision. */
  readonly row?: InboxItem;
  /** Who is made anew with the actor. */
  readonly children?: readonly Address[];
}

/** A failure on an input, or on nothing but the start. */
export function faultOf(item: Item | undefined, error: unknown): Fault {
  if (!item) return { kind: 'start', error };
  return { kind: eventIdOf(item) === undefined ? 'internal' : 'event', item, error };
}

const HOW_IT_ENDED: Readonly<Record<ThreadEnd, string>> = {
  exit: 'ended its worker thread',
  error: 'ended its worker thread with an error nobody caught',
  memory: 'used up the memory of its worker thread',
  hang: 'blocked its worker thread',
  order: 'was at work when its worker thread was ended',
};

/** What a turn that ended its thread is blamed for. */
export function threadEnded(address: Address, { what, end, attempts }: Suspect): TroupeError {
  const often = attempts > 1 ? `, ${attempts} times by now` : '';
  return new TroupeError(
    'ERR_ACTOR_FAILED',
    `'${address}' ${HOW_IT_ENDED[end]} (in '${what}'${often}). Look for process.exit, an endless loop or memory use in its machine and effect functions.`,
    { details: { address, what, end } },
  );
}

/** What an effect function that makes no progress is blamed for. */
export function effectStalled(address: Address, path: string, stallMs: number): TroupeError {
  return new TroupeError(
    'ERR_EFFECT_STALLED',
    `Effect '${path}' of '${address}' has made no progress for ${stallMs} ms. Let it end, call progress(), or raise supervise.stallMs.`,
    { details: { address, path, stallMs } },
  );
}

/** Why a permanent actor begins again. */
export function beginsAgain(address: Address): TroupeError {
  return new TroupeError('ERR_ACTOR_STOPPED', `'${address}' came to its end and is permanent: it begins again.`, {
    details: { address },
  });
}

/** What a parent is blamed for whose child was given up on and escalates. */
export function childEscalated(address: Address, child: string, error: PlainError): TroupeError {
  return new TroupeError(
    'ERR_ACTOR_FAILED',
    `'${child}' was given up on, and its parent '${address}' fails with it: ${withoutStop(error.message)}.`,
    { details: { address, child } },
  );
}

/** Why an actor is held whose commits the store keeps refusing. */
export function refusedTooOften(address: Address): TroupeError {
  return new TroupeError(
    'ERR_INTERNAL',
    `The store keeps refusing the commits of '${address}'. Its rows are untouched; report this with the log.`,
    {
      details: { address },
    },
  );
}

/** Why a turn fails that publishes to too many. */
export function fanOutRefused(address: Address, detail: string | undefined): TroupeError {
  return new TroupeError(
    'ERR_FAN_OUT',
    `A publication of '${address}' was refused: ${detail ?? 'too many subscribers'}. Publish to fewer, or raise maxFanOut in createSystem.`,
    { details: { address } },
  );
}

/** Moves the event of an item to the dead letters. */
export function bury(draft: Draft, owner: Address, item: EventItem, error: EncodedError, attempts: number): void {
  draft.bury({ ...toLetter(item, owner), error: JSON.stringify(error), attempts });
}

function toLetter(
  item: EventItem,
  owner: Address,
): { readonly id: string; readonly sender: string; readonly text: string } {
  switch (item.kind) {
    case 'inbox':
      return { id: item.row.id, sender: item.row.sender, text: item.row.isDamaged ? item.row.text : textOf(item) };
    case 'scheduled':
      return { id: eventIdOf(item) as string, sender: owner, text: item.row.text };
    case 'direct':
      return { id: eventIdOf(item) as string, sender: item.from, text: JSON.stringify(item.event ?? null) };
  }
}

/** Why a stored message is not processed. */
export function rowDamaged(address: Address, item: DamagedItem): TroupeError {
  const id = eventIdOf(item) as string;
  const what = item.kind === 'inbox' ? `from '${item.row.sender}'` : `scheduled under '${item.row.key}'`;
  return new TroupeError(
    'ERR_STATE_CORRUPT',
    `The stored message '${id}' of '${address}', ${what}, does not match its checksum and was not processed. What is left of it is a dead letter; send it again from its source, then discard the letter.`,
    { details: { address, id } },
  );
}

/** What the sender of a dead letter is told. */
export function eventFailed(address: Address, id: string, error: EncodedError): TroupeError {
  return new TroupeError(
    'ERR_EVENT_FAILED',
    `Event '${id}' failed '${address}' repeatedly and is now a dead letter: ${withoutStop(error.message)}. Mend the event or the machine; the actor goes on without it.`,
    { cause: decodeError(error), details: { address, id } },
  );
}

function withoutStop(message: string): string {
  return message.endsWith('.') ? message.slice(0, -1) : message;
}

/** What senders to a quarantined actor are told. */
export function actorQuarantined(address: Address, error: string | null): TroupeError {
  const cause = error === null ? undefined : (JSON.parse(error) as EncodedError);
  return new TroupeError(
    'ERR_ACTOR_QUARANTINED',
    `'${address}' is quarantined${cause ? `: ${withoutStop(cause.message)}` : ''}. Its state and mailbox are kept; mend the cause, then system.revive or system.remove it.`,
    { ...(cause && { cause: decodeError(cause) }), details: { address } },
  );
}

/** What the caller of an actor that threw while it was created is told. */
export function creationFailed(address: Address, error: unknown): TroupeError {
  return new TroupeError(
    'ERR_ACTOR_FAILED',
    `'${address}' failed while it was created: ${encodeError(error).message}`,
    {
      cause: error,
      details: { address },
    },
  );
}

/** What the sender of an event is told that failed an actor which is not stored. */
export function volatileFailed(address: Address, error: unknown): TroupeError {
  return new TroupeError(
    'ERR_ACTOR_FAILED',
    `'${address}' failed on this event: ${withoutStop(encodeError(error).message)}. It is not stored and starts anew from its input; mend the event or the machine.`,
    { cause: error, details: { address } },
  );
}

/** What senders to an actor that cannot be created are told. */
export function notCreatable(address: Address, type: string, acceptsNoInput: boolean): TroupeError {
  const next = acceptsNoInput
    ? ' yet. Send it an event first; that creates it.'
    : `, and '${type}' cannot be created without input. Pass it: system.actor(definition, key, input).`;
  return new TroupeError('ERR_ACTOR_NOT_FOUND', `'${address}' does not exist${next}`, { details: { address } });
}

/** What the sender of an event is told whose actor has moved on since it was looked at. @param seq where it is, if that is known */
export function conflict(address: Address, ifSeq: number, seq?: number): TroupeError {
  const now = seq === undefined ? 'not' : `at seq ${seq}, not`;
  return new TroupeError(
    'ERR_CONFLICT',
    `'${address}' is ${now} at seq ${ifSeq} any more: it was changed since it was looked at. Look again and decide anew, as ref.update() does.`,
    { details: { address, ifSeq, ...(seq !== undefined && { seq }) } },
  );
}

/** What senders to an actor that has ended are told. */
export function actorStopped(address: Address, status: string, error?: EncodedError): TroupeError {
  return new TroupeError(
    'ERR_ACTOR_STOPPED',
    `'${address}' has ended (${status}) and takes no more events. Use another key, or remove it first: system.remove(address).`,
    { ...(error && { cause: decodeError(error) }), details: { address, status } },
  );
}
