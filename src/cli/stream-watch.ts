/**
 * Reads the stream of a namespace from a place on and stays with it: over gaps and reconnects the client goes on by itself;
 * a stream that was removed, made anew or lost its end (a server without power) is looked for again.
 */
import type { Env } from '../env.ts';
import type { NatsClient, NatsSubscription, StreamInfo, StreamMessage } from '../nats/client.ts';
import { TroupeError } from '../errors.ts';
import { toStreamName } from '../nats/names.ts';
import { findPlace } from './time-place.ts';

/** What a watch needs. */
export interface StreamWatchParts {
  readonly client: NatsClient;
  readonly env: Env;
  /** Subjects asked of the server; undefined: all of the stream. */
  readonly subjects: readonly string[] | undefined;
  readonly onMessage: (message: StreamMessage, isOld: boolean) => Promise<void>;
  /** Says something of the work itself. */
  readonly note: (line: string) => void;
}

const LOOK_EVERY_MS = 1000;

/** One stream, watched. */
export class StreamWatch {
  readonly #parts: StreamWatchParts;
  readonly #stream: string;
  #created = '';
  #seenSeq = 0;
  /** What was there when the watch began ends here. */
  #oldUntilSeq = 0;
  #following: NatsSubscription | undefined;
  #isFollowed = false;
  #isLookDue = false;
  #isLooking = false;
  #isOver = false;

  constructor(parts: StreamWatchParts) {
    this.#parts = parts;
    this.#stream = toStreamName(parts.client.namespace);
  }

  /** @param since what the stream took from then on is shown first. @throws {TroupeError} ERR_NATS_STREAM when there is none. */
  async begin(since: number | undefined): Promise<void> {
    const { client } = this.#parts;
    const info = await client.jet.streamInfo(this.#stream);
    if (!info) throw noStream(this.#stream, client);
    const timeOf = async (seq: number): Promise<number | undefined> =>
      (await client.jet.message(this.#stream, seq))?.time;
    this.#oldUntilSeq = info.lastSeq;
    await this.#follow(info, since === undefined ? info.lastSeq : await findPlace(info, since, timeOf));
  }

  /** To be called when the connection is back: the stream may be another one. */
  look(): void {
    this.#isLookDue = true;
    if (!this.#isLooking) void this.#lookUntilFound();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#following?.stop();
  }

  async #follow({ created }: StreamInfo, afterSeq: number): Promise<void> {
    this.#created = created;
    this.#seenSeq = afterSeq;
    this.#isFollowed = true;
    const { client, subjects } = this.#parts;
    try {
      this.#following = await client.jet.follow(this.#stream, {
        afterSeq,
        ...(subjects && { subjects }),
        onMessage: (message) => this.#take(message, created),
        onTrouble: (trouble) => this.#hear(trouble),
      });
    } catch (error) {
      this.#isFollowed = false;
      throw error;
    }
  }

  #hear({ text, isOver }: { readonly text: string; readonly isOver: boolean }): void {
    if (this.#isOver) return;
    this.#parts.note(`troupe: ${text}`);
    if (!isOver) return;
    this.#isFollowed = false;
    this.look();
  }

  async #take(message: StreamMessage, created: string): Promise<void> {
    if (this.#isOver || created !== this.#created || message.seq <= this.#seenSeq) return;
    this.#seenSeq = message.seq;
    await this.#parts.onMessage(message, message.seq <= this.#oldUntilSeq);
  }

  /** Nothing is awaited between the last look and its end: whoever wants another one meanwhile gets it. */
  async #lookUntilFound(): Promise<void> {
    this.#isLooking = true;
    while (this.#isLookDue && !this.#isOver) {
      this.#isLookDue = false;
      if (await this.#isFound().catch(() => false)) continue;
      this.#isLookDue = true;
      await this.#sleep();
    }
    this.#isLooking = false;
  }

  /** True when the stream is followed, perhaps from another place than before. */
  async #isFound(): Promise<boolean> {
    const info = await this.#parts.client.jet.streamInfo(this.#stream);
    if (!info) return false;
    const isSame = info.created === this.#created;
    const isWhole = isSame && info.lastSeq >= this.#seenSeq;
    if (isWhole && this.#isFollowed) return true;
    await this.#following?.stop();
    if (!isWhole) this.#oldUntilSeq = 0;
    const why = isWhole ? '' : isSame ? ', which has lost its end' : ', which was made anew';
    this.#parts.note(`troupe: going on with stream '${this.#stream}'${why}`);
    await this.#follow(info, isWhole ? this.#seenSeq : isSame ? info.lastSeq : 0);
    return true;
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => this.#parts.env.setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function noStream(stream: string, { info: { url }, namespace }: NatsClient): TroupeError {
  return new TroupeError(
    'ERR_NATS_STREAM',
    `There is no stream '${stream}' on ${url}. Start a system with nats: { servers, namespace: '${namespace}' }, which makes it, or name another namespace with --namespace.`,
    { details: { stream } },
  );
}
