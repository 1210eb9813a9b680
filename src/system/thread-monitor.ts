/**
 * Main's look at its threads, once a beat: reads what each has written into shared memory, and has those ended that are blocked or hold
 * too much. Owns one timer and what it remembers of the threads; `inspectBeats` decides.
 */
import type { Env, TimerHandle } from '../env.ts';
import { inspectBeats } from '../supervision/beats.ts';
import type { BeatLimits, BeatVerdict, Quiet } from '../supervision/beats.ts';
import { readPulse } from '../thread/beat.ts';
import { BEATS_PER_READING } from '../thread/heart.ts';
import type { BeatMark, Pulse } from '../thread/beat.ts';

/** What threads may do, and how often main looks. */
export interface MonitorLimits extends BeatLimits {
  /** Time a thread may be blocked, in milliseconds, unless the definition of the actor that runs says its own. */
  readonly hangMs: number;
  /** Time a thread may take to load and start, in milliseconds. */
  readonly startMs: number;
  readonly hangMsOf: (address: string) => number | undefined;
  /** Memory of the process, without what main itself is known to hold. */
  readonly readRssBytes: () => number;
}

/** A thread as the monitor sees it. */
export interface WatchedThread {
  readonly index: number;
  readonly incarnation: number;
  readonly beat: SharedArrayBuffer;
}

/** A thread that must be ended, and what it was doing if that is why. */
export interface Sentence extends BeatVerdict {
  readonly mark: BeatMark | undefined;
}

export interface ThreadMonitorOptions {
  readonly env: Env;
  readonly limits: MonitorLimits;
  /** Those that serve now. */
  readonly threads: () => readonly WatchedThread[];
  readonly condemn: (sentence: Sentence) => void;
}

export class ThreadMonitor {
  readonly #options: ThreadMonitorOptions;
  #known: ReadonlyMap<number, Quiet> = new Map();
  #timer: TimerHandle;
  #looks = 0;
  #rssBytes = 0;
  #lookedAtMs = 0;
  #spentMs = 0;

  constructor(options: ThreadMonitorOptions) {
    this.#options = options;
  }

  /** Time spent in looks, in milliseconds. */
  get spentMs(): number {
    return this.#spentMs;
  }

  /** Time a thread was seen not to beat, in milliseconds. */
  quietMsOf(index: number): number {
    return this.#known.get(index)?.quietMs ?? 0;
  }

  start(): void {
    this.#lookedAtMs = this.#options.env.monotonicMs();
    this.#schedule();
  }

  stop(): void {
    this.#options.env.clearTimeout(this.#timer);
  }

  #schedule(): void {
    const { env, limits } = this.#options;
    this.#timer = env.setTimeout(() => {
      // First: what a sentence leads to may stop this.
      this.#schedule();
      this.#look();
    }, limits.beatMs);
  }

  /** As often as threads read theirs. */
  #readRss(): number {
    if (this.#looks++ % BEATS_PER_READING === 0) this.#rssBytes = this.#options.limits.readRssBytes();
    return this.#rssBytes;
  }

  #look(): void {
    const { env, limits, threads, condemn } = this.#options;
    const startMs = env.monotonicMs();
    const seen = threads().map((thread) => ({ thread, pulse: readPulse(thread.beat) }));
    const look = {
      elapsedMs: startMs - this.#lookedAtMs,
      rssBytes: this.#readRss(),
      threads: seen.map(({ thread, pulse }) => toSeen(thread, pulse, limits)),
    };
    const { verdicts, known } = inspectBeats(this.#known, look, limits);
    this.#lookedAtMs = startMs;
    this.#known = known;
    this.#spentMs += env.monotonicMs() - startMs;
    for (const verdict of verdicts) {
      const pulse = seen.find(({ thread }) => thread.index === verdict.index)?.pulse;
      condemn({ ...verdict, mark: verdict.isCaught ? pulse?.mark : undefined });
    }
  }
}

function toSeen({ index, incarnation }: WatchedThread, pulse: Pulse, { hangMs, hangMsOf }: MonitorLimits) {
  const { beats, externalBytes, heapRoomBytes, mark } = pulse;
  const ownMs = mark && hangMsOf(mark.address);
  const isInTurn = mark !== undefined;
  return { index, incarnation, beats, externalBytes, heapRoomBytes, isInTurn, hangMs: ownMs ?? hangMs };
}

/** Memory of this process, without what main's own heap and buffers take. */
export function readRssBytes(): number {
  const { rss, heapTotal, external } = process.memoryUsage();
  return rss - heapTotal - external;
}
