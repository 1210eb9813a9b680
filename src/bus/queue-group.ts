/**
 * A queue group over the log of this store: one place, many members. Each event goes to one member that has nothing to do; members work side by
 * side, so there is no order. An event that fails comes again, after a pause, to any of them.
 */
import type { TimerHandle } from '../env.ts';
import type { BusSubscription } from './bus.ts';
import type { SubscriberStats } from './bus-stats.ts';
import { PAGE_EVENTS } from './event-reader.ts';
import type { Feed } from './feed.ts';
import { GroupBook } from './group-book.ts';
import type { GroupItem } from './group-book.ts';
import type { Place } from './place.ts';
import type { MemberRequest, QueueServices } from './queue-engine.ts';
import { pauseAfter } from './retries.ts';
import type { EventsAfter } from './stats.ts';
import type { Tally } from './tally.ts';
import { Trial } from './trial.ts';

export interface QueueGroupOptions {
  readonly services: QueueServices;
  /** What the group began with; its members agree with it. */
  readonly request: MemberRequest;
  readonly feed: Feed;
  readonly place: Place;
  /** Where the log ended when it began. */
  readonly liveAfter: number;
  readonly tally: Tally;
  /** Called once, when it has ended. */
  readonly onEnd: () => void;
}

interface Member {
  readonly trial: Trial;
  /** The event under way. */
  running: Promise<void> | undefined;
}

export class QueueGroup {
  readonly #options: QueueGroupOptions;
  readonly #book: GroupBook;
  readonly #members = new Set<Member>();
  readonly #free = new Set<Member>();
  /** Those with an event under way, also while they leave. */
  readonly #busy = new Set<Member>();
  readonly #timers = new Set<TimerHandle>();
  #isReading = false;
  #doneCount = 0;
  #savedPos: number;
  #closed: Promise<void> | undefined;

  constructor(options: QueueGroupOptions) {
    this.#options = options;
    this.#savedPos = options.feed.pos;
    this.#book = new GroupBook(options.feed.pos);
  }

  get request(): MemberRequest {
    return this.#options.request;
  }

  /** Settles when it has ended, once it is ending. */
  get closed(): Promise<void> | undefined {
    return this.#closed;
  }

  /** Adds a member, which begins at once. Not for a group that is ending. */
  join({ handler, timeoutMs }: MemberRequest): BusSubscription {
    const { services, request, liveAfter, tally } = this.#options;
    const { env, log, handled, giveUp } = services;
    const { pattern, queue, retries } = request;
    const durable = { name: queue, ids: handled.of(queue), giveUp };
    const trial = new Trial({ env, log, pattern, handler, timeoutMs, retries, tally, liveAfter, durable });
    const member: Member = { trial, running: undefined };
    this.#members.add(member);
    this.#free.add(member);
    this.#pump();
    let ended: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      ended ??= this.#leave(member);
      return trial.isWithin ? Promise.resolve() : ended;
    };
    return { pattern, queue, stop, [Symbol.asyncDispose]: stop };
  }

  /**
   * Ends all members. A handler of the group may do that; then it resolves at once.
   * @param isForGood the place is not saved any more
   */
  async stop(isForGood = false): Promise<void> {
    if (isForGood) this.#options.place.drop();
    const isWithin = [...this.#busy].some(({ trial }) => trial.isWithin);
    this.#closed ??= this.#end();
    if (!isWithin) await this.#closed;
  }

  /** Saves its place as it is. */
  savePlaceNow(): Promise<void> {
    return this.#options.place.settle(this.#book.pos);
  }

  abort(reason: Error): void {
    for (const { trial } of this.#busy) trial.abort(reason);
  }

  async stats(eventsAfter: EventsAfter): Promise<SubscriberStats> {
    const { request, tally } = this.#options;
    const { handled, failed, redelivered, missed } = tally.own;
    const { pattern, queue } = request;
    const isLate = [...this.#members].some(({ trial }) => trial.lateCount > 0);
    return {
      name: queue,
      pattern,
      queue,
      members: this.#members.size,
      behind: await eventsAfter(this.#book.pos),
      handled,
      failed,
      redelivered,
      missed,
      isStalled: isLate || this.#book.isHeld,
    };
  }

  /** Gives events to members that have nothing to do, and reads on for those that are left. */
  #pump(): void {
    for (const member of this.#free) {
      const item = this.#book.take();
      if (!item) break;
      this.#free.delete(member);
      this.#busy.add(member);
      member.running = this.#run(member, item);
    }
    if (this.#free.size > 0 && this.#book.wantsMore && !this.#isReading) void this.#read();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    const page = await this.#options.feed.next();
    this.#isReading = false;
    if (!page) return;
    this.#book.add(page);
    this.#savePlace();
    this.#pump();
  }

  async #run(member: Member, item: GroupItem): Promise<void> {
    const verdict = await member.trial.try(item.row, item.attempt);
    if (verdict === 'again') this.#postpone(item);
    else {
      this.#book.done(item.row);
      this.#doneCount++;
      if (verdict === 'buried') this.#saveAt(this.#book.pos);
      else this.#savePlace();
    }
    member.running = undefined;
    this.#busy.delete(member);
    if (this.#members.has(member)) this.#free.add(member);
    this.#pump();
  }

  #postpone({ row, attempt }: GroupItem): void {
    const { services, request } = this.#options;
    const timer = services.env.setTimeout(
      () => {
        this.#timers.delete(timer);
        this.#book.giveBack({ row, attempt: attempt + 1 });
        this.#pump();
      },
      pauseAfter(request.retries, attempt),
    );
    this.#timers.add(timer);
  }

  /** Now and then, and when there is nothing more to do. */
  #savePlace(): void {
    const isIdle = this.#doneCount > 0 && this.#book.isIdle && !this.#options.feed.hasMore;
    if (isIdle || this.#book.pos - this.#savedPos >= PAGE_EVENTS) this.#saveAt(this.#book.pos);
  }

  #saveAt(pos: number): void {
    this.#savedPos = pos;
    this.#doneCount = 0;
    this.#options.place.save(pos);
  }

  /** What the member has under way it ends. The last one ends the group. */
  async #leave(member: Member): Promise<void> {
    this.#members.delete(member);
    this.#free.delete(member);
    await member.running;
    // Somebody may have joined meanwhile.
    if (this.#members.size === 0) await (this.#closed ??= this.#end());
  }

  async #end(): Promise<void> {
    const { services, feed, place, onEnd } = this.#options;
    this.#members.clear();
    this.#free.clear();
    feed.cancel();
    await Promise.all([...this.#busy].map(async ({ running }) => running));
    for (const timer of this.#timers) services.env.clearTimeout(timer);
    await place.settle(this.#book.pos);
    onEnd();
  }
}
