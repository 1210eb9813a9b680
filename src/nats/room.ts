/** How much may be under way for clients on NATS: requests, and the bytes they hold. One always may, whatever its size. */
import { TroupeError } from '../errors.ts';

/** What may be under way at a time. */
export interface RoomLimits {
  readonly requests: number;
  readonly bytes: number;
}

export const ROOM: RoomLimits = { requests: 4096, bytes: 64 * 1024 * 1024 };

export class Room {
  readonly #limits: RoomLimits;
  #requests = 0;
  #bytes = 0;
  #onEmpty: (() => void)[] = [];

  constructor(limits: RoomLimits) {
    this.#limits = limits;
  }

  get requests(): number {
    return this.#requests;
  }

  /**
   * Takes room for a request. Returns what gives it back.
   * @throws {TroupeError} ERR_OVERLOADED
   */
  enter(subject: string, bytes: number): () => void {
    const { requests, bytes: most } = this.#limits;
    if (this.#requests >= requests || (this.#requests > 0 && this.#bytes + bytes > most)) throw this.#full(subject);
    this.#requests++;
    this.#bytes += bytes;
    return () => {
      this.#requests--;
      this.#bytes -= bytes;
      if (this.#requests === 0) for (const done of this.#onEmpty.splice(0)) done();
    };
  }

  /** Resolves when nothing is under way. */
  empty(): Promise<void> {
    if (this.#requests === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  #full(subject: string): TroupeError {
    return new TroupeError(
      'ERR_OVERLOADED',
      `${this.#requests} requests with ${this.#bytes} bytes are under way over NATS, so that the one on '${subject.slice(0, 256)}' was not taken. Await the answers of earlier ones, and send it again.`,
      { details: { requests: this.#limits.requests, bytes: this.#limits.bytes } },
    );
  }
}
