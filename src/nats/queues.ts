/**
 * Queue groups over NATS: the place of a group is a durable consumer on the server, which all systems of the namespace share. Each member asks for
 * one event at a time and acknowledges it when it is done, so an event comes at least once: what a member leaves when it dies goes to another.
 * Events have the position of the stream as their `seq`. Owned by main.
 */
import type { BusSubscription } from '../bus/bus.ts';
import type { SubscriberStats } from '../bus/bus-stats.ts';
import { assertAgrees } from '../bus/group-agreement.ts';
import type { MemberRequest, QueueEngine, QueueServices } from '../bus/queue-engine.ts';
import { isInWindow } from '../bus/replay-window.ts';
import type { Window } from '../bus/replay-window.ts';
import { pauseAfter } from '../bus/retries.ts';
import { matchesPattern } from '../bus/subjects.ts';
import { Trial } from '../bus/trial.ts';
import type { BusEventRow } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import type { AckableMessage, NatsClient, StreamInfo } from './client.ts';
import { fromStream } from './cloud-event.ts';
import { notConnected } from './faults.ts';
import { LinkGate } from './link-state.ts';
import { toEventSubject, toQueueName } from './names.ts';

/** An event whose member says nothing for so long goes to another. */
const ACK_WAIT_MS = 10_000;

/** Before a member takes part again after a failure. */
const RETRY_MS = 500;

export interface NatsQueuesOptions {
  readonly client: NatsClient;
  /** Makes or checks the stream. */
  readonly ensureStream: () => Promise<StreamInfo>;
  /** Resolves when what was published here before is on the stream, or that takes too long. */
  readonly sent: () => Promise<void>;
}

/** Makes the engine of a bus beside a NATS server. */
export function createNatsQueues(options: NatsQueuesOptions, services: QueueServices): QueueEngine {
  return new NatsQueues(options, services);
}

class NatsQueues implements QueueEngine {
  readonly #options: NatsQueuesOptions;
  readonly #services: QueueServices;
  readonly #groups = new Map<string, Set<Member>>();

  constructor(options: NatsQueuesOptions, services: QueueServices) {
    this.#options = options;
    this.#services = services;
  }

  async join(request: MemberRequest): Promise<BusSubscription> {
    const { queue, pattern } = request;
    const members = this.#groups.get(queue) ?? new Set();
    this.#groups.set(queue, members);
    for (const { request: theirs } of members) assertAgrees(theirs, request);
    const member = new Member(this.#options, this.#services, request);
    members.add(member);
    try {
      await member.begin();
    } catch (error) {
      this.#forget(member);
      throw error;
    }
    let ended: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      ended ??= member.stop().finally(() => this.#forget(member));
      return member.isWithin ? Promise.resolve() : ended;
    };
    return { pattern, queue, stop, [Symbol.asyncDispose]: stop };
  }

  has(queue: string): boolean {
    return this.#groups.has(queue);
  }

  async forget(queue: string): Promise<boolean> {
    await this.#end(queue);
    const { client, ensureStream } = this.#options;
    if (client.state !== 'connected') throw notConnected(`the group '${queue}'`, [client.info.url]);
    return client.jet.deleteQueue((await ensureStream()).name, toQueueName(queue));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#groups.keys()].map((queue) => this.#end(queue)));
  }

  /** The server has them. */
  async savePlaces(): Promise<void> {}

  abort(reason: Error): void {
    for (const members of this.#groups.values()) for (const member of members) member.abort(reason);
  }

  async stats(): Promise<readonly SubscriberStats[]> {
    return [...this.#groups].map(([queue, members]) => toStats(queue, [...members], this.#services));
  }

  async #end(queue: string): Promise<void> {
    const members = [...(this.#groups.get(queue) ?? [])];
    // Whoever ends it from within its handler does not wait for itself.
    const isOther = members.map(({ isWithin }) => !isWithin);
    const ended = members.map((member) => member.stop());
    await Promise.all(ended.filter((_, i) => isOther[i]));
    for (const member of members) this.#forget(member);
  }

  #forget(member: Member): void {
    const { queue } = member.request;
    const members = this.#groups.get(queue);
    members?.delete(member);
    if (members?.size === 0) this.#groups.delete(queue);
  }
}

/** One member: takes part for as long as there is a connection, until it is stopped. */
class Member {
  readonly request: MemberRequest;
  readonly #options: NatsQueuesOptions;
  readonly #services: QueueServices;
  readonly #gate: LinkGate;
  #trial: Trial;
  /** How the group begins where it is new. */
  #created = '';
  /** Up to where all is done with, whoever did it: what a group begins after that the server has lost. */
  #floorSeq = 0;
  #window: { readonly window: Window; readonly untilSeq: number } | undefined;
  #pending = 0;
  #running: Promise<void> | undefined;

  constructor(options: NatsQueuesOptions, services: QueueServices, request: MemberRequest) {
    this.request = request;
    this.#options = options;
    this.#services = services;
    this.#gate = new LinkGate(options.client, services.env);
    this.#trial = this.#createTrial(Infinity);
  }

  /** Events of the group nobody has taken, as far as that is known. */
  get pending(): number {
    return this.#pending;
  }

  get isLate(): boolean {
    return this.#trial.lateCount > 0;
  }

  get isWithin(): boolean {
    return this.#trial.isWithin;
  }

  /** Makes the group where it is new, and takes part. */
  async begin(): Promise<void> {
    const { client, ensureStream, sent } = this.#options;
    if (client.state !== 'connected') throw notConnected(`the group '${this.request.queue}'`, [client.info.url]);
    await sent();
    const stream = await ensureStream();
    this.#created = stream.created;
    const window = this.#windowOf();
    this.#floorSeq = window ? 0 : stream.lastSeq;
    this.#window = window && { window, untilSeq: stream.lastSeq };
    this.#trial = this.#createTrial(stream.lastSeq);
    const ended = await this.#takePart(stream);
    this.#running = this.#run(ended);
  }

  abort(reason: Error): void {
    this.#trial.abort(reason);
  }

  /** Ends what is under way, and takes no more. */
  async stop(): Promise<void> {
    this.#gate.stop();
    await this.#running;
  }

  #windowOf(): Window | undefined {
    const { replay } = this.request;
    return replay === 'default' ? undefined : replay.window;
  }

  #createTrial(liveAfter: number): Trial {
    const { env, log, tallies, handled, giveUp } = this.#services;
    const { queue, pattern, handler, timeoutMs, retries } = this.request;
    const durable = { name: queue, ids: handled.of(queue), giveUp };
    return new Trial({ env, log, pattern, handler, timeoutMs, retries, tally: tallies.of(queue), liveAfter, durable });
  }

  async #run(first: () => Promise<void>): Promise<void> {
    let ended: (() => Promise<void>) | undefined = first;
    while (!this.#gate.isStopped) {
      if (ended) await ended();
      ended = undefined;
      await this.#gate.connected();
      if (this.#gate.isStopped) return;
      try {
        ended = await this.#takePart(await this.#options.ensureStream());
      } catch (error) {
        const { queue } = this.request;
        this.#services.log.warn('a queue group cannot be reached; trying again', { queue, error: encodeError(error) });
        await this.#gate.changed(RETRY_MS);
      }
    }
    await ended?.();
  }

  /** Takes part over one connection. Returns what resolves when that is over. */
  async #takePart({ name, created }: StreamInfo): Promise<() => Promise<void>> {
    const { client } = this.#options;
    const { queue, pattern } = this.request;
    const { epoch } = this.#gate;
    let isOver = false;
    const membership = await client.jet.queue(name, {
      name: toQueueName(queue),
      filters: [toEventSubject(client.namespace, pattern)],
      ackWaitMs: ACK_WAIT_MS,
      most: 1,
      // A group that the server has lost repeats what came since it was last seen there; in another stream it begins at the beginning.
      afterSeq: created === this.#created ? this.#floorSeq : 0,
      onMessage: (message) => this.#take(message),
      onTrouble: ({ isOver: isEnd }) => {
        isOver ||= isEnd;
        this.#gate.nudge();
      },
    });
    this.#created = created;
    this.#floorSeq = membership.floorSeq;
    return async () => {
      while (!isOver && !this.#gate.isStopped && epoch === this.#gate.epoch) await this.#gate.changed();
      await membership.stop();
    };
  }

  async #take(message: AckableMessage): Promise<void> {
    this.#pending = message.pending;
    const row = this.#toRow(message);
    if (!row || !this.#wants(row)) return void (await message.ack());
    const verdict = await this.#trial.try(row, message.attempt);
    if (verdict === 'again') message.nak(pauseAfter(this.request.retries, message.attempt));
    // Whether the server knows is not waited for: what comes again is known here by its id.
    else if (verdict === 'buried') message.term('it became a dead letter');
    else void message.ack();
  }

  /** What is no event is said by the inlet. */
  #toRow(message: AckableMessage): BusEventRow | undefined {
    const event = fromStream(message, { namespace: this.#options.client.namespace, storeId: '' });
    if (event.kind !== 'event') return undefined;
    const { attributes = null, received, ...rest } = event.publication;
    const { origin, source, time } = received;
    return { ...rest, pos: message.seq, at: message.time, attributes, origin, source, time };
  }

  #wants(row: BusEventRow): boolean {
    const { pattern, priorities } = this.request;
    if (!matchesPattern(pattern, row.topic) || (priorities && !priorities.includes(row.priority))) return false;
    return !this.#window || row.pos > this.#window.untilSeq || isInWindow(this.#window.window, row);
  }
}

function toStats(queue: string, members: readonly Member[], { tallies }: QueueServices): SubscriberStats {
  const { handled, failed, redelivered, missed } = tallies.of(queue).own;
  const [first] = members;
  return {
    name: queue,
    pattern: first?.request.pattern ?? '>',
    queue,
    members: members.length,
    behind: Math.max(0, ...members.map(({ pending }) => pending)),
    handled,
    failed,
    redelivered,
    missed,
    isStalled: members.some(({ isLate }) => isLate),
  };
}
