/**
 * Env is the only door to the outside: time, randomness and ports. It is passed to everything; lint forbids the
 * globals elsewhere in `src`. The real Env lives here, the simulated one in `src/testing/`.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { AlarmQueue } from './alarms.ts';

/** Handle of a timer, opaque to its users. */
export type TimerHandle = unknown;

/** One end of a channel that carries strings or structured data, in order, asynchronously. */
export interface Port {
  post(message: unknown): void;
  /** Sets the one receiver. Messages that came before are kept and handed over first. */
  onMessage(receive: (message: unknown) => void): void;
  /** Called once, after the last message of the other end was handed over. */
  onClose(closed: () => void): void;
  close(): void;
}

/** The door to time, randomness and ports. */
export interface Env {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds on a clock that never goes back, with fractions; for durations only. */
  monotonicMs(): number;
  setTimeout(callback: () => void, delayMs: number): TimerHandle;
  /**
   * Runs `callback` once `now()` has reached `dueAt` (milliseconds since the epoch): never before, also when the clock is set
   * back; within a second when it is set forward. Callbacks run in order of time, then in the order they were set.
   * @throws {TroupeError} ERR_SCHEDULE_INVALID when `dueAt` is not a number, or beyond what a Date can hold.
   */
  setAlarm(dueAt: number, callback: () => void): TimerHandle;
  /** Takes back a timeout or an alarm. */
  clearTimeout(handle: TimerHandle): void;
  /** Runs `callback` after the current turn of the event loop, once its inputs have been gathered. */
  defer(callback: () => void): void;
  /** Uniform in [0, 1). */
  random(): number;
  /** 16 random bytes as 22 characters of [A-Za-z0-9_-]. */
  randomId(): string;
  /** A random UUID, version 4. */
  randomUuid(): string;
  /** Two connected ends within this thread. */
  createPort(): readonly [Port, Port];
}

/** Longest sleep Node's timers can do; longer ones fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** The real Env of this thread. */
export function createRealEnv(): Env {
  const alarms = createAlarms();
  return {
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimeout: (callback, delayMs) => setLongTimeout(callback, delayMs),
    setAlarm: (dueAt, callback) => {
      const alarm = alarms.set(dueAt, callback);
      return { clear: () => alarms.clear(alarm) };
    },
    clearTimeout: (handle) => (handle as RealTimer | undefined)?.clear(),
    defer: (callback) => void setImmediate(callback),
    random: () => Math.random(),
    randomId: () => randomBytes(16).toString('base64url'),
    randomUuid: () => randomUUID(),
    createPort: () => createLocalPorts((callback) => void setImmediate(callback)),
  };
}

interface RealTimer {
  clear(): void;
}

function createAlarms(): AlarmQueue {
  return new AlarmQueue({
    now: () => Date.now(),
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  });
}

/** A timeout of any length: sleeps in slices, since Node fires longer ones at once. */
function setLongTimeout(callback: () => void, delayMs: number): RealTimer {
  let remainingMs = Math.max(0, delayMs);
  let handle: NodeJS.Timeout;
  const arm = (): void => {
    const sliceMs = Math.min(remainingMs, MAX_TIMER_MS);
    remainingMs -= sliceMs;
    handle = setTimeout(remainingMs > 0 ? arm : callback, sliceMs);
  };
  arm();
  return { clear: () => clearTimeout(handle) };
}

/**
 * In-process ports: asynchronous, in order, and closed like a MessagePort pair.
 * @param maxPerTurn how many messages one `defer` hands over
 */
export function createLocalPorts(
  defer: (callback: () => void) => void,
  maxPerTurn: number = Infinity,
): readonly [Port, Port] {
  const first = new LocalPort(defer, maxPerTurn);
  const second = new LocalPort(defer, maxPerTurn);
  first.peer = second;
  second.peer = first;
  return [first, second];
}

class LocalPort implements Port {
  peer: LocalPort | undefined;
  readonly #defer: (callback: () => void) => void;
  readonly #maxPerTurn: number;
  #receive: ((message: unknown) => void) | undefined;
  #closed: (() => void) | undefined;
  #isOpen = true;
  #isScheduled = false;
  #queue: unknown[] = [];
  #isEnding = false;

  constructor(defer: (callback: () => void) => void, maxPerTurn: number) {
    this.#defer = defer;
    this.#maxPerTurn = maxPerTurn;
  }

  post(message: unknown): void {
    if (this.#isOpen) this.peer?.accept(message);
  }

  onMessage(receive: (message: unknown) => void): void {
    this.#receive = receive;
    this.#schedule();
  }

  onClose(closed: () => void): void {
    this.#closed = closed;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#queue = [];
    this.peer?.end();
  }

  accept(message: unknown): void {
    this.#queue.push(message);
    this.#schedule();
  }

  end(): void {
    this.#isEnding = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#isOpen) return;
    this.#isScheduled = true;
    this.#defer(() => this.#drain());
  }

  #drain(): void {
    this.#isScheduled = false;
    if (!this.#receive) return;
    const messages = this.#queue.splice(0, this.#maxPerTurn);
    for (const message of messages) if (this.#isOpen) this.#receive(message);
    if (this.#queue.length > 0) return this.#schedule();
    if (this.#isEnding && this.#isOpen) {
      this.#isOpen = false;
      this.#closed?.();
    }
  }
}
