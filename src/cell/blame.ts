/**
 * What one actor is blamed for: the event that fails it, the restarts it has used up, the death of its last thread. Decides
 * what a failure leads to and writes that into drafts, so that a crash in between forgives nothing.
 */
import type { Address } from '../actor/address.ts';
import { nextAttempt } from '../supervision/backoff.ts';
import { decide } from '../supervision/decide.ts';
import type { Decision } from '../supervision/decide.ts';
import { toPlainError } from '../supervision/events.ts';
import { toRecordText } from '../supervision/record.ts';
import type { FailingRecord, SupervisionRecord } from '../supervision/record.ts';
import { MAX_EVENT_ATTEMPTS } from '../supervision/spec.ts';
import type { SupervisionSpec } from '../supervision/spec.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { Suspect } from '../thread/protocol.ts';
import { announceIn } from './announce-in.ts';
import type { Draft } from './draft.ts';
import { bury, eventFailed, threadEnded } from './failure.ts';
import type { Fault } from './failure.ts';
import { eventIdOf, isEventId } from './items.ts';
import type { EventItem, Item } from './items.ts';

type Marks = Readonly<Record<string, number>>;

/** When, and by which chance, something is decided. */
export interface Moment {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Uniform in [0, 1). */
  readonly random: number;
}

export class Blame {
  readonly #address: Address;
  #record: SupervisionRecord = {};
  #acquitted: FailingRecord | undefined;
  /** Set when a turn of this actor ended the thread before this one; charged once, however often the cell reloads. */
  #suspect: Suspect | undefined;
  #isCharged = false;

  constructor(address: Address) {
    this.#address = address;
  }

  /** What is remembered of the actor. */
  get record(): SupervisionRecord {
    return this.#record;
  }

  /** Takes up what the store knows. */
  take(stored: SupervisionRecord): void {
    this.#record = stored;
  }

  /** Main's charge that a turn ended the last thread. Returns the failure that is, the first time it is told. */
  charge(
    suspect: Suspect | undefined,
    isStored: boolean,
    { backoff }: SupervisionSpec,
    now: number,
  ): Fault | undefined {
    this.#suspect = suspect ?? this.#suspect;
    if (!this.#suspect || this.#isCharged) return undefined;
    this.#isCharged = true;
    const { what, attempts, end } = this.#suspect;
    const known = this.#record.event?.id === what ? this.#record.event.attempts + 1 : 1;
    // An event that failed is rare, and adds up. Anything else the actor does all the time: only what follows closely is a row.
    // Of an actor that never was nothing is remembered but what main counted.
    const isRow = isEventId(what) || !isStored || nextAttempt(this.#record.streak, now, backoff) > 1;
    const event = { id: what, attempts: isRow ? Math.max(attempts, known) : 1 };
    // A thread that was ended by order says nothing about whose turn it was; but an event that is always there counts.
    if (end === 'order') this.#record = { ...this.#record, event };
    if (end === 'order') return undefined;
    const error = threadEnded(this.#address, this.#suspect);
    return { kind: 'thread', what, attempts: event.attempts, error };
  }

  /** Notes what is remembered in a commit. */
  note(draft: Draft): void {
    draft.supervision = toRecordText(this.#record);
  }

  /** Remembers something else, durably with `draft`. */
  remember(record: SupervisionRecord, draft: Draft): void {
    this.#record = record;
    this.note(draft);
  }

  /** Decides on a failure, and notes it in `draft`. */
  decide(fault: Fault, spec: SupervisionSpec, { now, random }: Moment, draft: Draft, marks: Marks): Decision {
    const eventId = eventIdOfFault(fault);
    const what = eventId ?? (fault.kind === 'thread' ? fault.what : undefined);
    const attempts = fault.attempts ?? (eventId !== undefined && eventId === this.#record.event?.id ? this.#next : 1);
    const history = { restarts: this.#record.restarts ?? [], streak: this.#record.streak };
    const decision = decide(spec, { kind: fault.kind, eventId, attempts }, history, now, random);
    // A timer that fails between two tries of an event does not make that one good.
    const event = what === undefined ? this.#record.event : { id: what, attempts };
    const isEscalated = decision.action === 'escalate' ? true : undefined;
    this.#record = { ...this.#record, ...decision.history, event, isEscalated };
    // An event that ended its thread is not there yet: it is buried when it comes again.
    if (decision.action === 'dead-letter' && fault.item)
      this.bury(fault.item as EventItem, encodeError(fault.error), draft, marks);
    this.note(draft);
    return decision;
  }

  get #next(): number {
    return (this.#record.event?.attempts ?? 0) + 1;
  }

  /** Moves the event of an item to the dead letters and tells its sender. */
  bury(item: EventItem, error: EncodedError, draft: Draft, marks: Marks): void {
    const id = eventIdOf(item) as string;
    const attempts = this.#record.event?.attempts ?? MAX_EVENT_ATTEMPTS;
    draft.reject(item, marks, { error: encodeError(eventFailed(this.#address, id, error)) });
    bury(draft, this.#address, item, error, attempts);
    announceIn(draft, this.#address, 'system.event.buried', {
      address: this.#address,
      id,
      attempts,
      error: toPlainError(error),
    });
    this.remember({ ...this.#record, event: undefined }, draft);
  }

  /** Buries an event that has ended its thread too often, instead of trying it again. Returns false for any other. */
  buryPoison(item: Item, draft: Draft, marks: Marks): boolean {
    const { event } = this.#record;
    if (!this.#suspect || !event || event.attempts < MAX_EVENT_ATTEMPTS || event.id !== eventIdOf(item)) return false;
    this.bury(item as EventItem, encodeError(threadEnded(this.#address, this.#suspect)), draft, marks);
    return true;
  }

  /** A held actor gets another try: what it is remains, and how often the event that is still there has failed it. */
  forgive(draft: Draft): void {
    const { as, origin, event } = this.#record;
    this.remember({ as, origin, event: event && isEventId(event.id) ? event : undefined }, draft);
  }

  /** True when nothing is held against the actor that would be forgotten with its cell. */
  get isClean(): boolean {
    return !this.#suspect;
  }

  /** How often the event that fails now has failed. */
  get attempts(): number | undefined {
    return this.#record.event?.attempts;
  }

  /** What the last turn led to cannot be saved after all: its acquittal is taken back. */
  accuse(): void {
    if (!this.#record.event && this.#acquitted) this.#record = { ...this.#record, event: this.#acquitted };
  }

  /** A turn went well: whatever it was blamed for before is forgotten. */
  acquit(what: string, draft: Draft): void {
    if (this.#record.event?.id !== what) return;
    this.#acquitted = this.#record.event;
    this.#suspect = undefined;
    this.remember({ ...this.#record, event: undefined }, draft);
  }
}

/** The event to blame; nothing when a timer, a settled effect, a restore or a child failed the actor. */
function eventIdOfFault({ item, kind, what }: Fault): string | undefined {
  if (item) return eventIdOf(item);
  return kind === 'thread' && what !== undefined && isEventId(what) ? what : undefined;
}
