/**
 * Finds what is overdue (R11): events that wait and timers that were due, of actors that do not move although nothing seems wrong with
 * their threads. Recovery shows it everybody who has something to do, look by look; it says so once per stall.
 *
 * Invariants: O1 a stall is announced once, and again only when the actor has moved and stalled again; O2 who is announced did
 * not move between two looks in time, while the store could save; O3 what is remembered is of actors that wait.
 */
import type { Address } from '../actor/address.ts';
import type { Env } from '../env.ts';
import type { Logger } from '../observe/logger.ts';
import type { DueRow, Recoverable } from '../store/queries.ts';
import type { Announce, SystemEvents } from '../supervision/events.ts';
import { isLate, isStalled, isWorthNoting } from '../supervision/overdue.ts';
import type { Look, Waiting } from '../supervision/overdue.ts';

type What = SystemEvents['system.actor.overdue']['what'];

/** Stalls announced at one look; the others follow at the next, so that a store in trouble is not flooded with news of it. */
export const MAX_ANNOUNCED_PER_LOOK = 100;

export interface OverdueOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly announce: Announce;
  /** Time between two looks, in milliseconds. */
  readonly everyMs: number;
  /** How long something may wait, in milliseconds. */
  readonly overdueAfterMs: number;
  /** Told at the end of each look which event of each actor that has one waiting is the oldest: its position. */
  readonly noteWaiting?: (oldest: ReadonlyMap<Address, number>) => void;
}

/** What statistics say about what waits, as the last look saw it. */
export interface OverdueStats {
  /** How long the oldest event has waited that an actor could be processing, in milliseconds; 0 when none waits. */
  readonly oldestEventMs: number;
  /** Actors whose first timer or scheduled event was due longer ago than `overdueAfterMs`. */
  readonly overdueTimers: number;
}

interface Note {
  readonly mark: number;
  /** Since when it has waited: not later than it was first seen, whatever the clock said when it was written. */
  readonly at: number;
  isAnnounced: boolean;
}

type Notes = Readonly<Record<What, Map<Address, Note>>>;

const createNotes = (): Notes => ({ event: new Map(), timer: new Map() });

/** One look at everybody who has something to do. */
class OverdueLook {
  readonly #options: OverdueOptions;
  readonly #look: Look;
  readonly #before: Notes;
  readonly notes = createNotes();
  /** The position of the oldest event of each actor that has one waiting: it moves while the actor works. */
  readonly waiting = new Map<Address, number>();
  oldestAt = Infinity;
  overdueTimers = 0;
  #announced = 0;

  constructor(options: OverdueOptions, look: Look, before: Notes) {
    this.#options = options;
    this.#look = look;
    this.#before = before;
  }

  /** One of those with rows or effects. Those that are held keep their rows on purpose. */
  recoverable({ address, oldest, status = 'active' }: Recoverable): void {
    if (!oldest || status !== 'active') return;
    this.waiting.set(address, oldest.pos);
    const at = this.#see('event', address, { mark: oldest.pos, at: oldest.at });
    this.oldestAt = Math.min(this.oldestAt, at);
  }

  /** One of those with a timer or a scheduled event. */
  due({ address, dueAt }: DueRow): void {
    if (dueAt > this.#look.now) return;
    const waiting = { mark: dueAt, at: dueAt };
    if (isLate(waiting, this.#look)) this.overdueTimers++;
    this.#see('timer', address, waiting);
  }

  /** Returns since when it has waited. */
  #see(what: What, address: Address, { mark, at: writtenAt }: Waiting): number {
    const before = this.#before[what].get(address);
    const known = before?.mark === mark ? before : undefined;
    const at = Math.min(writtenAt, known?.at ?? this.#look.now);
    const waiting = { mark, at };
    if (!known && !isWorthNoting({ mark, at: writtenAt }, this.#look, this.#options.everyMs)) return at;
    const note = known ?? { mark, at, isAnnounced: false };
    this.notes[what].set(address, note);
    if (this.#announced >= MAX_ANNOUNCED_PER_LOOK || !isStalled(waiting, known, this.#look)) return at;
    note.isAnnounced = true;
    this.#announced++;
    this.#announce(what, address, this.#look.now - at);
    return at;
  }

  #announce(what: What, address: Address, ageMs: number): void {
    const { log, announce } = this.#options;
    const text = what === 'event' ? 'what waits for an actor is not processed' : 'a timer of an actor does not fire';
    log.warn(text, { component: 'overdue', address, ageMs });
    announce('system.actor.overdue', { address, what, ageMs });
  }
}

export type { OverdueLook };

export class Overdue {
  readonly #options: OverdueOptions;
  #notes = createNotes();
  #lastEnd: { readonly now: number; readonly monotonicMs: number } | undefined;
  #countsFrom = 0;
  #isInTrouble = false;
  /** The store was in trouble at some time since the last look. */
  #wasInTrouble = false;
  #oldestAt = Infinity;
  #overdueTimers = 0;

  constructor(options: OverdueOptions) {
    this.#options = options;
  }

  get stats(): OverdueStats {
    const waitedMs = this.#options.env.now() - this.#oldestAt;
    return { oldestEventMs: Math.max(0, waitedMs), overdueTimers: this.#overdueTimers };
  }

  /** While the store cannot save nobody can move: that time counts against nobody. */
  storeTrouble(isOn: boolean): void {
    this.#isInTrouble = isOn;
    this.#wasInTrouble = true;
  }

  /** Begins a look, one at a time. One that is given up changes nothing. */
  look(): OverdueLook {
    const { env, overdueAfterMs } = this.#options;
    const now = env.now();
    const isExcused = this.#wasInTrouble || this.#isLate(now);
    this.#wasInTrouble = this.#isInTrouble;
    if (isExcused) this.#countsFrom = now;
    const look = { now, countsFrom: this.#countsFrom, overdueAfterMs, isExcused };
    return new OverdueLook(this.#options, look, this.#notes);
  }

  /** A look has seen everybody: who was not seen waits no longer. */
  end({ notes, waiting, oldestAt, overdueTimers }: OverdueLook): void {
    const { env, noteWaiting } = this.#options;
    noteWaiting?.(waiting);
    this.#notes = notes;
    this.#oldestAt = oldestAt;
    this.#overdueTimers = overdueTimers;
    this.#lastEnd = { now: env.now(), monotonicMs: env.monotonicMs() };
  }

  /** True when nobody could look for a while, by either clock (the process was asleep, blocked, or not there), or the clock was set back. */
  #isLate(now: number): boolean {
    const { env, everyMs } = this.#options;
    const last = this.#lastEnd;
    return !last || now < last.now || Math.max(now - last.now, env.monotonicMs() - last.monotonicMs) > 2 * everyMs;
  }
}
