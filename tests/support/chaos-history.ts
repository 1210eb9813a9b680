/**
 * The history of a chaos run: one file of JSON lines, written synchronously, so that a line is kept even when the process
 * is killed right after. An invocation is written before the send it announces, an outcome after it is known.
 */
import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';

/**
 * What may be sent. `bad` makes its receiver throw, so it is rejected in the end; `frail` goes to one that may come to its end, so it may be
 * rejected.
 */
export type ChaosOp =
  | 'note'
  | 'frail'
  | 'ask'
  | 'pass'
  | 'run'
  | 'bad'
  /** Schedules or takes back: an event whose effect does it, or the ref. */
  | 'plan'
  | 'schedule'
  | 'unschedule'
  /** Publishes: an event whose effect does it, or code. */
  | 'herald'
  | 'publish'
  /** Subscribes an actor, or ends that. */
  | 'subscribe'
  | 'unsubscribe';

/** What is asked of a key of an actor's schedule; with neither time it is taken back. */
export interface TimerOrder {
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly dueAt?: number;
  readonly afterMs?: number;
}

/** One call of `send`, `ask`, `schedule`, `unschedule` or `publish`. Calls with the same `id` are the same event; all of them carry that id as the caller's. */
export interface Invocation {
  readonly t: 'call';
  readonly id: string;
  readonly op: ChaosOp;
  readonly to: string;
  /** Where a `pass` goes next, or the ledger that a `run` writes to. */
  readonly route: readonly string[];
  /** The sending program, and its number of this call. */
  readonly from: string;
  readonly n: number;
  /** The id is given to the runtime, so the call may be repeated. */
  readonly isKeyed: boolean;
  /** Written at, in milliseconds since the epoch. */
  readonly at: number;
  readonly timer?: TimerOrder;
  /** Topic of a publication, or pattern of a subscription. */
  readonly topic?: string;
}

/** How a call ended. A call without an outcome is unknown. */
export interface CallOutcome {
  readonly t: 'end';
  readonly id: string;
  readonly from: string;
  readonly n: number;
  readonly is: 'ok' | 'fail' | 'unknown';
  /** Written at, in milliseconds since the epoch. */
  readonly at: number;
  readonly code?: string;
  readonly reply?: unknown;
}

/** An effect function began or came to its end. */
export interface EffectMark {
  readonly t: 'effect';
  readonly phase: 'begin' | 'end';
  readonly job: string;
  readonly id: string;
  readonly key: string;
  readonly attempt: number;
}

/** A process is about to open the store, or is gone. `id`: its sender. */
export interface LifeMark {
  readonly t: 'life';
  readonly phase: 'begin' | 'over';
  readonly id: string;
  readonly at: number;
}

/** An actor came into memory, in the process of that number. */
export interface WakeMark {
  readonly t: 'wake';
  readonly id: string;
  readonly process: number;
}

/** The subscription of code under a name is there. */
export interface WitnessMark {
  readonly t: 'witness';
  readonly id: string;
}

/** It received a publication, in the life of that sender. */
export interface HeardMark {
  readonly t: 'heard';
  readonly id: string;
  readonly life: string;
}

export type HistoryLine = Invocation | CallOutcome | EffectMark | LifeMark | WakeMark | WitnessMark | HeardMark;

/** Names the file for this process and its threads. */
export const HISTORY_VARIABLE = 'TROUPE_CHAOS_HISTORY';

let descriptor: number | undefined;
let openPath: string | undefined;

/** Writes one line. */
export function record(line: HistoryLine): void {
  const path = process.env[HISTORY_VARIABLE] ?? '/dev/null';
  if (path !== openPath) {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = openSync(path, 'a');
    openPath = path;
  }
  writeSync(descriptor as number, `${JSON.stringify(line)}\n`);
}

/** Reads what was written; a line that a kill cut off is removed, it announced nothing that was done. */
export function readHistory(path: string): readonly HistoryLine[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
  return whole === ''
    ? []
    : (whole
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)) as HistoryLine[]);
}

/** The keyed calls nobody knows the outcome of, the latest call of each. */
export function unknownCalls(history: readonly HistoryLine[]): readonly Invocation[] {
  const open = new Map<string, Invocation>();
  for (const line of history) {
    if (line.t === 'call' && line.isKeyed) open.set(line.id, line);
    if (line.t === 'end' && line.is !== 'unknown') open.delete(line.id);
  }
  return [...open.values()];
}
