/**
 * Takes the events of others from the stream into the log of this store. Each is committed together with the place in the stream, so it is
 * there once or not at all, in the order of the stream (decision 0019). Owned by main.
 *
 * Invariants: I1 commits are posted in the order of the stream; I2 what this store sent itself is passed over; I3 a message that cannot be taken becomes a
 * dead letter of `bus/nats`, and the next one is read; I4 at every connection the place is compared with the stream, and read anew from the beginning where
 * the stream is another: what is known falls to the ids in the log.
 */
import { toAddress } from '../actor/address.ts';
import type { Env } from '../env.ts';
import { TroupeError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { Commit, CommitResult, DeadLetter, NewPublication, Published } from '../store/store.ts';
import { encodeError } from '../thread/error-codec.ts';
import { withTimeout } from '../with-timeout.ts';
import type { NatsClient, NatsSubscription, StreamInfo, StreamMessage } from './client.ts';
import { fromStream } from './cloud-event.ts';
import type { EventPlace } from './cloud-event.ts';
import { LinkGate } from './link-state.ts';
import { Seldom } from './seldom.ts';
import { comparePlace, countGone, fromPlaceText, markOf, toPlaceText } from './stream-place.ts';
import type { PlaceFinding, StreamPlace } from './stream-place.ts';

/** Name of its place in the store. */
export const INLET_PLACE = '#inlet';

/** Who publishes what comes in, and whose dead letters what cannot come in is. */
export const NATS_ADDRESS = toAddress('bus', 'nats');

/** Most commits without an answer, and most characters in them: more are not read from the stream. */
const MAX_UNANSWERED = 256;
const MAX_UNANSWERED_CHARS = 8_000_000;

/** After so many messages that were passed over, the place is saved by itself. */
const PASSED_PER_SAVE = 1000;

/** Before it begins again after a failure. */
const RETRY_MS = 500;

/** Between two lines about events that cannot be taken; each of them is a dead letter. */
const LOG_EVERY_MS = 1000;

/** Time for what was read to be committed when it is stopped. */
const SETTLE_MS = 5000;

/** Told of what came in, so that the hosts of its receivers can be hinted. */
export type HintReceived = (published: Published, publication: NewPublication, at: number) => void;

export interface InletOptions {
  readonly env: Env;
  readonly log: Logger;
  readonly store: StoreClient;
  readonly client: NatsClient;
  readonly place: EventPlace;
  /** Makes or checks the stream. */
  readonly ensureStream: () => Promise<StreamInfo>;
  readonly hint: HintReceived;
}

/** What an inlet has done. */
export interface InletStats {
  /** Position of the stream up to which everything was read. */
  readonly streamSeq: number;
  /** Messages of the stream that are still to be read, as far as that is known. */
  readonly behind: number;
  readonly received: number;
  readonly refused: number;
}

export class Inlet {
  readonly #options: InletOptions;
  readonly #gate: LinkGate;
  readonly #lines: Seldom;
  #place: StreamPlace | undefined;
  #behind = 0;
  #received = 0;
  #refused = 0;
  #passed = 0;
  #unanswered = 0;
  #unansweredChars = 0;
  #isFailing = false;
  #running: Promise<void> | undefined;

  private constructor(options: InletOptions, place: StreamPlace | undefined) {
    this.#options = { ...options, log: options.log.with({ component: 'nats-inlet' }) };
    this.#gate = new LinkGate(options.client, options.env);
    this.#lines = new Seldom(options.env, LOG_EVERY_MS);
    this.#place = place;
  }

  /** An inlet at its saved place. */
  static async open(options: InletOptions): Promise<Inlet> {
    const kept = await options.store.call('cursor', INLET_PLACE);
    return new Inlet(options, kept && fromPlaceText(kept.pos, kept.pattern));
  }

  /** Sets the place of a new inlet at the end of the stream: it takes what comes from here on. */
  async begin(): Promise<void> {
    await this.#settlePlace(await this.#options.ensureStream());
  }

  /** Begins to read. */
  start(): void {
    this.#running ??= this.#run();
  }

  get stats(): InletStats {
    const [received, refused, behind] = [this.#received, this.#refused, this.#behind];
    return { streamSeq: this.#place?.seq ?? 0, behind, received, refused };
  }

  /** Ends it, once what was read is committed. */
  async stop(): Promise<void> {
    this.#gate.stop();
    const { env } = this.#options;
    await withTimeout(env, SETTLE_MS, (done) => void this.#end().then(done, done));
  }

  async #end(): Promise<void> {
    await this.#running;
    if (this.#passed > 0) this.#savePassed();
    while (this.#unanswered > 0) await this.#answered();
  }

  async #run(): Promise<void> {
    while (!this.#gate.isStopped) {
      await this.#gate.connected();
      if (this.#gate.isStopped) return;
      try {
        await this.#read();
      } catch (error) {
        this.#note(error);
        await this.#gate.changed(RETRY_MS);
      }
    }
  }

  /** Reads until the connection changes, the reader ends, or it is stopped. */
  async #read(): Promise<void> {
    const { client, ensureStream } = this.#options;
    const { epoch } = this.#gate;
    const stream = await ensureStream();
    const place = await this.#settlePlace(stream);
    let isOver = false;
    const reading = await client.jet.follow(stream.name, {
      afterSeq: place.seq,
      onMessage: (message) => this.#take(message, stream.created),
      onTrouble: ({ text, isOver: isEnd }) => {
        this.#options.log.info('the reading of the stream begins anew', { stream: stream.name, reason: text });
        isOver ||= isEnd;
        this.#gate.nudge();
      },
    });
    this.#isFailing = false;
    while (!isOver && !this.#gate.isStopped && epoch === this.#gate.epoch) await this.#gate.changed();
    await this.#endReading(reading);
  }

  async #endReading(reading: NatsSubscription): Promise<void> {
    this.#wakeReader();
    await reading.stop();
  }

  /** The place to read from. One that is of another stream, or of what this one has lost, is at the beginning of it again. */
  async #settlePlace(stream: StreamInfo): Promise<StreamPlace> {
    const { jet } = this.#options.client;
    const place = this.#place;
    if (!place) return this.#putPlace({ seq: stream.lastSeq, created: stream.created, mark: undefined });
    const isThere = place.seq >= stream.firstSeq && place.seq <= stream.lastSeq && place.seq > 0;
    const there = isThere && place.mark !== undefined ? await jet.message(stream.name, place.seq) : undefined;
    const finding = comparePlace(place, stream, there);
    if (finding === 'same') return this.#passGone(place, stream);
    this.#sayOther(finding, place, stream);
    return this.#putPlace({ seq: 0, created: stream.created, mark: undefined });
  }

  /** What the stream has removed unread never comes: that is said, once. */
  async #passGone(place: StreamPlace, stream: StreamInfo): Promise<StreamPlace> {
    const count = countGone(place, stream);
    if (count === 0) return place;
    this.#options.log.warn(
      'the stream has removed messages that were not read here; those of others among them are lost to this system. Keep events for longer (topicRetentionMs), or be away for less',
      { stream: stream.name, readTo: place.seq, firstSeq: stream.firstSeq, atMost: count },
    );
    return this.#putPlace({ seq: stream.firstSeq - 1, created: stream.created, mark: undefined });
  }

  async #putPlace(place: StreamPlace): Promise<StreamPlace> {
    const { store } = this.#options;
    while (this.#unanswered > 0 && !this.#gate.isStopped) await this.#answered();
    await store.call('setCursor', INLET_PLACE, { pattern: toPlaceText(place), pos: place.seq });
    this.#place = place;
    return place;
  }

  #sayOther(finding: Exclude<PlaceFinding, 'same'>, place: StreamPlace, stream: StreamInfo): void {
    const why = {
      replaced: 'the stream was made anew',
      shorter: 'the stream ends before where it was read to: the server has lost its tail',
      rewritten: 'the stream holds something else where it was read to: the server has lost its tail',
    }[finding];
    this.#options.log.warn(`${why}; it is read again from its beginning, and what is known counts once`, {
      stream: stream.name,
      readTo: place.seq,
      lastSeq: stream.lastSeq,
    });
  }

  /** Takes one message; what it returns holds up the reader. */
  #take(message: StreamMessage, created: string): Promise<void> | undefined {
    if (this.#gate.isStopped) return undefined;
    this.#place = { seq: message.seq, created, mark: markOf(message) };
    this.#behind = message.pending;
    const event = fromStream(message, this.#options.place);
    if (event.kind === 'own') this.#passOver();
    else if (event.kind === 'event') this.#commit(event.publication, message);
    else this.#refuse(message, event.error);
    return this.#isFull ? this.#room() : undefined;
  }

  get #isFull(): boolean {
    return this.#unanswered >= MAX_UNANSWERED || this.#unansweredChars >= MAX_UNANSWERED_CHARS;
  }

  async #room(): Promise<void> {
    while (this.#isFull && !this.#gate.isStopped) await this.#answered();
  }

  #passOver(): void {
    if (++this.#passed >= PASSED_PER_SAVE) this.#savePassed();
  }

  #savePassed(): void {
    this.#passed = 0;
    this.#post({}, 0, () => {});
  }

  #commit(publication: NewPublication, message: StreamMessage): void {
    const at = this.#options.env.now();
    this.#post({ publish: [publication], at }, message.data.length, (result) => {
      if (result.outcome === 'refused') return this.#refuse(message, toRefusal(publication, result));
      this.#received++;
      const published = result.outcome === 'done' ? result.published?.[0] : undefined;
      if (published) this.#options.hint(published, publication, at);
    });
  }

  #refuse(message: StreamMessage, error: TroupeError): void {
    this.#refused++;
    this.#lines.note((count) =>
      this.#options.log.warn('an event from the NATS server cannot be taken; it becomes a dead letter', {
        count,
        subject: message.subject,
        streamSeq: message.seq,
        error: encodeError(error),
      }),
    );
    this.#post({ deadLetters: [toLetter(message, error)] }, message.data.length, (result) => {
      if (result.outcome !== 'refused') return;
      const detail = result.detail ?? result.reason;
      this.#options.log.error('a dead letter was refused by the store', { address: NATS_ADDRESS, detail });
    });
  }

  /** Posts a commit with the place there is. */
  #post(part: Partial<Commit>, chars: number, onResult: (result: CommitResult) => void): void {
    const { store, env } = this.#options;
    const place = this.#place;
    this.#unanswered++;
    this.#unansweredChars += chars;
    this.#passed = 0;
    const orphan = { address: NATS_ADDRESS, seq: 0, epoch: 1, version: 1, at: env.now(), status: 'active' } as const;
    const kept = place && { place: { name: INLET_PLACE, pattern: toPlaceText(place), pos: place.seq } };
    store.post({ ...orphan, ...part, ...kept }, (result) => {
      this.#unanswered--;
      this.#unansweredChars -= chars;
      onResult(result);
      this.#wakeReader();
    });
  }

  #onAnswer: (() => void)[] = [];

  #answered(): Promise<void> {
    return new Promise((resolve) => this.#onAnswer.push(resolve));
  }

  #wakeReader(): void {
    for (const wake of this.#onAnswer.splice(0)) wake();
  }

  /** Says once that it cannot read, until it can again. */
  #note(error: unknown): void {
    if (this.#isFailing || this.#gate.isStopped) return;
    this.#isFailing = true;
    const fields = { retryInMs: RETRY_MS, error: encodeError(error) };
    this.#options.log.warn('events of others cannot be read from the NATS server; trying again', fields);
  }
}

function toRefusal(
  { id, topic }: NewPublication,
  { reason, detail = reason }: Extract<CommitResult, { readonly outcome: 'refused' }>,
): TroupeError {
  const isFanOut = reason === 'fan-out';
  return new TroupeError(
    isFanOut ? 'ERR_FAN_OUT' : 'ERR_EVENT_INVALID',
    `The store refused the event '${id}' on '${topic}' from the NATS server: ${detail}. ${isFanOut ? 'Use fewer subscribers, or raise maxFanOut.' : 'Mend what it names.'}`,
    { details: { topic, id, reason } },
  );
}

/** A message as an operator finds it: what came, as text or, where it is none, in base64. */
function toLetter(message: StreamMessage, error: TroupeError): DeadLetter {
  const { subject, seq, headers, data } = message;
  const text = message.text();
  const isText = Buffer.from(text).equals(data);
  const body = isText ? { text } : { base64: Buffer.from(data).toString('base64') };
  return {
    id: `nats-${seq}`,
    sender: headers['troupe-origin'] ?? 'nats',
    text: JSON.stringify({ subject, streamSeq: seq, headers, ...body }),
    error: JSON.stringify(encodeError(error)),
    attempts: 1,
  };
}
