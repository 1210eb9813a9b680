/**
 * Shared memory between a worker host and main: which actor's turn, or which effect function, runs right now, and that the
 * thread still comes to its event loop. When the thread dies or hangs, main knows since when, and in whose turn, without asking.
 */

/** Bytes per host: length of the text, count of beats, memory outside the heap and room in it, and the text: `address` and `what`, separated by a line break. */
export const BEAT_BYTES = 1024;

/** What a host was doing. */
export interface BeatMark {
  readonly address: string;
  /** Id of the event, `start`, `stop`, `internal`, or the key of an effect function. */
  readonly what: string;
}

/** What memory a thread holds. */
export interface ThreadMemory {
  /** What it holds outside its heap, such as buffers. */
  readonly externalBytes: number;
  /** What its heap may still grow by. */
  readonly heapRoomBytes: number;
}

/** What a host says of itself without being asked. */
export interface Pulse extends ThreadMemory {
  /** Signs of life: times its event loop has come to the timer of the beat, and turns that are over. */
  readonly beats: number;
  /** What it does now; nothing between turns. */
  readonly mark: BeatMark | undefined;
  /** What it did last. */
  readonly lastMark: BeatMark | undefined;
}

/** Places of the whole numbers. */
const LENGTH = 0;
const BEATS = 1;
/** Offsets of what follows them, in bytes. */
const MEMORY_AT = 8;
const TEXT_AT = 24;

const NOT_ASCII = /[^ -~\n]/;

const decoder = new TextDecoder();

/** The host's end. */
export class BeatWriter {
  readonly #counts: Int32Array;
  readonly #memory: Float64Array;
  readonly #text: Buffer;
  #written = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.#counts = new Int32Array(buffer, 0, 2);
    this.#memory = new Float64Array(buffer, MEMORY_AT, 2);
    this.#text = Buffer.from(buffer, TEXT_AT);
  }

  /** Notes what begins; call `clear` when it is over. */
  mark(address: string, what: string): void {
    const text = `${address}\n${what}`;
    // Of what callers choose anything may be in it; most is ASCII, which is written twice as fast so.
    this.#written = NOT_ASCII.test(text) ? this.#text.write(text, 'utf8') : this.#text.write(text, 'latin1');
    Atomics.store(this.#counts, LENGTH, this.#written);
  }

  /** Notes that it is over. The text stays: whoever ran last may have left the reason for what happens next. */
  clear(): void {
    Atomics.store(this.#counts, LENGTH, -this.#written);
  }

  /** Notes that a turn is over, which is a sign of life: a thread with many short ones to do may not come to its timers for long. */
  clearTurn(): void {
    this.clear();
    Atomics.add(this.#counts, BEATS, 1);
  }

  /** Forgets who ran last: what runs now belongs to nobody. */
  forget(): void {
    this.#written = 0;
    Atomics.store(this.#counts, LENGTH, 0);
  }

  /** Says that the event loop goes round, and what memory the thread holds now. */
  beat({ externalBytes, heapRoomBytes }: ThreadMemory): void {
    this.#memory[0] = externalBytes;
    this.#memory[1] = heapRoomBytes;
    Atomics.add(this.#counts, BEATS, 1);
  }
}

/** Everything the host has said. */
export function readPulse(buffer: SharedArrayBuffer): Pulse {
  const counts = new Int32Array(buffer, 0, 2);
  const length = Atomics.load(counts, LENGTH);
  const lastMark = length === 0 ? undefined : readMark(buffer, Math.abs(length));
  const [externalBytes = 0, heapRoomBytes = 0] = new Float64Array(buffer, MEMORY_AT, 2);
  return {
    beats: Atomics.load(counts, BEATS),
    externalBytes,
    heapRoomBytes,
    mark: length > 0 ? lastMark : undefined,
    lastMark,
  };
}

function readMark(buffer: SharedArrayBuffer, length: number): BeatMark {
  const [address = '', what = ''] = decoder.decode(new Uint8Array(buffer, TEXT_AT, length).slice()).split('\n');
  return { address, what };
}
