/** One direction of one connection through the proxy. Bytes keep their order whatever happens to them. */
import type { Socket } from 'node:net';

/** What the proxy decides for all lanes of a direction. */
export interface LaneRules {
  isStalled(): boolean;
  delayMs(): number;
  /** How many of these bytes may be passed on; fewer than asked end the connection. */
  allow(bytes: number): number;
}

interface Held {
  readonly dueMs: number;
  /** Nothing: the sender has ended its side. */
  readonly chunk: Buffer | undefined;
}

/** Takes bytes from one socket and gives them to the other when the rules let them pass. */
export class ProxyLane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #rules: LaneRules;
  readonly #held: Held[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(from: Socket, to: Socket, rules: LaneRules) {
    this.#from = from;
    this.#to = to;
    this.#rules = rules;
    from.on('data', (chunk) => this.#take(chunk));
    from.on('end', () => this.#take(undefined));
    to.on('drain', () => this.pump());
  }

  /** Passes on what may go. */
  pump(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    // A stalled network is not read from either, so that the sender's buffers fill up.
    if (this.#rules.isStalled()) return void this.#from.pause();
    const nowMs = performance.now();
    for (let next = this.#held[0]; next && next.dueMs <= nowMs && !this.#isClosed; next = this.#held[0]) {
      this.#held.shift();
      this.#pass(next.chunk);
    }
    if (this.#isClosed) return;
    const next = this.#held[0];
    if (next) this.#timer = setTimeout(() => this.pump(), Math.ceil(next.dueMs - nowMs));
    if (this.#to.writableNeedDrain) this.#from.pause();
    else this.#from.resume();
  }

  /** Nothing is passed on any more. */
  close(): void {
    this.#isClosed = true;
    this.#held.length = 0;
    clearTimeout(this.#timer);
  }

  #take(chunk: Buffer | undefined): void {
    if (this.#isClosed) return;
    this.#held.push({ dueMs: performance.now() + this.#rules.delayMs(), chunk });
    this.pump();
  }

  #pass(chunk: Buffer | undefined): void {
    if (!chunk) return void this.#to.end();
    const allowed = this.#rules.allow(chunk.length);
    if (allowed > 0) this.#to.write(chunk.subarray(0, allowed));
    if (allowed < chunk.length) this.#isClosed = true;
  }
}
