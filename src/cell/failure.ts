/** What a failed turn leads to: the decision, and the commit that records it durably. Pure but for the draft it fills. */
import type { Address } from '../actor/address.ts';
import { MAX_EVENT_ATTEMPTS } from '../supervision/spec.ts';
import type { ResolvedPolicy } from '../actor/define.ts';
import { TroupeError } from '../errors.ts';
import { decide } from '../supervision/decide.ts';
import type { Decision } from '../supervision/decide.ts';
import { decodeError, encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { Suspect } from '../thread/protocol.ts';
import type { Draft } from './draft.ts';
import { eventIdOf, isEventId, textOf } from './items.ts';
import type { EventItem, Item } from './items.ts';

/** The event that failed last and how often; stored with the actor, so that a crash in between does not forgive it. */
export interface FailingRecord {
  readonly id: string;
  readonly attempts: number;
}

export interface FailureContext {
  readonly address: Address;
  readonly policy: ResolvedPolicy;
  readonly failing: FailingRecord | undefined;
  readonly restarts: readonly number[];
  readonly now: number;
}

export interface FailurePlan {
  readonly decision: Decision;
  readonly failing: FailingRecord | undefined;
}

/** Decides on a failed turn and how often its event has failed by now. */
export function planFailure(item: Item | undefined, context: FailureContext): FailurePlan {
  const eventId = item && eventIdOf(item);
  const attempts = eventId !== undefined && context.failing?.id === eventId ? context.failing.attempts + 1 : 1;
  const { maxRestarts, withinMs } = context.policy.supervise;
  const failure = eventId === undefined ? { attempts } : { eventId, attempts };
  const decision = decide(failure, context.restarts, context.now, { maxRestarts, withinMs });
  return { decision, failing: eventId === undefined ? undefined : { id: eventId, attempts } };
}

/** The failing record with a charge of main added: a turn of this actor ended its thread. */
export function chargedWith(
  suspect: Suspect | undefined,
  failing: FailingRecord | undefined,
): FailingRecord | undefined {
  if (!suspect) return failing;
  const stored = failing?.id === suspect.what ? failing.attempts + 1 : 1;
  return { id: suspect.what, attempts: Math.max(suspect.attempts, stored) };
}

/** True when something other than an event of this actor has ended its thread too often: then the actor itself is held. */
export function endsThreads({ what }: Suspect, failing: FailingRecord | undefined): boolean {
  return !isEventId(what) && (failing?.attempts ?? 0) >= MAX_EVENT_ATTEMPTS;
}

/** What a turn that ended its thread is blamed for. */
export function threadEnded(address: Address, suspect: Suspect | undefined): TroupeError {
  return new TroupeError(
    'ERR_ACTOR_FAILED',
    `'${address}' ended its worker thread ${MAX_EVENT_ATTEMPTS} times (in '${suspect?.what ?? 'unknown'}'). Look for process.exit, an endless loop or memory use in its machine.`,
    { details: { address, what: suspect?.what } },
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
      return { id: item.row.id, sender: item.row.sender, text: textOf(item) };
    case 'scheduled':
      return { id: eventIdOf(item) as string, sender: owner, text: item.row.text };
    case 'direct':
      return { id: eventIdOf(item) as string, sender: item.from, text: JSON.stringify(item.event ?? null) };
  }
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

/** What senders to an actor that has ended are told. */
export function actorStopped(address: Address, status: string): TroupeError {
  return new TroupeError(
    'ERR_ACTOR_STOPPED',
    `'${address}' has ended (${status}) and takes no more events. Use another key, or remove it first: system.remove(address).`,
    { details: { address, status } },
  );
}
