/**
 * The history of a run with a broker. Every life of a system writes one file of JSON lines, synchronously, so that a line
 * is kept even when the process is killed right after. A call is written before it is made, its outcome once it is known.
 */
import { existsSync, openSync, readFileSync, writeSync } from 'node:fs';

/** What every event of the load carries. */
export interface LoadData {
  /** Who publishes it: `A.host.1` is the host program of A in its first life, `F.1` a foreign client. */
  readonly from: string;
  /** Its number there, from 1. */
  readonly n: number;
  /** Milliseconds since the epoch, as all times here. */
  readonly sentAt: number;
}

/** The host program is about to publish. */
export interface CallLine extends LoadData {
  readonly t: 'call';
  readonly topic: string;
}

/** What became of it. A call without such a line is unknown. */
export interface OutcomeLine {
  readonly t: 'ok' | 'fail';
  readonly from: string;
  readonly n: number;
  readonly code?: string;
}

/** A subscriber of the host program has handled an event. */
export interface HeardLine extends LoadData {
  readonly t: 'heard';
  readonly by: string;
  readonly id: string;
  readonly at: number;
}

export type BrokerLine = CallLine | OutcomeLine | HeardLine;

/** Opens the file of one life. */
export function openHistory(path: string): (line: BrokerLine) => void {
  const descriptor = openSync(path, 'a');
  return (line) => void writeSync(descriptor, `${JSON.stringify(line)}\n`);
}

/** Reads what a life has written; what a kill cut off announced nothing. */
export function readLife(path: string): readonly BrokerLine[] {
  if (!existsSync(path)) return [];
  const whole = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return whole.map((line) => JSON.parse(line) as BrokerLine);
}
