/**
 * Shared memory between a worker host and main: which actor's turn, or which effect function, runs right now. When the
 * thread dies or hangs in it, main knows the culprit without asking.
 */

/** Bytes per host: a length, then `address` and `what`, separated by a line break. */
export const BEAT_BYTES = 1024;

/** What a host was doing. */
export interface BeatMark {
  readonly address: string;
  /** Id of the event, `start`, `stop`, `internal`, or the key of an effect function. */
  readonly what: string;
}

const decoder = new TextDecoder();

/** The host's end. */
export class BeatWriter {
  readonly #length: Int32Array;
  readonly #text: Buffer;

  constructor(buffer: SharedArrayBuffer) {
    this.#length = new Int32Array(buffer, 0, 1);
    this.#text = Buffer.from(buffer, 4);
  }

  /** Notes what begins; call `clear` when it is over. */
  mark(address: string, what: string): void {
    const text = `${address}\n${what}`;
    // Ids that callers choose may hold anything; everything else is ASCII, which is written twice as fast.
    const written = what.startsWith('id:') ? this.#text.write(text, 'utf8') : this.#text.write(text, 'latin1');
    Atomics.store(this.#length, 0, written);
  }

  clear(): void {
    Atomics.store(this.#length, 0, 0);
  }
}

/** What the host was doing last; nothing between turns. */
export function readBeat(buffer: SharedArrayBuffer): BeatMark | undefined {
  const length = Atomics.load(new Int32Array(buffer, 0, 1), 0);
  if (length === 0) return undefined;
  const [address = '', what = ''] = decoder.decode(new Uint8Array(buffer, 4, length).slice()).split('\n');
  return { address, what };
}
