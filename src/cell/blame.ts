/**
 * What one actor is blamed for: the event that fails it, the restarts it has used up, the death of its last thread. Decides
 * what a failure leads to and writes that into drafts, so that a crash in between forgives nothing.
 */
import type { Address } from '../actor/address.ts';
import { MAX_EVENT_ATTEMPTS } from '../supervision/spec.ts';
import type { ResolvedPolicy } from '../actor/define.ts';
import type { TroupeError } from '../errors.ts';
import type { Decision } from '../supervision/decide.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { EncodedError } from '../thread/error-codec.ts';
import type { Suspect } from '../thread/protocol.ts';
import type { Draft } from './draft.ts';
import { bury, chargedWith, endsThreads, eventFailed, planFailure, threadEnded } from './failure.ts';
import type { FailingRecord } from './failure.ts';
import { eventIdOf } from './items.ts';
import type { EventItem, Item } from './items.ts';

type Marks = Readonly<Record<string, number>>;

export class Blame {
  readonly #address: Address;
  readonly #policy: ResolvedPolicy;
  #failing: FailingRecord | undefined;
  #acquitted: FailingRecord | undefined;
  #restarts: readonly number[] = [];
  /** Set when a turn of this actor ended the thread before this one; charged once, however often the cell reloads. */
  #suspect: Suspect | undefined;
  #isCharged = false;

  constructor(address: Address, policy: ResolvedPolicy) {
    this.#address = address;
    this.#policy = policy;
  }

  /** Takes up what the store knows, and main's charge that a turn ended the last thread. */
  take(suspect: Suspect | undefined, stored: FailingRecord | undefined): void {
    this.#suspect = suspect ?? this.#suspect;
    if (this.#isCharged) {
      this.#failing = stored ?? this.#failing;
      return;
    }
    this.#isCharged = this.#suspect !== undefined;
    this.#failing = chargedWith(this.#suspect, stored);
  }

  /** Notes the charge in the first commit after it. */
  note(draft: Draft): void {
    if (this.#suspect && this.#failing) draft.supervision = JSON.stringify({ event: this.#failing });
  }

  /** Why the actor itself must be held: it ends threads, and no event is to blame. */
  get threadFault(): TroupeError | undefined {
    const suspect = this.#suspect;
    return suspect && endsThreads(suspect, this.#failing) ? threadEnded(this.#address, suspect) : undefined;
  }

  /** Decides on a failure; anything but giving up is noted in `draft`. */
  decide(item: Item | undefined, error: EncodedError, now: number, draft: Draft, marks: Marks): Decision['action'] {
    const context = {
      address: this.#address,
      policy: this.#policy,
      failing: this.#failing,
      restarts: this.#restarts,
      now,
    };
    const { decision, failing } = planFailure(item, context);
    this.#restarts = decision.restarts;
    this.#failing = failing;
    if (decision.action === 'dead-letter') this.bury(item as EventItem, error, draft, marks);
    else if (failing && decision.action === 'retry') draft.supervision = JSON.stringify({ event: failing });
    return decision.action;
  }

  /** True when nothing is held against the actor that would be forgotten with its cell. */
  isClean(now: number): boolean {
    return (
      !this.#failing && !this.#suspect && this.#restarts.every((at) => at <= now - this.#policy.supervise.withinMs)
    );
  }

  /** How often the event that fails now has failed. */
  get attempts(): number | undefined {
    return this.#failing?.attempts;
  }

  /** Moves the event of an item to the dead letters and tells its sender. */
  bury(item: EventItem, error: EncodedError, draft: Draft, marks: Marks): void {
    const failure = eventFailed(this.#address, eventIdOf(item) as string, error);
    draft.reject(item, marks, { error: encodeError(failure) });
    bury(draft, this.#address, item, error, this.#failing?.attempts ?? MAX_EVENT_ATTEMPTS);
    draft.supervision = null;
    this.#failing = undefined;
  }

  /** Buries an event that has ended its thread too often, instead of trying it again. Returns false for any other. */
  buryPoison(item: Item, draft: Draft, marks: Marks): boolean {
    const failing = this.#failing;
    if (!this.#suspect || !failing || failing.attempts < MAX_EVENT_ATTEMPTS || failing.id !== eventIdOf(item))
      return false;
    this.bury(item as EventItem, encodeError(threadEnded(this.#address, this.#suspect)), draft, marks);
    return true;
  }

  /** What the last turn led to cannot be saved after all: its acquittal is taken back. */
  accuse(): void {
    this.#failing ??= this.#acquitted;
  }

  /** A turn went well: whatever it was blamed for before is forgotten. */
  acquit(what: string, draft: Draft): void {
    if (this.#failing?.id !== what) return;
    this.#acquitted = this.#failing;
    this.#failing = undefined;
    this.#suspect = undefined;
    draft.supervision = null;
  }
}
